"""Fetch many pictures by their links, so that a stopped run goes on where it was.

Many links at once: an `engine`'s workers fetch (`fetch`), and a `ledger` says what became of each link. What is there,
known to be dead, or let go on purpose is not requested again. `doubt` weighs whether the network tells the truth.

Taught in: notebook 01.
"""

import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pandas as pd

from .. import config
from .crops import Wanted, crop_path
from .doubt import Doubt, Lie
from .engine import HERE, Engine
from .fetch import RESTS, Fetcher, Options, photo_path
from .ledger import LEDGER, Ledger

BATCH = 200  # links between two commits to the ledger
WITNESSES = 5  # links that gave a photo, asked whether the network tells the truth


def download(
    urls: Iterable[str], folder: Path, options: Options = Options(), wanted: Wanted | None = None,
    engine: Engine = HERE,
) -> pd.DataFrame:  # fmt: skip
    """Fetch what is not there yet and not known to be dead.

    Args:
        urls: links, in any order; folder: gets `photos/` and the ledger; wanted: the crops to cut from new photos
        before they are stored; engine: who fetches.
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
    with Ledger(folder / LEDGER) as book:
        known = book.known()
        missing = [url for url in urls if url not in known or not _settled(folder, url, *known[url])]
        wanted, begun = wanted or Wanted({}, folder, 0), time.time()
        try:
            if missing:
                _fetch_all(missing, book, folder, options, wanted, engine)
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


def _fetch_all(
    urls: list[str], ledger: Ledger, folder: Path, options: Options, wanted: Wanted, engine: Engine
) -> None:  # fmt: skip
    """Have links fetched, and record what came in the ledger, `BATCH` by `BATCH` and whatever happens."""
    from tqdm.auto import tqdm

    batch, failed = [], 0

    def witness(marks: set[str]) -> bool:
        ledger.record(batch)
        fetcher = Fetcher(folder, options, Wanted({}, folder, 0), [0.0] * RESTS)
        return any(fetcher.shows_another(url, marks) for url in ledger.some_good(WITNESSES))

    doubt = Doubt(witness)
    try:
        with (
            closing(engine.fetch(urls, folder, options, wanted)) as answers,
            tqdm(total=len(urls), desc="photos", disable=config.bars_off()) as bar,
        ):
            for done, entry in enumerate(answers, 1):
                batch += doubt.weigh(entry)
                failed += entry.state != "ok"
                bar.set_postfix_str(f"{failed / done:.1%} failed", refresh=False)
                bar.update()
                if done % BATCH == 0:
                    ledger.record(batch)
                    batch.clear()
        batch += doubt.settle()
    finally:
        ledger.record(batch)
