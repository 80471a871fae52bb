"""The nearest expression that a drawing style can show, for many codes at once: `drawing.nearest_parts` in torch."""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from .. import expressions
from . import drawing


def distance(a: Tensor, b: Tensor) -> Tensor:
    """Return `expressions.distance` of blendshape weights (B, 52), row by row: (B,)."""
    features = torch.from_numpy(expressions.FEATURES.T.astype(np.float32)).to(a.device)
    return ((a.float() - b.float()) @ features).norm(dim=1)


def nearest(style: str, blendshapes: Tensor) -> Tensor:
    """Find the expressions of a style that are nearest to (N, 52) blendshape weights, as `drawing.nearest_parts` does.

    Returns:
        (N, 52) float32, where the weights lie.
    Raises:
        ValueError: there is no such style.
    """
    features, shown, seen = _table(style, blendshapes.device)
    return shown[choose(blendshapes.float() @ features, seen, int(seen.norm(dim=1).argmin()))]


def choose(wanted: Tensor, can: Tensor, calm: int) -> Tensor:
    """Choose for each wanted expression the nearest of those that can be shown.

    Args:
        wanted: (..., N, F), in the coordinates of `expressions.FEATURES`. can: (..., n, F).
        calm: number of the one that is chosen only for what is nearly neutral, as in `drawing.nearest_parts`.
    Returns:
        (..., N) int64 in 0..n-1.
    """
    # (..., N, n); differences, not products, which lose digits where two expressions are close
    away = torch.cdist(wanted, can, compute_mode="donot_use_mm_for_euclid_dist")
    away[..., calm] = away[..., calm].masked_fill(wanted.norm(dim=-1) > drawing.NEARLY_NEUTRAL, torch.inf)
    return away.argmin(-1)


@cache
def _table(style: str, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return features (52, F), a style's n expressions as weights (n, 52), and as raters see them (n, F)."""
    features = torch.from_numpy(expressions.FEATURES.T.astype(np.float32)).to(device)
    shown = torch.from_numpy(drawing.choices(style)[1]).to(device)
    return features, shown, shown @ features
