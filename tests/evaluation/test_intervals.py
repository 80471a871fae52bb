"""Intervals over shared identities: they hold the share, and count an identity once."""

import numpy as np

from mirrorme_utils.evaluation import intervals


def test_interval_holds_the_share_and_narrows_with_more_identities():
    rng = np.random.default_rng(0)
    widths = []
    for n in (10, 100):
        groups = rng.integers(0, n, (3000, 3))
        right = rng.random(3000) < 0.2 + 0.6 * (groups[:, 0] % 2)
        low, high = intervals.bootstrap(right, groups, np.random.default_rng(1), draws=200)
        assert low < right.mean() < high
        widths.append(high - low)
    assert widths[1] < widths[0]


def test_interval_is_wider_than_if_triplets_were_independent():
    groups = np.repeat(np.arange(8), 200)[:, None]
    right = np.repeat(np.arange(8) % 2, 200)
    low, high = intervals.bootstrap(right, groups, np.random.default_rng(0), draws=300)
    assert high - low > 0.4


def test_an_identity_twice_in_a_triplet_counts_once():
    groups = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [0, 1, 0]])
    low, high = intervals.bootstrap(np.array([1, 1, 0, 0]), groups, np.random.default_rng(0), draws=50)
    assert low == high == 0.5


def test_interval_of_nothing_is_nan():
    assert np.isnan(intervals.bootstrap(np.zeros(0), np.zeros((0, 3)), np.random.default_rng(0))).all()
