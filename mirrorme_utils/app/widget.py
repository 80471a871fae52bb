"""The app: choose a target and a source, see the source's expression on the target, save it.

Works in JupyterLab, Colab (ipywidgets 7) and Voila, without further extensions. Nothing that you upload is written
to disk; only "Save" writes, into `results/` of the working folder.

Taught in: notebook 14.
"""

import base64
import html
import time
import uuid
from pathlib import Path

import ipywidgets as widgets
from IPython.display import display
from PIL import Image

from .. import framing, pictures
from ..mirror import MirrorMe
from ..world.expressions import PARTS
from ..world.gallery import Tile
from .chooser import STAGE, Chooser

STRONGEST = 1.5
LINKED_BYTES = 6 * 2**20  # a larger result is saved, but not sent to the browser for a link
STYLE = """<style>
.{id} {{ overflow: visible; padding: 6px; --mm-ink: var(--jp-ui-font-color1, #1f2430);
  --mm-pale: var(--jp-ui-font-color2, #5c6370); }}
.{id} .mm-panels {{ display: flex; flex-flow: row wrap; gap: 24px; align-items: flex-start; overflow: visible; }}
.{id} .mm-panel {{ width: 300px; gap: 8px; overflow: visible; }}
.{id} .mm-panel > *, .{id} .mm-tools > * {{ margin: 0; }}
.{id} .mm-title {{ font-size: 17px; font-weight: 700; padding-left: 8px; border-left: 5px solid;
  color: var(--mm-ink); }}
.{id} .mm-target {{ border-color: #e69f00; }} .{id} .mm-source {{ border-color: #0072b2; }}
.{id} .mm-result {{ border-color: #009e73; }}
.{id} .mm-hint {{ color: var(--mm-pale); margin-left: 4px; }}
.{id} img.mm-stage, .{id} .mm-stage img {{ width: 300px; height: 300px; object-fit: contain; background: #eceff3;
  border-radius: 12px; display: block; overflow: hidden; }}
.{id} .mm-tiles {{ display: grid; grid-template-columns: repeat(6, 45px); gap: 6px; overflow: visible; }}
.{id} .mm-tile {{ width: 45px; height: 45px; min-width: 0; margin: 0; padding: 0; border: 0; border-radius: 8px;
  background-size: cover; background-color: #eceff3; box-shadow: 0 0 0 1px #c9ced8; cursor: pointer; }}
.{id} .mm-tile:hover, .{id} .mm-tile:focus {{ box-shadow: 0 0 0 2px #888; outline: none; }}
.{id} .mm-tile.mm-on {{ box-shadow: 0 0 0 3px #d55e00; }}
.{id} .mm-tools {{ gap: 8px; }}
.{id} .mm-tools > * {{ flex: 1 1 0; width: auto; }}
.{id} .mm-frame > *, .{id} .mm-wide {{ width: 296px; margin: 0; }}
.{id} .mm-frame label, .{id} .mm-wide > label {{ width: 62px; text-align: left; justify-content: flex-start; }}
.{id} .mm-parts > * {{ width: 74px; margin: 0; }} .{id} .mm-parts > .widget-label {{ width: 62px; }}
.{id} .mm-note, .{id} .mm-note > div {{ line-height: 1.35; font-size: 13px; height: auto; color: var(--mm-pale);
  white-space: normal; overflow-wrap: anywhere; }}
.{id} .mm-note a {{ color: #0072b2; text-decoration: underline; }}
.{id} .mm-warn, .{id} .mm-warn > div {{ color: #b3261e; }}
{pictures}
</style>"""


class App:
    """The widget; the last line of a cell shows it.

    Args:
        model: what puts the source's expression on the target (`MirrorMe.load`).
        targets, sources: tiles to choose from (see `gallery.tiles`).
        folder: where results are saved.
    """

    def __init__(
        self, model: MirrorMe, targets: list[Tile], sources: list[Tile], folder: str | Path = "results"
    ):  # fmt: skip
        self._model, self._folder, self._ready, self._planned = model, Path(folder), False, None
        self.target = Chooser("target", "Target", "keeps its face", targets, self._show)
        self.source = Chooser("source", "Source", "gives its expression", sources, self._show)
        self._stage = widgets.Image(format="jpeg").add_class("mm-stage")
        self.strength = widgets.FloatSlider(
            1.0, min=0, max=STRONGEST, step=0.05, description="Strength", readout_format=".2f"
        ).add_class("mm-wide")
        self.parts = {part: widgets.Checkbox(True, description=part.capitalize(), indent=False) for part in PARTS}
        moves = widgets.HBox([widgets.Label("Moves"), *self.parts.values()]).add_class("mm-parts")
        self.view = widgets.ToggleButtons(options=["Face", "Whole picture"], style={"button_width": "143px"})
        self.label = widgets.Checkbox(True, description="Write “synthetic” on the picture", indent=False)
        self.save = widgets.Button(description="Save the result", icon="download", button_style="success")
        self.save.add_class("mm-wide")
        self._note = widgets.HTML().add_class("mm-note")
        for control in (self.strength, *self.parts.values()):
            control.observe(lambda _: self._show(), "value")
        self.view.observe(lambda _: self._show(), "value")
        self.save.on_click(lambda _: self._save())
        head = widgets.HTML('<span class="mm-title mm-result">Result</span> <span class="mm-hint">synthetic</span>')
        rows = [head, self._stage, self.strength, moves, self.view, self.label, self.save, self._note]
        result = widgets.VBox(rows).add_class("mm-panel")
        panels = widgets.Box([self.target.widget, self.source.widget, result]).add_class("mm-panels")
        scope = "mm" + uuid.uuid4().hex[:8]
        rules = "\n".join(chooser.rules(scope) for chooser in (self.target, self.source))
        style = widgets.HTML(
            STYLE.format(id=scope, pictures=rules), layout=widgets.Layout(height="0", margin="0", overflow="hidden")
        )
        self.widget = widgets.VBox([style, panels]).add_class(scope)
        self._ready = True
        self._show()

    def _ipython_display_(self, **options):
        display(self.widget)

    @property
    def note(self) -> str:
        """What the line below the result says, as plain text."""
        return html.unescape(self._note.value)

    def result(self, side: int | None = None) -> Image.Image:
        """Return the result as the view asks: the face, or the whole target with its face changed.

        side: of the face, px; that of the target's square if not given.
        """
        asked = self.target.face, self.source.face, tuple(part for part, box in self.parts.items() if box.value)
        if self._planned is None or not all(a is b for a, b in zip(asked[:2], self._planned[:2])) or asked[2] != self._planned[2]:
            self._planned = *asked, self._model.plan(*asked)  # a step of the slider reads nothing again
        answer = self._model.show(self._planned[-1], self.strength.value, side)
        if self.view.value == "Face":
            return answer
        return framing.put_back(self.target.face, answer)

    def _show(self) -> None:
        if not self._ready:
            return
        larger = self.target.face.box.side < max(self.target.face.picture.size)
        self.view.layout.display = "" if larger else "none"
        if not larger and self.view.value != "Face":
            self.view.value = "Face"  # calls this again
            return
        shown = self.result(STAGE)
        shown.thumbnail((2 * STAGE, 2 * STAGE))
        self._stage.value = pictures.jpeg(shown)
        self._note.value = ""

    def _save(self) -> None:
        picture = self.result()
        picture = pictures.label(picture) if self.label.value else picture
        try:
            stem = time.strftime("mirrorme-%Y%m%d-%H%M%S")
            path = pictures.save_new(picture, self._folder, stem, self.strength.value)
        except OSError as error:
            self._note.value = html.escape(f"Not saved: {error}")
            return
        link, data = "", path.read_bytes()
        if len(data) < LINKED_BYTES:
            uri = "data:image/png;base64," + base64.b64encode(data).decode()
            link = f' <a download="{path.name}" href="{uri}">Download it</a>'
        self._note.value = f"Saved as {html.escape(str(path))}.{link}"
