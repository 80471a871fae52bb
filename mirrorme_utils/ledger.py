"""The ledger of a download: what became of each link, in SQLite, so that a stopped run goes on where it was.

Three states: `ok` (the photo is on disk), `dead` (asking again is pointless) and `later` (it failed for a reason that
may pass; the next run asks again).

Taught in: notebook 01, section 3.
"""

import sqlite3
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import pandas as pd

PLACEHOLDER_LINKS = 3  # the same bytes under so many links are no photo of anybody


@dataclass(frozen=True)
class Entry:
    """One link: its state, the last HTTP status (0: no answer), the reason in words, and what it cost."""

    url: str
    state: str
    status: int = 0
    reason: str = ""
    bytes: int = 0
    seconds: float = 0.0
    tries: int = 0
    sha256: str = ""


class Ledger:
    """A table of `Entry` on disk; written by one thread, in batches, each batch whole or not at all."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=60)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS links (url TEXT PRIMARY KEY, state TEXT, status INTEGER, reason TEXT, "
            "bytes INTEGER, seconds REAL, tries INTEGER, sha256 TEXT)"
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    def record(self, entries: list[Entry]) -> None:
        """Add or replace entries, all in one transaction."""
        marks = ", ".join("?" * len(fields(Entry)))
        with self._connection:
            self._connection.executemany(f"INSERT OR REPLACE INTO links VALUES ({marks})", map(astuple, entries))

    def states(self) -> dict[str, tuple[str, int]]:
        """Map each known link to its state and its bytes on disk."""
        rows = self._connection.execute("SELECT url, state, bytes FROM links")
        return {url: (state, size) for url, state, size in rows}

    def mark_placeholders(self) -> list[str]:
        """Declare dead what many links share to the byte, a "photo unavailable" picture, and return those links."""
        repeated = "SELECT sha256 FROM links WHERE sha256 != '' GROUP BY sha256 HAVING COUNT(*) >= ?"
        with self._connection:
            rows = self._connection.execute(
                f"UPDATE links SET state = 'dead', reason = 'placeholder: one picture under many links' "
                f"WHERE state = 'ok' AND sha256 IN ({repeated}) RETURNING url",
                (PLACEHOLDER_LINKS,),
            ).fetchall()
        return [url for (url,) in rows]

    def table(self) -> pd.DataFrame:
        """Return all entries, one row a link."""
        return pd.read_sql_query("SELECT * FROM links ORDER BY url", self._connection)
