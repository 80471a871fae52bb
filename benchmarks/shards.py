"""Loading crops from WebDataset shards and from torchvision's ImageFolder, in one run: cold and warm.

    python benchmarks/shards.py [--crops 5000] [--size 224] [--turns 3] [--json build/shards.json]

Both decode the same JPEG crops, in the order of the disk and in one drawn at random, in one process. Cold means that the
system was told to forget these files (posix_fadvise) before the turn. Prints pictures a second.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from torchvision.datasets import ImageFolder

from mirrorme_utils import config, files, pictures
from mirrorme_utils.data import shards


def make_crops(folder: Path, n: int, size: int) -> pd.DataFrame:
    """Write n crops as cleaning lays them, one subfolder for each of 256 prefixes; return their table."""
    grain = Image.fromarray(np.random.default_rng(0).integers(0, 255, (size // 4, size // 4, 3), np.uint8))
    rows = []
    for i in range(n):
        image = f"crops/{i % 256:02x}/{i % 256:02x}{i:022x}.jpg"
        (folder / image).parent.mkdir(parents=True, exist_ok=True)
        turned = Image.fromarray(np.roll(np.asarray(grain), i, (0, 1)))
        turned.resize((size, size), Image.Resampling.BICUBIC).save(folder / image, quality=95)
        rows.append([image, "human", str(i), "train", "fec", i])
    return pd.DataFrame(rows, columns=["image", "kind", "identity", "split", "source", "truth"])


def forget(folder: Path) -> None:
    """Have the system drop what it remembers of the files in a folder."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crops", type=int, default=5_000)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    table = {}
    with tempfile.TemporaryDirectory() as home:
        home = Path(home)
        config.DATA, config.SHARDS = home, home / "shards"
        faces = make_crops(home, args.crops, args.size)
        shards.write(faces, config.SHARDS)
        folder = ImageFolder(home / "crops")
        ways = {
            "ImageFolder": (home / "crops", lambda i: folder[i][0]),
            "shards": (config.SHARDS, lambda i: pictures.read(shards.source(Path(folder.samples[i][0])))),
        }
        orders = {"in order": np.arange(args.crops), "at random": np.random.default_rng(1).permutation(args.crops)}
        ways["shards"][1](0)  # reads the index
        for _ in range(args.turns):
            for order, rows in orders.items():
                for state in ("cold", "warm"):
                    for name, (where, load) in ways.items():
                        if state == "cold":
                            forget(where)
                        started = time.perf_counter()
                        for i in rows:
                            load(i)
                        rate = args.crops / (time.perf_counter() - started)
                        table.setdefault(f"{name}, {order}, {state}", []).append(round(rate))
    print(f"{args.crops} crops of {args.size} px, {args.turns} turns, one process; pictures a second")
    for name, rates in sorted(table.items()):
        print(f"  {name:<32}{np.median(rates):>7.0f}   ({min(rates)} to {max(rates)})")
    if args.json:
        files.write(args.json, json.dumps({"crops": args.crops, "size": args.size} | table))


if __name__ == "__main__":
    main()
