"""Pictures that people bring: read one from bytes, find its face, cut a square, put the answer back, save it.

Nothing that is read is written to disk; only `save` writes, and only a result.

Taught in: notebook 09, sections 3 and 4.
"""

import io
import os
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
MAX_BYTES = 30 * 2**20
MAX_PIXELS = 50_000_000
WORKING_SIDE = 3000  # px, longest side that is worked on
MIN_SIDE = 32  # px
# From the detector's box to a crop of the course: how much larger (1.2 at the median of 70 photos, 1.6 for one in ten)
# and how much lower, in sides of the box.
FACE_TO_FRAME = (1.3, 0.03)
SYNTHETIC = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"  # IPTC's term
XMP = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 Iptc4xmpExt:DigitalSourceType="{SYNTHETIC}"/></rdf:RDF></x:xmpmeta>"""


class PictureError(ValueError):
    """What was brought cannot be used as a picture; the message says why and what to do."""


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


def read(data: bytes, name: str) -> Image.Image:
    """Read an uploaded picture: upright, RGB on white, at most `WORKING_SIDE` pixels long.

    Args:
        data: the file's content. name: what the file is called, for messages.
    Raises:
        PictureError: the file is empty, too large, of another kind, damaged or cut short.
    """
    if not data:
        raise PictureError(f"{name} is empty: choose another file")
    if len(data) > MAX_BYTES:
        raise PictureError(f"{name} has {len(data) / 2**20:.0f} MB, the limit is {MAX_BYTES >> 20}: export it smaller")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's warning of large pictures; they are refused below
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
        width, height = picture.size
        if width * height > MAX_PIXELS:
            raise PictureError(f"{name} is {width} x {height} pixels, more than {MAX_PIXELS:,}: export it smaller")
        if min(width, height) < MIN_SIDE:
            raise PictureError(f"{name} is {width} x {height} pixels; it takes at least {MIN_SIDE} each way")
        picture = ImageOps.exif_transpose(picture)
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        huge = isinstance(error, Image.DecompressionBombError)
        why = "far too large" if huge else f"no picture that can be read here ({', '.join(FORMATS)})"
        raise PictureError(f"{name} is {why}") from error
    except PictureError:
        raise
    except Exception as error:  # Pillow's decoders raise a dozen kinds on damaged files
        raise PictureError(f"{name} is damaged or cut short; export or copy it again") from error
    picture = _rgb(picture)
    picture.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.LANCZOS)
    return picture


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith(("I", "F")):  # 16-bit grey
        values = np.asarray(picture, np.float64)
        return Image.fromarray(np.uint8(values * 255 / max(values.max(), 255))).convert("RGB")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    over = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over).convert("RGB")


def uploaded(value) -> tuple[str, bytes] | None:
    """Take name and content of the first file from the value of an ipywidgets `FileUpload`, or None if it is empty.

    ipywidgets 7 (Colab) gives {name: {"content": bytes, …}}, ipywidgets 8 a tuple of {"name", "content"}.
    """
    if not value:
        return None
    name, file = next(iter(value.items())) if isinstance(value, dict) else (value[0]["name"], value[0])
    return os.path.basename(str(name))[-60:], bytes(file["content"])


def as_it_is(picture: Image.Image) -> Framed:
    """Frame the largest square; in an upright picture it lies towards the top, where heads are."""
    width, height = picture.size
    side = min(width, height)
    return Framed(picture, Box((width - side) // 2, (height - side) // 3, side))


def within(picture: Image.Image, x: float, y: float, side: float) -> Box:
    """Return the square of a centre and side (px), moved and shrunk as little as it takes to lie in the picture."""
    width, height = picture.size
    side = round(min(max(side, MIN_SIDE), width, height))
    left, top = (round(min(max(c - side / 2, 0), limit - side)) for c, limit in ((x, width), (y, height)))
    return Box(left, top, side)


def detector():
    """Return OpenCV's frontal-face detector, or None where this OpenCV comes without (5.x does)."""
    try:
        import cv2

        model = cv2.CascadeClassifier(os.path.join(cv2.data.haarcascades, "haarcascade_frontalface_default.xml"))
    except (ImportError, AttributeError):
        return None
    return None if model.empty() else model


def find_faces(picture: Image.Image) -> list[Box]:
    """Find upright frontal faces, the largest first, framed as the course frames its crops.

    Drawn faces are seldom found. Returns [] where there is no detector (see `detector`).
    """
    model = detector()
    if model is None:
        return []
    small = picture.convert("L")
    small.thumbnail((640, 640))
    scale, smallest = picture.width / small.width, max(24, min(small.size) // 10)
    seen = model.detectMultiScale(np.asarray(small), scaleFactor=1.1, minNeighbors=6, minSize=(smallest, smallest))
    grow, down = FACE_TO_FRAME
    return [
        within(picture, (x + w / 2) * scale, (y + h * (0.5 + down)) * scale, grow * w * scale)
        for x, y, w, h in sorted(map(tuple, seen), key=lambda box: -box[2])
    ]


def cut(face: Framed, side: int) -> Image.Image:
    """Cut the square and resize it to `side` pixels."""
    return face.picture.resize((side, side), Image.Resampling.LANCZOS, box=face.box.corners, reducing_gap=3)


def put_back(face: Framed, answer: Image.Image) -> Image.Image:
    """Return the whole picture with the answer in place of the square, its edge faded over 4 % of the side."""
    picture, box = face.picture, face.box
    fade = max(1, round(0.04 * box.side))
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


def label(picture: Image.Image, text: str = "synthetic · MirrorMe") -> Image.Image:
    """Return the picture with a small line of text on a dark ground in its lower right corner."""
    size = max(9, round(0.03 * min(picture.size)))
    font = ImageFont.load_default(size)
    shown = picture.copy()
    draw = ImageDraw.Draw(shown, "RGBA")
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    pad, (width, height) = size // 2, picture.size
    corner = width - (right - left) - 2 * pad, height - (bottom - top) - 2 * pad
    draw.rectangle([*corner, width, height], fill=(0, 0, 0, 150))
    draw.text((corner[0] + pad - left, corner[1] + pad - top), text, font=font, fill="white")
    return shown


def save(picture: Image.Image, folder: str | Path = "results", strength: float = 1.0) -> Path:
    """Save a result as PNG under a new name, with metadata that says how it was made; never half-written.

    The metadata (text, and IPTC's digital source type as XMP) holds nothing of the pictures that went in.
    Raises OSError where the folder cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    info = PngInfo()
    info.add_text("Software", "MirrorMe")
    info.add_text(
        "Description", f"Synthetic: a neural network changed the facial expression (strength {strength:.2f})."
    )
    info.add_itxt("XML:com.adobe.xmp", XMP)
    stem, number = time.strftime("mirrorme-%Y%m%d-%H%M%S"), 1
    while (path := folder / f"{stem}{f'-{number}' if number > 1 else ''}.png").exists():
        number += 1
    part = path.with_name(path.name + ".part")
    picture.save(part, "PNG", pnginfo=info)
    os.replace(part, path)
    return path
