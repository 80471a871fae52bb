"""Face crops on disk: named by link and box, cut out of photos in parallel, each whole or not there.

Taught in: notebook 01.
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from .. import files, pictures
from ..framing import BadBox, crop_square

QUALITY = 95


def key(url: str, box: Iterable[float]) -> str:
    """Name a face: one photo can carry several, so the box (left, right, top, bottom) is part of the name."""
    return hashlib.sha256(" ".join([url, *(f"{side:.6f}" for side in box)]).encode()).hexdigest()[:24]


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


def cut_faces(
    picture: Image.Image, faces: Iterable[tuple[str, Sequence[float]]], folder: Path, size: int, unit: str
) -> list[str]:  # fmt: skip
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
                with files.whole(path) as part:
                    face.save(part, "JPEG", quality=QUALITY)
            except BadBox as error:
                reason = str(error)
        reasons.append(reason)
    return reasons


def crop_faces(
    photos: dict[Path, list[tuple[str, Sequence[float]]]], folder: Path, size: int, unit: str,
    workers: int | None = None,
) -> dict[str, str]:  # fmt: skip
    """Cut out many faces in parallel (see `cut_faces`); only photos with a face that is not there yet are opened.

    Args:
        photos: faces by the photo's path, as pairs of key and box; workers: threads; all cores if not given.
    Returns:
        for each key the reason why there is no crop, "" where there is one.
    Raises:
        ValueError: there is no such unit.
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


def _crop_photo(job: tuple) -> list[str]:
    """Open one photo and cut its faces; return the reason for each that has no crop."""
    photo, faces, *how = job
    try:
        picture = pictures.read(Path(photo), animated=False)
    except FileNotFoundError:
        return ["photo is missing"] * len(faces)
    except pictures.PictureError as error:
        return [error.reason] * len(faces)
    return cut_faces(picture, faces, *how)
