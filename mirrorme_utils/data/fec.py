"""Google's Facial Expression Comparison data (FEC): its two CSV files, read line by line.

A line holds three faces (link, left, right, top, bottom; the box in fractions of the photo), the type of the triplet,
and then pairs of annotator and vote to its end. Normally there are six annotators, but lines differ, so a loader with a
fixed number of columns loses some. A vote is 1, 2 or 3 and names the odd one out.

Taught in: notebook 01.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pandas as pd

from ..profiles import REPORT_FACES
from ..world.formats import FEC_FILES, TRIPLET_TYPES
from .rows import LISTED, cells, parsed, table
from .unpacked import find, still_packed

WEBSITE = "https://research.google/tools/datasets/google-facial-expression/"
BOX = ["left", "right", "top", "bottom"]
FACES = ["face1", "face2", "face3"]
VOTES = ["votes1", "votes2", "votes3"]
FIRST_VOTE = 16  # column of the first annotator's name
ADVICE = f"Get the file anew from {WEBSITE}, and leave it as it comes: no spreadsheet."
PUBLIC_SIZE = "about 500,000 triplets in the two files"
REPORT_COUNTS = dict(zip(TRIPLET_TYPES, (107_761, 101_640, 99_522)))  # after cleaning
REPORT_IMAGES = REPORT_FACES[0]


@dataclass(frozen=True)
class Fec:
    """What the files say.

    faces: url, left, right, top, bottom (fractions), one row a face that is named by link and box together;
    triplets: face1..face3 (rows of `faces`), type, votes1..votes3 (how many named that face), label (1..3, the
    majority's odd one out; 0 where the first place is tied), agreement (the majority's share), part (train or test)
    and line; malformed: file, line (from 1), reason and text of each row that could not be read.
    """

    faces: pd.DataFrame
    triplets: pd.DataFrame
    malformed: pd.DataFrame


def read(folder: Path, parts: tuple[str, ...] = ("train", "test")) -> Fec:
    """Read FEC's CSV files from a folder, or from where they lie below it.

    Single lines that cannot be read are listed, never dropped in silence.

    Args:
        parts: which of the two files.
    Raises:
        FileNotFoundError: a file is missing; the message says where it belongs, where it comes from and its size;
        ValueError: a file is spoilt (see `rows.parsed`), or the files hold no triplet.
    """
    folder, numbers, malformed = Path(folder), {}, []
    files = {part: find(folder, FEC_FILES[part]) for part in parts}
    missing = [FEC_FILES[part] for part in parts if not files[part]]
    if missing:
        raise FileNotFoundError(
            f"FEC's {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing. Put what you get from "
            f"{WEBSITE} ({PUBLIC_SIZE}) into {folder}{still_packed(folder)} (the mini world writes its own: "
            "`mirrorme world`)."
        )
    columns = [*FACES, "type", *VOTES, "label", "agreement", "part", "line"]
    rows = (_rows(file, part, numbers, malformed) for part, file in files.items())
    triplets = table(chain.from_iterable(rows), columns)
    if triplets.empty:
        raise ValueError(f"{' and '.join(map(str, files.values()))} hold no triplet. {ADVICE}")
    return Fec(table(numbers, ["url", *BOX]), triplets, table(malformed, LISTED))


def _rows(file: Path, part: str, numbers: dict[tuple, int], malformed: list[tuple]) -> Iterator[tuple]:
    """Yield a file's triplets; number its faces, and list what is malformed, on the way."""
    for line, (faces, kind, counts) in parsed(file, parse, malformed, ADVICE):
        index = [numbers.setdefault(face, len(numbers)) for face in faces]
        yield (*index, kind, *counts, *_majority(counts), part, line)


def parse(raw: bytes) -> tuple[list[tuple], str, tuple[int, int, int]]:
    """Read one line.

    Returns:
        three faces (url, left, right, top, bottom); the type; how many votes named the first, second, third face.
    Raises:
        ValueError: the line is malformed; the message is the reason.
    """
    row = [cell.strip() for cell in cells(raw)]
    while row and not row[-1]:
        row.pop()
    if len(row) < FIRST_VOTE + 2:
        raise ValueError(f"{len(row)} columns, needs {FIRST_VOTE + 2} or more: three faces, type, annotator, vote")
    faces = [_face(number, row[start : start + 5]) for number, start in enumerate((0, 5, 10), 1)]
    if len(set(faces)) < 3:
        raise ValueError("the same face comes twice")
    kind, votes = row[FIRST_VOTE - 1], row[FIRST_VOTE + 1 :: 2]
    if kind not in TRIPLET_TYPES:
        raise ValueError(f"unknown type {kind!r}")
    if len(row) % 2:
        raise ValueError("an annotator without a vote")
    strange = [vote for vote in votes if vote not in ("1", "2", "3")]
    if strange:
        raise ValueError(f"vote {strange[0]!r} is not 1, 2 or 3")
    # one string for all rows, not one each
    return faces, TRIPLET_TYPES[TRIPLET_TYPES.index(kind)], tuple(votes.count(vote) for vote in ("1", "2", "3"))


def _face(number: int, columns: list[str]) -> tuple[str, float, float, float, float]:
    """Read the number-th face of a line: link, left, right, top, bottom."""
    url, *numbers = columns
    if not url.lower().startswith(("http://", "https://")):
        raise ValueError(f"link {number} is not http(s): {url[:40]!r}")
    try:
        left, right, top, bottom = map(float, numbers)
    except ValueError:
        raise ValueError(f"box {number} is not four numbers: {', '.join(numbers)}") from None
    if not all(map(math.isfinite, (left, right, top, bottom))):
        raise ValueError(f"box {number} is not finite")
    if not (left < right and top < bottom and left < 1 and top < 1 and right > 0 and bottom > 0):
        raise ValueError(f"box {number} is empty or outside the photo (the order is left, right, top, bottom)")
    return url, left, right, top, bottom


def _majority(counts: tuple[int, int, int]) -> tuple[int, float]:
    """Return the label (0 where the first place is tied) and the share of the most votes."""
    best = max(counts)
    return (counts.index(best) + 1 if counts.count(best) == 1 else 0), best / sum(counts)


def strongly_agreed(triplets: pd.DataFrame) -> pd.Series:
    """Tell, row by row, whether the winning vote has at least two thirds (arXiv 1811.11283, section 3): bool."""
    votes = triplets[VOTES]
    return 3 * votes.max(axis=1) >= 2 * votes.sum(axis=1)


def count_types(**stages: pd.DataFrame) -> pd.DataFrame:
    """Count triplets by type: a row for each stage that is given, in the form of the report's table.

    Args:
        stages: name of a stage to its rows of `Fec.triplets`.
    Returns:
        One-class, Two-class, Three-class and Total, by stage.
    """
    rows = {}
    for name, triplets in stages.items():
        counts = [int((triplets["type"] == kind).sum()) for kind in TRIPLET_TYPES]
        rows[name.replace("_", " ")] = [*counts, sum(counts)]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["One-class", "Two-class", "Three-class", "Total"])
