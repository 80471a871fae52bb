"""Cleaning by this machine's processes and by Ray with one, two and four workers, in one run, on the same photos.

    pip install -e ".[cluster]"
    python benchmarks/workers.py [--photos 2000] [--hosts 8] [--turns 2] [--json build/workers.json]

A server in a process of its own answers for several hosts. Each turn fetches all photos, decodes them to the last pixel
and cuts a face out of each. Prints photos a second, without Ray's start, which is named beside it, and whether all
turns kept the same bytes.
"""

import argparse
import hashlib
import json
import os
import tempfile
import time
from contextlib import nullcontext
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from mirrorme_utils import files
from mirrorme_utils.data import crops, engine
from mirrorme_utils.data.download import Options, download
from mirrorme_utils.data.photo_server import PhotoServer, choose_faults

SHARES = {"404": 0.005, "410": 0.005, "truncated": 0.005, "html": 0.005}
BOX = (0.3, 0.6, 0.2, 0.7)
WORKERS = (None, 1, 2, 4)  # None: this machine's processes


def make_photos(folder: Path, n: int) -> None:
    """Write n different photos of some 100 KB."""
    folder.mkdir(parents=True)
    grain = np.random.default_rng(0).normal(128, 40, (800, 1200, 3)).clip(0, 255).astype(np.uint8)
    coarse = Image.fromarray(grain[::8, ::8])
    for i in range(n):
        turned = Image.fromarray(np.roll(np.asarray(coarse), i, (0, 1))).resize((800, 600), Image.Resampling.BICUBIC)
        turned.save(folder / f"{i}.jpg", quality=92)


def serve(folder: Path, faults: dict[str, str], pipe) -> None:
    """Be a process that serves photos until it is told to end."""
    with PhotoServer(folder, faults) as server:
        pipe.send(server.address)
        pipe.recv()


def turn(folder: Path, urls: list[str], hosts: dict[str, str], workers: int | None) -> tuple[float, float, str]:
    """Fetch everything into a folder; return seconds, seconds of Ray's start, and a hash of all that was kept."""
    begun = time.perf_counter()
    with nullcontext(engine.HERE) if workers is None else engine.on_ray(workers) as by:
        started = time.perf_counter()
        crops.make_folders(folder / "crops")
        wanted = crops.Wanted({url: [(crops.key(url, BOX), BOX)] for url in urls}, folder / "crops", 224)
        rows = download(urls, folder, Options(hosts=hosts, tries=1), wanted, by)
        seconds = time.perf_counter() - started
    digest = hashlib.sha256(rows[["url", "state", "status", "reason", "bytes", "sha256"]].to_csv().encode())
    for path in sorted(path for kind in ("photos", "crops") for path in (folder / kind).rglob("*") if path.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return seconds, started - begun, digest.hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--hosts", type=int, default=8)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    results, hashes = {}, set()
    with tempfile.TemporaryDirectory() as home:
        make_photos(Path(home) / "photos", args.photos)
        faults = choose_faults([f"{i}.jpg" for i in range(args.photos)], 0, SHARES)
        ours, theirs = get_context("spawn").Pipe()
        server = get_context("spawn").Process(target=serve, args=(Path(home) / "photos", faults, theirs), daemon=True)
        server.start()
        names = [f"farm{i}.benchmark.test" for i in range(args.hosts)]
        hosts = dict.fromkeys(names, ours.recv())
        urls = [f"http://{names[i % args.hosts]}/{i}.jpg" for i in range(args.photos)]
        print(f"{args.photos} photos at {args.hosts} hosts, {os.cpu_count()} cores, {args.turns} turns each")
        for number in range(args.turns):
            for workers in WORKERS:
                seconds, start, digest = turn(Path(home) / f"{number}-{workers}", urls, hosts, workers)
                results.setdefault("processes" if workers is None else f"Ray, {workers}", []).append((seconds, start))
                hashes.add(digest)
        ours.send("end")
        server.join()
    table = {
        name: {
            "photos a second": [round(args.photos / seconds, 1) for seconds, _ in turns],
            "start": round(float(np.mean([start for _, start in turns])), 1),
        }
        for name, turns in results.items()
    }
    for name, row in table.items():
        print(f"  {name:<10}{np.mean(row['photos a second']):>7.0f} photos a second, started in {row['start']} s")
    print("the same bytes in all turns" if len(hashes) == 1 else "DIFFERENT bytes")
    if args.json:
        files.write(args.json, json.dumps({"photos": args.photos, "hosts": args.hosts, "same": len(hashes) == 1} | table))


if __name__ == "__main__":
    main()
