"""How fast the mini world is drawn, where the time goes, and how much memory the largest world's tables take.

    python benchmarks/render.py [--images 2400] [--size 128] [--tables]

Prints images per second on all cores (workers' start included), the milliseconds of one image by step on one core,
and with `--tables` the time and peak memory of writing the truth and FEC's files for the 75,144 faces of people of the
largest world, with random expressions in place of rendered ones.
"""

import argparse
import cProfile
import os
import platform
import pstats
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from mirrorme_utils import config, profiles
from mirrorme_utils.world import build, expressions, faces
from mirrorme_utils.world.people import human

STEPS = {  # of a person's image: file and function, with all that it calls
    "rays to what is seen, and to the light": ("rays.py", "cast"),
    "skin, hair, eyes, cloth": ("shading.py", "_shade"),
    "of it the wrinkles": ("wrinkles.py", "at"),
    "shape and expression": ("human.py", "posed"),
    "camera response": ("capture.py", "develop"),
    "exposure": ("capture.py", "encode"),
    "background": ("capture.py", "backdrop"),
}


def shown(kind: str, images: int) -> list[faces.Face]:
    """Faces of as many identities as it takes, 24 expressions each."""
    n = -(-images // 24)
    world = replace(profiles.PROFILES["laptop"].world, humans=n, cartoons=n)
    return [face for i in range(n) for _, face in faces.cast(world, kind, i)][:images]


def speed(kind: str, images: int, size: int) -> float:
    """Images per second on all cores."""
    jobs = shown(kind, images)
    start = time.perf_counter()
    faces.render_faces(jobs, size)
    return images / (time.perf_counter() - start)


def steps(size: int, images: int = 240) -> dict[str, float]:
    """Milliseconds of one person's image by step, on one core."""
    jobs = shown("human", images)
    faces.render(jobs[0], size)
    profile = cProfile.Profile()
    profile.enable()
    for face in jobs:
        faces.render(face, size)
    profile.disable()
    spent = {(Path(f).name, name): row[3] for (f, _, name), row in pstats.Stats(profile).stats.items()}
    result = {step: 1000 * spent[key] / images for step, key in STEPS.items()}
    start = time.perf_counter()
    for face in jobs:
        faces.render(face, size)
    return {"whole image": 1000 * (time.perf_counter() - start) / images} | result


def tables() -> tuple[float, float]:
    """Seconds, and GiB of peak memory of this process, for the report's number of people and FEC's of triplets."""
    world = profiles.world_of(75_135 + 389_678)
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        config.DATA = Path(folder)
        parts, names = build.root() / "parts", list(expressions.PALETTE)
        parts.mkdir(parents=True)
        (build.root() / build.FEC).mkdir()
        for i in range(world.humans):
            rows = [
                [f"fec/photos/{i}-{k}.jpg", 0.2, 0.6, 0.1, 0.7, "human", i, faces.split_of(i), name,
                 *expressions.sample(name, rng).round(4)]
                for k, name in enumerate(rng.choice(names, world.expressions))
            ]  # fmt: skip
            build._write_rows(parts / f"human-{i:06d}.csv", rows)
        start = time.perf_counter()
        build.write_tables(world)
        seconds = time.perf_counter() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=2_400)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--tables", action="store_true")
    options = parser.parse_args()
    human.prepare()
    print(f"{os.cpu_count()} cores, {platform.machine()}, {options.images} images of {options.size} pixels, seed 0")
    for kind in faces.KINDS:
        print(f"{kind:<8} {speed(kind, options.images, options.size):6.0f} images/s")
    for step, milliseconds in steps(options.size).items():
        print(f"  {step:<40} {milliseconds:5.1f} ms")
    if options.tables:
        seconds, gib = tables()
        print(f"tables of {75_135:,} people: {seconds:.0f} s, {gib:.2f} GiB")
