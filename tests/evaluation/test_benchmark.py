"""MirrorBench: a copy scores 0, truth 1; a judge reads expressions; a fooled teacher shows as a teacher-judge gap."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mirrorme_utils.evaluation import benchmark, held_out
from mirrorme_utils.evaluation.held_out import Case
from mirrorme_utils.networks import fecnet
from mirrorme_utils.world.cartoons import drawing

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


mean_colour, one_pixel = fecnet.remembering(MeanColour()), fecnet.remembering(OnePixel())


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
    return held_out.pairs(cases, 0)


def test_a_copy_is_exactly_0_and_truth_exactly_1(cases, asked):
    copy, truth = (benchmark.score(name, cases, asked, mean_colour) for name in ("copy_target", "truth"))
    assert copy["T"] == 0 and copy["R"] == 0 and truth["T"] == 1 and truth["R"] == 1
    assert copy["preservation"] == truth["preservation"] == 0
    assert truth["judge"] == 0 < copy["judge"]
    assert copy["gap"] is None and benchmark.score("truth", cases, asked)["judge"] is None


def test_the_way_is_0_for_the_target_1_for_truth_and_none_where_truth_is_no_nearer(cases):
    target, truth, source = cases[0].truths[[0, 1]], cases[0].truths[[2, 3]], cases[0].sources[[2, 3]]
    assert benchmark.approach(mean_colour, target, source, target, truth)[1] == 0
    assert benchmark.approach(mean_colour, truth, source, target, truth)[1] == 1
    assert benchmark.approach(mean_colour, target, source, target, target)[1] is None


def test_what_pleases_the_teacher_only_is_a_teacher_judge_gap(cases, asked):
    def please(target, source):
        out = target.clone()
        out[:, :, 4, 4] = source[:, :, 4, 4]
        return out

    fooled = benchmark.score(please, cases, asked, judge=mean_colour, teacher=one_pixel)
    assert fooled["gap"] > 0.9
    honest = benchmark.score(lambda target, source: target, cases, asked, judge=mean_colour, teacher=mean_colour)
    assert honest["gap"] == 0


def test_groups_count_each_person_once_and_drawings_not_at_all(cases):
    world = {"human->human": cases, "cartoon->human": cases[:2], "human->cartoon": cases}
    table = benchmark.by_group(lambda target, source: target, {0: world, 3: world}).set_index("group")
    assert table.loc["everyone", "identities"] == len(cases) and abs(table.loc["everyone", "T"]) < 1e-6


def test_leakage_is_the_movement_with_the_person_over_that_with_the_expression(cases, asked):
    grey = np.full((2, 1, 1, 3), 0.5, np.float32)
    assert benchmark.leakage(grey, grey + 0.1, 2 * 0.1 * np.sqrt(3)) == pytest.approx(0.5)
    assert benchmark.leakage(grey, grey + 0.1, 0.0) is None
    assert benchmark.score(lambda target, source: source, cases, asked)["leak"] > 0
    assert benchmark.score(lambda target, source: target, cases, asked)["leak"] is None


def test_preservation_looks_only_where_nothing_should_change(cases, asked):
    target, truth, _ = (images / np.float32(255) for images in benchmark.pair_images(cases, asked))
    face, outside = target.copy(), target.copy()
    face[:, 4:12, 4:12] = 0.5
    outside[:, :4] += 0.1
    assert benchmark.preservation(face, truth, target) == 0
    still = SIZE**2 - 8**2
    assert benchmark.preservation(outside, truth, target) == pytest.approx(25.5 * 4 * SIZE / still, rel=1e-4)


def test_pictures_are_looked_at_once(cases):
    seen = []

    class Counting(MeanColour):
        def forward(self, x):
            seen.append(len(x))
            return super().forward(x)

    embed, (first, second) = fecnet.remembering(Counting()), (case.truths for case in cases[:2])
    assert torch.equal(embed(first), embed(first.copy())) and seen == [K]
    assert not torch.equal(embed(second), embed(first + 1)) and seen == [K, K, K]


def test_held_out_styles_are_also_scored_apart(cases, asked):
    known, new = drawing.STYLES_TRAIN[0], drawing.STYLES_HELD_OUT[0]
    drawn = [replace(case, style=style) for case, style in zip(cases, (known, new, known))]
    background = cases[1].truths[0, 0, 0, 0] / 127.5 - 1

    def knows_old_styles_only(target, source):
        out = target.clone()
        old = (target[:, 0, 0, 0] - background).abs() > 1e-4
        out[old, :, 4:12, 4:12] = source[old, :, 4:12, 4:12]
        return out

    found = benchmark.score(knows_old_styles_only, drawn, asked)
    assert found["T_known"] == pytest.approx(1) and found["R_known"] == 1
    assert found["T_new"] == pytest.approx(0, abs=1e-6) and found["R_new"] == 0
    people = benchmark.score(knows_old_styles_only, cases, asked)
    assert people["T"] == found["T"] and people["T_known"] is people["R_new"] is None
