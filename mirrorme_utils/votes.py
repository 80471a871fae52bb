"""Votes on triplets: a log on disk that survives a crash, and the session of one rater who fills it.

The log is a CSV to which lines are only ever added: who, when, which three images, and 1, 2 or 3 for the odd one
out, `s` for skipped, `u` for "take back what I last said about this triplet". One write and one fsync a line, so a
vote that was accepted is on disk. A line that a crash cut short cannot be mistaken for a vote, since the vote comes
last; it is passed over and the next line starts afresh.

Taught in: notebook 02, section 2.
"""

import csv
import io
import os
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import krippendorff
import numpy as np
import pandas as pd

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


def append(store, row):
    """Add one line to the log and return when it is on disk.

    Raises OSError (disk full, no permission); a line that was written in part is passed over by `replay`.
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


def replay(store):
    """Read the log and apply it line by line: the last word on a triplet counts, and `u` takes it back.

    Returns (votes, damaged): votes maps (rater, (image1, image2, image3)) -> '1', '2', '3' or 's' in the order given;
    damaged counts the lines that are no votes and were passed over.
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


def read_votes(store):
    """Read everyone's votes, without what was skipped or taken back.

    Returns a table image1, image2, image3, rater, vote (int 1..3).
    """
    rows = [(*images, rater, int(vote)) for (rater, images), vote in replay(store)[0].items() if vote != SKIP]
    return pd.DataFrame(rows, columns=[*HEADER[2:5], "rater", "vote"])


def alpha(votes):
    """Krippendorff's alpha (nominal) of a table as `read_votes` returns it, over triplets that two raters judged.

    Returns (alpha, triplets): 1 is perfect agreement, 0 that of chance; NaN where no triplet has two votes, or where
    all votes are the same, which says nothing.
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

    triplets: sequence of three image paths each; store: the log, which several raters may share; rater: a name.
    """

    def __init__(self, triplets, store, rater, clock=time.time):
        self.rater, self.store, self._clock = str(rater).strip(), Path(store), clock
        if not self.rater:
            raise ValueError("give the rater a name: votes are kept by name")
        self.triplets = list(dict.fromkeys(tuple(map(str, t)) for t in triplets))
        for text in (self.rater, *(image for t in self.triplets for image in t)):
            if "\n" in text or "\r" in text:
                raise ValueError(f"names and paths stand on one line of the log, this one does not: {text!r}")
        votes, self.damaged = replay(self.store)
        known = set(self.triplets)
        self._votes = {t: v for (who, t), v in votes.items() if who == self.rater and t in known}
        self._times = deque(maxlen=RATE_WINDOW)
        self._position = 0

    @property
    def current(self):
        """The triplet to judge now, or None when all are done."""
        while self._position < len(self.triplets) and self.triplets[self._position] in self._votes:
            self._position += 1
        return self.triplets[self._position] if self._position < len(self.triplets) else None

    @property
    def last(self):
        """The triplet that was judged last and its vote, or None: what `undo` would take back."""
        return next(reversed(self._votes.items()), None)

    @property
    def progress(self):
        """How far this rater has come, and how fast over the last votes of this sitting."""
        skipped = sum(vote == SKIP for vote in self._votes.values())
        span = self._times[-1] - self._times[0] if len(self._times) > 1 else 0
        rate = 60 * (len(self._times) - 1) / span if span > 0 else None
        return Progress(len(self._votes) - skipped, skipped, len(self.triplets), rate)

    def _say(self, triplet, vote):
        if triplet is None:
            raise IndexError("all triplets are done")
        now = self._clock()
        append(self.store, [self.rater, f"{now:.1f}", *triplet, vote])
        return now

    def vote(self, odd):
        """Name the odd one out of the current triplet: 1, 2 or 3. On disk when this returns."""
        if str(odd) not in VOTES:
            raise ValueError(f"the odd one out is 1, 2 or 3, got {odd!r}")
        triplet = self.current
        self._times.append(self._say(triplet, str(odd)))
        self._votes[triplet] = str(odd)

    def skip(self):
        """Leave the current triplet without a vote, for good: no face to be seen, or no telling."""
        triplet = self.current
        self._say(triplet, SKIP)
        self._votes[triplet] = SKIP

    def undo(self):
        """Take back the last vote or skip, also of an earlier sitting, and return to its triplet."""
        if self.last is None:
            raise IndexError("there is nothing to take back")
        triplet, _ = self.last
        self._say(triplet, UNDO)
        del self._votes[triplet]
        if self._times:
            self._times.pop()
        self._position = min(self._position, self.triplets.index(triplet))
        return triplet
