"""Three tiny trainings for the tests of several processes: run by a launcher, they write each step's loss.

    torchrun --nproc-per-node 2 tests/shared_training.py FOLDER STEPS [STOP]

A step's loss is the mean over the processes. STOP: an interrupt comes at that step, in the last process only.
"""

import json
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from samples import face_set, smooth

from mirrorme_utils import config, distributed, training
from mirrorme_utils.data.triplets import Triplets
from mirrorme_utils.experiments import moving, paired, report_gan, triplet_training
from mirrorme_utils.networks import fecnet
from mirrorme_utils.profiles import CodeConfig, FecnetConfig, ReportConfig, WarpingConfig

# Small learning rates: what two sums in another order differ by grows as fast as a network changes. At the course's own
# rates these tiny ones end as far from themselves, if their first weights are changed by 1e-7.
FECNET = FecnetConfig(size=32, width=8, dimensions=8, batch=12, learning_rate=1e-4)
REPORT = ReportConfig(width=8, batch=4, rotation=45.0, learning_rate=1e-5)
CODE = CodeConfig(width=8, batch=6, steps=4)
MOVING = WarpingConfig(width=8, code_width=8, batch=6)


def train_fecnet(steps, folder):
    """Both loops, on triplets of noise."""
    torch.manual_seed(0)
    net, rng = training.fast(fecnet.build(FECNET)), np.random.default_rng(0)
    faces = rng.integers(0, 256, (24, FECNET.size, FECNET.size, 3), np.uint8)
    index = rng.permutation(24).reshape(8, 3)
    part = Triplets([Path(f"{i}.png") for i in range(24)], index, rng.integers(0, 3, 8), rng.integers(1, 4, 8))
    begun = triplet_training.begin("begun", replace(FECNET, steps=4), net, faces, np.arange(24) % 3)
    begun.finish({}, weights=False)
    triplet_training.train("fecnet", replace(FECNET, steps=steps), net, part, faces).finish({})


def train_report(steps, folder):
    """The report's GAN, on pictures of soft colours."""
    paths = [folder / f"{n}.png" for n in range(12)]
    with distributed.first_alone():
        for n, path in enumerate(paths):
            if not path.exists():
                smooth(96, 96, seed=n).save(path)
    torch.manual_seed(0)
    embedding = training.fast(fecnet.build(FecnetConfig(width=4))).eval().requires_grad_(False)
    watch = np.zeros((1, 64, 64, 3), np.uint8), np.zeros((1, 64, 64, 3), np.uint8)
    report_gan.train("report", replace(REPORT, steps=steps), paths, embedding, watch=watch)


def train_moving(steps, folder):
    """The expression code, and the warping generator on it, on faces of noise."""
    loaded, settings = paired.load(face_set()), replace(MOVING, steps=steps)
    model = moving.begin("moving", settings, CODE, lambda: loaded)
    moving.train("moving", settings, model, lambda: paired.pairs(loaded, 0))


TRAININGS = {"fecnet": train_fecnet, "report": train_report, "moving": train_moving}


def main(folder, steps, stop=None):
    """Train all three; leave `losses.json` and, in `writers.txt`, the number of each process that wrote a file."""
    folder = Path(folder)
    config.DATA, config.CHECKPOINTS = folder, folder / "checkpoints"
    training.native_bfloat16 = lambda: False  # 32-bit floats
    training.AUTOSAVE_SECONDS = float("inf")
    torch.set_num_threads(1)
    usual, whole, losses = training.backward, training.files.whole, []

    def backward(loss, optimizer):
        losses.append(distributed.mean(loss.detach()).item())
        usual(loss, optimizer)
        if len(losses) == stop and distributed.index() == distributed.count() - 1:
            signal.raise_signal(signal.SIGINT)

    def written(path, *args, **kinds):
        with open(folder / "writers.txt", "a") as file:
            file.write(f"{distributed.index()} {path.name}\n")
        return whole(path, *args, **kinds)

    training.backward, training.files.whole = backward, written
    result = {}
    for name, train in TRAININGS.items():
        losses.clear()
        try:
            train(steps, folder)
        except KeyboardInterrupt:
            pass
        result[name] = list(losses)
    if distributed.index() == 0:
        (folder / f"losses-{distributed.count()}.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
