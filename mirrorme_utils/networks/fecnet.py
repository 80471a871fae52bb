"""FECNet: a face crop in, a point on the unit sphere out; near points are similar expressions.

A backbone, called trunk in the code and in the weight files, that gives a feature map, and the head of arXiv
1811.11283, section 4.1.

Taught in: notebook 03.
"""

import hashlib
from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import distributed
from ..profiles import BorrowedConfig, FecnetConfig, JudgeConfig
from ..world import expressions
from .pixels import resized, to_tensor

Embed = Callable[[np.ndarray], Tensor]  # uint8 (N, S, S, 3) to (N, D)
Seen = tuple[Tensor, Tensor]  # a backbone's maps of pictures at two scales (see `inner_maps`)
FINE = 64  # pixels up to which `trunk` begins at the picture's own size


class Residual(nn.Module):
    """Two 3x3 convolutions around a shortcut: (B, inputs, H, W) to (B, outputs, H, W), or half of it at stride 2."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.pool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(self.pool(x)))


def trunk(size: int, width: int) -> nn.Sequential:
    """Make the backbone that is trained from scratch: (B, 3, S, S) to a map of 8 width channels.

    Up to 64 px the first convolution keeps the picture's size, since there a brow is two pixels thick, and the map is
    S/8; a larger picture is halved at once, and the map is S/16.
    """
    w = width
    if size <= FINE:
        from torchvision.ops import (
            Conv2dNormActivation,  # torchvision loads as long as torch; the large model needs none
        )

        return nn.Sequential(
            Conv2dNormActivation(3, w, 3),
            nn.MaxPool2d(2),
            Residual(w, 2 * w, 1),  # S/2
            nn.MaxPool2d(2),
            Residual(2 * w, 4 * w, 1),  # S/4
            nn.MaxPool2d(2),
            Residual(4 * w, 8 * w, 1),  # S/8
        )
    return nn.Sequential(
        nn.Conv2d(3, w, 3, 2, 1, bias=False),  # S/2
        nn.BatchNorm2d(w),
        nn.ReLU(),
        Residual(w, w, 1),
        Residual(w, 2 * w, 2),  # S/4
        Residual(2 * w, 4 * w, 2),  # S/8
        Residual(4 * w, 8 * w, 2),  # S/16
    )


def inner_channels(size: int, width: int) -> tuple[int, int]:
    """Return the channels of the two maps that `inner_maps` finds in the `trunk` of these sizes."""
    return (4 * width, 8 * width) if size <= FINE else (2 * width, 4 * width)


def inner_maps(trunk: nn.Sequential, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return what a backbone sees in x (B, 3, S, S): its last map at S/4, its last at S/8, and its last of all."""
    side, last = x.shape[-1], {}
    for layer in trunk:
        x = layer(x)
        last[x.shape[-1]] = x
    return last[side // 4], last[side // 8], x


class DenseLayer(nn.Module):
    """One layer of a dense block: its output is appended to its input (arXiv 1608.06993)."""

    def __init__(self, inputs: int, growth: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
            nn.Conv2d(inputs, 4 * growth, 1, bias=False),
            nn.BatchNorm2d(4 * growth),
            nn.ReLU(),
            nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.layers(x)], 1)


def head(inputs: int, channels: int, growth: int, dimensions: int, cells: int = 1) -> nn.Sequential:
    """Make the paper's head: 1x1 convolution, dense block of five layers, average pool, two linear layers.

    The paper's sizes are channels 512, growth 64 and dimensions 16 (arXiv 1811.11283, figure 3), and it pools its map
    to one cell. A small backbone sees a part of the face in each place, so it may keep `cells` x `cells` of them.

    Returns:
        (B, inputs, M, M) to (B, dimensions), not yet of unit length.
    """
    dense = [DenseLayer(channels + i * growth, growth) for i in range(5)]
    width = channels + 5 * growth
    return nn.Sequential(
        nn.Conv2d(inputs, channels, 1, bias=False),
        *dense,
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(cells),
        nn.Flatten(),
        nn.Linear(cells**2 * width, channels),
        nn.ReLU(),
        nn.Linear(channels, dimensions),
    )


class FECNet(nn.Module):
    """Backbone, head and L2 normalisation: (B, 3, H, H) in [-1, 1] to (B, D) of unit length.

    Pictures are resized to `size` pixels, those that the network was trained on.
    """

    def __init__(self, trunk: nn.Module, head: nn.Module, size: int):
        super().__init__()
        self.trunk, self.head, self.size = trunk, head, size

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.head(self.trunk(resized(x, self.size))), dim=1)


def build(settings: FecnetConfig) -> FECNet:
    """Make the FECNet of a configuration, its head scaled with the width of its backbone."""
    size, width = settings.size, settings.width
    return FECNet(trunk(size, width), head(8 * width, 8 * width, width, settings.dimensions, cells=4), size)


def wider(model: FECNet) -> FECNet:
    """Leave out FECNet's last layer: a larger embedding, of unit length too, that knows no more than the smaller."""
    return FECNet(model.trunk, model.head[:-1], model.size)


def on_reader(reader: nn.Module, settings: BorrowedConfig) -> FECNet:
    """Put FECNet on a network that reads blendshape weights (`translator.ExpressionCode`).

    All but its last layer is the backbone; the head is that layer, to 52 weights, and one more, to the embedding.
    """
    *layers, weights = reader.head
    last = nn.Linear(weights.out_features, settings.dimensions)
    return FECNet(nn.Sequential(reader.trunk, *layers), nn.Sequential(weights, last), settings.size)


def judge(settings: JudgeConfig) -> FECNet:
    """Make MirrorBench's judge: plain convolutions with max pooling (VGG, arXiv 1409.1556), its head as in `on_reader`.

    Its backbone, seed and training world are others than those of the networks that it judges. Taught in: notebook 04.
    """
    from torchvision.models.vgg import make_layers

    w = settings.width
    trunk = make_layers([w, "M", 2 * w, 2 * w, "M", 4 * w, 4 * w, "M", 8 * w, 8 * w], batch_norm=True)
    places = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16 * 8 * w, 256), nn.ReLU())
    weights = nn.Linear(256, len(expressions.BLENDSHAPES))
    last = nn.Linear(len(expressions.BLENDSHAPES), settings.dimensions)
    return FECNet(nn.Sequential(trunk, places), nn.Sequential(weights, last), settings.size)


@torch.no_grad()
def set_like_raters(last: nn.Linear, blendshapes: np.ndarray) -> None:
    """Make a layer map blendshape weights so that near points are what `expressions.distance` calls similar.

    It keeps the D - 1 principal directions of the raters' coordinates, and a constant, which keeps neutral faces, all
    near zero, together when the length is normalised.

    Args:
        last: 52 numbers to D. blendshapes: (N, 52) float32, expressions as they occur.
    """
    features = torch.from_numpy(expressions.FEATURES).float()
    seen = torch.from_numpy(blendshapes).float() @ features.T  # (N, F)
    middle = seen.mean(0)
    directions = torch.linalg.svd(seen - middle, full_matrices=False).Vh[: last.out_features - 1]  # (D - 1, F)
    scale = (seen - middle).square().sum(1).mean().sqrt()
    last.weight.copy_(F.pad(directions @ features / scale, (0, 0, 0, 1)))
    last.bias.copy_(F.pad(-directions @ middle / scale, (0, 1), value=1.0))


@torch.no_grad()
def embed(model: nn.Module, images: np.ndarray | Tensor, batch: int = 32) -> Tensor:
    """Embed images, in evaluation mode; each layer of the network is left in the mode that it had.

    Args:
        images: uint8 (N, S, S, 3), or float tensor (N, 3, S, S) in [-1, 1].
    Returns:
        (N, D) float32 on the CPU.
    """
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    device = next(model.parameters()).device
    tensors = (to_tensor(part) if isinstance(part, np.ndarray) else part for part in _chunks(images, batch))
    result = torch.cat([model(x.to(device)).float().cpu() for x in tensors])
    for part, training in modes:
        part.training = training
    return result


def remembering(embedding: nn.Module) -> Embed:
    """Return `embed` of a network that learns no more, which looks at the same pictures only once."""
    known = {}

    def look(images: np.ndarray) -> Tensor:
        key = images.shape, hashlib.sha1(np.ascontiguousarray(images)).digest()
        if key not in known:
            known[key] = embed(embedding, images)
        return known[key]

    return look


def _chunks(items: np.ndarray | Tensor, size: int) -> Iterator[np.ndarray | Tensor]:
    return (items[i : i + size] for i in range(0, len(items), size))


def accuracy(e: Tensor, odd: Tensor) -> Tensor:
    """Tell for each triplet whether the labelled pair is the nearest of the three (chance 1/3).

    Args:
        e: (N, 3, D) embeddings. odd: (N,) int64 in 0..2.
    Returns:
        (N,) bool.
    """
    # (N, 3): entry i is the distance of the pair that leaves face i out
    opposite = torch.stack([(e[:, (i + 1) % 3] - e[:, (i + 2) % 3]).square().sum(1) for i in range(3)], 1)
    return opposite.argmin(1) == odd


def augment(x: Tensor, generator: torch.Generator, strength: float = 1.0, of: int | None = None) -> Tensor:
    """Vary what photographs vary: roll, scale, shift, light, contrast, colour, grey, blur and noise.

    A mirrored face would turn a left wink into a right one, so nothing is flipped.

    Args:
        x: (B, 3, S, S) in [-1, 1]. generator: fastest on the device of x. strength: 0 leaves it as it is. of: x is this
            process's share of a batch of so many (see `distributed.share`), for all of which numbers are drawn.
    Returns:
        (B, 3, S, S) in [-1, 1].
    """
    b, device, mine = len(x), x.device, slice(None) if of is None else distributed.share(of)

    def draw(_: int, *shape: int, by: Callable[..., Tensor] = torch.randn) -> Tensor:
        return by(of or b, *shape, generator=generator, device=generator.device)[mine].to(device)

    def normal(*shape: int) -> Tensor:
        return strength * draw(*shape)

    angle, scale, shift = 0.12 * normal(b), torch.exp(0.07 * normal(b)), 0.06 * normal(b, 2)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.stack([cos, -sin, shift[:, 0], sin, cos, shift[:, 1]], 1).view(b, 2, 3)  # affine maps
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    contrast, brightness = torch.exp(0.2 * normal(b, 1, 1, 1)), 0.12 * normal(b, 1, 1, 1)
    x = x * contrast + brightness + 0.07 * normal(b, 3, 1, 1)
    grey = draw(b, 1, 1, 1, by=torch.rand) < 0.2 * strength
    x = torch.where(grey, x.mean(1, keepdim=True), x)
    blurred = draw(b, 1, 1, 1, by=torch.rand) < 0.25 * strength
    x = torch.where(blurred, F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1), x)
    noise = draw(*x.shape) * normal(b, 1, 1, 1).abs() * 0.03
    return (x + noise).clamp(-1, 1)
