"""The notebooks in the smoke profile, everything trained from scratch: each training path, in seconds.

They run in two halves, side by side: those up to the report's model, and those that move a face. The second half
borrows the shipped checkpoints of the first.
"""

import shutil

from mirrorme_utils import config, course

SHIPPED = config.ROOT / "data" / "checkpoints"
FOLDERS = ("data", "checkpoints", "figures")
NUMBERS = [path.name.split("_")[0] for path in course.find()]


def make_home(folder, world):
    """Make the folders of one reader, in which later notebooks find what earlier ones trained.

    The mini world, and what keeps pictures by what they show, are those of all tests.
    """
    for name in FOLDERS:
        (folder / name).mkdir()
    for name in ("mini", "cache"):
        (folder / "data" / name).symlink_to(world.parent / name)
    return folder


def lend(home, names):
    """Put shipped checkpoints into a home."""
    for name in names:
        for path in SHIPPED.glob(f"{name}.*"):
            shutil.copy(path, home / "checkpoints")


def train_from_scratch(number, home, monkeypatch):
    """Run a notebook in a home; what is shipped must stay as it was."""
    before = {path.name: path.stat().st_mtime_ns for path in SHIPPED.glob("*")}
    monkeypatch.setenv("RETRAIN", "1")
    for name in FOLDERS:
        monkeypatch.setenv(f"MIRRORME_{name.upper()}", str(home / name))
    (path,) = course.find([number])
    course.run(path, home / "notebooks" / path.name)
    after = {path.name: path.stat().st_mtime_ns for path in SHIPPED.glob("*")}
    assert before == after, "a smoke run changed the shipped checkpoints"


def trained(home):
    """Name the networks that a home holds, lent ones too."""
    return {path.stem for path in (home / "checkpoints").glob("*.safetensors")}
