"""The labeller: three faces side by side, click the one whose expression is least like the others.

Works in JupyterLab, Colab (ipywidgets 7) and Voila, without further extensions. A face is a button with the picture as
its background, so it is clicked or reached by Tab and pressed with Enter. ipywidgets passes no key presses on; the
field below the faces does: click into it once, then 1, 2, 3, u (undo), s (skip), + and - (zoom) work without the mouse.
The logic is in `votes.Session`; this module only shows it.

Taught in: notebook 02.
"""

import base64
import html
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

import ipywidgets as widgets
from IPython.display import display
from PIL import Image

from .. import framing, pictures
from ..data.votes import Session, alpha, read_votes

ZOOM = 100, 500, 40  # smallest and largest face on screen, and the step between, px
SETTLE = 0.3  # seconds; a press that comes sooner is a double click or a key held down, not a judgement
STYLE = """<style>
.{id} .mm-face {{ width: {side}px; height: {side}px; padding: 0; border: 3px solid #d5d9e0; border-radius: 10px;
  background-size: cover; background-position: center; background-color: #eceff3; position: relative; cursor: pointer;
  color: #fff; font-size: 17px; line-height: 1.5; text-align: left; box-shadow: none; text-shadow: 0 0 4px #000; }}
.{id} .mm-face:hover, .{id} .mm-face:focus {{ border-color: #d55e00; outline: none; box-shadow: 0 0 0 3px #fc96; }}
.{id} .mm-faces {{ gap: 14px; overflow: visible; }}
.{id} .mm-tools {{ gap: 8px; align-items: center; }}
{pictures}
</style>"""


def data_uri(picture: Image.Image, side: int) -> str:
    """Pack a PIL picture as a data URI for CSS: square by padding, JPEG, `side` pixels."""
    square = framing.padded(picture, side, "#eceff3")
    return "data:image/jpeg;base64," + base64.b64encode(pictures.jpeg(square)).decode()


class Labeller:
    """The widget; the last line of a cell shows it.

    Args:
        triplets: three image paths each; they are written to the store as given, so relative ones keep a store that can
            be shared. store: CSV that the votes are added to. rater: your name. root: folder that the paths are
            relative to. side: size of a face on screen, px. clock: returns seconds.
    Raises:
        ValueError: see `votes.Session`.
    """

    def __init__(
        self, triplets: Iterable[Iterable[Path | str]], store: Path | str, rater: str, root: Path | str = ".",
        side: int = 260, clock: Callable[[], float] = time.monotonic,
    ):  # fmt: skip
        self.session = Session(triplets, store, rater)
        self._root, self._side, self._clock, self._settled = root, side, clock, float("-inf")
        self._agreed, self._missing = "", []
        self._id = "mm" + uuid.uuid4().hex[:8]
        self._style = widgets.HTML(layout=widgets.Layout(height="0", margin="0", overflow="hidden"))
        self._question, self._note = widgets.HTML(), widgets.HTML()
        self.faces = [widgets.Button(description=f" {n}", tooltip=f"Face {n} is the odd one out") for n in (1, 2, 3)]
        for n, button in enumerate(self.faces, 1):
            button.add_class("mm-face").add_class(f"mm-face-{n}")
            button.on_click(lambda _, n=n: self._act(lambda: self._vote(n)))
        self.undo = widgets.Button(description="Undo (u)", icon="undo", tooltip="Take back the last vote or skip")
        self.skip = widgets.Button(
            description="Skip (s)", icon="forward", tooltip="Leave this triplet without a vote"
        )
        self.undo.on_click(lambda _: self._act(self.session.undo))
        self.skip.on_click(lambda _: self._act(self.session.skip))
        self.keys = widgets.Text(
            placeholder="click here, then press 1 2 3 u s + -",
            layout=widgets.Layout(width="240px"),
        )
        low, high, step = ZOOM
        self.zoom = widgets.IntSlider(
            value=side, min=low, max=high, step=step, description="Zoom", readout=False, continuous_update=False
        )
        self.zoom.observe(self._resize, "value")
        self.keys.observe(self._on_key, "value")
        self._bar = widgets.IntProgress(max=max(1, len(self.session.triplets)), layout=widgets.Layout(width="240px"))
        self._count = widgets.HTML()
        tools = widgets.HBox([self.undo, self.skip, self.keys, self.zoom]).add_class("mm-tools")
        self._row = widgets.HBox(self.faces).add_class("mm-faces")
        foot = widgets.HBox([self._bar, self._count]).add_class("mm-tools")
        self.widget = widgets.VBox([self._style, self._question, self._row, tools, foot, self._note]).add_class(self._id)
        self._resize()
        lost = self.session.damaged
        self._show(f"{lost} damaged line(s) of {self.session.store.name} passed over." if lost else "")

    def _ipython_display_(self, **options: object) -> None:
        display(self.widget)

    @property
    def note(self) -> str:
        """What the note line says, as plain text."""
        return html.unescape(self._note.value).removeprefix("<i>").removesuffix("</i>")

    def _on_key(self, change: dict) -> None:
        """Take the last character typed, then empty the field for the next."""
        key = change["new"][-1:].lower()
        if not key:
            return
        self.keys.value = ""
        if key in "123":
            self._act(lambda: self._vote(key))
        elif key in "+-":
            self.zoom.value += ZOOM[2] if key == "+" else -ZOOM[2]
        elif key in "us":
            self._act(self.session.undo if key == "u" else self.session.skip)
        else:
            self._show(f"“{key}” does nothing here: press 1, 2, 3, u, s, + or -.")

    def _resize(self, _: dict | None = None) -> None:
        self._side = self.zoom.value
        for button in self.faces:
            button.layout.width = button.layout.height = f"{self._side}px"
        self._show()

    def _agreement(self) -> str:
        """Say how far those who judged the same triplets agree, once there are ten of them; reads the whole log."""
        try:
            found, shared = alpha(read_votes(self.session.store))
        except OSError:
            return ""
        return f" · agreement of raters: α {found:.2f} on {shared} triplets" if shared >= 10 and found == found else ""

    def _vote(self, odd: int | str) -> None:
        if not self._missing:  # nobody judges what cannot be seen; the note line says so already
            self.session.vote(odd)

    def _act(self, action: Callable[[], object]) -> None:
        """Do what a button or key asks; what goes wrong is said in the note line and changes nothing.

        A press within `SETTLE` of the last one, or of the moment when a triplet appeared, is passed over: whoever
        pressed had not looked at it.
        """
        now = self._clock()
        soon, self._settled = now < self._settled, now + SETTLE
        if soon:
            return
        try:
            action()
        except IndexError as error:
            self._show(f"{str(error).capitalize()}.")
        except OSError as error:
            self._show(f"Not saved, vote again: {error}")
        else:
            self._show()
        self._settled = self._clock() + SETTLE  # presses that queued up while this was drawn are too soon as well

    def _show(self, note: str = "") -> None:
        """Show the current triplet, how far the rater has come, and a note."""
        triplet, progress = self.session.current, self.session.progress
        rules, self._missing = [], []
        for n, image in enumerate(triplet or (), 1):
            try:
                uri = data_uri(pictures.read(f"{self._root}/{image}"), self._side)
                rules.append(f".{self._id} .mm-face-{n} {{ background-image: url({uri}); }}")
            except (pictures.PictureError, OSError):
                self._missing.append(image)
        if self._missing:
            note = f"{note} Cannot be shown: {', '.join(self._missing)}. Skip this triplet.".strip()
        self._style.value = STYLE.format(id=self._id, side=self._side, pictures="\n".join(rules))
        who = html.escape(self.session.rater)
        self._question.value = (
            f"<b>{who}</b>, whose <b>expression</b> is least like the other two? Who it is does not matter."
            if triplet
            else f"<b>All done, {who}. Thank you!</b>"
        )
        for button in self.faces:
            button.disabled = triplet is None or bool(self._missing)
        self.skip.disabled = triplet is None
        self._row.layout.display = "none" if triplet is None else ""
        self.undo.disabled = self.session.last is None
        if progress.voted % 10 == 0:
            self._agreed = self._agreement()
        self._bar.value = progress.voted + progress.skipped
        rate = f" · {progress.per_minute:.0f} a minute" if progress.per_minute else ""
        skipped = f" · {progress.skipped} skipped" if progress.skipped else ""
        self._count.value = f"{progress.voted + progress.skipped} of {progress.total}{skipped}{rate}{self._agreed}"
        self._note.value = f"<i>{html.escape(note)}</i>" if note else ""
