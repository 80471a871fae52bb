"""Pictures and files of pictures that tests make up, and a set of faces that are noise."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageDraw

from mirrorme_utils.world import expressions, faces
from mirrorme_utils.world.cartoons import drawing

STYLE = drawing.STYLES_TRAIN[0]


def oval(name: str, width: int = 160, height: int = 120, boxes=()) -> Image.Image:
    """Paint an oval in each box (left, right, top, bottom in pixels) on noise that the name decides."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    drawn = Image.fromarray(np.uint8(rng.integers(0, 255, (height // 8, width // 8, 3)))).resize((width, height))
    for left, right, top, bottom in boxes:
        ImageDraw.Draw(drawn).ellipse((left, top, right, bottom), fill=tuple(rng.integers(0, 255, 3)))
    return drawn


def noise(width: int = 60, height: int = 40) -> Image.Image:
    """Every pixel a colour of its own."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8))


def smooth(width: int = 64, height: int = 64, seed: int = 0) -> Image.Image:
    """Soft colours that a seed decides."""
    coarse = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def encoded(picture: Image.Image, kind: str = "JPEG", **options) -> bytes:
    """A picture as the bytes of a file."""
    data = io.BytesIO()
    picture.save(data, kind, **options)
    return data.getvalue()


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    """A PNG that claims a size and holds what it likes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def face_set(identities: int = 6, shown: int = 8, size: int = 64) -> faces.FaceSet:
    """Half people, half drawings, with pictures of noise in which the identity and the expression can be read."""
    kind = np.repeat(np.arange(identities) % 2, shown)
    names = list(expressions.PALETTE)[:shown]
    blendshapes = np.stack([expressions.compose(**expressions.PALETTE[n]) for _ in range(identities) for n in names])
    drawn = [drawing.vector(STYLE, drawing.nearest_parts(STYLE, a)) for a in blendshapes]
    blendshapes = np.where(kind[:, None] == 1, np.stack(drawn), blendshapes).astype(np.float32)
    images = np.random.default_rng(0).integers(0, 256, (len(kind), size, size, 3), np.uint8)
    identity = 10 * np.repeat(np.arange(identities), shown)
    number = np.tile(np.arange(shown), identities)
    style = np.where(kind == 1, STYLE, "")
    return faces.FaceSet(images, np.zeros(images.shape[:3], np.uint8), kind, identity, number, blendshapes, style)


def alive() -> dict:
    """The widgets that ipywidgets 7 or 8 holds: what "Save Widget State" would write into a notebook."""
    from ipywidgets.widgets import widget

    return getattr(widget, "_instances", None) or widget.Widget.widgets
