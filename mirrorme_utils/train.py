"""The course's three trainings without a notebook, in one process or in several (see `distributed`).

    mirrorme train fecnet                                                    notebook 03's, from its three stages
    torchrun --nproc-per-node 2 -m mirrorme_utils train report               notebook 06's, on two GPUs or CPU cores
    accelerate launch --multi_gpu --num_processes 2 -m mirrorme_utils train moving       notebook 10's

In a notebook: `accelerate.notebook_launcher(train.run, ("report",), num_processes=2)`. The cells that train then find
its checkpoint, and load it.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import torch

from . import config, distributed, training
from .data import categories, clean, labels, triplets
from .evaluation import benchmark
from .experiments import checkpoints, moving, paired, part_mixing, report_gan, triplet_training
from .networks import fecnet
from .profiles import Profile
from .world import faces

POOLS = {"human": (0,), "mixed": (1, 2), "cartoon": (3,)}  # how many faces of a triplet are cartoons
WATCHED = 8  # faces of which the report's model keeps snapshots


def run(name: str) -> dict:
    """Train one of `TRAININGS` as the profile says, or find that it is done; return what its card says of it.

    Raises:
        ValueError: there is no such training, or the processes cannot share its batch evenly.
        RuntimeError: several processes were started, and Accelerate is not installed.
    """
    if name not in TRAININGS:
        raise ValueError(f"there is no training {name!r}; there are {', '.join(TRAININGS)}")
    distributed.wait()  # joins the others, and takes a GPU of its own, before anything is put on one
    return TRAININGS[name](config.profile()).metrics


def _fecnet(profile: Profile) -> training.Run:
    settings = profile.fecnet
    with distributed.first_alone():
        parts = labels.ensure()
    table = clean.ensure().triplets
    people = triplets.from_table(table[table["split"] == "train"], triplets.IMAGES, config.DATA)
    seen = triplets.load_images(people.images, settings.size)  # (faces, S, S, 3)
    images = {part: triplets.load_images(parts[part].images, settings.size) for part in ("val", "test")}
    drawn = {part: (labels.look_up(parts[part], "kind") == "cartoon").sum(1) for part in images}

    def score(net: fecnet.FECNet, part: str) -> dict[str, float]:
        e = fecnet.embed(net, images[part])[parts[part].index]  # (N, 3, D)
        right = fecnet.accuracy(e, torch.tensor(parts[part].odd)).numpy()
        pools = {pool: np.isin(drawn[part], counts) for pool, counts in POOLS.items()}
        return {pool: float(right[rows].mean()) for pool, rows in pools.items() if rows.any()}

    config.seed_everything(settings.seed)
    net = training.fast(fecnet.build(settings))
    begun = triplet_training.begin(
        "fecnet-categories", replace(settings, steps=settings.warm_steps), net, seen, categories.recover(people)
    )
    begun.finish(score(net, "test"))
    first = replace(settings, steps=settings.pretrain_steps)
    pretrained = triplet_training.train(
        "fecnet-people", first, net, *triplet_training.mirrored(people, seen), lambda net: score(net, "val")
    )
    pretrained.finish(score(net, "test"))
    labelled = parts["train"].type == 0
    own = replace(parts["train"], **{key: getattr(parts["train"], key)[labelled] for key in ("index", "odd", "type")})
    both = triplets.join(own, people)
    mixed = triplet_training.mirrored(both, triplets.load_images(both.images, settings.size))
    tuned = triplet_training.train("fecnet", settings, net, *mixed, lambda net: score(net, "val"))
    tuned.finish(score(net, "test"))
    return tuned


def _report(profile: Profile) -> training.Run:
    settings = profile.report
    with distributed.first_alone():
        crops = report_gan.crops("train")
    watch = report_gan.test_faces(settings, WATCHED)
    embedding = checkpoints.load_fecnet()

    def score(g: torch.nn.Module) -> dict[str, float]:
        judge = fecnet.remembering(checkpoints.load_fecnet("judge"))
        return benchmark.over_directions({"report": g}, embedding, settings, profile, judge)["report"]

    done, _ = report_gan.train("report", settings, crops, embedding, score, watch)
    return done


def _moving(profile: Profile) -> training.Run:
    settings = profile.warping

    @cache
    def training_faces() -> paired.LoadedFaces:
        with distributed.first_alone():
            return paired.load(faces.face_set(profile.training_set, ("train",)))

    @cache
    def mixer() -> part_mixing.PartMixer | None:
        return part_mixing.draw(settings.size) if settings.part_mixed else None

    @cache
    def pairs() -> paired.TrainingPairs:
        return paired.pairs(training_faces(), settings.seed, mixer())

    model = moving.begin("moving", settings, profile.code, training_faces, mixer)
    return moving.train("moving", settings, model, pairs)


TRAININGS = {"fecnet": _fecnet, "report": _report, "moving": _moving}
