"""Our downloader beside img2dataset, in one run, on the same photos from the same server on this machine.

    python -m venv build/img2dataset && build/img2dataset/bin/pip install img2dataset
    python benchmarks/download.py --other build/img2dataset/bin/python [--photos 5000]

A server in a process of its own serves photos of about 100 KB, of which 2 % are faulty. Ours fetches, decodes each to
its last pixel, keeps a ledger and cuts out one face a photo (224 px). img2dataset fetches and stores, without resizing
or encoding again, which is its fastest way, with several numbers of processes and threads; the best one of these takes
part in the turns that follow. Both start in a fresh process, which counts. Prints images per second, what each kept,
and the CPU time of one photo, which depends less on what else the machine does.
"""

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from mirrorme_utils import config
from mirrorme_utils.data.photo_server import PhotoServer, choose_faults
from mirrorme_utils.world.formats import PHOTO_HOST as HOST

SHARES = {"404": 0.005, "410": 0.005, "truncated": 0.005, "html": 0.005}
TURNS = 4
SETTINGS = ((1, 32), (2, 16), (2, 32), (2, 64))  # processes and threads of img2dataset
OURS = """
import sys
from pathlib import Path
from mirrorme_utils.data import crops
from mirrorme_utils.data.download import Options, download
if __name__ == "__main__":
    folder, host, address, box = Path(sys.argv[1]), sys.argv[2], sys.argv[3], (0.3, 0.6, 0.2, 0.7)
    urls = (folder / "links.txt").read_text().split()
    crops.make_folders(folder / "crops")
    wanted = crops.Wanted({url: [(crops.key(url, box), box)] for url in urls}, folder / "crops", 224)
    download(urls, folder, Options(hosts={host: address}, tries=1), wanted)
"""
OTHER = """
import json, sys
from img2dataset import download
if __name__ == "__main__":
    download(**json.loads(sys.argv[1]))
"""


def make_photos(folder: Path, n: int) -> int:
    """Write n different photos; return their mean size in bytes."""
    folder.mkdir(parents=True)
    grain = np.random.default_rng(0).normal(128, 40, (1024, 1024, 3)).clip(0, 255).astype(np.uint8)
    soft = Image.fromarray(grain).resize((2048, 2048), Image.Resampling.BICUBIC)
    sizes = []
    for i in range(n):
        x, y = (i * 37) % 1400, (i * 91) % 1500
        data = io.BytesIO()
        soft.crop((x, y, x + 640, y + 480)).save(data, "JPEG", quality=76)
        (folder / f"{i:05d}.jpg").write_bytes(data.getvalue())
        sizes.append(data.tell())
    return round(np.mean(sizes))


def serve(folder: Path, faults: dict, pipe) -> None:
    """Serve until told to stop; the first message is the address."""
    with PhotoServer(folder, faults) as server:
        pipe.send(server.address)
        pipe.recv()


def start(python: str, script: str, names: list[str], host: str, folder: Path, *args: str) -> None:
    """Run a script in a fresh process, in a folder with a list of links."""
    folder.mkdir()
    (folder / "links.txt").write_text("".join(f"http://{host}/{name}\n" for name in names))
    (folder / "run.py").write_text(script)
    env = os.environ | {"PYTHONPATH": str(config.ROOT)}
    subprocess.run([python, str(folder / "run.py"), *args], check=True, capture_output=True, env=env)


def ours(names: list[str], address: str, folder: Path) -> None:
    """Fetch all photos, and cut out one face of each."""
    start(sys.executable, OURS, names, HOST, folder, str(folder), HOST, address)


def others(names: list[str], address: str, folder: Path, python: str, processes: int, threads: int) -> None:
    """Run img2dataset, with one shard for each of its processes."""
    settings = dict(
        url_list=str(folder / "links.txt"), output_folder=str(folder / "out"), processes_count=processes, thread_count=threads,
        retries=0, resize_mode="no", skip_reencode=True, output_format="files", timeout=20, enable_wandb=False,
        number_sample_per_shard=-(-len(names) // processes), disallowed_header_directives=[],
    )  # fmt: skip
    start(python, OTHER, names, address, folder, json.dumps(settings))


def turn(name: str, run, names: list[str], address: str, home: Path, kept: str) -> float:
    """Let one of both run in a folder of its own; print and return its photos per second.

    The folder stays until all turns are done: ext4 takes its time to give out inodes that were just deleted.
    """
    folder = Path(tempfile.mkdtemp(dir=home)) / "run"
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    run(names, address, folder)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    n, speed = len(list((folder / kept).rglob("*.jpg"))), len(names) / seconds
    print(f"{name:<38} {speed:5.0f} photos/s, {1000 * cpu / len(names):4.1f} ms of CPU a photo, {n} kept", flush=True)
    return speed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--other", help="the python of an environment that has img2dataset")
    parser.add_argument("--photos", type=int, default=5_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        photos = Path(home) / "photos"
        size = make_photos(photos, options.photos)
        names = sorted(path.name for path in photos.iterdir())
        faults = choose_faults(names, 0, SHARES)
        mine, theirs = get_context("spawn").Pipe()
        server = get_context("spawn").Process(target=serve, args=(photos, faults, theirs), daemon=True)
        server.start()
        address = mine.recv()
        print(f"{len(names)} photos of {size / 1000:.0f} KB, {len(faults)} faulty")
        where = names, address, Path(home)
        turn("ours, with crops", ours, *where, "crops")
        rivals = {}
        for processes, threads in SETTINGS if options.other else ():
            run = partial(others, python=options.other, processes=processes, threads=threads)
            name = f"img2dataset, {processes} processes, {threads} threads"
            rivals[name] = turn(name, run, *where, "out"), run
        speeds = {"ours, with crops": []}
        for _ in range(TURNS):
            speeds["ours, with crops"].append(turn("ours, with crops", ours, *where, "crops"))
            if rivals:
                name = max(rivals, key=lambda name: rivals[name][0])
                speeds.setdefault(name, []).append(turn(name, rivals[name][1], *where, "out"))
        for name, found in speeds.items():
            print(f"{name}: mean of these {TURNS} turns {np.mean(found):.0f} photos/s")
        mine.send("stop")
        server.join()
