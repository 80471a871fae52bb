"""Simulated raters: who is the odd one out of three expressions, seen through noise.

A rater compares the three pairs of a triplet by `expressions.distance` and misjudges each distance by independent
Gaussian noise. The pair that seems closest is the similar one; the vote names the face that it leaves out: 1, 2 or 3,
as in FEC. `calibrate_noise` finds the noise with which a rater agrees with the others as often as a median human did on
FEC (arXiv 1811.11283, section 5).

Taught in: notebook 02.
"""

import numpy as np

from .expressions import distance

FEC_HUMAN_AGREEMENT = 0.86  # median human on FEC, arXiv 1811.11283, section 5


def opposite_distances(blendshapes: np.ndarray) -> np.ndarray:
    """Return the distance of the pair that leaves each face out.

    Args:
        blendshapes: (..., 3, 52) weights in [0, 1], the three faces of a triplet.
    Returns:
        (..., 3) float: entry i is the distance between the two faces other than i.
    Raises:
        ValueError: another shape.
    """
    blendshapes = np.asarray(blendshapes)
    if blendshapes.ndim < 2 or blendshapes.shape[-2] != 3:
        raise ValueError(f"a triplet has three faces: expected (..., 3, 52), got {blendshapes.shape}")
    first, second, third = (blendshapes[..., face, :] for face in range(3))
    return np.stack([distance(second, third), distance(first, third), distance(first, second)], axis=-1)


def _votes(distances: np.ndarray, n_raters: int, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Vote on distances (N, 3), (N, n_raters): for the face whose opposite pair seems closest."""
    seen = distances[:, None, :] + noise * rng.standard_normal((len(distances), n_raters, 3))  # (N, n_raters, 3)
    return seen.argmin(axis=-1) + 1  # (N, n_raters)


def rate(blendshapes: np.ndarray, n_raters: int, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Let `n_raters` independent raters vote on every triplet.

    Args:
        blendshapes: (N, 3, 52) weights in [0, 1]. noise: standard deviation in units of `expressions.distance`.
    Returns:
        (N, n_raters) int64 in 1..3.
    Raises:
        ValueError: the noise is negative.
    """
    if noise < 0:
        raise ValueError(f"noise is a standard deviation and cannot be negative, got {noise}")
    return _votes(opposite_distances(blendshapes), n_raters, noise, rng)


def agreement_with_others(votes: np.ndarray) -> float:
    """Return how often one rater names the same face as the majority of the others.

    Every rater is compared with the other R - 1 in turn. Where the others tie, there is no majority to agree with, and
    the comparison is left out.

    Args:
        votes: (N, R) int in 1..3, R >= 2.
    Returns:
        share in [0, 1]; NaN if all tie.
    """
    votes = np.asarray(votes)
    own = votes[:, :, None] == np.arange(1, 4)  # (N, R, 3)
    others = own.sum(axis=1, keepdims=True) - own  # (N, R, 3) votes of the others
    best = others.max(axis=2, keepdims=True)
    decided = (others == best).sum(axis=2) == 1  # (N, R)
    agrees = (own & (others == best)).any(axis=2)
    return float(agrees[decided].mean()) if decided.any() else float("nan")


def calibrate_noise(
    blendshapes: np.ndarray, target: float = FEC_HUMAN_AGREEMENT, n_raters: int = 6, seed: int = 0, steps: int = 30
) -> float:  # fmt: skip
    """Find the noise with which a rater agrees with the majority of the others as often as `target`.

    It bisects the noise. Each step draws the same random numbers, so the answer depends on the arguments only.

    Args:
        blendshapes: (N, 3, 52) triplets like those to be rated. target: share in [0.4, 1); chance is 1/3.
        steps: of the bisection.
    Returns:
        noise in units of `expressions.distance`.
    Raises:
        ValueError: the target lies outside, or no noise reaches it.
    """
    if not 0.4 <= target < 1:
        raise ValueError(f"target agreement must lie in [0.4, 1), got {target}: chance is one third")
    distances = opposite_distances(blendshapes)

    def agreement(noise: float) -> float:
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
