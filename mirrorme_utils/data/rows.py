"""Tables from rows that come one at a time, without holding all of them as Python objects."""

from collections.abc import Iterable, Iterator
from itertools import islice

import pandas as pd

CHUNK = 20_000  # rows that wait as Python objects, some ten times as large as in a table


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
