"""A group's score is its own people's, its interval holds it, and groups come from the renderer."""

import numpy as np
import pytest

from mirrorme_utils.evaluation import groups
from mirrorme_utils.world import faces
from mirrorme_utils.world.people import skin

SEEDS = np.array([faces.identity_seed(3, "human", i) for i in range(60)])


def test_a_group_that_is_served_worse_shows_and_the_others_do_not():
    sex = np.array([groups.of_person(seed)["sex"] for seed in SEEDS])
    seeds = np.repeat(SEEDS, 4)
    asked = np.random.default_rng(0).uniform(1, 3, len(seeds))
    missing = asked * np.where(np.repeat(sex, 4) == "male", 0.8, 0.5)
    table = groups.scores(missing, asked, seeds, np.random.default_rng(1)).set_index("group")
    assert table.loc["male", "T"] == pytest.approx(0.2) and table.loc["female", "T"] == pytest.approx(0.5)
    assert table.loc["everyone", "T"] == pytest.approx(1 - missing.sum() / asked.sum())
    assert (table.low <= table["T"] + 1e-9).all() and (table["T"] <= table.high + 1e-9).all()
    assert (table[table.by != "all"].groupby("by").identities.sum() == len(SEEDS)).all()


def test_the_typology_angle_falls_from_the_lightest_tone_to_the_darkest():
    angles = [groups.typology_angle(tone) for tone in skin.TONES]
    assert angles == sorted(angles, reverse=True) and angles[0] > 41 and angles[-1] < 10


def test_every_group_occurs():
    known = [groups.of_person(seed) for seed in SEEDS]
    assert {len({person[by] for person in known}) for by in ("skin", "age", "origin")} == {3}
    assert len({person["sex"] for person in known}) == 2
