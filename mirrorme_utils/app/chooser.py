"""Choose one face: click a tile, or upload a picture and move the frame. Half of the app, used twice."""

import base64
import html
import os
from collections.abc import Callable, Iterable

import ipywidgets as widgets
from PIL import Image

from .. import framing, pictures
from ..framing import Box, Framed
from ..networks import finder
from ..world.gallery import Tile

MOST_FACES = 12  # that are offered of one picture
STAGE = 448  # px of the large view; shown at about 300, so that it stays sharp on dense screens
THUMBNAIL = 128
UPLOAD_BYTES = 30 * 2**20  # the page's limit
ELSEWHERE_BYTES = 10 * 2**20  # JupyterLab's: a larger message ends the connection, and nobody can say so then


def hidden_style(rules: str = "") -> widgets.HTML:
    """Make a widget that brings style rules and takes no room."""
    return widgets.HTML(rules, layout=widgets.Layout(height="0", margin="0", overflow="hidden"))


def percent(description: str, least: float = 0) -> widgets.FloatSlider:
    """Make one of the frame's sliders."""
    return widgets.FloatSlider(100, min=least, max=100, step=0.5, description=description, readout=False)


def background(selector: str, picture: Image.Image) -> str:
    """Return the style rule that gives an element a picture as its background."""
    uri = "data:image/jpeg;base64," + base64.b64encode(pictures.jpeg(picture)).decode()
    return f"{selector} {{ background-image: url({uri}); }}"


def uploaded(value) -> tuple[str, bytes] | None:
    """Take name and content of the first file from the value of an ipywidgets `FileUpload`, or None if it is empty.

    ipywidgets 7 (Colab) gives {name: {"content": bytes, …}}, ipywidgets 8 a tuple of {"name", "content"}.
    """
    if not value:
        return None
    name, file = next(iter(value.items())) if isinstance(value, dict) else (value[0]["name"], value[0])
    return os.path.basename(str(name))[-60:], bytes(file["content"])


def most_bytes() -> int:
    """Return how large a file may be: what serves this kernel passes on no more."""
    return UPLOAD_BYTES if os.environ.get("SERVER_SOFTWARE", "").startswith("voila") else ELSEWHERE_BYTES


def forget(old: Iterable[widgets.DOMWidget]) -> None:
    """Close widgets for good, and what belongs to them: a kernel keeps what is open, and can write it to a notebook."""
    for widget in old:
        for part in (widget.layout, getattr(widget, "style", None), widget):
            if isinstance(part, widgets.Widget):
                part.close()


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
        self.found = []  # a button for each face of an uploaded picture, where there are several
        self._found_grid, self._found_style = widgets.Box().add_class("mm-tiles"), hidden_style()
        limit = f"JPEG, PNG, WEBP, GIF or BMP, at most {most_bytes() >> 20} MB"
        hint = widgets.HTML(f'<span class="mm-hint">{limit}</span>').add_class("mm-note")
        parts = [head, self._stage, grid, self._tools, hint, self._found_style, self._found_grid, self._frame_box]
        parts.append(self._note)
        self.widget = widgets.VBox(parts).add_class("mm-panel")
        self._renew_upload()
        self.choose(0)

    def rules(self, scope: str) -> str:
        """Return the style sheet's rules for the tiles' pictures, below the class `scope`."""
        return "\n".join(
            background(f".{scope} .mm-{self._role}-{i}", tile.picture.resize((THUMBNAIL, THUMBNAIL)))
            for i, tile in enumerate(self._gallery)
        )

    @property
    def note(self) -> str:
        """What the line below says, as plain text."""
        return html.unescape(self._note.value)

    def choose(self, i: int) -> None:
        """Take the i-th tile."""
        tile = self._gallery[i]
        self._offer(None, [])
        self._take(framing.as_it_is(tile.picture), f"{tile.name}, {tile.kind}", adjust=False, tile=i)

    def bring(self, data: bytes, name: str) -> None:
        """Take an uploaded picture, or say why not and keep the one that was chosen."""
        try:
            picture = pictures.read(data)
        except pictures.PictureError as error:
            self._say(f"{name} is {error}. Your choice stays as it was.", warn=True)
            return
        found = finder.find_faces(picture)
        self._offer(picture, found[:MOST_FACES] if len(found) > 1 else [])
        if len(found) > 1:
            note = f"{name}: the frame is on the largest of {len(found)} faces. Click another one, or press Frame."
        elif found:
            note = f"{name}: the frame is on the face. Press Frame to move it."
        elif finder.detector() is None:
            note = f"{name}: there is no face detector here. Move the frame onto the face."
        else:
            note = f"{name}: no face was found, so it is taken as it is. Move the frame if there is one."
        face = Framed(picture, found[0]) if found else framing.as_it_is(picture)
        self._take(face, note, adjust=not found)

    def _offer(self, picture: Image.Image | None, boxes: list[Box]) -> None:
        """Show a button for each of these faces of an uploaded picture; a click puts the frame there."""
        old, rules, self.found = self.found, [], []
        for i, box in enumerate(boxes):
            face = Framed(picture, box)
            button = widgets.Button(tooltip=f"Face {i + 1} of {len(boxes)}").add_class("mm-tile")
            button.add_class(f"mm-{self._role}-face-{i}")
            button.on_click(lambda _, i=i, face=face: self._take(face, f"Face {i + 1} of {len(boxes)}.", adjust=False))
            self.found.append(button)
            rules.append(background(f".mm-{self._role}-face-{i}", framing.cut(face, THUMBNAIL)))
        self._found_style.value = f"<style>{''.join(rules)}</style>" if rules else ""
        self._found_grid.children = self.found
        self._found_grid.layout.display = "" if self.found else "none"
        forget(old)

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
        """Put a new upload button in place and close the old one, which would keep the file for good."""
        old = self._tools.children[:1]
        self.upload = widgets.FileUpload(accept="image/*", multiple=False, description="Your picture")
        self.upload.observe(self._on_upload, "value")
        self._tools.children = [self.upload, self.adjust]
        forget(old)

    def _on_upload(self, change) -> None:
        file = uploaded(change["new"])
        if file is not None:
            self._renew_upload()  # first: a file that comes while this one is read would be closed with the old button
            self.bring(file[1], file[0])
