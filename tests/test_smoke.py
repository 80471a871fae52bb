"""Every notebook runs in the smoke profile with everything trained from scratch: each training path, in seconds."""

import shutil
from contextlib import contextmanager

import pytest

from mirrorme_utils import config, course

SHIPPED = config.ROOT / "data" / "checkpoints"
NUMBERS = [path.name.split("_")[0] for path in course.find()]


@pytest.fixture(scope="module")
def home(world, tmp_path_factory):
    """The folders of one reader: later notebooks find there what earlier ones trained. Nothing shipped is in it.

    The mini world, and what keeps pictures by what they show, are those of all tests.
    """
    home = tmp_path_factory.mktemp("smoke")
    (home / "data").mkdir()
    for name in ("mini", "cache"):
        (home / "data" / name).symlink_to(world.parent / name)
    return home


# What no notebook trains on two cores: the large model, on whose backbone notebook 03 puts a FECNet and into which 03b
# looks, and the row of the ablation that 07c shows beside its own.
LENT = {"03": "moving-128", "03b": "moving-128", "07c": "ablation-large"}


@contextmanager
def lent(number, folder):
    """Lend a notebook, while it runs, the shipped checkpoint that it needs."""
    files = [LENT[number] + suffix for suffix in (".json", ".safetensors")] if number in LENT else []
    folder.mkdir(exist_ok=True)
    for name in files:
        shutil.copy(SHIPPED / name, folder)
    yield
    for name in files:
        (folder / name).unlink()


@pytest.mark.parametrize("number", NUMBERS)
def test_notebook_trains_from_scratch(home, number, monkeypatch):
    before = {path.name: path.stat().st_mtime_ns for path in SHIPPED.glob("*")}
    monkeypatch.setenv("RETRAIN", "1")
    for name in ("data", "checkpoints", "figures"):
        monkeypatch.setenv(f"MIRRORME_{name.upper()}", str(home / name))
    with lent(number, home / "checkpoints"):
        (path,) = course.find([number])
        course.run(path, home / "notebooks" / path.name)
    after = {path.name: path.stat().st_mtime_ns for path in SHIPPED.glob("*")}
    assert before == after, "a smoke run changed the shipped checkpoints"


@pytest.mark.skipif(not {"03", "05", "07"} <= set(NUMBERS), reason="the notebooks that train are not all there")
def test_each_network_was_trained(home):
    trained = {path.stem for path in (home / "checkpoints").glob("*.safetensors")}
    assert {"fecnet", "fecnet-128", "fecnet-sizes", "judge", "report", "code", "moving"} <= trained
