"""The ledger of a download: what became of each link, in SQLite, so that a stopped run goes on where it was.

Three states: "ok" (the photo is on disk, or was let go, which its reason says), "dead" (another request is pointless)
and "later" (it failed for a reason that may pass, or its answer is not believed yet; the next run tries again).

Taught in: notebook 01.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path

import pandas as pd

from .links import Entry

LEDGER = "ledger.sqlite"
LET_GO = "let go: no triplet uses it"
PLACEHOLDER_LINKS = 3  # the same bytes under so many links are no photo of anybody


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

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def record(self, entries: list[Entry]) -> None:
        """Add or replace entries, all in one transaction."""
        marks = ", ".join("?" * len(fields(Entry)))
        with self._connection:
            self._connection.executemany(f"INSERT OR REPLACE INTO links VALUES ({marks})", map(astuple, entries))

    def known(self) -> dict[str, tuple[str, int, str]]:
        """Map each known link to its state, its bytes on disk and its reason."""
        rows = self._connection.execute("SELECT url, state, bytes, reason FROM links")
        return {url: tuple(row) for url, *row in rows}

    def count(self, state: str) -> int:
        """Count the links in a state."""
        return self._connection.execute("SELECT COUNT(*) FROM links WHERE state = ?", (state,)).fetchone()[0]

    def some_good(self, n: int) -> list[str]:
        """Draw n links that gave a photo, at random."""
        rows = self._connection.execute("SELECT url FROM links WHERE state = 'ok' ORDER BY RANDOM() LIMIT ?", (n,))
        return [url for (url,) in rows]

    def let_go(self, urls: Iterable[str]) -> None:
        """Note that these photos are good and not kept, so that they are not requested again."""
        self._give_reason(urls, LET_GO)

    def want_back(self, urls: Iterable[str]) -> None:
        """Undo `let_go`: the next download requests these photos again."""
        self._give_reason(urls, "")

    def _give_reason(self, urls: Iterable[str], reason: str) -> None:
        with self._connection:
            update = "UPDATE links SET reason = ? WHERE url = ? AND state = 'ok' AND reason != ?"
            self._connection.executemany(update, ((reason, url, reason) for url in urls))

    def mark_placeholders(self) -> list[str]:
        """Declare dead what many links share to the byte, a "photo unavailable" picture, and return those links."""
        repeated = "SELECT sha256 FROM links WHERE sha256 != '' GROUP BY sha256 HAVING COUNT(*) >= ?"
        with self._connection:
            rows = self._connection.execute(
                "UPDATE links SET state = 'dead', reason = 'placeholder: one picture under many links' "
                f"WHERE state = 'ok' AND sha256 IN ({repeated}) RETURNING url",
                (PLACEHOLDER_LINKS,),
            ).fetchall()
        return [url for (url,) in rows]

    def ask_again(self, reason: str = "") -> None:
        """Let dead links wait again, whose reason begins like this: the next download requests them."""
        with self._connection:
            update = "UPDATE links SET state = 'later' WHERE state = 'dead' AND substr(reason, 1, ?) = ?"
            self._connection.execute(update, (len(reason), reason))

    def disbelieve(self, marks: Iterable[str]) -> None:
        """Let all links wait again whose answers have these SHA-256."""
        with self._connection:
            self._connection.executemany("UPDATE links SET state = 'later' WHERE sha256 = ?", zip(marks))

    def account(self) -> pd.DataFrame:
        """Count the links by state and reason, most first; what follows a colon in a reason is left out."""
        reasons = self.table().replace({"reason": ""}, "photo is there")
        reasons["reason"] = reasons["reason"].str.split(":").str[0]
        return reasons.groupby(["state", "reason"]).size().rename("links").reset_index().sort_values(
            ["state", "links"], ascending=[False, False], ignore_index=True
        )  # fmt: skip

    def table(self) -> pd.DataFrame:
        """Return all entries, one row a link."""
        return pd.read_sql_query("SELECT * FROM links ORDER BY url", self._connection)
