"""The warping generator: move the pixels of the target by a flow, and paint what no pixel can be moved to.

Taught in: notebook 09.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .fecnet import Seen


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
        scale, shift = self.film(c)[:, :, None, None].chunk(2, 1)  # (B, outputs, 1, 1) each
        y = self.norm(self.conv1(x)) * (1 + scale) + shift
        return self.shortcut(x) + self.conv2(F.silu(y))


class WarpingGenerator(nn.Module):
    """Move the pixels of the target: a UNet, modulated by both codes, that predicts flow, mask and colour.

    Half of the picture's size inside (pixel unshuffle), three scales. Two inner maps of the code's backbone, which
    knows already where a mouth is and whether it is open, join the two coarser ones. The codes also unfold into a small
    map at the coarsest scale, so that mouth and brows can be told apart by their place. The output is
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
        self.size, c, self.coarse = size, 4 * width, size // 8
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
            t: (B, 3, S, S) in [-1, 1]. seen: the backbone's maps of t (`fecnet.inner_maps`).
            c_t, c_s: (B, D) codes of the target's and of the source's expression.
        """
        wanted = torch.cat([c_s - c_t, c_s], 1)  # (B, 2 D): what is to change, and what is to be there
        c = self.condition(wanted)  # (B, 4 W)
        x1 = self.block1(self.stem(F.pixel_unshuffle(t, 2)), c)  # (B, W, S/2, S/2)
        x2 = self.block2(self.down1(x1) + self.seen1(seen[0]), c)  # (B, 2 W, S/4, S/4)
        places = self.unfold(wanted).view(len(t), self.PLACES, self.coarse, self.coarse)
        x = self.join(torch.cat([self.down2(x2) + self.seen2(seen[1]), places], 1))
        x = self.block3(x, c)  # (B, 4 W, S/8, S/8)
        x = self.block4(torch.cat([F.interpolate(x, scale_factor=2.0), x2], 1), c)  # (B, 2 W, S/4, S/4)
        x = self.block5(torch.cat([F.interpolate(x, scale_factor=2.0), x1], 1), c)  # (B, W, S/2, S/2)
        x = F.pixel_shuffle(self.head(F.silu(x)), 2).float()  # (B, 6, S, S)
        flow, mask, change = x.split((2, 1, 3), 1)
        return self.REACH * torch.tanh(flow), torch.sigmoid(mask + self.MASK_BIAS), t + 2 * torch.tanh(change)

    def forward(self, t: Tensor, seen: Seen, c_t: Tensor, c_s: Tensor) -> Tensor:
        flow, mask, colour = self.parts(t, seen, c_t, c_s)
        return compose(t, flow, mask, colour - t)


def compose(picture: Tensor, flow: Tensor, mask: Tensor, change: Tensor) -> Tensor:
    """Apply flow, mask and change of colour (see `WarpingGenerator.parts`), enlarged to its size, to a picture.

    Args:
        picture: (B, 3, H, H) in [-1, 1]. flow, mask, change: (B, 2, S, S), (B, 1, S, S) and (B, 3, S, S).
    Returns:
        (B, 3, H, H) float32.
    """
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
