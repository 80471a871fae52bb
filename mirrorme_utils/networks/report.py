"""The report's two networks: a UNet that repaints the target, and CycleGAN's PatchGAN that calls patches real or not.

Taught in: notebook 06.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..profiles import ReportConfig


def normal_weights(module: nn.Module) -> None:
    """Draw the weights of a convolution from a normal distribution, as the report's models do; `net.apply` it.

    The deviation is 0.02 (arXiv 1511.06434, section 4); biases begin at 0.
    """
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0, 0.02)
        nn.init.zeros_(module.bias)


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
        self.source_at_input, self.skips = source_at_input, skips
        self.bottleneck = -(-size // 2**levels)  # px of a side of the smallest map
        maps, rest = (0, 0) if source_at_input else divmod(dimensions, self.bottleneck**2)
        if rest:
            raise ValueError(f"{dimensions} numbers do not fill maps of {self.bottleneck} x {self.bottleneck} places")
        strides = [2] * levels + [1] * ((depth or levels) - levels)
        channels = [6 if source_at_input else 3] + [width * min(2**i, 8) for i in range(len(strides))]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for a, b, stride in zip(channels, channels[1:], strides):
            self.down.append(nn.Sequential(nn.Conv2d(a, b, 3, stride, 1), nn.BatchNorm2d(b), nn.LeakyReLU(0.2)))
        for level in reversed(range(len(strides))):
            here, above = channels[level + 1], channels[level] if level else 3
            lowest = level == len(strides) - 1
            inputs = here + maps if lowest else 2 * here  # with the embedding's maps; with the map of the skip
            self.up.append(nn.ConvTranspose2d(inputs, above, 3, strides[level], 1))
        self.norms = nn.ModuleList(nn.InstanceNorm2d(up.out_channels) for up in self.up)
        self.apply(normal_weights)

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
            level = len(self.up) - 1 - i
            if i:
                across = skips[level] if self.skips else torch.zeros_like(skips[level])
                x = torch.cat([x, across], 1)
            x = up(x, output_size=sizes[level])  # 4 becomes 7 or 8: what it was on the way down
            x = torch.tanh(x) if level == 0 else F.relu(norm(x))
        return x


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
        self.apply(normal_weights)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
