"""Fetch many pictures by their links, so that a stopped run goes on where it was.

Many links at once, each asked by the `fetcher`, and a `ledger` that says what became of each. What is there, known to
be dead, or let go on purpose is not asked again.

Taught in: notebook 01, section 3.
"""

import queue
import threading
from pathlib import Path

import pandas as pd

from .fetcher import Fetcher, Options, photo_path
from .ledger import LEDGER, Entry, Ledger

BATCH = 200  # links between two commits to the ledger


def download(urls, folder: Path, options: Options = Options(), see=None, ledger: str = LEDGER) -> pd.DataFrame:
    """Fetch what is not there yet and not known to be dead.

    Args:
        urls: links, in any order; folder: gets `photos/` and the ledger; see: called with the link and the decoded
        picture (RGB, upright) of each new photo before it is stored, in one of many threads; ledger: its file's name.
    Returns:
        the ledger's rows of these links, in their order: url, state (ok, dead, later), status, reason, bytes, seconds,
        tries, sha256.
    Raises:
        ConnectionError: no link of the first hundred got any answer: this machine is offline;
        OSError: the disk is full. What was stored until then stays, and the next run goes on from there.
    """
    urls, folder = list(dict.fromkeys(urls)), Path(folder)
    for prefix in range(256):
        (folder / "photos" / f"{prefix:02x}").mkdir(parents=True, exist_ok=True)
    with Ledger(folder / ledger) as book:
        known = book.known()
        missing = [url for url in urls if url not in known or not _settled(folder, url, *known[url])]
        if missing:
            _fetch_all(missing, book, Fetcher(folder, options, see), options.workers)
        for url in book.mark_placeholders():
            photo_path(folder, url).unlink(missing_ok=True)
        return book.table().set_index("url").loc[urls].reset_index()


def _settled(folder: Path, url: str, state: str, size: int, reason: str) -> bool:
    if state != "ok" or reason:  # a good photo with a reason was let go
        return state != "later"
    try:
        return photo_path(folder, url).stat().st_size == size
    except FileNotFoundError:
        return False


def _fetch_all(urls: list[str], ledger: Ledger, fetcher: Fetcher, workers: int) -> None:
    from tqdm.auto import tqdm

    tasks, results, stop = queue.SimpleQueue(), queue.Queue(maxsize=4 * BATCH), threading.Event()
    for url in urls:
        tasks.put(url)

    def work():
        while not stop.is_set():
            try:
                url = tasks.get_nowait()
            except queue.Empty:
                return
            try:
                entry = fetcher.fetch(url)
            except Exception as error:  # a full disk, say: the caller must hear of it
                entry = error
            if not stop.is_set():
                results.put(entry)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(workers, len(urls)))]
    for thread in threads:
        thread.start()
    batch, answered, failed = [], False, 0
    try:
        with tqdm(total=len(urls), desc="photos", disable=None) as bar:
            for done in range(1, len(urls) + 1):
                entry = results.get()
                if isinstance(entry, Exception):
                    raise entry
                batch.append(entry)
                answered = answered or _is_answer(entry)
                failed += entry.state != "ok"
                bar.set_postfix_str(f"{failed / done:.1%} failed", refresh=False)
                bar.update()
                if len(batch) == BATCH or done == len(urls):
                    ledger.record(batch)
                    batch = []
                if done == 100 and not answered:
                    raise ConnectionError("none of 100 links got an answer: is this machine online? If so, run again.")
    finally:
        stop.set()
        fetcher.stop()
        while any(thread.is_alive() for thread in threads):
            try:
                results.get(timeout=0.05)  # a worker may wait for room in the queue
            except queue.Empty:
                pass
        fetcher.close()
        ledger.record(batch)


def _is_answer(entry: Entry) -> bool:
    return entry.state != "later" or entry.status > 0
