"""Losses as free functions; those with several terms return `(total, terms)`.

Symbols as in the papers: e embedding, G translator, D discriminator, t target image, s source image.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import distributed

TERMS = ("embedding", "adversarial", "consistency")  # of `report`, in the order of alpha, beta and gamma
MARGINS = (0.2, 0.1, 0.2, 0.2)  # own labels, then one-, two-, three-class triplets (arXiv 1811.11283, section 4.2)
SMALL = 0.05  # on [-1, 1], 6 grey levels: errors of `moved` that count by their square


def triplet(e: Tensor, odd: Tensor, kind: Tensor) -> Tensor:
    """Return the mean triplet loss of FECNet (arXiv 1811.11283, equation 1), on squared distances.

    With (I1, I2) the similar pair and I3 the odd one, each row costs
    max(0, |e1-e2|^2 - |e1-e3|^2 + margin) + max(0, |e1-e2|^2 - |e2-e3|^2 + margin).

    Args:
        e: (B, 3, D) embeddings of the three faces, of unit length.
        odd: (B,) int64 in 0..2, the odd one out.
        kind: (B,) int64, triplet type as in `triplets.TYPES`; it selects the margin of `MARGINS`.
    Returns:
        scalar.
    """
    rows = torch.arange(len(e), device=e.device)
    e1, e2, e3 = e[rows, (odd + 1) % 3], e[rows, (odd + 2) % 3], e[rows, odd]
    margin = torch.tensor(MARGINS, device=e.device)[kind]
    d12, d13, d23 = ((a - b).square().sum(1) for a, b in ((e1, e2), (e1, e3), (e2, e3)))
    return (F.relu(d12 - d13 + margin) + F.relu(d12 - d23 + margin)).mean()


def embedding(e_out: Tensor, e_source: Tensor) -> Tensor:
    """Return the report's embedding loss: the mean squared error of two (B, D) embeddings."""
    return F.mse_loss(e_out, e_source)


def lsgan(logits: Tensor, real: bool) -> Tensor:
    """Return the least-squares adversarial loss of patch logits, MSE to 1 (real) or 0 (fake) (arXiv 1611.04076)."""
    return (logits - float(real)).square().mean()


def consistency(reconstruction: Tensor, t: Tensor) -> Tensor:
    """Return CycleGAN's cycle consistency, the mean absolute error of pictures (arXiv 1703.10593, section 3.2)."""
    return (reconstruction - t).abs().mean()


def report(
    e_out: Tensor, e_source: Tensor, logits: Tensor, reconstruction: Tensor, t: Tensor, alpha: float, beta: float,
    gamma: float,
) -> tuple[Tensor, dict[str, Tensor]]:  # fmt: skip
    """Return the report's loss of the translator: alpha x embedding + beta x adversarial + gamma x consistency.

    Args:
        e_out, e_source: (B, D) embeddings of the output and of the source image.
        logits: (B, 1, M, M) patch logits of the discriminator on the output.
        reconstruction, t: (B, 3, H, W) in [-1, 1], the target rebuilt from the output, and the target.
    Returns:
        total, {"embedding", "adversarial", "consistency"}: the three terms before their weights.
    """
    parts = {
        "embedding": embedding(e_out, e_source),
        "adversarial": lsgan(logits, real=True),
        "consistency": consistency(reconstruction, t),
    }
    return alpha * parts["embedding"] + beta * parts["adversarial"] + gamma * parts["consistency"], parts


def moved(out: Tensor, truth: Tensor, t: Tensor) -> Tensor:
    """Return the share of the change from t to truth that is missing: 1 - T of each pair, averaged.

    Copying the target costs 1, the truth 0. Divided pair by pair, a person's small movement counts as much as a
    cartoon's large one; only a pair that differs by less than 0.3 of its batch's mean costs less. Errors below
    `SMALL` count by their square (Huber's loss), so that the many pixels that are nearly right do not pull as hard as
    the few that are wrong.

    Args:
        out, truth, t: (B, 3, H, W) in [-1, 1].
    Returns:
        scalar.
    """
    missing, change = (_differ(x, truth) for x in (out, t))  # (B,) each
    usual = distributed.mean(change.mean())
    return (missing / torch.maximum(change, 0.3 * usual).clamp_min(1e-4)).mean()


def _differ(a: Tensor, b: Tensor) -> Tensor:
    """Return Huber's difference of pictures (B, 3, H, W), one by one: (B,)."""
    return F.smooth_l1_loss(a, b, beta=SMALL, reduction="none").mean((1, 2, 3))


def blendshapes(predicted: Tensor, true: Tensor, features: Tensor) -> Tensor:
    """Return the squared error of blendshape weights (B, 52), as a glance sees them and one by one.

    Args:
        predicted, true: (B, 52). features: (F, 52), `expressions.FEATURES`.
    Returns:
        scalar: the mean squared `expressions.distance`, plus the mean squared error, which keeps what raters pass over.
    """
    return ((predicted - true) @ features.T).square().sum(1).mean() + F.mse_loss(predicted, true)
