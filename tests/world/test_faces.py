"""Who shows what: the shared bank of test identities."""

import numpy as np

from mirrorme_utils.profiles import WorldConfig
from mirrorme_utils.world import faces

WORLD = WorldConfig(humans=30, cartoons=30, expressions=8)
TESTED = [i for i in range(30) if faces.split_of(i) == "test"]


def shown(i, **options):
    return np.stack([face.blendshapes for _, face in faces.cast(WORLD, "human", i, **options)])


def test_test_identities_share_a_bank_only_where_they_are_to_be_compared():
    first, second = TESTED[:2]
    assert np.array_equal(shown(first), shown(second))
    assert not np.array_equal(shown(first, bank=False), shown(second, bank=False))
    assert np.array_equal(shown(0), shown(0, bank=False)), "training identities show their own either way"
