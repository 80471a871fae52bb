"""Every notebook runs in the smoke profile with everything trained from scratch: each training path, in seconds."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest

from mirrorme_utils import config

NUMBERS = [path.name.split("_")[0] for path in sorted((config.ROOT / "notebooks").glob("[0-9]*.ipynb"))]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The folders of one reader: later notebooks find there what earlier ones trained. Nothing shipped is in it."""
    return tmp_path_factory.mktemp("smoke")


# What no notebook trains on two cores: the flagship, on whose trunk notebook 03 puts a FECNet and into which 03b looks,
# and the rung that 07c shows beside its own.
LENT = {"03": "moving-128", "03b": "moving-128", "07c": "rung-large"}


@contextmanager
def lent(number, folder):
    """Lend a notebook, while it runs, the shipped checkpoint that it needs."""
    files = [LENT[number] + suffix for suffix in (".json", ".safetensors")] if number in LENT else []
    folder.mkdir(exist_ok=True)
    for name in files:
        shutil.copy(config.ROOT / "data" / "checkpoints" / name, folder)
    yield
    for name in files:
        (folder / name).unlink()


@pytest.mark.parametrize("number", NUMBERS)
def test_notebook_trains_from_scratch(home, world, number):
    before = {path.name: path.stat().st_mtime_ns for path in (config.ROOT / "data" / "checkpoints").glob("*")}
    environment = {
        **os.environ,
        "MIRRORME_PROFILE": "smoke",
        "RETRAIN": "1",
        "MIRRORME_CHECKPOINTS": str(home / "checkpoints"),
        "MIRRORME_FIGURES": str(home / "figures"),
    }
    command = [sys.executable, "-m", "mirrorme_utils.course", "--only", number, "--out", str(home / "notebooks")]
    with lent(number, home / "checkpoints"):
        done = subprocess.run(command, env=environment, cwd=config.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    after = {path.name: path.stat().st_mtime_ns for path in (config.ROOT / "data" / "checkpoints").glob("*")}
    assert before == after, "a smoke run changed the shipped checkpoints"


@pytest.mark.skipif(not {"03", "05", "07"} <= set(NUMBERS), reason="the notebooks that train are not all there")
def test_each_network_was_trained(home):
    trained = {path.stem for path in (home / "checkpoints").glob("*.safetensors")}
    assert {"fecnet", "fecnet-128", "fecnet-sizes", "judge", "report", "code", "moving"} <= trained
