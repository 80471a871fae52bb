"""Categories are found again from the types of triplets, and from nothing else."""

import numpy as np

from mirrorme_utils.data import categories
from mirrorme_utils.data.triplets import Triplets


def test_faces_linked_by_one_class_triplets_share_a_group():
    rng = np.random.default_rng(0)
    true = rng.permutation(np.repeat(np.arange(3), [40, 30, 20]))
    inside = [rng.choice(np.flatnonzero(true == k), 3, replace=False) for k in range(3) for _ in range(150)]
    across = [rng.choice(90, 3, replace=False) for _ in range(200)]
    kind = np.repeat([1, 3], [len(inside), len(across)])
    images = [str(i) for i in range(92)]  # two faces that no triplet names
    part = Triplets(images, np.array(inside + across), np.zeros(len(kind), np.int64), kind)
    group = categories.recover(part)
    assert group.tolist() == [*true, -1, -1]
