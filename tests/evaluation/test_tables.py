"""Scores of several worlds become one table, and what is missing stays missing."""

from mirrorme_utils.evaluation import benchmark, tables


def test_several_worlds_are_averaged_and_a_missing_score_stays_missing():
    def world(seed, T, leak):
        scores = dict.fromkeys(benchmark.SCORES) | {"T": T, "R": T / 2, "leak": leak}
        return {"seed": seed, "models": {"mine": {"human->human": scores}}}

    worlds = [world(1, 0.25, 0.5), world(2, 0.75, None)]
    result = tables.mean(worlds)
    assert result["seeds"] == [1, 2] and result["worlds"] == worlds
    assert result["models"]["mine"]["human->human"] == dict.fromkeys(benchmark.SCORES) | {"T": 0.5, "R": 0.25}
    assert tables.spread(worlds, "mine").split("\n")[0].split() == "mine, human->human T world 1, 2: 0.25 0.75".split()
    assert len(tables.spread(worlds, "mine").split("\n")) == 2
