"""Simulated raters: they see what is there, err as often as they should, and are repeatable."""

import numpy as np
import pytest

from mirrorme_utils.world import expressions, raters


def drawn_triplets(n, seed=0):
    rng = np.random.default_rng(seed)
    bank = expressions.bank(seed, 24).blendshapes
    return bank[np.stack([rng.choice(len(bank), 3, replace=False) for _ in range(n)])]


def test_without_noise_the_odd_one_out_is_the_face_opposite_to_the_closest_pair():
    smile, grin = expressions.compose(mouthSmile=0.5), expressions.compose(mouthSmile=0.6)
    scream = expressions.compose(jawOpen=1, eyeWide=1)
    asked = np.stack([[smile, grin, scream], [smile, scream, grin], [scream, smile, grin]])
    assert raters.rate(asked, 1, 0, np.random.default_rng(0)).ravel().tolist() == [3, 2, 1]


def test_opposite_distances_are_the_pair_distances_in_order():
    a, b, c = expressions.bank(1, 3).blendshapes
    expected = [expressions.distance(b, c), expressions.distance(a, c), expressions.distance(a, b)]
    assert np.allclose(raters.opposite_distances(np.stack([a, b, c])), expected)
    with pytest.raises(ValueError, match="three faces"):
        raters.opposite_distances(np.zeros((4, 52)))


def test_votes_have_one_column_a_rater_and_repeat_with_the_seed():
    blendshapes = drawn_triplets(50)
    votes = raters.rate(blendshapes, 6, 0.2, np.random.default_rng(3))
    assert votes.shape == (50, 6) and set(np.unique(votes)) <= {1, 2, 3}
    assert np.array_equal(votes, raters.rate(blendshapes, 6, 0.2, np.random.default_rng(3)))
    assert not np.array_equal(votes, raters.rate(blendshapes, 6, 0.2, np.random.default_rng(4)))
    with pytest.raises(ValueError, match="negative"):
        raters.rate(blendshapes, 6, -1, np.random.default_rng(3))


def test_much_noise_makes_votes_random():
    votes = raters.rate(drawn_triplets(500), 3, 1000, np.random.default_rng(0))
    assert np.allclose([(votes == face).mean() for face in (1, 2, 3)], 1 / 3, atol=0.05)


@pytest.mark.parametrize(
    "votes, share",
    [
        ([[1, 1, 1]], 1.0),
        ([[1, 1, 2]], 0.0),  # the 2 faces a majority for 1; each 1 faces a tie of 1 and 2, which is left out
        ([[1, 2], [3, 3]], 0.5),
    ],
)
def test_agreement_with_others(votes, share):
    assert raters.agreement_with_others(votes) == share


def test_agreement_is_undefined_where_all_others_tie():
    assert np.isnan(raters.agreement_with_others([[1, 2, 3]]))


def test_calibrated_raters_agree_as_often_as_asked():
    blendshapes = drawn_triplets(1500)
    noise = raters.calibrate_noise(blendshapes)
    assert noise == raters.calibrate_noise(blendshapes)
    fresh = raters.rate(blendshapes, 6, noise, np.random.default_rng(99))
    assert raters.agreement_with_others(fresh) == pytest.approx(raters.FEC_HUMAN_AGREEMENT, abs=0.015)
    assert noise < raters.calibrate_noise(blendshapes, target=0.7)


def test_calibration_refuses_what_cannot_be():
    with pytest.raises(ValueError, match="chance"):
        raters.calibrate_noise(drawn_triplets(10), target=0.2)
    with pytest.raises(ValueError, match="identical"):
        raters.calibrate_noise(np.zeros((10, 3, 52)))
