"""Squares: the part of a picture that is used as a face, cut out and put back.

Networks see squares. A `Framed` picture is a whole picture and its square; `crop_square` is the crop of the data sets,
whose boxes are rarely square and may leave their picture.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

SMALLEST = 32  # px, side of a square that is used as a face, where the picture has so many
FADE = 0.04  # of the square's side, over which an answer blends into its picture


class BadBox(ValueError):
    """A face box with nothing inside; the message is the reason."""


@dataclass(frozen=True)
class Box:
    """A square inside a picture, in its pixels."""

    left: int
    top: int
    side: int

    @property
    def corners(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom, as Pillow wants them."""
        return self.left, self.top, self.left + self.side, self.top + self.side


@dataclass(frozen=True)
class Framed:
    """A picture, and the square of it that is used as a face."""

    picture: Image.Image
    box: Box


def as_it_is(picture: Image.Image) -> Framed:
    """Frame the largest square; in an upright picture it lies towards the top, where heads are."""
    width, height = picture.size
    side = min(width, height)
    return Framed(picture, Box((width - side) // 2, (height - side) // 3, side))


def within(picture: Image.Image, x: float, y: float, side: float) -> Box:
    """Return the square of a centre and side (px), moved and shrunk as little as it takes to lie in the picture."""
    width, height = picture.size
    side = round(min(max(side, SMALLEST), width, height))
    left, top = (round(min(max(c - side / 2, 0), limit - side)) for c, limit in ((x, width), (y, height)))
    return Box(left, top, side)


def cut(face: Framed, side: int) -> Image.Image:
    """Cut the square and resize it to `side` pixels."""
    return face.picture.resize((side, side), Image.Resampling.LANCZOS, box=face.box.corners, reducing_gap=3)


def put_back(face: Framed, answer: Image.Image) -> Image.Image:
    """Return the whole picture with the answer in place of the square, its edge faded over `FADE` of the side."""
    picture, box = face.picture, face.box
    fade = max(1, round(FADE * box.side))
    mask = Image.new("L", (box.side, box.side))
    mask.paste(255, (fade, fade, box.side - fade, box.side - fade))
    whole = picture.copy()
    whole.paste(answer.resize(mask.size), box.corners[:2], mask.filter(ImageFilter.BoxBlur(fade)))
    return whole


def show_frame(face: Framed, side: int) -> Image.Image:
    """Show the whole picture, `side` pixels long, with the square bright and the rest dim."""
    picture, box = face.picture, face.box
    scale = side / max(picture.size)
    small = picture.resize([max(1, round(x * scale)) for x in picture.size])
    shown = Image.blend(small, Image.new("RGB", small.size, "white"), 0.6)
    corners = tuple(min(round(x * scale), limit) for x, limit in zip(box.corners, small.size * 2))
    shown.paste(small.crop(corners), corners[:2])
    left, top, right, bottom = corners
    ImageDraw.Draw(shown).rectangle([left, top, right - 1, bottom - 1], outline="#D55E00", width=3)
    return shown


def padded(picture: Image.Image, side: int, colour: str = "black") -> Image.Image:
    """Return the whole picture as a square of `side` pixels: padded where it is not square, never stretched."""
    return ImageOps.pad(picture, (side, side), Image.Resampling.LANCZOS, color=colour)


def crop_square(picture: Image.Image, box, size: int) -> Image.Image:
    """Cut out a face as a square of `size` pixels, keeping its aspect.

    The shorter side of the box grows about its centre, so that nothing is stretched; where the square leaves the
    picture, edge pixels are repeated.

    Args:
        picture: RGB. box: left, right, top, bottom in pixels; clipped to the picture first.
    Raises:
        BadBox: nothing of the box is inside the picture, or it is empty.
    """
    left, right, top, bottom = box
    if left >= right or top >= bottom:
        raise BadBox("empty box")
    left, right = max(left, 0), min(right, picture.width)
    top, bottom = max(top, 0), min(bottom, picture.height)
    if right - left < 1 or bottom - top < 1:
        raise BadBox("box outside the picture")
    side = max(round(max(right - left, bottom - top)), 1)
    x, y = round((left + right - side) / 2), round((top + bottom - side) / 2)
    inside = max(x, 0), max(y, 0), min(x + side, picture.width), min(y + side, picture.height)
    square = picture.crop(inside)
    if square.size != (side, side):
        margins = (inside[1] - y, y + side - inside[3]), (inside[0] - x, x + side - inside[2]), (0, 0)
        square = Image.fromarray(np.pad(np.asarray(square), margins, mode="edge"))
    return square.resize((size, size), Image.Resampling.LANCZOS)
