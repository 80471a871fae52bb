"""The translator that moves a face: an expression code reads both pictures, a warping generator moves the target.

Taught in: notebooks 08 to 11.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..profiles import WarpingConfig
from ..world.expressions import BLENDSHAPES, FEATURES, mirror
from . import control, fecnet
from .fecnet import Seen
from .style_codebook import StyleCodebook
from .warping import WarpingGenerator, compose


class ExpressionCode(nn.Module):
    """Read the 52 blendshape weights of a face, also those that raters do not compare: sides, gaze, small moves.

    (B, 3, S, S) in [-1, 1] to (B, 52), ordered as `expressions.BLENDSHAPES`. Where the paper's FECNet pools its map to
    one cell, this keeps four by four of them, so that a left wink and a right one stay apart.
    """

    def __init__(self, size: int, width: int):
        super().__init__()
        self.trunk = fecnet.trunk(size, width)
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Linear(16 * 8 * width, 8 * width),
            nn.ReLU(),
            nn.Linear(8 * width, len(BLENDSHAPES)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.trunk(x))

    def observe(self, x: Tensor) -> tuple[Tensor, Seen]:
        """Return in one pass the weights (B, 52) and what the backbone sees at two scales (`fecnet.inner_maps`)."""
        *seen, last = fecnet.inner_maps(self.trunk, x)
        return self.head(last), tuple(seen)


def as_seen(code: nn.Module) -> nn.Module:
    """Turn the blendshape weights that a code reads, (B, 52), into coordinates in which raters see them near or far."""
    coordinates = nn.Linear(FEATURES.shape[1], len(FEATURES), bias=False).requires_grad_(False)
    coordinates.weight.copy_(torch.from_numpy(FEATURES))
    return nn.Sequential(code, coordinates.to(next(code.parameters()).device))


class Translator(nn.Module):
    """An expression code, a warping generator and a style codebook: put the source's expression on the target.

    `forward(t, s, strength)` takes two pictures (B, 3, S, S) in [-1, 1] and returns a third; strength 0 leaves the
    target's expression, 1 takes the source's, more exaggerates it. `s` may also name parts of the face, each with a
    source of its own (see `control.blend`). `full` is the target at another size (B, 3, H, H): the result then has that
    size, and its sharpness where pixels are only moved. In the cumulative ablation, where codes are taken as they
    are read, there is no codebook.
    """

    STILL = 1 / 127.5  # on [-1, 1], one grey level: what changes less is left as it is

    def __init__(self, code: nn.Module, generator: WarpingGenerator, codebook: StyleCodebook | None):
        super().__init__()
        self.code, self.generator, self.codebook = code, generator, codebook

    def forward(
        self, t: Tensor, s: Tensor | Mapping[str, Tensor], strength: float = 1.0, full: Tensor | None = None
    ) -> Tensor:  # fmt: skip
        c_t, c_s, seen = self.plan(t, s)
        return self.show(t, c_t, c_t + strength * (c_s - c_t), full, seen)

    def plan(self, t: Tensor, s: Tensor | Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Seen]:
        """Read both pictures, which does not depend on the strength: what t shows and what it is to show, (B, 52) each,
        and what the code's backbone sees in t."""
        codes, seen = self.observe(t)
        c_t, style = self.codebook.classify(codes, seen)  # what t shows, and in which style it can show s's expression
        if isinstance(s, Mapping):
            return c_t, control.blend(c_t, {part: self.codebook.project(self.read(x), style) for part, x in s.items()}), seen
        return c_t, self.codebook.project(self.read(s), style), seen

    def observe(self, x: Tensor) -> tuple[Tensor, Seen]:
        """Read x (B, 3, S, S) and its mirror image, so that neither side of a face is favoured.

        Returns:
            the mean of both readings, the second with its sides swapped back, (B, 52); and what the code's backbone
            sees in x.
        """
        codes, seen = self.code.observe(torch.cat([x, x.flip(-1)]))  # (2 B, 52)
        return (codes[: len(x)] + mirror(codes[len(x) :])) / 2, tuple(m[: len(x)] for m in seen)

    def read(self, x: Tensor) -> Tensor:
        """Return the blendshape weights (B, 52) that x shows (`observe`, then `StyleCodebook.classify`)."""
        return self.codebook.classify(*self.observe(x))[0]

    def projected(self, t: Tensor, c: Tensor) -> Tensor:
        """Project codes c (B, 52) onto what the style of t (B, 3, S, S) can show; of people, c itself."""
        return self.codebook.project(c, self.codebook.classify(*self.observe(t))[1])

    def show(self, t: Tensor, c_t: Tensor, c_s: Tensor, full: Tensor | None = None, seen: Seen | None = None) -> Tensor:
        """Move t from the expression of code c_t (B, D) to that of c_s; what is hardly touched stays bit by bit.

        A pixel stays unless 3x3 pixels next to it change by a grey level on average, at the size of t. A grey picture
        stays grey.

        Args:
            t: (B, 3, S, S) in [-1, 1]. full: t at another size, (B, 3, H, H). seen: saves looking at t again.
        Returns:
            (B, 3, S, S), or (B, 3, H, H) with `full`, float32.
        """
        flow, mask, colour = self.generator.parts(t, seen or self.seen(t), c_t, c_s)
        parts = flow, mask, colour - t  # a change of colour, not a colour: it can be added to a sharper picture
        picture, out = t.float(), compose(t, *parts)
        # How much of each pixel is taken from the output, (B, 1, S, S). Averaging first keeps single noisy pixels from
        # counting; the largest average around a pixel then keeps the rims of what moves; averaging again blends them.
        change = F.avg_pool2d((out - t).abs().amax(1, keepdim=True), 3, 1, 1, count_include_pad=False)
        moved = (F.max_pool2d(change, 3, 1, 1) > self.STILL).float()
        share = F.avg_pool2d(moved, 3, 1, 1, count_include_pad=False)
        if full is not None:
            picture = full.to(t.device).float()
            out = compose(picture, *parts)  # the flow is in shares of the side, so it fits any size
            share = F.interpolate(share, picture.shape[-2:], mode="bilinear")  # (B, 1, H, H)
        grey = (picture == picture[:, :1]).all(1, keepdim=True).all((2, 3), keepdim=True)  # (B, 1, 1, 1)
        out = torch.where(grey, out.mean(1, keepdim=True), out)
        return picture + share * (out - picture)

    def seen(self, t: Tensor) -> Seen:
        """Return what the code's backbone sees in t (`fecnet.inner_maps`)."""
        return fecnet.inner_maps(self.code.trunk, t)[:2]


def build(settings: WarpingConfig) -> Translator:
    """Make the moving translator of a configuration, with its code and style codebook."""
    seen = fecnet.inner_channels(settings.size, settings.code_width)
    generator = WarpingGenerator(settings.size, settings.width, len(BLENDSHAPES), seen)
    return Translator(ExpressionCode(settings.size, settings.code_width), generator, StyleCodebook(seen))
