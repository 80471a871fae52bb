"""What a trunk's features hold, asked by the simplest reader there is: a linear map, fitted in closed form.

Taught in: notebook 03, section 4.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import config
from .pixels import to_tensor

PENALTY = 0.3  # of the ridge, for each feature


@torch.no_grad()
def places(trunk: nn.Module, images: np.ndarray, batch: int = 32) -> Tensor:
    """Average the map of a trunk to 4 x 4 places, in 32-bit floats: (N, S, S, 3) uint8 to (N, 16 C) on the CPU."""
    trunk, device = trunk.to(config.device()).eval(), config.device()
    parts = (to_tensor(images[i : i + batch]).to(device) for i in range(0, len(images), batch))
    return torch.cat([F.adaptive_avg_pool2d(trunk(x), 4).flatten(1).cpu() for x in parts])


def fit(x: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
    """Fit y (N, D) from standardised features x (N, C) by ridge regression; return the map, (M, C) to (M, D)."""
    middle, spread = x.mean(0), x.std(0) + 1e-3
    x = (x - middle) / spread
    dual = torch.linalg.solve(x @ x.T + PENALTY * x.shape[1] * torch.eye(len(x)), y - y.mean(0))
    weights = x.T @ dual
    return lambda new: (new - middle) / spread @ weights + y.mean(0)
