"""Tables from rows that come one at a time, without holding all of them as Python objects.

One bad line among good ones is a bad line: it is listed. Where there are many, the file is not what it should be, and
reading stops with the first of them.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TypeVar

import pandas as pd

CHUNK = 20_000  # rows that wait as Python objects, some ten times as large as in a table
SINGLE, FEW = 0.1, 5  # bad lines are single ones up to this share of all, or while there are fewer than this
GIVE_UP = 1_000  # bad lines, and not a good one among them
LISTED = ["file", "line", "reason", "text"]
KINDS = {  # by the first bytes
    b"\x1f\x8b": "it is compressed (gzip): unpack it",
    b"PK\x03\x04": "it is a zip archive or a spreadsheet: unpack it, or save it as CSV",
    b"BZh": "it is compressed (bzip2): unpack it",
    b"\xfd7zXZ": "it is compressed (xz): unpack it",
    b"7z\xbc\xaf": "it is a 7z archive: unpack it",
    b"Rar!": "it is a rar archive: unpack it",
    b"\xff\xfe": "it is UTF-16, as spreadsheets save it: save it as UTF-8",
    b"\xfe\xff": "it is UTF-16, as spreadsheets save it: save it as UTF-8",
    b"version https://git-lfs": "it is Git LFS's note of a file: fetch the file with `git lfs pull`",
    b"<": "it is a web page, a sign-in page perhaps: sign in and download the file again",
}
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
Row = TypeVar("Row")


def cells(raw: bytes, separator: str = ",") -> list[str]:
    """Split one line of a table, which has a reader of its own: an open quote cannot swallow the lines after it.

    Raises:
        ValueError: it is not UTF-8, or not CSV; the message is the reason.
    """
    try:
        return next(csv.reader([raw.decode("utf-8-sig")], delimiter=separator, skipinitialspace=True, strict=True))
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except csv.Error as error:
        raise ValueError(f"not CSV: {error}") from None


def parsed(
    path: Path, parse: Callable[[bytes], Row], malformed: list[tuple], advice: str, separator: str = ",",
    strict: bool = False,
) -> Iterator[tuple[int, Row]]:  # fmt: skip
    """Read a table's lines; blank ones are passed over.

    Args:
        parse: makes a row of a line's bytes, or raises ValueError; malformed: gets file, line, reason and text
        (`LISTED`) of each such line; advice: where the file comes from; separator: of its columns; strict: no line may be bad.
    Yields:
        the line's number, from 1, and the row.
    Raises:
        ValueError: no line can be read, or more than single ones cannot (`SINGLE`, `FEW`). The message names the file,
            the first bad line, its number, its reason, and what to do.
    """
    good, before = 0, len(malformed)
    with open(path, "rb") as lines:
        for line, raw in enumerate(lines, 1):
            if not raw.strip():
                continue
            try:
                row = parse(raw)
            except ValueError as error:
                malformed.append((path.name, line, str(error), raw[:120].decode("utf-8", "replace").strip()))
                if len(malformed) - before >= GIVE_UP and not good:
                    break
                continue
            good += 1
            yield line, row
    bad = len(malformed) - before
    few, single = (1, 0) if strict else (FEW, SINGLE)
    if bad and (not good or (bad >= few and bad > single * (bad + good))):
        _, line, reason, text = malformed[before]
        reason, text = ("".join(filter(str.isprintable, words)) for words in (reason[:160], text[:60]))
        raise ValueError(
            f"{path}: {bad:,} of {bad + good:,} lines cannot be read, the first is line {line} ({reason}): "
            f"{text!r}. {_what_it_is(path, separator)}{advice}"
        )


def _what_it_is(path: Path, separator: str) -> str:
    """Guess from its beginning what a file is that cannot be read as a table; a sentence, or nothing."""
    with open(path, "rb") as file:
        head = file.read(4096)
    known = next((words for start, words in KINDS.items() if head.lstrip(b"\xef\xbb\xbf \r\n").startswith(start)), "")
    if not known and b"\0" in head:
        known = KINDS[b"\xff\xfe"]
    first = head.decode("utf-8", "replace").partition("\n")[0]
    most = max(SEPARATORS, key=first.count)
    if not known and most != separator and first.count(most) > 2:
        known = f"its columns are separated by {SEPARATORS[most]}, not {SEPARATORS[separator]}"
    return f"{known[:1].upper()}{known[1:]}. " if known else ""


def table(rows: Iterable[tuple], columns: list[str]) -> pd.DataFrame:
    """Collect rows in a table, with such columns even where there is no row."""
    rows, parts = iter(rows), []
    while chunk := list(islice(rows, CHUNK)):
        parts.append(pd.DataFrame(chunk, columns=columns))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def chunks(whole: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield a table in parts of at most `CHUNK` rows."""
    for start in range(0, len(whole), CHUNK):
        yield whole.iloc[start : start + CHUNK]
