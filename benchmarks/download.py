"""Our downloader beside img2dataset, in one run, on the same photos from the same server on this machine.

    python -m venv build/img2dataset && build/img2dataset/bin/pip install img2dataset
    python benchmarks/download.py --other build/img2dataset/bin/python [--photos 5000]

A server in a process of its own serves photos of about 100 KB, of which 2 % are faulty. Ours fetches, decodes each to
its last pixel, keeps a ledger and cuts out one face a photo (224 px). img2dataset fetches and stores, without resizing
or encoding again, its fastest setting. Prints images per second of both, and what each kept.
"""

import argparse
import io
import json
import subprocess
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from mirrorme_utils import crops
from mirrorme_utils.download import Options, download
from mirrorme_utils.photo_server import HOST, PhotoServer, choose_faults

SHARES = {"404": 0.005, "410": 0.005, "truncated": 0.005, "html": 0.005}
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


def ours(names: list[str], address: str, folder: Path) -> tuple[float, int]:
    """Seconds, and faces cut out."""
    urls, box = [f"http://{HOST}/{name}" for name in names], (0.3, 0.6, 0.2, 0.7)
    crops.make_folders(folder / "crops")

    def cut(url, picture):
        crops.cut_faces(picture, [(crops.key(url, box), box)], folder / "crops", 224, "fraction")

    start = time.perf_counter()
    download(urls, folder, Options(hosts={HOST: address}, tries=1), cut)
    return time.perf_counter() - start, len(list((folder / "crops").rglob("*.jpg")))


def others(python: str, names: list[str], address: str, folder: Path) -> tuple[float, int]:
    """Seconds, and pictures stored, its start included."""
    links, script = folder / "links.txt", folder / "run.py"
    links.write_text("\n".join(f"http://{address}/{name}" for name in names) + "\n")
    script.write_text(OTHER)
    settings = dict(
        url_list=str(links), output_folder=str(folder / "out"), processes_count=2, thread_count=32, retries=0,
        resize_mode="no", skip_reencode=True, output_format="files", number_sample_per_shard=500, timeout=20,
        disallowed_header_directives=[], enable_wandb=False,
    )  # fmt: skip
    start = time.perf_counter()
    subprocess.run([python, str(script), json.dumps(settings)], check=True, capture_output=True)
    return time.perf_counter() - start, len(list((folder / "out").rglob("*.jpg")))


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
        for turn in (1, 2):
            seconds, kept = ours(names, address, Path(home) / f"ours{turn}")
            print(f"ours, with crops        {len(names) / seconds:6.0f} photos/s, {kept} faces kept")
            if options.other:
                folder = Path(home) / f"other{turn}"
                folder.mkdir()
                seconds, kept = others(options.other, names, address, folder)
                print(f"img2dataset, as it is   {len(names) / seconds:6.0f} photos/s, {kept} pictures kept")
        mine.send("stop")
        server.join()
