"""Translators: the report's UNet, and a translator that moves the pixels of the target.

Taught in: notebook 05, section 2 (`UNet`), notebook 07, section 4 (`Mover`), and notebook 07b (`MirrorMe`).
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import control, fecnet
from .config import MoveConfig, ReportConfig
from .expressions import ACTIONS, FEATURES, mirror
from .fecnet import Seen
from .vocabulary import Vocabulary


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


class ExpressionCode(nn.Module):
    """Read the 52 action weights of a face, also those that raters do not compare: sides, gaze, small moves.

    (B, 3, S, S) in [-1, 1] to (B, 52), ordered as `expressions.ACTIONS`. Where the paper's FECNet pools its map to one
    cell, this keeps four by four of them, so that a left wink and a right one stay apart.
    """

    def __init__(self, size: int, width: int):
        super().__init__()
        self.trunk = fecnet.trunk(size, width)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Linear(16 * 8 * width, 8 * width),
            nn.ReLU(),
            nn.Linear(8 * width, len(ACTIONS)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.trunk(x))

    def observe(self, x: Tensor) -> tuple[Tensor, Seen]:
        """Return in one pass the weights (B, 52) and what the trunk sees at two scales (`fecnet.inner_maps`)."""
        *seen, last = fecnet.inner_maps(self.trunk, x)
        return self.head(last), tuple(seen)


def as_seen(code: nn.Module) -> nn.Module:
    """Turn the action weights that a code reads, (B, 52), into coordinates in which raters see them near or far."""
    coordinates = nn.Linear(FEATURES.shape[1], len(FEATURES), bias=False).requires_grad_(False)
    coordinates.weight.copy_(torch.from_numpy(FEATURES))
    return nn.Sequential(code, coordinates.to(next(code.parameters()).device))


class Modulated(nn.Module):
    """A residual block whose normalised features are scaled and shifted by the condition (FiLM, arXiv 1709.07871)."""

    def __init__(self, inputs: int, outputs: int, condition: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        self.norm = nn.GroupNorm(8, outputs)
        self.film = nn.Linear(condition, 2 * outputs)
        nn.init.normal_(self.film.weight, 0, 0.1)
        nn.init.zeros_(self.film.bias)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        scale, shift = self.film(c)[:, :, None, None].chunk(2, 1)
        y = self.norm(self.conv1(x)) * (1 + scale) + shift
        return self.shortcut(x) + self.conv2(F.silu(y))


class Mover(nn.Module):
    """Move the pixels of the target: a UNet, modulated by both codes, that predicts flow, mask and colour.

    Half of the picture's size inside (pixel unshuffle), three scales. Two inner maps of the code's trunk, which knows
    already where a mouth is and whether it is open, join the two coarser ones. The codes also unfold into a small map
    at the coarsest scale, so that mouth and brows can be told apart by their place. The output is
    mask x warp(t, flow) + (1 - mask) x colour, and colour is t plus a predicted change: training starts from a copy.

    Args:
        size: pixels of the square picture.
        width: channels at the first scale.
        code: dimensions of an expression code.
        seen: channels of the two maps that join (see `fecnet.inner_channels`).
    """

    MASK_BIAS = 1.5
    REACH = 0.25  # largest flow, as a share of half the picture's side
    PLACES = 32  # channels of the map that the codes unfold into

    def __init__(self, size: int, width: int, code: int, seen: tuple[int, int]):
        super().__init__()
        c, self.coarse = 4 * width, size // 8
        self.condition = nn.Sequential(nn.Linear(2 * code, c), nn.SiLU(), nn.Linear(c, c), nn.SiLU())
        self.unfold = nn.Linear(2 * code, self.PLACES * self.coarse**2)
        self.stem = nn.Conv2d(12, width, 3, padding=1)
        self.down1, self.down2 = (nn.Conv2d(width * k, 2 * width * k, 3, 2, 1) for k in (1, 2))
        self.seen1, self.seen2 = (nn.Conv2d(n, 2 * width * k, 1) for k, n in zip((1, 2), seen))
        self.block1 = Modulated(width, width, c)
        self.block2 = Modulated(2 * width, 2 * width, c)
        self.join = nn.Conv2d(4 * width + self.PLACES, 4 * width, 1)
        self.block3 = Modulated(4 * width, 4 * width, c)
        self.block4 = Modulated(6 * width, 2 * width, c)
        self.block5 = Modulated(3 * width, width, c)
        self.head = nn.Conv2d(width, 4 * 6, 3, padding=1)
        nn.init.normal_(self.head.weight, 0, 0.01)
        nn.init.zeros_(self.head.bias)

    def parts(self, t: Tensor, seen: Seen, c_t: Tensor, c_s: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Predict flow (B, 2, S, S) in units of half the side, mask (B, 1, S, S) and colour (B, 3, S, S).

        Args:
            t: (B, 3, S, S) in [-1, 1]. seen: the trunk's maps of t (`fecnet.inner_maps`).
            c_t, c_s: (B, D) codes of the target's and of the source's expression.
        """
        asked = torch.cat([c_s - c_t, c_s], 1)
        c = self.condition(asked)
        x1 = self.block1(self.stem(F.pixel_unshuffle(t, 2)), c)  # S/2
        x2 = self.block2(self.down1(x1) + self.seen1(seen[0]), c)  # S/4
        places = self.unfold(asked).view(len(t), self.PLACES, self.coarse, self.coarse)
        x = self.join(torch.cat([self.down2(x2) + self.seen2(seen[1]), places], 1))
        x = self.block3(x, c)  # S/8
        x = self.block4(torch.cat([F.interpolate(x, scale_factor=2.0), x2], 1), c)
        x = self.block5(torch.cat([F.interpolate(x, scale_factor=2.0), x1], 1), c)
        x = F.pixel_shuffle(self.head(F.silu(x)), 2).float()  # (B, 6, S, S)
        flow, mask, change = x.split((2, 1, 3), 1)
        return self.REACH * torch.tanh(flow), torch.sigmoid(mask + self.MASK_BIAS), t + 2 * torch.tanh(change)

    def forward(self, t: Tensor, seen: Seen, c_t: Tensor, c_s: Tensor) -> Tensor:
        flow, mask, colour = self.parts(t, seen, c_t, c_s)
        return compose(t, flow, mask, colour - t)


def compose(picture: Tensor, flow: Tensor, mask: Tensor, change: Tensor) -> Tensor:
    """Apply flow, mask and change of colour (B, ..., S, S), enlarged to its size, to a picture (B, 3, H, H)."""
    side = picture.shape[-2:]
    if side != flow.shape[-2:]:
        flow, mask, change = (F.interpolate(part, side, mode="bilinear") for part in (flow, mask, change))
    picture = picture.float()
    return mask * warp(picture, flow) + (1 - mask) * (picture + change)


def warp(t: Tensor, flow: Tensor) -> Tensor:
    """Sample t (B, 3, H, W) at each pixel's place plus flow (B, 2, H, W; x, y in units of half a side), bilinearly."""
    b, _, h, w = t.shape
    identity = torch.eye(2, 3, device=t.device).expand(b, 2, 3)
    grid = F.affine_grid(identity, [b, 1, h, w], align_corners=False) + flow.permute(0, 2, 3, 1)
    return F.grid_sample(t, grid, padding_mode="border", align_corners=False)


class MirrorMe(nn.Module):
    """An expression code, a mover, and the vocabulary of drawings: put the source's expression on the target.

    `forward(t, s, strength)` takes two pictures (B, 3, S, S) in [-1, 1] and returns a third; strength 0 leaves the
    target's expression, 1 takes the source's, more exaggerates it. `s` may also name parts of the face, each with a
    source of its own (see `control.blend`). `full` is the target at another size (B, 3, H, H): the result then has that
    size, and its sharpness where pixels are only moved. On the ladder, where codes are taken as they are read, there is
    no vocabulary.
    """

    STILL = 1 / 127.5  # on [-1, 1], one grey level: what changes less is left as it is

    def __init__(self, code: nn.Module, mover: Mover, vocabulary: Vocabulary | None):
        super().__init__()
        self.code, self.mover, self.vocabulary = code, mover, vocabulary

    def forward(
        self, t: Tensor, s: Tensor | Mapping[str, Tensor], strength: float = 1.0, full: Tensor | None = None
    ) -> Tensor:  # fmt: skip
        codes, seen = self.observe(t)
        c_t, style = self.vocabulary.hear(codes, seen)
        if isinstance(s, Mapping):
            c_s = control.blend(c_t, {part: self.vocabulary.say(self.read(x), style) for part, x in s.items()})
        else:
            c_s = self.vocabulary.say(self.read(s), style)
        return self.show(t, c_t, c_t + strength * (c_s - c_t), full, seen)

    def observe(self, x: Tensor) -> tuple[Tensor, Seen]:
        """Read the action weights (B, 52) of x and of its mirror image, and take the mean, sides swapped back; also
        return what the code's trunk sees in x."""
        codes, seen = self.code.observe(torch.cat([x, x.flip(-1)]))
        return (codes[: len(x)] + mirror(codes[len(x) :])) / 2, tuple(m[: len(x)] for m in seen)

    def read(self, x: Tensor) -> Tensor:
        """Return the action weights (B, 52) that x shows (`observe`, then `Vocabulary.hear`)."""
        return self.vocabulary.hear(*self.observe(x))[0]

    def said(self, t: Tensor, c: Tensor) -> Tensor:
        """Return the nearest to codes c (B, 52) that the style of t (B, 3, S, S) can show; of people, c itself."""
        return self.vocabulary.say(c, self.vocabulary.hear(*self.observe(t))[1])

    def show(self, t: Tensor, c_t: Tensor, c_s: Tensor, full: Tensor | None = None, seen: Seen | None = None) -> Tensor:
        """Move t from the expression of code c_t (B, D) to that of c_s; what is hardly touched stays bit by bit.

        A pixel stays unless 3x3 pixels next to it change by a grey level on average, at the size of t. A grey picture
        stays grey. `seen` saves looking at t again.
        """
        flow, mask, colour = self.mover.parts(t, seen or self.seen(t), c_t, c_s)
        parts = flow, mask, colour - t
        picture, out = t.float(), compose(t, *parts)
        change = F.avg_pool2d((out - t).abs().amax(1, keepdim=True), 3, 1, 1, count_include_pad=False)
        moved = (F.max_pool2d(change, 3, 1, 1) > self.STILL).float()
        share = F.avg_pool2d(moved, 3, 1, 1, count_include_pad=False)
        if full is not None:
            picture = full.to(t.device).float()
            out = compose(picture, *parts)
            share = F.interpolate(share, picture.shape[-2:], mode="bilinear")
        grey = (picture == picture[:, :1]).all(1, keepdim=True).all((2, 3), keepdim=True)
        out = torch.where(grey, out.mean(1, keepdim=True), out)
        return picture + share * (out - picture)

    def seen(self, t: Tensor) -> Seen:
        """Return what the code's trunk sees in t (`fecnet.inner_maps`)."""
        return fecnet.inner_maps(self.code.trunk, t)[:2]


def mirror_me(settings: MoveConfig) -> MirrorMe:
    """Make the moving translator of a configuration, with its code and vocabulary."""
    seen = fecnet.inner_channels(settings.size, settings.code_width)
    mover = Mover(settings.size, settings.width, len(ACTIONS), seen)
    return MirrorMe(ExpressionCode(settings.size, settings.code_width), mover, Vocabulary(seen))
