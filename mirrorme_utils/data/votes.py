"""Votes on triplets: a log on disk that survives a crash, and the session of one rater who fills it.

The log is a CSV to which lines are only ever added: who, when, which three images, and 1, 2 or 3 for the odd one out,
"s" for a skipped triplet or "u" for the last vote on it taken back. One write and one fsync a line, so a vote that was
accepted is on disk. A line that a crash cut short cannot be mistaken for a vote, since the vote comes last; it is
passed over and the next line starts afresh.

Taught in: notebook 02.
"""

import csv
import io
import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import krippendorff
import numpy as np
import pandas as pd

Triplet = tuple[str, str, str]  # paths of three images
HEADER = ["rater", "seconds", "image1", "image2", "image3", "vote"]
VOTES = ("1", "2", "3")
SKIP, UNDO = "s", "u"
RATE_WINDOW = 20  # votes that the rate looks back on


@dataclass(frozen=True)
class Progress:
    """Where a session stands: votes and skips so far, triplets in all, votes a minute (None before two votes)."""

    voted: int
    skipped: int
    total: int
    per_minute: float | None


def append(store: Path | str, row: list[str]) -> tuple[int, int]:
    """Add one line to the log and return when it is on disk.

    Returns:
        the size of the log before and after, in bytes.
    Raises:
        OSError: the disk is full, or not to be written to; a line that was written in part is passed over by `replay`.
    """
    store = Path(store)
    store.parent.mkdir(parents=True, exist_ok=True)
    with open(store, "a+b", buffering=0) as log:
        size = log.seek(0, os.SEEK_END)
        text = io.StringIO()
        if size:
            log.seek(size - 1)
            text.write("" if log.read(1) == b"\n" else "\n")  # end the line that a crash cut short
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([row] if size else [HEADER, row])
        line = text.getvalue().encode()
        if log.write(line) != len(line):
            raise OSError(f"{store}: the vote was written in part only; is the disk full?")
        os.fsync(log.fileno())
        return log.tell() - len(line), log.tell()


def replay(store: Path | str) -> tuple[dict[tuple[str, Triplet], str], int]:
    """Read the log and apply it line by line: a rater's last vote on a triplet counts, and "u" takes it back.

    Returns:
        (rater, (image1, image2, image3)) to "1", "2", "3" or "s", in the order of the log; and how many lines are no
        votes and were passed over.
    """
    votes, damaged = {}, 0
    store = Path(store)
    if not store.exists():
        return votes, damaged
    for line in store.read_bytes().split(b"\n"):
        try:
            row = next(csv.reader([line.decode()], strict=True), [])
        except (UnicodeDecodeError, csv.Error):
            row = []
        if not line or row == HEADER:
            continue
        if len(row) != len(HEADER) or row[-1] not in (*VOTES, SKIP, UNDO):
            damaged += 1
            continue
        key = (row[0], tuple(row[2:5]))
        votes.pop(key, None)
        if row[-1] != UNDO:
            votes[key] = row[-1]
    return votes, damaged


def read_votes(store: Path | str) -> pd.DataFrame:
    """Read everyone's votes, without what was skipped or taken back.

    Returns:
        table image1, image2, image3, rater, vote (int 1..3).
    """
    rows = [(*images, rater, int(vote)) for (rater, images), vote in replay(store)[0].items() if vote != SKIP]
    return pd.DataFrame(rows, columns=[*HEADER[2:5], "rater", "vote"])


def alpha(votes: pd.DataFrame) -> tuple[float, int]:
    """Return Krippendorff's alpha (nominal) over the triplets that two raters or more judged.

    Args:
        votes: as `read_votes` returns them.
    Returns:
        alpha, 1 for perfect agreement and 0 for that of chance, NaN where no triplet has two votes, or where all votes
        are the same, which says nothing; and the number of these triplets.
    """
    table = votes.pivot_table(index=HEADER[2:5], columns="rater", values="vote")
    shared = table[table.notna().sum(axis=1) > 1]
    judged = shared.to_numpy(float)
    if len(np.unique(judged[~np.isnan(judged)])) < 2:
        return float("nan"), len(shared)
    found = krippendorff.alpha(judged.T, value_domain=[1, 2, 3], level_of_measurement="nominal")
    return float(found), len(shared)


class Session:
    """One rater at work on a list of triplets; goes on where the log says that this rater stopped.

    Args:
        triplets: three image paths each. store: the log, which several raters may share. rater: a name.
        clock: returns seconds since 1970.
    Raises:
        ValueError: the rater has no name, or a name or path does not stand on one line.
    """

    def __init__(
        self, triplets: Iterable[Iterable[Path | str]], store: Path | str, rater: str,
        clock: Callable[[], float] = time.time,
    ):  # fmt: skip
        self.rater, self.store, self._clock = str(rater).strip(), Path(store), clock
        if not self.rater:
            raise ValueError("give the rater a name: votes are kept by name")
        self.triplets = list(dict.fromkeys(tuple(map(str, t)) for t in triplets))
        for text in (self.rater, *(image for t in self.triplets for image in t)):
            if "\n" in text or "\r" in text:
                raise ValueError(f"names and paths stand on one line of the log, this one does not: {text!r}")
        self._times = deque(maxlen=RATE_WINDOW)
        self._read_log()

    def _read_log(self) -> None:
        """Take this rater's votes from the log; a second window, or a shared folder, may have added some."""
        self._seen = self._size()
        votes, self.damaged = replay(self.store)
        known = set(self.triplets)
        self._votes = {t: v for (who, t), v in votes.items() if who == self.rater and t in known}
        self._position = 0

    def _size(self) -> int:
        """Return the bytes of the log, in which nothing is ever changed: by them it tells whether somebody wrote."""
        return self.store.stat().st_size if self.store.exists() else 0

    @property
    def current(self) -> Triplet | None:
        """The triplet to judge now, or None when all are done."""
        while self._position < len(self.triplets) and self.triplets[self._position] in self._votes:
            self._position += 1
        return self.triplets[self._position] if self._position < len(self.triplets) else None

    @property
    def last(self) -> tuple[Triplet, str] | None:
        """The triplet that was judged last and its vote, or None: what `undo` would take back."""
        return next(reversed(self._votes.items()), None)

    @property
    def progress(self) -> Progress:
        """How far this rater has come, and how fast over the last votes of this sitting."""
        skipped = sum(vote == SKIP for vote in self._votes.values())
        span = self._times[-1] - self._times[0] if len(self._times) > 1 else 0
        rate = 60 * (len(self._times) - 1) / span if span > 0 else None
        return Progress(len(self._votes) - skipped, skipped, len(self.triplets), rate)

    def _record(self, triplet: Triplet | None, vote: str) -> float:
        """Write a vote, skip or undo to the log; return its time."""
        if triplet is None:
            raise IndexError("all triplets are done")
        known = dict(self._votes)
        if self._size() != self._seen:
            self._read_log()
            if self._votes != known:
                raise IndexError(f"{self.rater} went on in another window, up to here; nothing was changed")
        now = self._clock()
        start, end = append(self.store, [self.rater, f"{now:.1f}", *triplet, vote])
        if start == self._seen:  # else somebody wrote in between: read it before the next vote
            self._seen = end
        return now

    def vote(self, odd: int | str) -> None:
        """Name the odd one out of the current triplet: 1, 2 or 3. On disk when this returns.

        Raises:
            ValueError: another vote. IndexError: all triplets are done, or this rater went on in another window.
            OSError: see `append`.
        """
        if str(odd) not in VOTES:
            raise ValueError(f"the odd one out is 1, 2 or 3, got {odd!r}")
        triplet = self.current
        self._times.append(self._record(triplet, str(odd)))
        self._votes[triplet] = str(odd)

    def skip(self) -> None:
        """Leave the current triplet without a vote, for good: no face to be seen, or no telling.

        Raises:
            IndexError, OSError: see `vote`.
        """
        triplet = self.current
        self._record(triplet, SKIP)
        self._votes[triplet] = SKIP

    def undo(self) -> Triplet:
        """Take back the last vote or skip, also of an earlier sitting, and return to its triplet.

        Raises:
            IndexError: there is nothing to take back, or as in `vote`. OSError: see `append`.
        """
        if self.last is None:
            raise IndexError("there is nothing to take back")
        triplet, _ = self.last
        self._record(triplet, UNDO)
        del self._votes[triplet]
        if self._times:
            self._times.pop()
        self._position = min(self._position, self.triplets.index(triplet))
        return triplet
