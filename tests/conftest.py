"""Keep the tests in a world of their own: the smoke profile, a folder that goes away, one thread.

The processes of one run share that folder, so that what takes long to build (Anny's head, the smoke world) is built
once. Shipped checkpoints, and what `data/cache` keeps, can be read and not overwritten: the tests see links to them,
and a file is written by replacing its name.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

DATA = Path(__file__).parent.parent / "data"
STARTED = "PYTEST_XDIST_WORKER" in os.environ and "MIRRORME_TESTS" in os.environ  # by a process that made the folder
HOME = Path(os.environ["MIRRORME_TESTS"] if STARTED else tempfile.mkdtemp(prefix="mirrorme-tests-"))

if not STARTED:
    atexit.register(shutil.rmtree, HOME, ignore_errors=True)
    for there, here in ((DATA / "checkpoints", HOME / "checkpoints"), (DATA / "cache", HOME / "data" / "cache")):
        here.mkdir(parents=True)
        for file in there.glob("*.*"):
            (here / file.name).symlink_to(file)

# Before anything of the package is imported: config reads the folders once.
os.environ.update(
    MIRRORME_TESTS=str(HOME),
    MIRRORME_PROFILE="smoke",
    MIRRORME_DATA=str(HOME / "data"),
    MIRRORME_CHECKPOINTS=str(HOME / "checkpoints"),
    MIRRORME_FIGURES=str(HOME / "figures"),
    MPLBACKEND="agg",
    OMP_NUM_THREADS="1",
)
for name in ("RETRAIN", "MIRRORME_FACES"):
    os.environ.pop(name, None)

import pytest  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(1)


@contextmanager
def _alone(name):
    """Let one process of the run in at a time."""
    with open(HOME / f"{name}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def head():
    """Make the file of Anny's head, once for all processes; people cannot be drawn without it."""
    from mirrorme_utils.world.people import human

    with _alone("head"):
        human.prepare()


@pytest.fixture(scope="session")
def world(head):
    """Build the smoke world, once for all processes; return its folder."""
    from mirrorme_utils.world import build

    with _alone("world"):
        return build.ensure()


@pytest.fixture(scope="session")
def cleaned(world):
    """Clean the smoke world, once for all processes; return what is left (`data.clean.Cleaned`)."""
    from mirrorme_utils.data import clean

    with _alone("cleaned"):
        return clean.ensure()


def pytest_collection_modifyitems(items):
    """Begin with the two longest files, each a chain: then no process waits for one of them at the end."""
    items.sort(key=lambda item: not item.path.name.startswith("test_smoke"))
