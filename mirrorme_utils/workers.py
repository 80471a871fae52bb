"""Worker processes that end when the process that started them does, however that ends."""

import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process

SPAWN = get_context("spawn")


def pool(workers: int | None = None) -> ProcessPoolExecutor:
    """Return a pool of worker processes, one a core if no number is given."""
    return ProcessPoolExecutor(workers or os.cpu_count(), mp_context=SPAWN, initializer=begin)


def begin() -> None:
    """Tie this process to its parent: call it first in a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's to answer
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent_process().join()
    os._exit(1)
