"""Part-mixed cartoons: put together from the heads, eyes, brows and mouths of different styles.

A network that knows eight styles by heart reads and changes a ninth badly. A part-mixed cartoon has a head of one
style, eyes of another and a mouth of a third, moved, stretched, tinted and bent. So there is no style to recognise, and
what the face shows must be read from the face itself: domain randomization (arXiv 1703.06907). Parts come from the
training styles and from those of `styles_lent`; nothing is taken from the held-out styles.

Taught in: notebook 10.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from .. import config, parallel
from ..world import expressions
from ..world.cartoons import drawing, nearest

STYLES = (*drawing.STYLES_TRAIN, *drawing.STYLES_LENT)
HEADS, SEEDS = 150, 6  # identities of each style: for heads, and for each part
CHOICES = 192  # expressions that a part-mixed cartoon can show; the nearest one is shown
BROWS_ABOVE = 0.22  # the eyes, in half sides: where brows go on a head whose own style draws none
BEND = 0.04  # standard deviation by which a picture is bent, in half sides


@dataclass(frozen=True)
class PartLayers:
    """All pictures of one part: for each of n owners (a style and an identity) V variants, the calmest first.

    layers: (n, V, 4, S, S) uint8 RGBA; an owner with fewer variants repeats them. weights: (n, V, 52). styles: (n,).
    places: (styles, 4) x, y, width and height of the part in each style, in half sides.
    """

    layers: Tensor
    weights: Tensor
    styles: Tensor
    places: Tensor


@dataclass(frozen=True)
class PartMixer:
    """What part-mixed cartoons are made of: heads (H, 3, S, S) uint8 without a face, their styles (H,), parts."""

    heads: Tensor
    styles: Tensor
    parts: dict[str, PartLayers]


def draw(size: int, heads: int = HEADS, seeds: int = SEEDS) -> PartMixer:
    """Draw all heads and parts at a size in pixels, half a minute on two cores, and put them on the device.

    Args:
        heads, seeds: identities of each style, for heads and for each part.
    """
    jobs = [(1_000 + k, style, size) for style in STYLES for k in range(heads)]
    owners = {part: [(2_000 + k, style) for style in STYLES if _table(style, part) for k in range(seeds)]
              for part in expressions.PARTS}  # fmt: skip
    wanted = [(*owner, part, name, size)
              for part in expressions.PARTS for owner in owners[part] for name in _table(owner[1], part)]  # fmt: skip
    with parallel.pool() as crew:
        drawn = np.stack(list(crew.map(_head, jobs, chunksize=20)))
        layers = dict(zip(wanted, crew.map(_layer, wanted, chunksize=20)))
    styles = torch.tensor([STYLES.index(style) for _, style, _ in jobs], device=config.device())
    parts = {part: _parts(part, owners[part], layers, size) for part in expressions.PARTS}
    eyes, brows = parts["eyes"].places, parts["brows"].places
    nowhere = brows[:, 2] == 0  # styles without brows: they go above the eyes, as wide as these and half as high
    brows[nowhere] = eyes[nowhere] * eyes.new_tensor([1, 1, 1, 0.5]) - eyes.new_tensor([0, BROWS_ABOVE, 0, 0])
    return PartMixer(_pictures(drawn), styles, parts)


def _table(style: str, part: str) -> dict[str, dict[str, float]]:
    """Return what each variant of a style's part expresses; the calmest variant first."""
    return getattr(drawing.DRAWINGS[style], part)


def _pictures(images: np.ndarray) -> Tensor:
    return torch.from_numpy(images).movedim(-1, -3).to(config.device())


def _parts(part: str, owners: list[tuple[int, str]], layers: dict[tuple, np.ndarray], size: int) -> PartLayers:
    """Collect the layers (S, S, 4) of all owners of a part, and measure where each style draws it."""
    most = max(len(_table(style, part)) for style in STYLES)
    places, line = torch.zeros(len(STYLES), 4), torch.linspace(-1 + 1 / size, 1 - 1 / size, size)
    rows, weights, styles = [], [], []
    for seed, style in owners:
        names = list(_table(style, part))
        names = [names[i % len(names)] for i in range(most)]
        rows.append(np.stack([layers[seed, style, part, name, size] for name in names]))
        weights.append(np.stack([expressions.compose(**_table(style, part)[name]) for name in names]))
        styles.append(STYLES.index(style))
    for k in set(styles):  # place and size: mean and spread of the ink of all variants
        ink = torch.from_numpy(np.mean([r[..., 3] for r, s in zip(rows, styles) if s == k], axis=(0, 1))).float()
        for axis in range(2):
            share = ink.sum(axis) / ink.sum()
            middle = (share * line).sum()
            places[k, axis], places[k, axis + 2] = middle, (share * (line - middle) ** 2).sum().sqrt()
    device = config.device()
    tables = torch.from_numpy(np.stack(weights)).float().to(device), torch.tensor(styles, device=device)
    return PartLayers(_pictures(np.stack(rows)), *tables, places.to(device))


def _identity(seed: int, style: str) -> drawing.CartoonIdentity:
    """Return an identity that stands straight and fills its frame."""
    return replace(drawing.sample_cartoon(seed, (style,)), zoom=1.0, shift=(0.0, 0.0), tilt=0.0)


def _groups(svg: str, style: str, shown: drawing.Parts) -> dict[str, str]:
    """Return the ids of the SVG groups that draw the parts."""
    names = {part: drawing.DRAWINGS[style].brows_part if part == "brows" else part for part in expressions.PARTS}
    found = {part: re.search(rf'id="({name}-{getattr(shown, part)}-[^"]*)"', svg) for part, name in names.items()}
    return {part: group[1] for part, group in found.items() if group}


def _drawn(
    identity: drawing.CartoonIdentity, shown: drawing.Parts, size: int, css: Callable[[dict[str, str]], str]
) -> Image.Image:  # fmt: skip
    """Draw an avatar's face box, (S, S) with nothing behind it; `css` maps the parts' groups to what is to be seen."""
    x, y, side = drawing.frame(identity)
    svg = drawing.draw_svg(identity, shown)
    chosen = css(_groups(svg, identity.style, shown))
    return drawing.rasterise(svg, (x, y, side / size), size, size, identity, chosen)


def _head(job: tuple[int, str, int]) -> np.ndarray:
    """Draw a head without eyes, brows and mouth, in front of its background: (S, S, 3) uint8."""
    seed, style, size = job
    identity, neutral = _identity(seed, style), drawing.choices(style)[0][0]
    drawn = _drawn(identity, neutral, size, lambda groups: _rule("hidden", *groups.values()))
    return np.uint8(drawing.in_front(drawn, identity.backdrop) * 255 + 0.5)


def _layer(job: tuple[int, str, str, str, int]) -> np.ndarray:
    """Draw one variant of a part on nothing: (S, S, 4) uint8 RGBA."""
    seed, style, part, name, size = job
    shown = replace(drawing.choices(style)[0][0], **{part: name})

    def only(groups: dict[str, str]) -> str:  # a hidden clip path would hide what it clips
        return "*{visibility:hidden} clipPath *,mask *{visibility:visible}" + _rule("visible", groups[part])

    return np.asarray(_drawn(_identity(seed, style), shown, size, only).convert("RGBA"))


def _rule(visibility: str, *groups: str) -> str:
    """Return the CSS that shows or hides groups with all that is in them."""
    return "".join(f"#{group},#{group} *{{visibility:{visibility}}}" for group in groups)


def compose(mixer: PartMixer, wanted: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Make B part-mixed cartoons, each with n expressions: of those that its parts can show, the nearest to the wanted.

    Args:
        wanted: (n, B, 52) blendshape weights. generator: on the device.
    Returns:
        pictures (n, B, 3, S, S) in [-1, 1], bent, tinted and lined alike for all n (see `restyle`), and the blendshape
        weights (n, B, 52) that they show.
    """
    b, device = wanted.shape[1], mixer.heads.device

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, device=device)

    # Who lends the head, and who lends each part: rows (B,).
    head = (uniform(b) * len(mixer.heads)).long()
    owners = {name: (uniform(b) * len(part.styles)).long() for name, part in mixer.parts.items()}
    bare = torch.tensor([not _table(style, "brows") for style in STYLES], device=device)
    browless = bare[mixer.parts["eyes"].styles[owners["eyes"]]]  # (B,): such eyes bring their brows along
    # Trying all combinations of variants would cost too much: each cartoon draws `CHOICES` of them, the first all calm.
    variants, weights = {}, []
    for name, part in mixer.parts.items():
        variants[name] = (uniform(b, CHOICES) * part.weights.shape[1]).long()
        variants[name][:, 0] = 0
        shown = part.weights[owners[name][:, None], variants[name]]  # (B, CHOICES, 52)
        weights.append(shown * ~(browless[:, None, None] & (name == "brows")))
    weights = torch.stack(weights).amax(0)  # (B, CHOICES, 52): of each blendshape the part that shows it most
    features = torch.from_numpy(expressions.FEATURES.T).to(device)
    again = (weights == 0).all(2, keepdim=True)  # neutral once more: parts repeat where there are few
    again[:, 0] = False
    can = (weights @ features).masked_fill(again, torch.inf)  # (B, CHOICES, F)
    chosen = nearest.choose((wanted @ features).transpose(0, 1), can, calm=0).T  # (n, B)
    tint, share = uniform(b, 3, 1, 1), (uniform(b, 1, 1, 1) < 0.4) * uniform(b, 1, 1, 1) * 0.8
    pictures = (mixer.heads[head].float() / 255).repeat(len(wanted), 1, 1, 1, 1)  # (n, B, 3, S, S)
    for name, part in mixer.parts.items():
        where = _placed(part, owners[name], mixer.styles[head], generator)  # alike for all n expressions
        for i, choice in enumerate(chosen):
            row = variants[name].gather(1, choice[:, None])[:, 0]
            layer = part.layers[owners[name], row].float() / 255  # (B, 4, S, S)
            colour, alpha = layer.split((3, 1), 1)
            # Colours times alpha, else sampling mixes in the colour of what is transparent.
            layer = torch.cat([alpha * (colour * (1 - share) + tint * share), alpha], 1)
            layer = layer * ~(browless[:, None, None, None] & (name == "brows"))
            grid = F.affine_grid(where, list(layer.shape), align_corners=False)
            layer = F.grid_sample(layer, grid, align_corners=False)
            pictures[i] = over(pictures[i], layer)
    shown = torch.stack([weights[torch.arange(b, device=device), choice] for choice in chosen])
    return restyle(2 * pictures - 1, generator), shown


def over(pictures: Tensor, layers: Tensor) -> Tensor:
    """Lay layers (B, 4, S, S), colours times alpha and alpha, over pictures (B, 3, S, S), all in [0, 1]."""
    return pictures * (1 - layers[:, 3:]) + layers[:, :3]


def _placed(part: PartLayers, owner: Tensor, head: Tensor, generator: torch.Generator) -> Tensor:
    """Return the affine maps (B, 2, 3) from places on heads of some styles (B,) to places on the owners' layers."""
    theirs, ours = part.places[part.styles[owner]], part.places[head]
    noise = torch.randn(len(head), 6, generator=generator, device=head.device)
    stretch = torch.exp(0.18 * noise[:, :1] + 0.12 * noise[:, 1:3])
    scale = (ours[:, 2:] / theirs[:, 2:].clamp_min(0.02)).clamp(0.5, 2) ** 0.7 * stretch
    middle = ours[:, :2] + noise[:, 3:5] * noise.new_tensor([0.03, 0.05])
    cos, sin = torch.cos(0.06 * noise[:, 5]), torch.sin(0.06 * noise[:, 5])
    # Sampling asks for each place in the picture where it comes from: the inverse of scaling and turning the part.
    turn = torch.stack([cos, sin, -sin, cos], 1).view(-1, 2, 2) / scale[:, :, None]
    return torch.cat([turn, (theirs[:, :2, None] - turn @ middle[:, :, None])], 2)


def restyle(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Bend B characters smoothly, turn the hue of every second, and make lines of a third thicker or thinner.

    Args:
        pictures: (n, B, 3, S, S) in [-1, 1]; all n of a character are changed alike. generator: on the device.
    Returns:
        (n, B, 3, S, S) in [-1, 1].
    """
    n, b, _, size, _ = pictures.shape
    noise = torch.randn(b, 34, generator=generator, device=pictures.device)
    bend = F.interpolate(BEND * noise[:, :32].reshape(b, 2, 4, 4), (size, size), mode="bicubic", align_corners=True)
    stretch = torch.diag_embed(torch.exp(0.1 * noise[:, 32:]))
    theta = torch.cat([stretch, torch.zeros_like(stretch[:, :, :1])], 2)  # (B, 2, 3), without a shift
    grid = F.affine_grid(theta, [b, 3, size, size], align_corners=False) + bend.permute(0, 2, 3, 1)
    turned, angle, kind = torch.rand(3, b, generator=generator, device=pictures.device)
    hue = _hue_turn(2 * np.pi * angle * (turned < 0.5))
    kind = kind[:, None, None, None]
    changed = []
    for x in pictures:
        x = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
        x = torch.einsum("bij,bjhw->bihw", hue, x).clamp(-1, 1)
        # Lines are dark: the darkest of 3x3 pixels thickens them, the lightest thins them, here by half.
        thick, thin = (x - F.max_pool2d(-x, 3, 1, 1)) / 2, (x + F.max_pool2d(x, 3, 1, 1)) / 2
        changed.append(torch.where(kind < 0.15, thick, torch.where(kind > 0.85, thin, x)))
    return torch.stack(changed)


def _hue_turn(angle: Tensor) -> Tensor:
    """Return rotations (B, 3, 3) of colours about the axis of greys, by angles (B,) in radians."""
    k = angle.new_tensor([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / 3**0.5
    cos, sin = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    return torch.eye(3, device=angle.device) * cos + sin * k + (1 - cos) / 3
