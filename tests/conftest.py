"""Keep the tests in a world of their own: the smoke profile, a folder that goes away, one thread.

Shipped checkpoints can be read and not overwritten: the tests see links to them, and a file is written by replacing
its name.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

SHIPPED = Path(__file__).parent.parent / "data" / "checkpoints"
HOME = Path(tempfile.mkdtemp(prefix="mirrorme-tests-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)

(HOME / "checkpoints").mkdir()
for shipped in SHIPPED.glob("*.*"):
    (HOME / "checkpoints" / shipped.name).symlink_to(shipped)

# Before anything of the package is imported: config reads the folders once.
os.environ.update(
    MIRRORME_PROFILE="smoke",
    MIRRORME_DATA=str(HOME / "data"),
    MIRRORME_CHECKPOINTS=str(HOME / "checkpoints"),
    MIRRORME_FIGURES=str(HOME / "figures"),
    MPLBACKEND="agg",
    OMP_NUM_THREADS="1",
)
os.environ.pop("RETRAIN", None)

import pytest  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def world():
    """Build the smoke world once for all tests of this process; return its folder."""
    from mirrorme_utils import miniworld

    return miniworld.ensure()


def pytest_collection_modifyitems(items):
    """Begin with the longest file, which is one chain: the others fill the second process meanwhile."""
    items.sort(key=lambda item: item.path.name != "test_smoke.py")
