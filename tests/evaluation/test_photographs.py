"""Photographs are read as they are, triplets compare labels, and the command writes what it promises."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from mirrorme_utils import cli, config, training
from mirrorme_utils.evaluation import photographs
from mirrorme_utils.networks import fecnet, translator
from mirrorme_utils.profiles import FecnetConfig, WarpingConfig


@pytest.fixture
def folder(tmp_path):
    """Two labels: dark and bright pictures, of several sizes, grey and colour."""
    rng = np.random.default_rng(0)
    for name, level in (("calm", 60), ("loud", 180)):
        (tmp_path / "own" / name).mkdir(parents=True)
        for i, (mode, size) in enumerate([("L", (40, 40)), ("RGB", (90, 90)), ("RGB", (64, 64)), ("L", (33, 33))]):
            grain = rng.integers(0, 40, (size[1], size[0], 3)) + level
            Image.fromarray(grain.astype(np.uint8)).convert(mode).save(tmp_path / "own" / name / f"{i}.png")
    return tmp_path / "own"


def test_pictures_of_any_kind_come_in_one_shape(folder):
    Image.new("RGB", (90, 60), "white").save(folder / "loud" / "3.png")  # padded above and below
    own = photographs.read(folder, 48)
    assert not own.images[-1, :7].any() and (own.images[-1, 10:38] == 255).all()
    assert own.images.shape == (8, 48, 48, 3) and own.images.dtype == np.uint8
    assert own.names == ("calm", "loud") and own.label.tolist() == [0] * 4 + [1] * 4


def test_what_cannot_be_compared_is_refused(folder):
    (folder / "calm" / "note.txt").write_text("no picture")
    with pytest.raises(ValueError, match="note.txt is no picture"):
        photographs.read(folder, 48)
    with pytest.raises(ValueError, match="for each of two labels"):
        photographs.read(folder / "loud", 48)


def test_triplets_hold_two_of_one_label_and_one_of_another():
    label = np.repeat([0, 1, 2], [2, 5, 9])
    triples = photographs.draw(label, 600, np.random.default_rng(0))
    first, second, third = label[triples].T
    assert (first == second).all() and (first != third).all() and (triples[:, 0] != triples[:, 1]).all()
    assert np.bincount(first).min() > 150, "a small label counts as much as a large one"
    assert photographs.right(torch.eye(3)[label], triples).all()


def test_the_command_scores_a_folder(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(config, "CHECKPOINTS", tmp_path / "checkpoints")
    monkeypatch.setattr(photographs, "TRIPLETS", 200)
    settings = FecnetConfig(width=8, steps=0)
    training.Run("fecnet", settings, fecnet.build(settings)).finish({})
    assert cli.main(["bench", "--photos", str(folder), "--json", str(tmp_path / "scores.json")]) == 0
    said = json.loads((tmp_path / "scores.json").read_text())["photos"]
    assert set(said) == {"n", "triplets", "triplet_accuracy", "interval", "pixels", "by_label"}
    assert said["n"] == 8 and said["pixels"] == 1 and set(said["by_label"]) == {"calm", "loud"}
    assert said["interval"][0] <= said["triplet_accuracy"] <= said["interval"][1]
    assert "pixels 100" in capsys.readouterr().out


def test_pairs_are_of_two_labels_and_each_label_as_often():
    label = np.repeat([0, 1, 2], [2, 5, 9])
    target, source = label[photographs.pairs(label, 600, np.random.default_rng(0))].T
    assert (target != source).all() and np.bincount(source).min() > 150


def test_a_picture_reads_as_most_of_its_nearest_photographs_without_those_left_out(monkeypatch):
    monkeypatch.setattr(photographs, "NEIGHBOURS", 3)
    known, label = torch.tensor([[0.0], [0.1], [0.2], [5.0], [5.1], [5.2]]), np.array([0, 0, 0, 1, 1, 1])
    e = torch.tensor([[0.0], [5.0], [2.4]])
    assert photographs.read_label(e, known, label, np.array([[5], [0], [0]])).tolist() == [0, 1, 0]
    assert photographs.read_label(e[:1], known, label, np.array([[0, 1]])).tolist() == [1], "two of three are far"
    monkeypatch.setattr(photographs, "NEIGHBOURS", 2)
    assert photographs.read_label(e[2:], known[2:4], label[2:4], np.empty((1, 0), int)).tolist() == [0], (
        "a tie: the nearer"
    )


class Brightness(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x.mean((1, 2, 3))[:, None]


def test_a_copy_of_the_source_reads_as_the_source_and_one_of_the_target_as_the_target(folder, monkeypatch):
    monkeypatch.setattr(photographs, "NEIGHBOURS", 3)
    answers = {"source": lambda t, s: s / 255, "target": lambda t, s: t / 255}
    said = {name: photographs.transfer(folder, answer, 32, Brightness(), 0, 40) for name, answer in answers.items()}
    assert said["source"] == {"read_as_source": 1, "read_as_target": 0, "ceiling": 1, "pairs": 40}
    assert said["target"] == {"read_as_source": 0, "read_as_target": 1, "ceiling": 1, "pairs": 40}


def test_the_command_transfers_between_photographs_when_a_checkpoint_is_named(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(config, "CHECKPOINTS", tmp_path / "checkpoints")
    monkeypatch.setattr(photographs, "TRIPLETS", 200)
    monkeypatch.setattr(photographs, "PAIRS", 12)
    for name in ("fecnet", "judge"):
        settings = FecnetConfig(width=8, steps=0)
        training.Run(name, settings, fecnet.build(settings)).finish({})
    move = WarpingConfig(width=8, code_width=8, steps=0)
    training.Run("moving", move, translator.build(move)).finish({})
    assert (
        cli.main(["bench", "--photos", str(folder), "--checkpoint", "moving", "--json", str(tmp_path / "scores.json")])
        == 0
    )
    said = json.loads((tmp_path / "scores.json").read_text())
    assert set(said["transfer"]) == {"read_as_source", "read_as_target", "ceiling", "pairs"}
    assert said["photos"]["transfer"] == said["transfer"] and said["transfer"]["pairs"] == 12
    assert "12 pairs: read as the source's label" in capsys.readouterr().out
