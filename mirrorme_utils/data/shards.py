"""Crops in WebDataset shards: a few large tar files in place of many small ones, for disks that many machines share.

    mirrorme clean --shards /disk/crops                       train-000000.tar, …, val-…, test-…, index.csv
    MIRRORME_SHARDS=/disk/crops mirrorme train report         a training that reads its crops from there

A sample is `KEY.jpg`, the crop as it lies on the disk to the byte, and `KEY.json`, its row of `clean.Cleaned.faces`.
Keys are hashes, and samples stand in their order, so a shard is a random mixture, as readers in a stream want it. The
same crops make the same bytes. `index.csv` says where each crop lies, so trainings here read any of them at once, in
the order that their seed asks for: what they learn does not depend on where the crops lie.

Source: the format is that of https://github.com/webdataset/webdataset, plain tar (POSIX ustar).
"""

import io
import json
import tarfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pandas as pd

from .. import config, files

SAMPLES = 10_000  # of a shard; some 200 MB with crops of 224 pixels
INDEX = "index.csv"


def write(faces: pd.DataFrame, folder: Path, samples: int = SAMPLES) -> list[Path]:
    """Write the crops of faces as shards, a series for each split, and their index; each file whole or not at all.

    Args:
        faces: rows of `clean.Cleaned.faces`; folder: gets the shards, and loses those of an earlier call; samples: of a
        shard.
    Returns:
        the shards.
    Raises:
        FileNotFoundError: a crop is missing.
    """
    folder, places, shards = Path(folder), [], []
    for split in config.SPLITS:
        rows = sorted(faces[faces["split"] == split].to_dict("records"), key=lambda row: Path(row["image"]).stem)
        for number, start in enumerate(range(0, len(rows), samples)):
            shards.append(folder / f"{split}-{number:06d}.tar")
            with files.whole(shards[-1]) as part:
                offsets = _write(rows[start : start + samples], part)
            places += [(name, shards[-1].name, *place) for name, place in offsets.items()]
    files.write(folder / INDEX, pd.DataFrame(places, columns=["crop", "shard", "offset", "bytes"]).to_csv(index=False))
    for old in {*folder.glob("*-[0-9]*.tar")} - {*shards}:
        old.unlink()
    return shards


def _write(rows: Iterable[dict], path: Path) -> dict[str, tuple[int, int]]:
    """Write samples to one tar file; return the crops' names, with offset and bytes of each."""
    places = {}
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for row in rows:
            crop = Path(row["image"])
            for name, content in ((crop.name, (config.DATA / crop).read_bytes()),
                                  (f"{crop.stem}.json", json.dumps(row, sort_keys=True).encode())):  # fmt: skip
                entry = tarfile.TarInfo(name)  # of no user, and of no time
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
                if name == crop.name:
                    places[name] = tar.offset - -(-entry.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE, entry.size
    return places


def source(crop: Path) -> Path | bytes:
    """Return what to read a crop from: its bytes out of the shards in `config.SHARDS`, if they hold it, else its path.

    Raises:
        FileNotFoundError: there are no shards in that folder.
    """
    if config.SHARDS is None or (place := _places(config.SHARDS).get(Path(crop).name)) is None:
        return crop
    shard, offset, size = place
    with open(config.SHARDS / shard, "rb") as file:
        file.seek(offset)
        return file.read(size)


@cache
def _places(folder: Path) -> dict[str, tuple[str, int, int]]:
    if not (folder / INDEX).exists():
        raise FileNotFoundError(
            f"there is no {INDEX} in {folder}, which MIRRORME_SHARDS names: write shards there by `mirrorme clean --shards`"
        )
    table = pd.read_csv(folder / INDEX)
    return dict(zip(table["crop"], zip(table["shard"], table["offset"], table["bytes"])))
