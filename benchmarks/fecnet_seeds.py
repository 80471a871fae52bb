"""How much FECNet's accuracy owes to luck: notebook 03's three stages, trained whole with several seeds.

    python benchmarks/fecnet_seeds.py [--seeds 3 4 5]

Runs the notebook's own cells up to the last stage, less the overfit test. Data and test triplets stay the same; what is
drawn at random in training differs. Seed 3 is the course's, whose shipped checkpoints load; the others train, about
20 minutes each on two cores, and are kept in data/cache/checkpoints. Prints the accuracy on test identities.
"""

import argparse
import io
import platform
from contextlib import redirect_stdout
from dataclasses import replace
from unittest import mock

import matplotlib
import nbformat
import numpy as np

from mirrorme_utils import config

NOTEBOOK = config.ROOT / "notebooks" / "03_train_fecnet.ipynb"
LAST, SKIPPED = "tuned.finish(", ("environment.prepare()", '"fecnet-overfit"')


def cells() -> list[str]:
    """Return the notebook's code up to the end of the last stage."""
    code = [cell.source for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code"]
    end = next(i for i, source in enumerate(code) if LAST in source)
    return [source for source in code[: end + 1] if not any(mark in source for mark in SKIPPED)]


def train(seed: int) -> dict[str, float]:
    """Train all stages with a seed, or load them; return the last one's accuracy by group."""
    profile = config.profile()
    profile = replace(profile, fecnet=replace(profile.fecnet, seed=seed))
    names = {}
    with mock.patch.object(config, "profile", lambda: profile), redirect_stdout(io.StringIO()):
        for source in cells():
            exec(source, names)
    labels, test = names["labels"], names["test"]
    ok = names["right"](names["fecnet"].embed(names["model"], names["images"]["test"]), test)
    seconds = sum(names[run].seconds for run in ("warmed", "pretrained", "tuned"))
    scores = {group: float(ok[mask].mean()) for group, mask in labels.groups(test).items() if mask.any()}
    return scores | {"minutes": seconds / 60}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 4, 5])
    args = parser.parse_args()
    matplotlib.use("agg")
    print(f"{platform.processor() or platform.machine()}, profile {config.profile().name}")
    rows = []
    for seed in args.seeds:
        rows.append(train(seed))
        print(f"seed {seed}: " + ", ".join(f"{key} {value:.3f}" for key, value in rows[-1].items()), flush=True)
    for group in list(rows[0])[:-1]:
        values = [row[group] for row in rows]
        print(f"{group}: mean {np.mean(values):.1%}, spread {100 * (max(values) - min(values)):.1f} points")


if __name__ == "__main__":
    main()
