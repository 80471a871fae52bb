"""Where a data set's files lie once its archives are unpacked: in the data set's folder, or in any folder below it."""

import os
from collections.abc import Iterator
from pathlib import Path

DEPTH = 6  # folders below the data set's; also the end of a link that leads back up
MANY = 100  # folders in one: they are characters, each with pictures, and hold no folder that is looked for
ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".tgz", ".gz", ".bz2", ".xz")


def folders(top: Path) -> Iterator[Path]:
    """Yield a folder and those below it, the upper ones first, without hidden ones and what macOS packs beside."""
    level = [Path(top)]
    for _ in range(DEPTH):
        below = []
        for folder in level:
            yield folder
            inside = _inside(folder)
            below += inside if len(inside) <= MANY else []
        level = below


def _inside(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.is_dir()]
    except OSError:  # not there, or not ours to read
        return []
    return [folder / name for name in sorted(names) if not name.startswith((".", "__MACOSX"))]


def find(top: Path, name: str) -> Path | None:
    """Return the file of this name that lies highest in a folder, or None."""
    return next((folder / name for folder in folders(top) if (folder / name).is_file()), None)


def still_packed(top: Path) -> str:
    """Return a remark on archives that lie in a folder, for a message that something is missing; "" if none do."""
    names = [path.name for folder in folders(top) for path in folder.glob("*.*") if path.suffix.lower() in ARCHIVES]
    return f"; unpack {', '.join(sorted(names)[:5])}" if names else ""
