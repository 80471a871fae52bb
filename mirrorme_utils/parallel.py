"""Worker processes that end when the process that started them does, however that ends."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process

from . import config

SPAWN = get_context("spawn")


def pool(workers: int | None = None) -> ProcessPoolExecutor:
    """Return a pool of worker processes, one a core if no number is given."""
    return ProcessPoolExecutor(workers or os.cpu_count(), mp_context=SPAWN, initializer=begin)


def begin() -> None:
    """Tie this process to its parent: call it first in a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's to answer
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for the parent's end, then end at once: also when the parent was killed and could tell nobody."""
    parent_process().join()
    os._exit(1)


def each(function: Callable, jobs: list, workers: int | None = None, progress: str = "") -> Iterator:
    """Map a module-level function over jobs in worker processes; yield the results in order.

    Args:
        workers: processes; all cores if not given. progress: label of a bar on a terminal; no bar if empty.
    """
    from tqdm.auto import tqdm

    workers = workers or os.cpu_count() or 1
    bar = dict(total=len(jobs), desc=progress, disable=config.bars_off() if progress else True)
    if workers == 1 or len(jobs) < 2:
        yield from tqdm(map(function, jobs), **bar)
        return
    with pool(workers) as crew:
        yield from tqdm(crew.map(function, jobs), **bar)


def gather(function: Callable, jobs: list, workers: int | None = None, progress: str = "") -> list:
    """Map like `each`, but return all results at once."""
    return list(each(function, jobs, workers, progress))
