"""Choose one face: click a tile, or upload a picture and move the frame. Half of the app, used twice."""

import base64
import html
import os
from collections.abc import Callable

import ipywidgets as widgets

from .. import framing, pictures
from ..framing import Box, Framed
from ..networks import finder
from ..world.gallery import Tile

STAGE = 448  # px of the large view; shown at about 300, so that it stays sharp on dense screens
THUMBNAIL = 128
UPLOAD_BYTES = 30 * 2**20  # the page's limit; JupyterLab's own is lower


def percent(description: str, least: float = 0) -> widgets.FloatSlider:
    """Make one of the frame's sliders."""
    return widgets.FloatSlider(100, min=least, max=100, step=0.5, description=description, readout=False)


def uploaded(value) -> tuple[str, bytes] | None:
    """Take name and content of the first file from the value of an ipywidgets `FileUpload`, or None if it is empty.

    ipywidgets 7 (Colab) gives {name: {"content": bytes, …}}, ipywidgets 8 a tuple of {"name", "content"}.
    """
    if not value:
        return None
    name, file = next(iter(value.items())) if isinstance(value, dict) else (value[0]["name"], value[0])
    return os.path.basename(str(name))[-60:], bytes(file["content"])


class Chooser:
    """The widget of one side.

    Args:
        role: "target" or "source"; it names the colours of the style sheet.
        title: what the side is called. hint: one line that says what it gives.
        tiles: pictures to choose from; the first is chosen.
        on_change: called without arguments after each change of the choice.
    Attributes:
        face: what is chosen: a picture and its frame.
    """

    def __init__(self, role: str, title: str, hint: str, tiles: list[Tile], on_change: Callable[[], None]):
        self._role, self._gallery, self._on_change, self._moving = role, tiles, on_change, False
        self.face = framing.as_it_is(tiles[0].picture)
        head = widgets.HTML(f'<span class="mm-title mm-{role}">{title}</span> <span class="mm-hint">{hint}</span>')
        self._stage = widgets.Image(format="jpeg").add_class("mm-stage")
        self.tiles = [widgets.Button(tooltip=f"{tile.name} ({tile.kind})") for tile in tiles]
        for i, button in enumerate(self.tiles):
            button.add_class("mm-tile").add_class(f"mm-{role}-{i}")
            button.on_click(lambda _, i=i: self.choose(i))
        self.adjust = widgets.ToggleButton(description="Frame", icon="crop", tooltip="Move the square that is used")
        self.adjust.observe(lambda _: self._show(), "value")
        self.sliders = {"Size": percent("Size", least=5), "Across": percent("Across"), "Down": percent("Down")}
        for slider in self.sliders.values():
            slider.observe(lambda _: self._frame(), "value")
        self._frame_box = widgets.VBox(list(self.sliders.values())).add_class("mm-frame")
        self._tools = widgets.HBox().add_class("mm-tools")
        self._note = widgets.HTML().add_class("mm-note")
        grid = widgets.Box(self.tiles).add_class("mm-tiles")
        parts = [head, self._stage, grid, self._tools, self._frame_box, self._note]
        self.widget = widgets.VBox(parts).add_class("mm-panel")
        self._renew_upload()
        self.choose(0)

    def rules(self, scope: str) -> str:
        """Return the style sheet's rules for the tiles' pictures, below the class `scope`."""
        return "\n".join(
            f".{scope} .mm-{self._role}-{i} {{ background-image: url(data:image/jpeg;base64,"
            f"{base64.b64encode(pictures.jpeg(tile.picture.resize((THUMBNAIL, THUMBNAIL)))).decode()}); }}"
            for i, tile in enumerate(self._gallery)
        )

    @property
    def note(self) -> str:
        """What the line below says, as plain text."""
        return html.unescape(self._note.value)

    def choose(self, i: int) -> None:
        """Take the i-th tile."""
        tile = self._gallery[i]
        self._take(framing.as_it_is(tile.picture), f"{tile.name}, {tile.kind}", adjust=False, tile=i)

    def bring(self, data: bytes, name: str) -> None:
        """Take an uploaded picture, or say why not and keep the one that was chosen."""
        try:
            picture = pictures.read(data)
        except pictures.PictureError as error:
            self._say(f"{name} is {error}. Your choice stays as it was.", warn=True)
            return
        found = finder.find_faces(picture)
        if found:
            more = f", the largest of {len(found)} faces" if len(found) > 1 else ""
            note = f"{name}: the frame is on the face{more}. Press Frame to move it."
        elif finder.detector() is None:
            note = f"{name}: there is no face detector here. Move the frame onto the face."
        else:
            note = f"{name}: no face was found, so it is taken as it is. Move the frame if there is one."
        face = Framed(picture, found[0]) if found else framing.as_it_is(picture)
        self._take(face, note, adjust=not found)

    def _take(self, face: Framed, note: str, adjust: bool, tile: int | None = None) -> None:
        for i, button in enumerate(self.tiles):
            button.remove_class("mm-on") if i != tile else button.add_class("mm-on")
        self.face, self._moving, box = face, True, face.box
        short, free = min(face.picture.size), [max(limit - box.side, 1) for limit in face.picture.size]
        for slider, value in zip(self.sliders.values(), (box.side / short, box.left / free[0], box.top / free[1])):
            slider.value = min(100 * value, 100)
        self.adjust.value = adjust
        self._moving = False
        self._say(note)
        self._show()
        self._on_change()

    def _frame(self) -> None:
        if self._moving:
            return
        size, across, down = (slider.value / 100 for slider in self.sliders.values())
        width, height = self.face.picture.size
        side = min(max(round(size * min(width, height)), framing.SMALLEST), width, height)
        box = Box(round(across * (width - side)), round(down * (height - side)), side)
        self.face = Framed(self.face.picture, box)
        self._show()
        self._on_change()

    def _show(self) -> None:
        self._frame_box.layout.display = "" if self.adjust.value else "none"
        for name, limit in zip(("Across", "Down"), self.face.picture.size):
            self.sliders[name].disabled = self.face.box.side == limit
        show = framing.show_frame if self.adjust.value else framing.cut
        self._stage.value = pictures.jpeg(show(self.face, STAGE))

    def _say(self, note: str, warn: bool = False) -> None:
        self._note.value = html.escape(note)
        self._note.add_class("mm-warn") if warn else self._note.remove_class("mm-warn")

    def _renew_upload(self) -> None:
        """Put a new upload button in place: it forgets the file, in ipywidgets 7 as in 8."""
        self.upload = widgets.FileUpload(accept="image/*", multiple=False, description="Your picture")
        self.upload.observe(self._on_upload, "value")
        self._tools.children = [self.upload, self.adjust]

    def _on_upload(self, change) -> None:
        file = uploaded(change["new"])
        if file is not None:
            self.bring(file[1], file[0])
            self._renew_upload()
