"""PatchGAN: judge each patch of a picture as real or generated.

Taught in: notebook 05, section 3.
"""

from torch import Tensor, nn


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
