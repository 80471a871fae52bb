"""Fetch many pictures by their links, so that a stopped run goes on where it was.

Many links at once: a process a core that fetches (`fetch`), and a `ledger` that says what became of each link. What is
there, known to be dead, or let go on purpose is not requested again. `doubt` weighs whether the network tells the truth.

Taught in: notebook 01.
"""

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import pandas as pd

from .. import config
from ..parallel import SPAWN
from .crops import Wanted, crop_path
from .doubt import Doubt, Lie
from .fetch import RESTS, Fetcher, Options, fetch_all, photo_path
from .ledger import LEDGER, Ledger
from .links import Entry

BATCH = 200  # links between two commits to the ledger
WITNESSES = 5  # links that gave a photo, asked whether the network tells the truth


def download(
    urls: Iterable[str], folder: Path, options: Options = Options(), wanted: Wanted | None = None,
    ledger: str = LEDGER,
) -> pd.DataFrame:  # fmt: skip
    """Fetch what is not there yet and not known to be dead.

    Args:
        urls: links, in any order; folder: gets `photos/` and the ledger; wanted: the crops to cut from new photos
        before they are stored; ledger: its file's name.
    Returns:
        the ledger's rows of these links, in their order: url, state (ok, dead, later), status, reason, bytes, seconds,
        tries, sha256.
    Raises:
        ConnectionError: this machine is offline, or the network answers in the hosts' place (`doubt.Lie`);
        OSError: the disk is full. What was stored until then stays, and the next run goes on from there.
    """
    urls, folder = list(dict.fromkeys(urls)), Path(folder)
    for prefix in range(256):
        (folder / "photos" / f"{prefix:02x}").mkdir(parents=True, exist_ok=True)
    with Ledger(folder / ledger) as book:
        known = book.known()
        missing = [url for url in urls if url not in known or not _settled(folder, url, *known[url])]
        wanted, begun = wanted or Wanted({}, folder, 0), time.time()
        try:
            if missing:
                _fetch_all(missing, book, folder, options, wanted)
        except Lie as lie:
            book.disbelieve(lie.marks)
            known = book.known()
            _forget([url for url, (state, size, _) in known.items() if state == "later" and size], folder, wanted)
            untold = [url for url in missing if known.get(url, ("later",))[0] == "later"]
            _forget([url for url in untold if not _stored_before(begun, folder, url)], folder, wanted)
            raise
        _forget(book.mark_placeholders(), folder, wanted)
        return book.table().set_index("url").loc[urls].reset_index()


def _settled(folder: Path, url: str, state: str, size: int, reason: str) -> bool:
    """Tell whether the ledger's word on a link still holds: its photo may have been deleted or cut short."""
    if state != "ok" or reason:  # a good photo with a reason was let go
        return state != "later"
    try:
        return photo_path(folder, url).stat().st_size == size
    except FileNotFoundError:
        return False


def _stored_before(begun: float, folder: Path, url: str) -> bool:
    """Tell whether a photo is from before this run; one that was stopped may have left crops without their photo."""
    path = photo_path(folder, url)
    return path.exists() and path.stat().st_mtime < begun


def _forget(urls: Iterable[str], folder: Path, wanted: Wanted) -> None:
    """Delete pictures that are no photos, and what was cut out of them."""
    for url in urls:
        photo_path(folder, url).unlink(missing_ok=True)
        for name, _ in wanted.faces.get(url, ()):
            crop_path(wanted.folder, name).unlink(missing_ok=True)


def _fetch_all(urls: list[str], ledger: Ledger, folder: Path, options: Options, wanted: Wanted) -> None:
    """Fetch links in processes, and record what came in the ledger, `BATCH` by `BATCH` and whatever happens."""
    from tqdm.auto import tqdm

    crew = _start(urls, folder, options, wanted)
    batch, failed = [], 0

    def witness(marks: set[str]) -> bool:
        ledger.record(batch)
        fetcher = Fetcher(folder, options, Wanted({}, folder, 0), [0.0] * RESTS)
        return any(fetcher.shows_another(url, marks) for url in ledger.some_good(WITNESSES))

    doubt = Doubt(witness)
    try:
        with tqdm(total=len(urls), desc="photos", disable=config.bars_off()) as bar:
            for done, entry in enumerate(_received(crew, len(urls)), 1):
                batch += doubt.weigh(entry)
                failed += entry.state != "ok"
                bar.set_postfix_str(f"{failed / done:.1%} failed", refresh=False)
                bar.update()
                if done % BATCH == 0:
                    ledger.record(batch)
                    batch.clear()
        batch += doubt.settle()
    finally:
        for process in crew.values():
            process.terminate()
            process.join()
        ledger.record(batch)


def _start(urls: list[str], folder: Path, options: Options, wanted: Wanted) -> dict[Connection, BaseProcess]:
    """Start a process a core, each with a part of the links and of the room at each host; return their answers."""
    n, rests = min(os.cpu_count() or 1, options.per_host, len(urls)), SPAWN.Array("d", RESTS, lock=False)
    crew = {}
    for i in range(n):
        some = urls[i::n]
        room = replace(options, workers=max((options.workers + i) // n, 1), per_host=(options.per_host + i) // n)
        faces = Wanted({url: wanted.faces[url] for url in some if url in wanted.faces}, wanted.folder, wanted.size)
        answers, end = SPAWN.Pipe(duplex=False)
        process = SPAWN.Process(target=fetch_all, args=(some, folder, room, faces, rests, end), daemon=True)
        process.start()
        end.close()
        crew[answers] = process
    return crew


def _received(crew: dict[Connection, BaseProcess], n: int) -> Iterator[Entry]:
    """Yield n entries as processes send them; raise the error that one sends, or that all of them ended early."""
    open_ends = list(crew)
    while n:
        for answers in wait(open_ends):
            try:
                entry = answers.recv()
            except EOFError:
                open_ends.remove(answers)
                if not open_ends:
                    raise RuntimeError(f"the processes that download ended with {n} links to go; run again") from None
                continue
            if isinstance(entry, Exception):  # a full disk, say: the caller must know
                raise entry
            n -= 1
            yield entry
