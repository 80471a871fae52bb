"""Several machines, one list of links: each takes a share, and any of them puts the shares together.

    mirrorme clean --rank 0 --of 3      on the first machine, 1 and 2 on the others
    mirrorme clean                      when all are done, on one of them

Each share has a ledger of its own, `ledger-0-of-3.sqlite`. Where the machines do not share a disk, copy their `clean`
folders into one before the last command: files are named by hashes, so none overwrites a different one. A share that
is missing or unfinished is no harm, since the last command fetches what it does not find. Only that command decides
what is a placeholder, what is kept and what is let go, so the result does not depend on the number of shares. The limit
of `fetch.Options.per_host` holds for each machine.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from .ledger import Ledger


def share(urls: Iterable[str], rank: int, of: int) -> list[str]:
    """Return the links of one share, drawn by their hash, so that the same link falls to the same rank in any list.

    Raises:
        ValueError: there is no such rank.
    """
    if not 0 <= rank < of:
        raise ValueError(f"rank {rank} of {of}: ranks count from 0 to {of - 1}")
    return [url for url in urls if int(hashlib.sha256(url.encode()).hexdigest()[-8:], 16) % of == rank]


def ledger_of(rank: int | str, of: int | str) -> str:
    """Return the file name of a share's ledger; "*" for a number stands for any."""
    return f"ledger-{rank}-of-{of}.sqlite"


def gather(folder: Path, ledger: Ledger) -> None:
    """Take the ledgers of all shares that lie in a folder into one."""
    for path in sorted(Path(folder).glob(ledger_of("*", "*"))):
        ledger.take_in(path)


def ask_again(folder: Path, names: Iterable[str], reason: str = "") -> None:
    """Let the dead links of a folder's ledgers of these names wait again (see `Ledger.ask_again`)."""
    for path in (path for name in names for path in Path(folder).glob(name)):
        with Ledger(path) as ledger:
            ledger.ask_again(reason)
