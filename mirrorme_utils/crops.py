"""Pictures from outside, opened with care, and faces cut out of them.

A file is what its bytes say, not what its name says. It must be of a known format, small enough in pixels before
anything is decoded, and decode to its last row. A face box is rarely square: the crop grows the shorter side about the
box's centre, so that nothing is stretched, and repeats the edge pixels where the square leaves the picture.

Taught in: notebook 01, section 4.
"""

import hashlib
import io
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 50_000_000
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
        BadPicture: not a picture of a known format, too many pixels, broken or cut off.
        FileNotFoundError: there is no such file.
    """
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise BadPicture(f"too many pixels: {width} x {height}")
            picture.load()
            return ImageOps.exif_transpose(picture).convert("RGB")
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
    x = round((left + right - side) / 2) + np.arange(side)
    y = round((top + bottom - side) / 2) + np.arange(side)
    square = np.asarray(picture)[np.ix_(y.clip(0, picture.height - 1), x.clip(0, picture.width - 1))]
    return Image.fromarray(square).resize((size, size), Image.Resampling.LANCZOS)


def crop_path(folder: Path, name: str) -> Path:
    """Return where the crop of a face with this `key` lies; 256 subfolders keep listings short."""
    return Path(folder) / name[:2] / f"{name}.jpg"


def crop_faces(faces: pd.DataFrame, folder: Path, size: int, unit: str, workers: int | None = None) -> pd.Series:
    """Cut out many faces in parallel; a crop that exists is kept, none is ever half-written.

    Args:
        faces: columns photo (path of the file), left, right, top, bottom and key.
        unit: "fraction" (of the photo's width and height) or "pixel".
        workers: threads; all cores if not given.
    Returns:
        for each row the reason why there is no crop, "" where there is one.
    """
    if unit not in ("fraction", "pixel"):
        raise ValueError(f"unit must be 'fraction' or 'pixel', got {unit!r}")
    folder = Path(folder)
    for prefix in range(256):
        (folder / f"{prefix:02x}").mkdir(parents=True, exist_ok=True)
    columns = ["photo", "left", "right", "top", "bottom", "key"]
    jobs = {}
    for row, (photo, *box, name) in zip(faces.index, faces[columns].itertuples(index=False)):
        path = crop_path(folder, name)
        if not path.exists():
            jobs.setdefault(photo, []).append((row, box, path))
    reasons = pd.Series("", index=faces.index, dtype=object)
    work = ((photo, todo, size, unit) for photo, todo in jobs.items())
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for result in pool.map(_crop_photo, work):
            for row, reason in result:
                reasons[row] = reason
    return reasons


def _crop_photo(job) -> list[tuple[int, str]]:
    photo, todo, size, unit = job
    try:
        picture = open_picture(Path(photo))
    except (BadPicture, OSError) as error:
        reason = "photo is missing" if isinstance(error, FileNotFoundError) else str(error)
        return [(row, reason) for row, _, _ in todo]
    scale = (picture.width, picture.width, picture.height, picture.height) if unit == "fraction" else (1, 1, 1, 1)
    results = []
    for row, box, path in todo:
        try:
            face = crop_square(picture, [side * factor for side, factor in zip(box, scale)], size)
        except BadBox as error:
            results.append((row, str(error)))
            continue
        part = path.with_suffix(".part")
        face.save(part, "JPEG", quality=QUALITY)
        os.replace(part, path)
        results.append((row, ""))
    return results
