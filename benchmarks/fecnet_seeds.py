"""How much FECNet's accuracy owes to luck: notebook 03's three stages, trained whole with several seeds.

    python benchmarks/fecnet_seeds.py [--seeds 3 4 5]

Data and test triplets stay the same; what is drawn at random in training differs. Seed 3 is the course's, whose shipped
checkpoints load; the others train, about 20 minutes each on two cores, and are kept in data/cache/checkpoints. Prints
the accuracy on test identities.
"""

import argparse
import platform
from dataclasses import replace

import numpy as np
import torch

from mirrorme_utils import config, training
from mirrorme_utils.data import categories, clean, labels, triplets
from mirrorme_utils.experiments import triplet_training
from mirrorme_utils.networks import fecnet


def train(seed: int) -> dict[str, float]:
    """Train all stages with a seed, or load them; return the last one's accuracy by group, and the minutes."""
    settings = replace(config.profile().fecnet, seed=seed)
    parts, cleaned = labels.ensure(), clean.ensure().triplets
    people = triplets.from_table(cleaned[cleaned.split == "train"], triplets.IMAGES, config.DATA)
    faces = triplets.load_images(people.images, settings.size)
    config.seed_everything(seed)
    net = training.fast(fecnet.build(settings))
    first = replace(settings, steps=settings.warm_steps)
    runs = [triplet_training.begin("fecnet-categories", first, net, faces, categories.recover(people))]
    runs[-1].finish({})
    second = replace(settings, steps=settings.pretrain_steps)
    runs.append(triplet_training.train("fecnet-people", second, net, *triplet_training.mirrored(people, faces)))
    runs[-1].finish({})
    own = np.flatnonzero(parts["train"].type == 0)  # notebook 02's own labels
    mixed = replace(parts["train"], **{key: getattr(parts["train"], key)[own] for key in ("index", "odd", "type")})
    both = triplets.join(mixed, people)
    shown = triplets.load_images(both.images, settings.size)
    runs.append(triplet_training.train("fecnet", settings, net, *triplet_training.mirrored(both, shown)))
    runs[-1].finish({})
    test = parts["test"]
    e = fecnet.embed(net, triplets.load_images(test.images, settings.size))
    ok = fecnet.accuracy(e[test.index], torch.tensor(test.odd)).numpy()
    scores = {group: float(ok[mask].mean()) for group, mask in labels.groups(test).items() if mask.any()}
    return scores | {"minutes": sum(run.seconds for run in runs) / 60}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 4, 5])
    args = parser.parse_args()
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
