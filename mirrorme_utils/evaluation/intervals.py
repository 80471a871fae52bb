"""How sure a score is, when the things scored share faces.

Taught in: notebook 03.
"""

import numpy as np


def bootstrap(
    right: np.ndarray, groups: np.ndarray, rng: np.random.Generator, draws: int = 1000
) -> tuple[float, float]:  # fmt: skip
    """Return the 95 % interval of a share over items that share identities.

    Triplets of the same few people are no independent trials, and drawing triplets anew would make the interval too
    narrow. So the identities are drawn anew, with replacement, and an item counts as often as all of its identities
    were drawn (pigeonhole bootstrap, Owen 2007, doi 10.1214/07-AOAS122).

    Args:
        right: (N,) bool or float. groups: (N, K) the identities in each item; one twice in an item counts once.
    Returns:
        low, high: floats; NaN when there is nothing to draw from.
    """
    if not len(right):
        return float("nan"), float("nan")
    names, place = np.unique(groups, return_inverse=True)
    place = np.sort(place.reshape(groups.shape), axis=1)
    repeated = np.zeros(place.shape, bool)
    repeated[:, 1:] = place[:, 1:] == place[:, :-1]
    shares = []
    for counts in rng.multinomial(len(names), np.full(len(names), 1 / len(names)), draws):
        weight = np.where(repeated, 1, counts[place]).prod(axis=1)  # (N,)
        if weight.any():
            shares.append(np.average(right, weights=weight))
    low, high = np.percentile(shares, [2.5, 97.5])
    return float(low), float(high)
