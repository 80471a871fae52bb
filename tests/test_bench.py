"""MirrorBench: a copy scores 0 and truth 1, a judge reads expressions, and a fooled teacher shows as a gap."""

import numpy as np
import pytest
import torch

from mirrorme_utils import bench, bench_world, checkpoints, expressions, fecnet
from mirrorme_utils.bench_world import Case

K, SIZE = 4, 16
COLOURS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0]], np.uint8)


class MeanColour(torch.nn.Module):
    """An embedding that reads the colour of the middle, where these tests' faces carry their expression."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, x):
        return x[:, :, 4:12, 4:12].mean((2, 3)) * self.weight


class OnePixel(MeanColour):
    """An embedding that looks at one pixel only, and so is easy to please."""

    def forward(self, x):
        return x[:, :, 4, 4] * self.weight


def face(background, colour):
    image = np.full((SIZE, SIZE, 3), background, np.uint8)
    image[4:12, 4:12] = colour
    return image


@pytest.fixture
def cases():
    def person(background):
        return np.stack([face(background, colour) for colour in COLOURS])

    regions = np.zeros((K, SIZE, SIZE), np.uint8)
    return [Case(person(40 + i), person(90 + i), person(140 + i), regions, i, "") for i in range(3)]


@pytest.fixture
def asked(cases):
    return bench_world.pairs(cases, 0)


def test_a_copy_is_exactly_0_and_truth_exactly_1(cases, asked):
    judge = MeanColour()
    copy, truth = (bench.score(name, cases, asked, judge) for name in ("copy_target", "truth"))
    assert copy["T"] == 0 and copy["R"] == 0 and truth["T"] == 1 and truth["R"] == 1
    assert copy["preservation"] == truth["preservation"] == 0
    assert truth["judge"] == 0 < copy["judge"]
    assert copy["gap"] is None and bench.score("truth", cases, asked)["judge"] is None


def test_the_way_is_0_for_the_target_1_for_truth_and_none_where_truth_is_no_nearer(cases):
    target, truth, source = cases[0].truths[[0, 1]], cases[0].truths[[2, 3]], cases[0].sources[[2, 3]]
    judge = MeanColour()
    assert bench.approach(judge, target, source, target, truth)[1] == 0
    assert bench.approach(judge, truth, source, target, truth)[1] == 1
    assert bench.approach(judge, target, source, target, target)[1] is None


def test_what_pleases_the_teacher_only_is_a_gap(cases, asked):
    def please(target, source):
        out = target.clone()
        out[:, :, 4, 4] = source[:, :, 4, 4]
        return out

    fooled = bench.score(please, cases, asked, judge=MeanColour(), teacher=OnePixel())
    assert fooled["gap"] > 0.9
    honest = bench.score(lambda target, source: target, cases, asked, judge=MeanColour(), teacher=MeanColour())
    assert honest["gap"] == 0


@pytest.mark.parametrize(("name", "numbers"), [("report", 16), ("rung-muon", 16), ("moving", len(expressions.FEATURES))])
def test_each_translator_has_the_embedding_that_taught_it(name, numbers):
    faces = np.zeros((2, 64, 64, 3), np.uint8)
    assert fecnet.embed(checkpoints.load_teacher(name), faces).shape == (2, numbers)


def test_the_shipped_judge_is_another_network_than_the_teachers():
    judge = checkpoints.load_fecnet("judge")
    e = fecnet.embed(judge, np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8))
    assert e.shape == (2, 16) and torch.allclose(e.norm(dim=1), torch.ones(2), atol=1e-5)
    assert not any(isinstance(part, fecnet.Residual) for part in judge.modules())


def test_groups_count_each_person_once_and_drawings_not_at_all(cases):
    world = {"human->human": cases, "cartoon->human": cases[:2], "human->cartoon": cases}
    table = bench.by_group(lambda target, source: target, world, 0).set_index("group")
    assert table.loc["everyone", "identities"] == len(cases) and abs(table.loc["everyone", "T"]) < 1e-6
