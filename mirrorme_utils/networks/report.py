"""The report's two networks: a UNet that repaints the target, and CycleGAN's PatchGAN that calls patches real or not.

Taught in: notebook 05.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..profiles import ReportConfig


class UNet(nn.Module):
    """The report's translator: stride-2 levels, skips, and the embedding as one channel at the bottleneck.

    At 224 px with six levels and width 64 the sizes are 112, 56, 28, 14, 7, 4 and the channels
    64, 128, 256, 512, 512, 512; the 16-d embedding is laid out as a 1x4x4 map, which makes 513 channels. A larger one
    becomes several maps.

    Args:
        size: pixels of the square picture.
        levels: how many levels halve it.
        width: channels of the first level; they double up to eight times that.
        depth: levels in all; those beyond `levels` stand at the bottleneck and keep its size.
        source_at_input: stack the source image onto the target's channels instead of using the embedding.
        skips: pass each level's map across; False passes zeros instead, so that all must go through the bottleneck.
        dimensions: of the embedding.
    Raises:
        ValueError: the embedding does not fill maps of the bottleneck's size.
    """

    def __init__(
        self, size: int, levels: int, width: int, depth: int | None = None, source_at_input: bool = False,
        skips: bool = True, dimensions: int = 16,
    ):  # fmt: skip
        super().__init__()
        self.skips = skips
        strides = [2] * levels + [1] * ((depth or levels) - levels)
        channels = [6 if source_at_input else 3] + [width * min(2**i, 8) for i in range(len(strides))]
        self.source_at_input = source_at_input
        self.bottleneck = -(-size // 2**levels)
        maps, rest = (0, 0) if source_at_input else divmod(dimensions, self.bottleneck**2)
        if rest:
            raise ValueError(f"{dimensions} numbers do not fill maps of {self.bottleneck} x {self.bottleneck} places")
        self.down = nn.ModuleList(
            _block(nn.Conv2d(a, b, 3, s, 1), b) for a, b, s in zip(channels, channels[1:], strides)
        )
        inner = channels[1:]
        self.up = nn.ModuleList()
        for i in reversed(range(len(strides))):
            below = inner[i] + maps if i == len(strides) - 1 else 2 * inner[i]
            above = inner[i - 1] if i else 3
            self.up.append(nn.ConvTranspose2d(below, above, 3, strides[i], 1))
        self.norms = nn.ModuleList(nn.InstanceNorm2d(up.out_channels) for up in self.up)
        self.apply(_normal)

    def forward(self, t: Tensor, e: Tensor | None = None, s: Tensor | None = None) -> Tensor:
        """Translate t (B, 3, S, S) with the embedding e (B, D) or the source s (B, 3, S, S); same shape out."""
        x = torch.cat([t, s], 1) if self.source_at_input else t
        skips, sizes = [], [x.shape[-2:]]
        for down in self.down:
            x = down(x)
            skips.append(x)
            sizes.append(x.shape[-2:])
        if not self.source_at_input:
            # (B, D) laid out as D / M^2 maps of the bottleneck's M x M places, stacked onto its channels
            x = torch.cat([x, e.view(len(e), -1, self.bottleneck, self.bottleneck)], 1)
        for i, (up, norm) in enumerate(zip(self.up, self.norms)):
            level = len(skips) - 1 - i
            across = skips[level] if self.skips else torch.zeros_like(skips[level])
            x = up(x if i == 0 else torch.cat([x, across], 1), output_size=sizes[level])
            x = torch.tanh(x) if level == 0 else F.relu(norm(x))
        return x


def _block(convolution: nn.Conv2d, channels: int) -> nn.Sequential:
    return nn.Sequential(convolution, nn.BatchNorm2d(channels), nn.LeakyReLU(0.2))


def _normal(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0, 0.02)
        nn.init.zeros_(module.bias)


def report_unet(settings: ReportConfig) -> UNet:
    """Make the report's UNet, or the variant of it, that a configuration describes."""
    variant = settings.depth, settings.source_at_input, settings.skips, settings.dimensions
    return UNet(settings.size, settings.levels, settings.width, *variant)


class PatchGAN(nn.Module):
    """CycleGAN's discriminator: three stride-2 and two stride-1 4x4 convolutions (arXiv 1703.10593, appendix 7.2).

    (B, 3, S, S) in [-1, 1] to a map of logits (B, 1, S/8 - 2, S/8 - 2): 26x26 at 224 px. Each logit sees 70x70 px.

    Args:
        width: channels of the first layer.
        halvings: stride-2 layers; with two or one of them a logit sees 34x34 or 16x16 px (arXiv 1611.07004).
    """

    def __init__(self, width: int, halvings: int = 3):
        super().__init__()
        channels = [3, *(width * 2**i for i in range(halvings + 1))]
        layers = []
        for i, (a, b) in enumerate(zip(channels, channels[1:])):
            layers += [nn.Conv2d(a, b, 4, 2 if i < halvings else 1, 1)]
            layers += [nn.InstanceNorm2d(b)] if i else []
            layers += [nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels[-1], 1, 4, 1, 1))
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, 0, 0.02)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
