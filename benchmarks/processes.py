"""Training in one process and in several, on one core each: losses side by side, and the time of a step.

    pip install -e ".[cluster]"
    python benchmarks/processes.py [--processes 1 2] [--steps 50] [--json build/processes.json]

FECNet, the report's GAN and the warping generator at the laptop's sizes and batches, in 32-bit floats, on the smoke
profile's rendered faces. `torchrun` starts the processes, which talk through gloo. Prints for each network the largest
relative difference of a step's loss from one process's, the median time of a step, and its CPU time in one process,
which depends less on what else the machine does.

A last row shows how far one process gets from itself when its first weights are changed by a rounding error (1e-7): a
training that multiplies rounding errors does so in any number of processes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from mirrorme_utils import config, distributed, files, profiles, training
from mirrorme_utils.data.triplets import Triplets
from mirrorme_utils.experiments import moving, paired, report_gan, triplet_training
from mirrorme_utils.networks import fecnet
from mirrorme_utils.world import faces

LAPTOP, WORLD = profiles.PROFILES["laptop"], profiles.PROFILES["smoke"].training_set


def train_fecnet(steps: int, images: np.ndarray) -> None:
    """Notebook 03's loop on triplets of rendered faces that nobody labelled."""
    settings, rng = replace(LAPTOP.fecnet, steps=steps), np.random.default_rng(0)
    index = np.stack([rng.permutation(len(images))[:3] for _ in range(3_000)])
    part = Triplets([Path(f"{i}.png") for i in range(len(images))], index, rng.integers(0, 3, 3_000), rng.integers(1, 4, 3_000))
    torch.manual_seed(0)
    triplet_training.train("fecnet", settings, training.fast(fecnet.build(settings)), part, images)


def train_report(steps: int, images: np.ndarray) -> None:
    """Notebook 06's loop."""
    paths = [config.DATA / f"{i}.png" for i in range(64)]
    with distributed.first_alone():
        for path, image in zip(paths, images):
            if not path.exists():
                Image.fromarray(image).resize((128, 128)).save(path)
    torch.manual_seed(0)
    embedding = training.fast(fecnet.build(LAPTOP.fecnet)).eval().requires_grad_(False)
    report_gan.train("report", replace(LAPTOP.report, steps=steps), paths, embedding)


def train_moving(steps: int, loaded: paired.LoadedFaces) -> None:
    """Notebook 10's loop; the expression code is hardly trained."""
    settings, pairs = replace(LAPTOP.warping, steps=steps), paired.pairs(loaded, 0)
    model = moving.begin("moving", settings, replace(LAPTOP.code, steps=2), lambda: loaded)
    moving.train("moving", settings, model, lambda: pairs)


def shift_first_weights() -> None:
    """Have every run begin with weights that are changed by a rounding error."""
    usual = training.Run.__init__

    def begin(run: training.Run, name: str, settings: object, model: torch.nn.Module, *rest: object, **more: object) -> None:
        generator = torch.Generator().manual_seed(9)
        with torch.no_grad():
            for weights in model.parameters():
                weights.mul_(1 + 1e-7 * torch.randn(weights.shape, generator=generator))
        usual(run, name, settings, model, *rest, **more)

    training.Run.__init__ = begin


def work(out: Path, steps: int) -> None:
    """Be one of the processes: train all three, and write the losses and the medians of seconds of their steps."""
    usual, losses, times = training.backward, [], []
    training.native_bfloat16 = lambda: False
    torch.set_num_threads(1)
    known = faces.face_set(WORLD, ("train",))
    config.DATA, config.CHECKPOINTS = out, out / "checkpoints"
    loaded = paired.load(known)

    def backward(loss: torch.Tensor, optimizer: torch.optim.Optimizer) -> None:
        losses.append(distributed.mean(loss.detach()).item())
        usual(loss, optimizer)
        times.append((time.perf_counter(), time.process_time()))

    training.backward, result = backward, {}
    for name, train, data in (
        ("FECNet", train_fecnet, known.images), ("report", train_report, known.images), ("warping", train_moving, loaded)
    ):  # fmt: skip
        losses.clear(), times.clear()
        train(steps, data)
        every = 2 if name == "report" else 1  # the GAN goes back twice a step
        ends = np.array(times[-every * steps :])[every - 1 :: every]
        seconds, cpu = np.median(np.diff(ends, axis=0), axis=0).tolist()
        result[name] = {"losses": losses[-every * steps :], "seconds": seconds, "cpu": cpu}
    if distributed.index() == 0:
        (out / "result.json").write_text(json.dumps(result))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--shifted", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        if args.shifted:
            shift_first_weights()
        work(args.work, args.steps)
        return
    faces.face_set(WORLD, ("train",))  # rendered once
    results, table = {}, {}
    for n in (*args.processes, "shifted"):
        with tempfile.TemporaryDirectory() as folder:
            count, more = (n, []) if isinstance(n, int) else (1, ["--shifted"])
            command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count),
                       __file__, "--work", folder, "--steps", str(args.steps), *more]  # fmt: skip
            subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1", "MIRRORME_BARS": "0"})
            results[n] = json.loads((Path(folder) / "result.json").read_text())
    print(f"{os.cpu_count()} cores, one a process, {args.steps} steps")
    for name, first in results[args.processes[0]].items():
        for n, found in ((n, results[n][name]) for n in results):
            table[f"{name}, {n}"] = {
                "loss differs by": float(np.abs(np.array(found["losses"]) / first["losses"] - 1).max()),
                "ms a step": round(1_000 * found["seconds"]),
                "CPU ms a step": round(1_000 * found["cpu"]),
            }
            print(f"  {name:<8} {n:>8}: " + ", ".join(f"{key} {value:.3g}" for key, value in table[f"{name}, {n}"].items()))
    if args.json:
        files.write(args.json, json.dumps(table))


if __name__ == "__main__":
    main()
