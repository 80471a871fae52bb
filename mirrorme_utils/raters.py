"""Simulated raters: who is the odd one out of three expressions, seen through noise.

A rater compares the three pairs of a triplet by `expressions.distance`, misjudges each distance by
independent Gaussian noise, takes the pair that seems closest as the similar one and names the face opposite to
it. One number, the standard deviation of that noise, makes a careful or a careless rater. `calibrate_noise`
sets it so that a rater agrees with the others as often as a median human did on FEC (arXiv 1811.11283).

Votes are 1, 2 or 3 as in FEC and name the odd one out.

Taught in: notebook 02, section 3.
"""

import numpy as np

from .expressions import distance

FEC_HUMAN_AGREEMENT = 0.86  # median human on FEC, arXiv 1811.11283, section 5


def opposite_distances(actions):
    """Distance of the pair that leaves each face out.

    actions: (..., 3, 52) float in [0, 1], the three faces of a triplet.
    Returns (..., 3) float: entry i is the distance between the two faces other than i.
    """
    actions = np.asarray(actions)
    if actions.ndim < 2 or actions.shape[-2] != 3:
        raise ValueError(f"a triplet has three faces: expected (..., 3, 52), got {actions.shape}")
    first, second, third = (actions[..., face, :] for face in range(3))
    return np.stack([distance(second, third), distance(first, third), distance(first, second)], axis=-1)


def _votes(distances, n_raters, noise, rng):
    """Votes (N, n_raters) for distances (N, 3): the face whose opposite pair seems closest."""
    seen = distances[:, None, :] + noise * rng.standard_normal((len(distances), n_raters, 3))
    return seen.argmin(axis=-1) + 1  # (N, n_raters)


def rate(actions, n_raters, noise, rng):
    """Let `n_raters` independent raters vote on every triplet.

    actions: (N, 3, 52) float in [0, 1]; noise: standard deviation in units of `expressions.distance`, >= 0;
    rng: numpy Generator. Returns (N, n_raters) int64 in 1..3.
    """
    if noise < 0:
        raise ValueError(f"noise is a standard deviation and cannot be negative, got {noise}")
    return _votes(opposite_distances(actions), n_raters, noise, rng)


def simulated_rater(actions_a, actions_b, actions_c, rng, noise):
    """One rater's vote on one triplet of expressions, each (52,). Returns 1, 2 or 3."""
    return int(rate(np.stack([actions_a, actions_b, actions_c])[None], 1, noise, rng)[0, 0])


def agreement_with_others(votes):
    """How often one rater names the same face as the majority of the others.

    votes: (N, R) int in 1..3, R >= 2. Every rater is held against the other R - 1 in turn; where the others
    tie, there is no majority to agree with and the comparison is left out. Returns a share in [0, 1], NaN if
    all tie.
    """
    votes = np.asarray(votes)
    own = votes[:, :, None] == np.arange(1, 4)  # (N, R, 3)
    others = own.sum(axis=1, keepdims=True) - own  # (N, R, 3) votes of the others
    best = others.max(axis=2, keepdims=True)
    decided = (others == best).sum(axis=2) == 1  # (N, R)
    agrees = (own & (others == best)).any(axis=2)
    return float(agrees[decided].mean()) if decided.any() else float("nan")


def calibrate_noise(actions, target=FEC_HUMAN_AGREEMENT, n_raters=6, seed=0, steps=30):
    """Find the noise with which a rater agrees with the majority of the others as often as `target`.

    Bisection over the noise; each step draws the same random numbers, so the answer depends on the arguments
    only.

    actions: (N, 3, 52) triplets like those to be rated; target: share, above chance (1/3) and below 1.
    Returns the noise in units of `expressions.distance`. Raises ValueError when no noise reaches the target.
    """
    if not 0.4 <= target < 1:
        raise ValueError(f"target agreement must lie in [0.4, 1), got {target}: chance is one third")
    distances = opposite_distances(actions)

    def agreement(noise):
        return agreement_with_others(_votes(distances, n_raters, noise, np.random.default_rng(seed)))

    low, high = 0.0, float(distances.std())
    for _ in range(60):
        if agreement(high) < target:
            break
        low, high = high, 2 * high
    else:
        raise ValueError(f"no noise brings the agreement to {target}: too few triplets, or identical faces")
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (middle, high) if agreement(middle) > target else (low, middle)
    return (low + high) / 2
