"""FECNet's training: it learns triplets by heart, leaves a frozen backbone alone, and goes on after a stop as if there
had been none."""

import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mirrorme_utils import config
from mirrorme_utils.data.triplets import Triplets
from mirrorme_utils.experiments import triplet_training
from mirrorme_utils.networks import fecnet
from mirrorme_utils.profiles import FecnetConfig

SMALL = FecnetConfig(size=32, width=8, dimensions=8, steps=10, batch=12)


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "DATA", tmp_path)
    monkeypatch.setattr(config, "CHECKPOINTS", tmp_path / "checkpoints")
    monkeypatch.delenv("RETRAIN", raising=False)


def net():
    torch.manual_seed(0)
    return fecnet.build(SMALL)


def triplets(n=8, faces=24):
    """Triplets of pictures that are noise, each picture in one triplet."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (faces, SMALL.size, SMALL.size, 3), np.uint8)
    index = rng.permutation(faces)[: 3 * n].reshape(n, 3)
    part = Triplets([Path(f"{i}.png") for i in range(faces)], index, rng.integers(0, 3, n), rng.integers(1, 4, n))
    return part, pictures


def right(model, part, faces):
    e = fecnet.embed(model, faces)[part.index]
    return fecnet.accuracy(e, torch.tensor(part.odd)).float().mean().item()


def test_a_handful_of_triplets_is_learned_by_heart():
    part, faces = triplets()
    model, settings = net(), replace(SMALL, steps=80, batch=24)
    run = triplet_training.train("few", settings, model, part, faces, strength=0.0)
    assert right(model, part, faces) == 1
    assert run.history[-1]["loss"] < 0.5 * run.history[0]["loss"]


def test_a_frozen_backbone_stays_as_it_is_with_its_running_means():
    part, faces = triplets()
    model = net()
    before = {name: x.clone() for name, x in model.state_dict().items()}
    triplet_training.train("frozen", SMALL, model, part, faces, frozen=True)
    changed = {name for name, x in model.state_dict().items() if not torch.equal(x, before[name])}
    assert changed and all(name.startswith("head.") for name in changed), sorted(changed)


def test_a_stopped_run_goes_on_to_the_same_weights():
    part, faces = triplets()
    whole = net()
    history = triplet_training.train("run", SMALL, whole, part, faces).history
    calls = []

    def stop(_):
        calls.append(True)
        if len(calls) == 4:
            signal.raise_signal(signal.SIGINT)
        return {}

    with pytest.raises(KeyboardInterrupt):
        triplet_training.train("run", SMALL, net(), part, faces, stop)
    resumed = net()
    run = triplet_training.train("run", SMALL, resumed, part, faces)
    assert run.first == 4 and [row["loss"] for row in run.history if "loss" in row] == [row["loss"] for row in history]
    for name, x in whole.state_dict().items():
        assert torch.equal(x, resumed.state_dict()[name]), name


def test_mirrored_triplets_ask_the_same_of_faces_that_look_the_other_way():
    part, faces = triplets()
    twice, both = triplet_training.mirrored(part, faces)
    assert len(twice) == 2 * len(part) and len(both) == len(twice.images) == 2 * len(faces)
    there, here = both[twice.index[len(part)]], faces[part.index[0]]
    assert np.array_equal(there, here[:, :, ::-1])
    assert twice.odd[len(part)] == part.odd[0] and twice.type[len(part)] == part.type[0]


def test_a_beginning_learns_the_groups_and_leaves_out_faces_without_one():
    _, faces = triplets()
    group = np.arange(len(faces)) % 3
    faces = np.broadcast_to(np.uint8(200 * np.eye(3))[group][:, None, None], faces.shape)  # each group has a colour
    group[:6] = -1
    model = net()
    run = triplet_training.begin("begin", replace(SMALL, steps=60), model, faces, group)
    losses = [row["loss"] for row in run.history]
    assert losses[-1] < 0.5 * losses[0] and losses[0] > 0.9
