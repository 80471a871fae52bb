"""Who fetches links and cuts crops: this machine's processes, or the workers of a Ray cluster.

    mirrorme clean              this machine
    mirrorme clean --ray 4      this machine, by a Ray that is started for it, with four workers
    mirrorme clean --ray        the Ray cluster that RAY_ADDRESS or `ray start` names

Either way one process weighs the answers and keeps the ledger, so the result does not depend on who worked. What Ray
gives: it starts tasks wherever a core is free, and runs those of a worker that died again. Photos and crops go to a
folder that all machines see under the same path.

A host is asked by one worker at a time. Its links are one group; a group's parts follow one another, since each is
handed the answer of the part before. So `fetch.Options.per_host` and the rest that a host asks for hold for all workers
together. A redirect counts where the link points to, not where it leads.
"""

import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from ..parallel import SPAWN, begin
from . import crops, links
from .crops import Wanted
from .fetch import RESTS, Options, fetch_all
from .links import Entry

GROUPS = 256  # of hosts, by a hash of their names: FEC's dozen or two mostly get one each
PART = 500  # links, or photos to crop, of one task
TRIES = 10  # of a task whose worker dies
STORE = 200_000_000  # bytes of memory for what tasks hand over, here a list of entries each


@dataclass(frozen=True)
class Engine:
    """Two functions that do the work of cleaning.

    fetch: links, folder, options and the crops to cut while a photo is open, to an iterator of one `Entry` a link, in
    any order; crop: as `crops.crop_faces`, of photos, folder, size and unit.
    """

    fetch: Callable[[list[str], Path, Options, Wanted], Iterator[Entry]]
    crop: Callable[[dict, Path, int, str], dict[str, str]]


def fetch_here(urls: list[str], folder: Path, options: Options, wanted: Wanted) -> Iterator[Entry]:
    """Fetch links in a process a core, each with a part of the links and of the room at each host.

    Yields:
        an entry for each link, as it comes.
    Raises:
        OSError: the disk is full, say; RuntimeError: the processes ended early.
    """
    n, rests = min(os.cpu_count() or 1, options.per_host, len(urls)), SPAWN.Array("d", RESTS, lock=False)
    crew = {}
    try:
        for i in range(n):
            some = urls[i::n]
            room = replace(options, workers=max((options.workers + i) // n, 1), per_host=(options.per_host + i) // n)
            answers, end = SPAWN.Pipe(duplex=False)
            work = some, folder, room, _of(wanted, some), rests, end
            crew[answers] = SPAWN.Process(target=_be_a_process, args=work, daemon=True)
            crew[answers].start()
            end.close()
        yield from _received(crew, len(urls))
    finally:
        for process in crew.values():
            process.terminate()
            process.join()


HERE = Engine(fetch_here, crops.crop_faces)


def _of(wanted: Wanted, urls: Iterable[str]) -> Wanted:
    """Return the crops that some of the links are to give."""
    return replace(wanted, faces={url: wanted.faces[url] for url in urls if url in wanted.faces})


def _be_a_process(
    urls: list[str], folder: Path, options: Options, wanted: Wanted, rests: object, answers: Connection
) -> None:  # fmt: skip
    begin()
    fetch_all(urls, folder, options, wanted, rests, answers.send)


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


@contextmanager
def on_ray(workers: int = 0) -> Iterator[Engine]:
    """Yield the engine of a Ray cluster; Ray's reports of usage are switched off.

    Args:
        workers: start Ray on this machine, with so many, and end it afterwards; 0: join the cluster that RAY_ADDRESS or
        `ray start` names.
    Raises:
        RuntimeError: Ray is not installed; ConnectionError: there is no cluster to join.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # read when Ray is started
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # what Ray is going to do; silences its warning
    try:
        import ray
    except ImportError:
        raise RuntimeError('there is no Ray here: pip install -e ".[cluster]"') from None
    quiet = dict(log_to_driver=False, logging_level="error")
    if workers:
        ray.init("local", num_cpus=workers, include_dashboard=False, object_store_memory=STORE, **quiet)
    else:
        try:
            ray.init("auto", **quiet)
        except ConnectionError as error:
            raise ConnectionError(
                "there is no Ray cluster to join: name one by RAY_ADDRESS, or start workers here with --ray N"
            ) from error
    try:
        yield Engine(_fetch_on_ray, _crop_on_ray)
    finally:
        ray.shutdown()


def by_host(urls: Iterable[str]) -> list[list[str]]:
    """Group links so that all of one host are in one group; order is kept."""
    groups = {}
    for url in urls:
        try:
            host = links.check_link(url).hostname
        except links.Refused:  # which no host will be asked for
            host = ""
        groups.setdefault(zlib.crc32(host.encode()) % GROUPS, []).append(url)
    return list(groups.values())


def _fetch_on_ray(urls: list[str], folder: Path, options: Options, wanted: Wanted) -> Iterator[Entry]:
    import ray

    task, answers = ray.remote(_fetch_part).options(max_retries=TRIES), []
    folder, wanted = folder.absolute(), replace(wanted, folder=wanted.folder.absolute())  # workers stand elsewhere
    chains = [list(_parts(group)) for group in by_host(urls)]
    before = [None] * len(chains)
    for turn in range(max(map(len, chains), default=0)):  # the first parts of all groups first
        for i, chain in enumerate(chains):
            if turn < len(chain):
                part = chain[turn]
                before[i] = task.remote(part, folder, options, _of(wanted, part), before[i])
                answers.append(before[i])
    try:
        while answers:
            (done,), answers = ray.wait(answers)
            for entry in _got(done):
                if isinstance(entry, Exception):
                    raise entry
                yield entry
    finally:
        for answer in answers:
            ray.cancel(answer, force=True)


def _fetch_part(
    urls: list[str], folder: Path, options: Options, wanted: Wanted, before: list | None
) -> list[Entry | Exception]:  # fmt: skip
    """Fetch a part of a group's links on a worker, once `before`, the part before, is done; then let hosts rest."""
    rests, answers = [0.0] * RESTS, []
    fetch_all(urls, folder, options, wanted, rests, answers.append)
    time.sleep(max(max(rests) - time.monotonic(), 0))
    return answers


def _crop_on_ray(photos: dict, folder: Path, size: int, unit: str) -> dict[str, str]:
    import ray

    task, reasons = ray.remote(crops.crop_faces).options(max_retries=TRIES), {}
    photos = ((photo.absolute(), faces) for photo, faces in photos.items())
    for answer in [task.remote(dict(part), folder.absolute(), size, unit, 1) for part in _parts(photos)]:
        reasons |= _got(answer)
    return reasons


def _parts(items: Iterable) -> Iterator[list]:
    items = iter(items)
    while part := list(islice(items, PART)):
        yield part


def _got(answer: object) -> object:
    """Wait for a task and return what it returned."""
    import ray
    from ray.exceptions import NodeDiedError, OutOfMemoryError, WorkerCrashedError

    try:
        return ray.get(answer)
    except (NodeDiedError, OutOfMemoryError, WorkerCrashedError) as error:
        raise RuntimeError(f"a worker died {TRIES + 1} times at the same work; run again to go on") from error
