"""A network that lies is not believed: one that answers in the hosts' place, as a hotel's does until somebody signs in.

Its answers look like those of dead links: a page in place of the photo, a redirect to an address of its own, a picture
that says "blocked". They give themselves away by company. A dead host spoils its own links, and photos of other links
come in between; a network that lies spoils all. So

- a page in place of a photo is believed once a photo has come whose request began after it. Until then it waits;
- when equal answers follow one another and no photo comes, a link that gave a photo before is asked. If it gives a
  photo, the answers are the hosts' own. If not, or if there is no such link, the run stops.

What a host says of a link by a status (404, 410) is believed at once, and taken back when several hosts say it with one
and the same page.

Taught in: notebook 01.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from .links import Entry

EQUAL = 20  # equal answers without a photo in between
SILENT = 100  # pages, or no answer at all, without a photo in between
TAIL = 5  # pages at the end of a run that no photo followed
HOSTS = 3  # that give an answer which is nobody's own
PAGES = (0, 200, 203, 511)  # statuses of what is no statement about a link; 0: no answer, or a redirect to nowhere


class Lie(ConnectionError):
    """The network answers in the hosts' place; the message says how it shows, `marks` what the answers have in common."""

    def __init__(self, message: str, marks: Iterable[str] = ()):
        super().__init__(message)
        self.marks = set(marks)


class Doubt:
    """Weighs the answers of one run.

    Args:
        witness: asks links that gave a photo before; tells whether one does now, and not the picture with this SHA-256.
    """

    def __init__(self, witness: Callable[[set[str]], bool]):
        self._witness = witness
        self._photos = set()  # SHA-256 of those that came
        self._own = set()  # marks of answers that are their hosts' own
        self._since = {}  # mark to (time, entry) of answers since the last photo

    def weigh(self, entry: Entry) -> list[Entry]:
        """Take in an answer; return what to record: the entry, waiting where it is not believed yet, and earlier ones
        that now are believed.

        Raises:
            Lie: this network is not to be believed.
        """
        now, mark = time.monotonic(), _mark(entry)
        if entry.state == "ok" and mark not in self._photos:
            self._photos.add(mark)
            return [entry, *self._believe(now - entry.seconds)] if entry.tries else [entry]  # 0: it was on the disk
        if not mark or mark in self._own:
            return [entry]
        equal = self._since.setdefault(mark, [])
        equal.append((now, entry))
        alike = entry.state != "later" or entry.status == 511 or "SSL" in entry.reason  # no chance, as a timeout may be
        if alike and len(equal) % EQUAL == 0 and (_is_page(entry) or len(_hosts(equal[-SILENT:])) >= HOSTS):
            return [entry, *self._judge(equal)]
        pages = [answer for answers in self._since.values() if _is_page(answers[0][1]) for answer in answers]
        if _is_page(entry) and len(pages) >= SILENT:
            return [entry, *self._judge(pages)]
        return [_waiting(entry)]

    def settle(self) -> list[Entry]:
        """Decide at the end of the run about what no photo followed; return what to record.

        Raises:
            Lie: several hosts gave the same answer, and this network is not to be believed.
        """
        doubted = [answers for answers in self._since.values() if answers[0][1].state == "dead"]
        shared = [answers for answers in doubted if len(_hosts(answers)) >= HOSTS]
        pages = [answer for answers in doubted for answer in answers if _is_page(answer[1])]
        if shared:
            return self._judge(shared[0])
        if pages and (len(pages) >= TAIL or not self._photos) and not self._witness(set()):
            return []
        return self._believe()

    def _judge(self, answers: list[tuple[float, Entry]]) -> list[Entry]:
        """Ask a witness whether these answers are the hosts' own; return what is believed then."""
        marks = {_mark(entry) for _, entry in answers}
        if self._witness(marks):
            self._own |= {_mark(entry) for _, entry in answers if entry.state != "later"}
            return self._believe()
        hosts, reasons = sorted(_hosts(answers)), sorted({entry.reason or "one picture" for _, entry in answers})
        same = "one and the same answer" if len(marks) == 1 else "answers such as"
        raise Lie(
            f"{len(answers)} links at {len(hosts)} host{'s' * (len(hosts) > 1)} ({', '.join(hosts[:3])}) got no photo, "
            f"but {same} ({', '.join(reasons[:3])}), and none is marked dead for it: run again when this machine is "
            "online, and signed in where the network asks for it.",
            {entry.sha256 for _, entry in self._all()} - {""},
        )

    def _believe(self, before: float = float("inf")) -> list[Entry]:
        """Forget the answers before a time; return the pages among them, which are dead."""
        believed = [entry for at, entry in self._all() if at < before and entry != _waiting(entry)]
        later = {mark: [answer for answer in answers if answer[0] >= before] for mark, answers in self._since.items()}
        self._since = {mark: answers for mark, answers in later.items() if answers}
        return believed

    def _all(self) -> list[tuple[float, Entry]]:
        return [answer for answers in self._since.values() for answer in answers]


def _mark(entry: Entry) -> str:
    """Return what equal answers have in common; "" for one that is about its link alone."""
    if entry.state == "later":
        return entry.reason if entry.status in PAGES else ""
    return entry.sha256


def _is_page(entry: Entry) -> bool:
    return entry.status in PAGES


def _waiting(entry: Entry) -> Entry:
    """Return an entry that is not believed yet."""
    return replace(entry, state="later") if entry.state == "dead" and _is_page(entry) else entry


def _hosts(answers: Iterable[tuple[float, Entry]]) -> set[str | None]:
    return {urlsplit(entry.url).hostname for _, entry in answers}
