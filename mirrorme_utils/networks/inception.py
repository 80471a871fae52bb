"""InceptionResnetV1, a network that recognises people, as the backbone of FECNet; files of weights that readers bring.

Nothing of this ships: such weights were trained on photographs of people. `vggface2` reads a file in the format of
facenet-pytorch, `public_fecnet` the FECNet that was published without a licence. Architecture: arXiv 1602.07261,
sections 3.2 and 3.3, in the narrow variant that became common for faces. Layers are named as in the files.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .fecnet import FECNet
from .pixels import resized

CHANNELS = 1_792
WITHOUT_TRUNK = ("logits.", "last_linear.", "last_bn.")


class Convolution(nn.Module):
    """Convolution without bias, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel, stride: int = 1, padding=0):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class Branches(nn.Module):
    """Branches side by side: joined as they are, or projected back and added to the input, `scale` times."""

    def __init__(self, branches, channels: int = 0, scale: float = 0.0, pool: bool = False, last: bool = False):
        super().__init__()
        for i, branch in enumerate(branches):
            layers = [Convolution(*layer) for layer in branch]
            self.add_module(f"branch{i}", layers[0] if len(layers) == 1 else nn.Sequential(*layers))
        self.names = [f"branch{i}" for i in range(len(branches))]
        self.scale, self.pool, self.last = scale, pool, last
        if channels:
            self.conv2d = nn.Conv2d(sum(branch[-1][1] for branch in branches), channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        found = [getattr(self, name)(x) for name in self.names]
        if self.pool:
            found.append(F.max_pool2d(x, 3, 2))
        joined = torch.cat(found, 1)
        if not self.scale:
            return joined
        y = x + self.scale * self.conv2d(joined)
        return y if self.last else F.relu(y)


def _block35() -> Branches:
    three = (32, 32, 3, 1, 1)
    return Branches([[(256, 32, 1)], [(256, 32, 1), three], [(256, 32, 1), three, three]], 256, 0.17)


def _block17() -> Branches:
    across, down = (128, 128, (1, 7), 1, (0, 3)), (128, 128, (7, 1), 1, (3, 0))
    return Branches([[(896, 128, 1)], [(896, 128, 1), across, down]], 896, 0.10)


def _block8(scale: float = 0.20, last: bool = False) -> Branches:
    across, down = (192, 192, (1, 3), 1, (0, 1)), (192, 192, (3, 1), 1, (1, 0))
    return Branches([[(1_792, 192, 1)], [(1_792, 192, 1), across, down]], 1_792, scale, last=last)


class InceptionResnetV1(nn.Module):
    """(B, 3, S, S) in [-1, 1] to (B, 1792, M, M): M is 5 for S = 224, 3 for 160."""

    def __init__(self):
        super().__init__()
        self.conv2d_1a = Convolution(3, 32, 3, 2)
        self.conv2d_2a = Convolution(32, 32, 3)
        self.conv2d_2b = Convolution(32, 64, 3, 1, 1)
        self.maxpool_3a = nn.MaxPool2d(3, 2)
        self.conv2d_3b = Convolution(64, 80, 1)
        self.conv2d_4a = Convolution(80, 192, 3)
        self.conv2d_4b = Convolution(192, 256, 3, 2)
        self.repeat_1 = nn.Sequential(*(_block35() for _ in range(5)))
        narrow = [(256, 192, 1), (192, 192, 3, 1, 1), (192, 256, 3, 2)]
        self.mixed_6a = Branches([[(256, 384, 3, 2)], narrow], pool=True)
        self.repeat_2 = nn.Sequential(*(_block17() for _ in range(10)))
        long = [(896, 256, 1), (256, 256, 3, 1, 1), (256, 256, 3, 2)]
        short = [[(896, 256, 1), (256, outputs, 3, 2)] for outputs in (384, 256)]
        self.mixed_7a = Branches([*short, long], pool=True)
        self.repeat_3 = nn.Sequential(*(_block8() for _ in range(5)))
        self.block8 = _block8(1.0, last=True)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = layer(x)
        return x


class PublicFECNet(nn.Module):
    """The published FECNet: (B, 3, H, H) in [-1, 1] to (B, 16) of unit length.

    Its own code leaves the length as it is; the paper normalises (arXiv 1811.11283, section 4.1), and so does this.
    """

    def __init__(self):
        super().__init__()
        self.size = 224
        self.Inc = InceptionResnetV1()
        features = nn.Module()
        features.conv0 = nn.Conv2d(CHANNELS, 512, 1, padding=1, bias=False)  # 5 x 5 places become 7 x 7
        features.denseblock1 = nn.Module()
        for i in range(5):
            layer = nn.Module()
            layer.norm1, layer.conv1 = nn.BatchNorm2d(512 + 64 * i), nn.Conv2d(512 + 64 * i, 256, 1, bias=False)
            layer.norm2, layer.conv2 = nn.BatchNorm2d(256), nn.Conv2d(256, 64, 3, padding=1, bias=False)
            features.denseblock1.add_module(f"denselayer{i + 1}", layer)
        features.norm_final = nn.BatchNorm2d(512 + 64 * 5)
        self.dense = nn.Module()
        self.dense.features = features
        self.dense.classifier = nn.Sequential(nn.Linear(512 + 64 * 5, 512), nn.ReLU6(), nn.Linear(512, 16))

    def forward(self, x: Tensor) -> Tensor:
        features = self.dense.features
        y = features.conv0(self.Inc(resized(x, self.size)))
        for layer in features.denseblock1.children():
            new = layer.conv2(F.relu6(layer.norm2(layer.conv1(F.relu6(layer.norm1(y))))))
            y = torch.cat([y, new], 1)
        y = F.relu6(features.norm_final(y)).mean((2, 3))
        return F.normalize(self.dense.classifier(y), dim=1)


def load(file: Path) -> nn.Module:
    """Return the embedding of faces that a file of public weights holds.

    The names of its layers tell whether it is FECNet, or VGGFace2's network (facenet-pytorch), whose last map is then
    averaged and normalised.

    Raises:
        FileNotFoundError: there is no such file. ValueError: it holds other layers, or other shapes.
    """
    names = torch.load(file, map_location="cpu", weights_only=True)
    if any(name.startswith("Inc.") for name in names):
        return public_fecnet(file)
    return FECNet(vggface2(file), nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), 160)


def vggface2(file: Path) -> InceptionResnetV1:
    """Return the backbone with the weights of a facenet-pytorch file, without the layers that name people.

    Raises:
        FileNotFoundError: there is no such file. ValueError: it holds other layers, or other shapes.
    """
    return _filled(InceptionResnetV1(), file, WITHOUT_TRUNK)


def public_fecnet(file: Path) -> PublicFECNet:
    """Return the published FECNet with the weights of its file.

    Raises:
        FileNotFoundError: there is no such file. ValueError: it holds other layers, or other shapes.
    """
    return _filled(PublicFECNet(), file, tuple(f"Inc.{name}" for name in WITHOUT_TRUNK))


def _filled(model: nn.Module, file: Path, dropped: tuple[str, ...]) -> nn.Module:
    state = torch.load(file, map_location="cpu", weights_only=True)
    state = {name: value for name, value in state.items() if not name.startswith(dropped)}
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"{file} holds other weights than a {type(model).__name__}: {str(error)[:300]}") from None
    return model.eval()
