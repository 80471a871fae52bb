"""iCartoonFace (arXiv 1907.13394): the annotation files of its two tracks.

Detection: `image,xmin,ymin,xmax,ymax` in pixels, several faces in a picture, nobody named. Recognition: a folder for
each character and `path, x1, y1, x2, y2`, tab-separated. Neither has a header. Some boxes leave their picture and some
are empty; that shows once the picture is open, so `crops` clips the first and counts the second.

Taught in: notebook 01.
"""

import math
import sys
from dataclasses import dataclass
from itertools import chain
from os.path import isfile
from pathlib import Path, PurePosixPath

import pandas as pd

from ..profiles import REPORT_FACES
from ..world.formats import TRACKS
from .rows import LISTED, cells, parsed, table
from .unpacked import find, folders, still_packed

WEBSITE = "https://github.com/luxiangju-PersonAI/iCartoonFace"
ADVICE = f"Get the file anew from {WEBSITE}, and leave it as it comes: no spreadsheet."
REPORT_IMAGES = REPORT_FACES[1]
LOOKED_AT = 100  # pictures of a track, to find out where they lie
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
    """Read each track whose annotation file lies in the folder or below it, as its archive unpacked it.

    Single lines that cannot be read are listed, never dropped in silence.

    Raises:
        FileNotFoundError: neither track is there; the message says what belongs where and where it comes from;
        ValueError: an annotation file is spoilt (see `rows.parsed`) or empty.
    """
    folder, malformed = Path(folder), []
    files = {track: find(folder, annotations) for track, (annotations, _, _) in TRACKS.items()}
    if not any(files.values()):
        wanted = " or ".join(f"{TRACKS[track][0]} with {TRACKS[track][1]}/ ({SIZES[track]})" for track in TRACKS)
        raise FileNotFoundError(
            f"iCartoonFace is missing: put {wanted} into {folder}{still_packed(folder)}; it comes from {WEBSITE}"
        )
    tables = [_track(folder, track, file, malformed) for track, file in files.items() if file]
    return ICartoonFace(pd.concat(tables, ignore_index=True), table(malformed, LISTED))


def _track(folder: Path, track: str, file: Path, malformed: list[tuple]) -> pd.DataFrame:
    """Return a track's faces; list what is malformed on the way."""
    separator = TRACKS[track][2]
    rows = (
        # interned: one string for all pictures of a character
        (str(name), *box, track, sys.intern(name.parent.name) if track == "recognition" else name.stem)
        for _, (name, *box) in parsed(file, lambda raw: parse(raw, separator), malformed, ADVICE, separator)
    )
    faces = table(rows, ["image", "left", "right", "top", "bottom", "track", "character"])
    if faces.empty:
        raise ValueError(f"{file} is empty. {ADVICE}")
    place = _pictures(folder, track, faces["image"]).relative_to(folder)
    return faces.assign(image=f"{place.as_posix()}/" + faces["image"] if place.parts else faces["image"])


def _pictures(folder: Path, track: str, names: pd.Series) -> Path:
    """Return the folder that holds a track's pictures: where some of these names are files, or as documented."""
    usual = folder / TRACKS[track][1]
    some = names.iloc[:: max(len(names) // LOOKED_AT, 1)]
    held = (place for place in chain([usual], folders(folder)) if any(isfile(place / name) for name in some))
    return next(held, usual)


def require_pictures(folder: Path, faces: pd.DataFrame) -> None:
    """Check that of each track in a table of faces at least some pictures are there.

    Raises:
        FileNotFoundError: a track has none; the message says where they belong and where they come from.
    """
    for track, names in faces.groupby("track")["image"]:
        if not any(isfile(Path(folder) / name) for name in names.iloc[:: max(len(names) // LOOKED_AT, 1)]):
            raise FileNotFoundError(
                f"iCartoonFace's {track} track has its annotations but no pictures: {SIZES[track]} belong in "
                f"{Path(folder) / TRACKS[track][1]}{still_packed(folder)} and come from {WEBSITE}"
            )


def parse(raw: bytes, separator: str) -> tuple[PurePosixPath, float, float, float, float]:
    """Read one line.

    Returns:
        the picture's path, relative, and left, right, top, bottom in pixels (the file's own order is x, y, x, y).
    Raises:
        ValueError: the line is malformed; the message is the reason.
    """
    row = cells(raw, separator)
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
