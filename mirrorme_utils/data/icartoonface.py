"""iCartoonFace (arXiv 1907.13394): the annotation files of its two tracks.

Detection: `image,xmin,ymin,xmax,ymax` in pixels, several faces in a picture, nobody named. Recognition: a folder for
each character and `path, x1, y1, x2, y2`, tab-separated. Neither has a header. Some boxes leave their picture and some
are empty; that shows once the picture is open, so `crops` clips the first and counts the second.

Taught in: notebook 01.
"""

import csv
import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath

import pandas as pd

from ..profiles import REPORT_FACES
from ..world.formats import TRACKS
from .rows import table

WEBSITE = "https://github.com/luxiangju-PersonAI/iCartoonFace"
REPORT_IMAGES = REPORT_FACES[1]
SIZES = {  # of the real tracks
    "detection": "91,160 boxes in 50,000 pictures",
    "recognition": f"{REPORT_IMAGES:,} pictures of 5,013 characters",
}


@dataclass(frozen=True)
class ICartoonFace:
    """What the files say.

    faces: image (path below the data set's folder), left, right, top, bottom (pixels, as written), track, and
    character (the folder's name; the picture's own where nobody is named); malformed: file, line, reason and text.
    """

    faces: pd.DataFrame
    malformed: pd.DataFrame


def read(folder: Path) -> ICartoonFace:
    """Read each track that stands in the folder; rows that cannot be read are listed, never dropped in silence.

    Raises:
        FileNotFoundError: neither track is there; the message says what belongs where and where it comes from.
    """
    folder, malformed = Path(folder), []
    tracks = [track for track, (annotations, _, _) in TRACKS.items() if (folder / annotations).is_file()]
    if not tracks:
        wanted = " or ".join(f"{TRACKS[track][0]} with {TRACKS[track][1]}/ ({SIZES[track]})" for track in TRACKS)
        raise FileNotFoundError(f"iCartoonFace is missing: put {wanted} into {folder}; it comes from {WEBSITE}")
    rows = chain.from_iterable(_rows(folder, track, malformed) for track in tracks)
    faces = table(rows, ["image", "left", "right", "top", "bottom", "track", "character"])
    return ICartoonFace(faces, table(malformed, ["file", "line", "reason", "text"]))


def _rows(folder: Path, track: str, malformed: list[tuple]) -> Iterator[tuple]:
    """Yield a track's faces; list what is malformed on the way."""
    annotations, pictures, separator = TRACKS[track]
    with open(folder / annotations, "rb") as lines:
        for line, raw in enumerate(lines, 1):
            if not raw.strip():
                continue
            try:
                name, *box = parse(raw, separator)
            except ValueError as error:
                malformed.append((annotations, line, str(error), raw[:120].decode("utf-8", "replace").strip()))
                continue
            # interned: one string for all pictures of a character
            character = sys.intern(name.parent.name) if track == "recognition" else name.stem
            yield f"{pictures}/{name}", *box, track, character


def require_pictures(folder: Path, tracks: Iterable[str]) -> None:
    """Check that the pictures of these tracks lie beside their annotation files.

    Raises:
        FileNotFoundError: a folder is missing; the message says what belongs there and where it comes from.
    """
    for track in tracks:
        pictures = Path(folder) / TRACKS[track][1]
        if not pictures.is_dir():
            raise FileNotFoundError(
                f"iCartoonFace's {track} track has its annotations but no pictures: {SIZES[track]} belong in "
                f"{pictures} and come from {WEBSITE}"
            )


def parse(raw: bytes, separator: str) -> tuple[PurePosixPath, float, float, float, float]:
    """Read one line.

    Returns:
        the picture's path, relative, and left, right, top, bottom in pixels (the file's own order is x, y, x, y).
    Raises:
        ValueError: the line is malformed; the message is the reason.
    """
    try:
        row = next(csv.reader([raw.decode("utf-8-sig")], delimiter=separator, skipinitialspace=True, strict=True))
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except csv.Error as error:
        raise ValueError(f"not CSV: {error}") from None
    if len(row) != 5:
        raise ValueError(f"{len(row)} columns, needs 5: picture and four sides of the box")
    name = PurePosixPath(row[0].strip().replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or not name.name or ":" in name.parts[0]:
        raise ValueError(f"path leaves its folder: {row[0]!r}")
    try:
        left, top, right, bottom = map(float, row[1:])
    except ValueError:
        raise ValueError(f"box is not four numbers: {', '.join(row[1:])}") from None
    if not all(map(math.isfinite, (left, right, top, bottom))):
        raise ValueError("box is not finite")
    return name, left, right, top, bottom
