"""Pictures from outside, opened with care, and faces cut out of them.

A file is what its bytes say, not what its name says. It must be one still picture of a known format, of a size in
pixels that is checked before anything is decoded, and decode to its last row. A face box is rarely square: the crop
grows the shorter side about the box's centre, so that nothing is stretched, and repeats the edge pixels where the
square leaves the picture.

Taught in: notebook 01, section 4.
"""

import hashlib
import io
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 50_000_000
MIN_SIDE = 16  # pixels; smaller pictures, such as those of one pixel that count visitors, show no face
QUALITY = 95
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # MAX_PIXELS refuses earlier than it warns


class BadPicture(ValueError):
    """A file that is no usable picture; the message is the reason."""


class BadBox(ValueError):
    """A face box with nothing inside; the message is the reason."""


def open_picture(source: bytes | Path) -> Image.Image:
    """Decode a picture completely and turn it upright (EXIF).

    Args:
        source: the bytes, or the path of the file.
    Returns:
        a PIL picture in mode RGB.
    Raises:
        BadPicture: not a picture of a known format, too many pixels or too few, animated, broken or cut off.
        FileNotFoundError: there is no such file.
    """
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise BadPicture(f"too many pixels: {width} x {height}")
            if min(width, height) < MIN_SIDE:
                raise BadPicture(f"too small: {width} x {height}")
            if picture.format != "MPO" and getattr(picture, "is_animated", False):  # MPO: a photo and its preview
                raise BadPicture("animated")
            picture.load()
            ImageOps.exif_transpose(picture, in_place=True)
            if picture.mode.startswith("I"):  # 16 bits of grey, which `convert` would cut off at 255
                picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
            return picture if picture.mode == "RGB" else picture.convert("RGB")  # which would copy it
    except (BadPicture, FileNotFoundError):
        raise
    except UnidentifiedImageError:
        raise BadPicture("not a picture") from None
    except Image.DecompressionBombError:
        raise BadPicture("too many pixels") from None
    except Exception as error:  # Pillow's decoders raise whatever they stumble over
        reason = "cut off" if "truncated" in str(error) else f"broken: {type(error).__name__}"
        raise BadPicture(reason) from error


def key(url: str, box) -> str:
    """Name a face: one photo can carry several, so the box (left, right, top, bottom) is part of the name."""
    return hashlib.sha256(" ".join([url, *(f"{side:.6f}" for side in box)]).encode()).hexdigest()[:24]


def crop_square(picture: Image.Image, box, size: int) -> Image.Image:
    """Cut out a face as a square of `size` pixels, keeping its aspect.

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


def crop_path(folder: Path, name: str) -> Path:
    """Return where the crop of a face with this `key` lies; 256 subfolders keep listings short."""
    return Path(folder) / name[:2] / f"{name}.jpg"


def make_folders(folder: Path) -> None:
    """Make the subfolders that `crop_path` names."""
    for prefix in range(256):
        (Path(folder) / f"{prefix:02x}").mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True)
class Wanted:
    """The crops that photos from links are to give: faces by link, as pairs of key and box (left, right, top, bottom,
    as fractions); the folder of the crops, made by `make_folders`; pixels of a crop's side."""

    faces: dict[str, list[tuple[str, list[float]]]]
    folder: Path
    size: int


def cut_faces(picture: Image.Image, faces, folder: Path, size: int, unit: str) -> list[str]:
    """Cut the faces of one photo that are not there yet; a crop that exists is kept, none is ever half-written.

    Args:
        picture: RGB, upright; faces: pairs of key and box (left, right, top, bottom); size: pixels of a crop's side;
        unit: "fraction" (of the photo's width and height) or "pixel".
    Returns:
        for each face the reason why there is no crop, "" where there is one.
    """
    scale = (picture.width, picture.width, picture.height, picture.height) if unit == "fraction" else (1, 1, 1, 1)
    reasons = []
    for name, box in faces:
        path, reason = crop_path(folder, name), ""
        if not _is_there(path):
            try:
                face = crop_square(picture, [side * factor for side, factor in zip(box, scale)], size)
                part = path.with_suffix(".part")
                face.save(part, "JPEG", quality=QUALITY)
                os.replace(part, path)
            except BadBox as error:
                reason = str(error)
        reasons.append(reason)
    return reasons


def crop_faces(photos: dict, folder: Path, size: int, unit: str, workers: int | None = None) -> dict[str, str]:
    """Cut out many faces in parallel (see `cut_faces`); only photos with a face that is not there yet are opened.

    Args:
        photos: faces by the photo's path, as pairs of key and box; workers: threads; all cores if not given.
    Returns:
        for each key the reason why there is no crop, "" where there is one.
    """
    if unit not in ("fraction", "pixel"):
        raise ValueError(f"unit must be 'fraction' or 'pixel', got {unit!r}")
    make_folders(folder)
    reasons, jobs = {}, []
    for photo, faces in photos.items():
        todo = [(name, box) for name, box in faces if not _is_there(crop_path(folder, name))]
        reasons |= {name: "" for name, _ in faces}
        jobs += [(photo, todo, folder, size, unit)] if todo else []
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for (_, todo, *_), found in zip(jobs, pool.map(_crop_photo, jobs)):
            reasons |= {name: reason for (name, _), reason in zip(todo, found)}
    return reasons


def _is_there(path: Path) -> bool:
    try:
        return path.stat().st_size > 0  # a power cut can leave the name without the bytes
    except FileNotFoundError:
        return False


def _crop_photo(job) -> list[str]:
    photo, faces, *how = job
    try:
        picture = open_picture(Path(photo))
    except (BadPicture, FileNotFoundError) as error:
        return ["photo is missing" if isinstance(error, FileNotFoundError) else str(error)] * len(faces)
    return cut_faces(picture, faces, *how)
