"""How long FEC's rows take to be read, filtered and counted, and how much memory; then the whole of the cleaning.

    python benchmarks/fec_rows.py [--rows 500000] [--faces 156000] [--clean]

The rows are synthetic, in FEC's format: six annotators or so, faces drawn at random, one row in a thousand malformed.
With `--clean` all of notebook 01's steps follow on a list of that size, with both tracks of iCartoonFace at their real
number of rows. Only the transport is faked: each link gives one small picture at once, 2 % are dead; and the drawings'
pictures are missing, so that they cost tables and no crops. Prints seconds and peak memory (of this process, in MB).
"""

import argparse
import hashlib
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from mirrorme_utils import config
from mirrorme_utils.data import clean, fec, icartoonface, sources
from mirrorme_utils.data.fetch import Fetcher, photo_path
from mirrorme_utils.data.ledger import Entry
from mirrorme_utils.world import formats

CARTOON_ROWS = {"detection": 91_160, "recognition": 389_678}


def write_rows(folder: Path, rows: int, faces: int) -> None:
    """Write both of FEC's files: nine rows in ten to the first."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    steps = rng.integers(1, faces // 3, (rows, 3))  # so that no row holds a face twice
    numbers = (rng.integers(0, faces, (rows, 1)) + steps.cumsum(axis=1)) % faces
    kinds, votes = rng.integers(0, 3, rows), rng.choice([1, 2, 3], (rows, 7), p=[0.1, 0.8, 0.1])
    lengths = rng.choice([5, 6, 7], rows, p=[0.05, 0.9, 0.05])
    with open(folder / formats.FEC_FILES["train"], "w") as train, open(folder / formats.FEC_FILES["test"], "w") as test:
        for i, (three, kind) in enumerate(zip(numbers, kinds)):
            cells = ",".join(
                f'"http://photos.example.test/{n % 97}/{n:09d}_{n * 7919 % 10**10:010d}_b.jpg",'
                f"0.{n % 400 + 100},0.{n % 400 + 500},0.1,0.7"
                for n in three
            )
            given = ",".join(f"rater{(i + r) % 300},{votes[i, r]}" for r in range(lengths[i]))
            line = f"{cells},{formats.TRIPLET_TYPES[kind]},{given}\n"
            (test if i % 10 == 0 else train).write("malformed\n" if i % 1000 == 999 else line)


def write_cartoons(folder: Path) -> None:
    """Write both annotation files of iCartoonFace and empty folders for the pictures."""
    folder.mkdir(parents=True)
    for track, (annotations, pictures, separator) in icartoonface.TRACKS.items():
        (folder / pictures).mkdir(parents=True)
        with open(folder / annotations, "w") as lines:
            for i in range(CARTOON_ROWS[track]):
                name = f"personai_icartoonface_{track}_{i % 5013:05d}/personai_icartoonface_{track}_{i:07d}.jpg"
                lines.write(separator.join([name, "10", "12", "90", "99"]) + "\n")


def fake_fetch(self: Fetcher, url: str) -> Entry:
    """Give each link a photo at once; 2 % of them are dead."""
    digest = hashlib.sha256(url.encode()).hexdigest()
    if int(digest[:4], 16) < 0.02 * 16**4:
        return Entry(url, "dead", 404, "HTTP 404", tries=1)
    self.see(url, PICTURE)
    photo_path(self.folder, url).write_bytes(b"x")
    return Entry(url, "ok", 200, "", 1, 0.0, 1, digest)


PICTURE = Image.new("RGB", (64, 64))


def report(step: str, start: float) -> None:
    """Print what a step took."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(f"{step:<34} {time.perf_counter() - start:6.1f} s   peak {peak:4.0f} MB", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--faces", type=int, default=156_000)
    parser.add_argument("--clean", action="store_true", help="all steps of the cleaning, the transport faked")
    options = parser.parse_args()
    os.environ["MIRRORME_PROFILE"] = "report"
    with tempfile.TemporaryDirectory() as home:
        config.DATA = Path(home)
        real = sources.Source("real", config.DATA / "real")
        write_rows(real.root / "fec", options.rows, options.faces)
        start = time.perf_counter()
        rows = fec.read(real.root / "fec")
        agreed = rows.triplets[fec.strongly_agreed(rows.triplets)]
        counts = fec.count_types(read=rows.triplets, agreed=agreed)
        report("read, filtered and counted", start)
        print(f"{len(rows.faces):,} faces, {len(rows.malformed):,} malformed rows\n{counts.to_string()}")
        del rows, agreed
        if options.clean:
            write_cartoons(real.root / "icartoonface")
            Fetcher.fetch = fake_fetch
            start = time.perf_counter()
            cleaned = clean.clean(real)
            report("the whole cleaning, no transport", start)
            print(f"{len(cleaned.faces):,} faces\n{cleaned.stages.to_string()}")
