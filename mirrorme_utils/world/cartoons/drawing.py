"""Cartoon faces: DiceBear's drawn avatars as identities, their eyes, brows and mouths as expressions.

An identity is a seed and a style: everything that DiceBear draws from a seed except the eyes, brows and mouth. An
expression is a choice of these parts. The tables in `styles`, `styles_held_out` and `styles_lent` give each part its
blendshape weights, so that people and cartoons share one expression space. Drawing is a pure function, the same to the
byte on one machine.
"""

import io
import json
import re
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import resvg_py
from PIL import Image, ImageFilter

from ... import config
from .. import expressions
from ..capture import REGIONS, Backdrop, CameraResponse, Render, backdrop, develop
from .styles import MIRRORED, TRAIN, Drawing
from .styles_held_out import HELD_OUT
from .styles_lent import LENT

if TYPE_CHECKING:
    from dicebear import Style

DRAWINGS = TRAIN | HELD_OUT | LENT
STYLES_TRAIN = tuple(TRAIN)
STYLES_HELD_OUT = tuple(HELD_OUT)
STYLES_LENT = tuple(LENT)
NEARLY_NEUTRAL = 0.35  # `expressions.distance` from the neutral face
FACE = 0.26  # metres that the side of a face box stands for, by which a camera response blurs
_EVERY = "every"  # a variant of our own that draws all used variants of a part over each other


@dataclass(frozen=True)
class CartoonIdentity:
    """One drawn character and how it is framed: the same in all its expressions.

    backdrop, response: as for people. zoom: side of the frame over the style's face box. shift: of the frame's centre,
    in frame sides. tilt: of the head, in degrees.
    """

    seed: int
    style: str
    backdrop: Backdrop
    response: CameraResponse
    zoom: float
    shift: tuple[float, float]
    tilt: float


@dataclass(frozen=True)
class Parts:
    """The variants that show an expression; `brows` is "" where a style draws them with the eyes."""

    eyes: str
    brows: str
    mouth: str


def sample_cartoon(seed: int, styles: tuple[str, ...] = STYLES_TRAIN) -> CartoonIdentity:
    """Draw the identity of a seed.

    Args:
        seed: of the identity.
        styles: to choose the style from, evenly.
    Raises:
        ValueError: a style has no expression table.
    """
    for style in styles:
        _drawing(style)
    rng = config.rng(seed, "cartoon")
    style = str(styles[config.rng(seed, "style").integers(len(styles))])
    one, two = (_pastel(rng) for _ in range(2))
    behind = Backdrop(str(rng.choice(["plain", "gradient", "busy"], p=[0.5, 0.25, 0.25])), one, two, seed)
    grey, soft, noisy = rng.random(3) < [0.1, 0.25, 0.15]
    response = CameraResponse(
        saturation=0.0 if grey else float(rng.uniform(0.7, 1.0)),
        contrast=float(np.exp(rng.normal(0, 0.08))),
        vignette=0.0,
        blur=float(soft * rng.uniform(0.001, 0.003)),
        noise=float(noisy * rng.uniform(0.004, 0.015)),
        seed=seed,
    )
    shift = tuple(float(s) for s in rng.uniform(-0.03, 0.03, 2))
    zoom, tilt = float(rng.uniform(0.95, 1.08)), float(np.clip(rng.normal(0, 3), -7, 7))
    return CartoonIdentity(seed, style, behind, response, zoom, shift, tilt)


def _pastel(rng: np.random.Generator) -> tuple[float, ...]:
    """Draw a light colour: linear red, green and blue."""
    hue, saturation, value = rng.uniform(0, 256), rng.uniform(20, 140), rng.uniform(185, 256)
    pixel = Image.new("HSV", (1, 1), (int(hue), int(saturation), int(value))).convert("RGB").getpixel((0, 0))
    return tuple((c / 255) ** 2.2 for c in pixel)


def _drawing(style: str) -> Drawing:
    if style not in DRAWINGS:
        raise ValueError(f"{style!r} is no drawing style; known: {', '.join(DRAWINGS)}")
    return DRAWINGS[style]


def vector(style: str, parts: Parts) -> np.ndarray:
    """Return the blendshape weights (52,) float32 in [0, 1] that parts of a style show: the largest of each."""
    drawing = _drawing(style)
    shown = [drawing.eyes[parts.eyes], drawing.mouth[parts.mouth]]
    shown += [drawing.brows[parts.brows]] if parts.brows else []
    return np.max([expressions.compose(**weights) for weights in shown], axis=0)


@cache
def choices(style: str) -> tuple[tuple[Parts, ...], np.ndarray]:
    """List all n expressions of a style: their parts, and their blendshape weights (n, 52) float32."""
    drawing = _drawing(style)
    parts = tuple(Parts(*names) for names in product(drawing.eyes, drawing.brows or [""], drawing.mouth))
    return parts, np.stack([vector(style, p) for p in parts])


@cache
def _seen(style: str) -> np.ndarray:
    """Return all choices of a style (n, 52) in the coordinates whose Euclidean distance is `expressions.distance`."""
    return choices(style)[1] @ expressions.FEATURES.T


def nearest_parts(style: str, blendshapes: np.ndarray) -> Parts:
    """Choose the parts of a style whose expression is nearest to blendshape weights (52,) by `expressions.distance`.

    The neutral parts are chosen only for what is nearly neutral: a style without, say, a sneer shows its next best
    expression rather than none.
    """
    seen = _seen(style)
    wanted = np.asarray(blendshapes, np.float32) @ expressions.FEATURES.T
    away = ((seen - wanted) ** 2).sum(axis=1)
    if np.linalg.norm(wanted) > NEARLY_NEUTRAL:
        away[(seen**2).sum(axis=1).argmin()] = np.inf
    return choices(style)[0][int(away.argmin())]


def render_cartoon(identity: CartoonIdentity, blendshapes: np.ndarray, size: int) -> Render:
    """Draw the face crop of an identity with the expression of its style that is nearest to the weights.

    Args:
        blendshapes: (52,) weights in [0, 1].
        size: pixels of the square crop's side.
    Returns:
        The picture, and the regions that the parts of this identity can cover; "skin" is the rest of its head.
    """
    x, y, side = frame(identity)
    svg = draw_svg(identity, nearest_parts(identity.style, blendshapes))
    image = in_front(rasterise(svg, (x, y, side / size), size, size, identity), identity.backdrop)
    crisp = replace(identity.response, blur=0.0)  # so that a part changes its own pixels only
    return Render(develop(image, crisp, FACE / size), _regions(identity, size))


def render_cartoon_photo(
    identity: CartoonIdentity, blendshapes: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Draw a picture that holds the character somewhere, in front of a background.

    Args:
        blendshapes: (52,) weights in [0, 1].
        width, height: of the picture, in pixels.
    Returns:
        image (height, width, 3) uint8 RGB, and its face box (left, top, right, bottom) in pixels.
    """
    rng = config.rng(identity.seed, "photo", width, height)
    side = round(rng.uniform(0.56, 0.78) * min(width, height))
    left = round(rng.uniform(0.15, 0.85) * (width - side))
    top = round(rng.uniform(0.4, 0.7) * (height - side))
    x, y, units = frame(identity)
    unit = units / side
    view = (x - left * unit, y - top * unit, unit)
    drawn = rasterise(draw_svg(identity, nearest_parts(identity.style, blendshapes)), view, width, height, identity)
    image = develop(in_front(drawn, identity.backdrop), identity.response, FACE / side)
    return image, (left, top, left + side, top + side)


def in_front(drawn: Image.Image, behind: Backdrop) -> np.ndarray:
    """Put what is drawn, with transparency, in front of a background: (H, W, 3) float32 sRGB in [0, 1]."""
    rgba = np.asarray(drawn.convert("RGBA"), np.float32) / 255
    share = rgba[..., 3:]
    ground = backdrop(behind, drawn.width, drawn.height) ** np.float32(1 / 2.2)
    return rgba[..., :3] * share + ground * (1 - share)


def frame(identity: CartoonIdentity) -> tuple[float, float, float]:
    """Return left, top and side of the square face box, in canvas units."""
    left, top, side = _drawing(identity.style).box
    zoomed = side * identity.zoom
    x, y = (start + side / 2 - zoomed / 2 + s * zoomed for start, s in zip((left, top), identity.shift))
    return x, y, zoomed


@cache
def _style(name: str) -> "Style":
    """Return DiceBear's style with variants of our own: mirrored ones, and one of all used ones over each other."""
    from dicebear import Style  # nearly a second, which a worker that renders people saves
    from dicebear.validator import OptionsValidator, StyleValidator

    # A second for each style in each process, and a fifth of each drawing; the tests check all styles once.
    StyleValidator.validate = OptionsValidator.validate = lambda _: None
    definition = json.loads((files("dicebear_styles") / f"{name}.json").read_text("utf-8"))
    for part, table in _tables(name).items():
        variants = definition["components"][part]["variants"]
        width = definition["components"][part]["width"]
        for variant in table:
            if variant.endswith(MIRRORED) and variant not in variants:
                variants[variant] = _mirrored(variants[variant.removesuffix(MIRRORED)], width)
        variants[_EVERY] = {"elements": [e for variant in table for e in variants[variant]["elements"]]}
    return Style(definition)


def _mirrored(variant: dict, width: float) -> dict:
    turned = {"transform": f"translate({width} 0) scale(-1 1)"}
    return {"elements": [{"type": "element", "name": "g", "attributes": turned, "children": variant["elements"]}]}


def _tables(style: str) -> dict[str, dict]:
    """Map a style's own name of each part that it has to its table, in the order eyes, brows, mouth."""
    drawing = _drawing(style)
    brows = {drawing.brows_part: drawing.brows} if drawing.brows else {}
    return {"eyes": drawing.eyes, **brows, "mouth": drawing.mouth}


@lru_cache(maxsize=64)
def draw_svg(identity: CartoonIdentity, parts: Parts) -> str:
    """Return everything inside the root element of an identity's avatar."""
    from dicebear import Avatar

    style, drawing = _style(identity.style), _drawing(identity.style)
    options = {"seed": str(identity.seed), "backgroundColor": [], **drawing.options}
    for component, excluded in drawing.without.items():
        options[f"{component}Variant"] = [v for v in style.components()[component].variants() if v not in excluded]
    chosen = [parts.eyes, parts.brows, parts.mouth] if drawing.brows else [parts.eyes, parts.mouth]
    for part, variant in zip(_tables(identity.style), chosen):
        options |= {f"{part}Variant": variant, f"{part}Probability": 100}
    svg = re.sub(r"<metadata.*?</metadata>", "", str(Avatar(style, options)), flags=re.DOTALL)
    if "borderRadius" not in drawing.options:  # let a bust go on below the canvas
        svg = re.sub(r' clip-path="url\(#clip-[^)]*\)"', "", svg, count=1)
    return re.sub(r"^<svg[^>]*>|</svg>$", "", svg)


def rasterise(
    svg: str, view: tuple[float, float, float], width: int, height: int, identity: CartoonIdentity, css: str = ""
) -> Image.Image:  # fmt: skip
    """Draw what a view (left, top, canvas units per pixel) sees, (height, width) RGBA; `css` picks what is drawn."""
    left, top, unit = view
    x, y, side = frame(identity)
    chosen = f"<style>{css}</style>" if css else ""
    move = f"scale({1 / unit}) translate({-left} {-top}) rotate({identity.tilt} {x + side / 2} {y + side / 2})"
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" fill="none">'
        f'{chosen}<g transform="{move}">{svg}</g></svg>'
    )
    png = resvg_py.svg_to_bytes(svg_string=text, skip_system_fonts=True)
    return Image.open(io.BytesIO(bytes(png)))


@lru_cache(maxsize=256)
def _regions(identity: CartoonIdentity, size: int) -> np.ndarray:
    """Return codes (S, S) of `REGIONS`: where any used variant of a part draws, and a pixel around it."""
    (x, y, side), drawing = frame(identity), _drawing(identity.style)
    every = Parts(_EVERY, _EVERY if drawing.brows else "", _EVERY)
    svg = draw_svg(identity, every)

    def covered(css: str) -> np.ndarray:
        alpha = rasterise(svg, (x, y, side / size), size, size, identity, css).convert("RGBA").getchannel("A")
        return np.asarray(alpha.filter(ImageFilter.MaxFilter(3))) > 0

    regions = np.where(covered("svg{visibility:visible}"), REGIONS.index("skin"), REGIONS.index("rest"))
    for name, part in zip(("mouth", "brows", "eyes"), ("mouth", drawing.brows_part, "eyes")):
        if part not in _tables(identity.style):
            continue
        group = re.search(rf'id="({part}-{_EVERY}-[^"]*)"', svg)[1]
        only = f"*{{visibility:hidden}} clipPath *,mask *,#{group} *{{visibility:visible}}"
        regions[covered(only)] = REGIONS.index(name)
    regions = regions.astype(np.uint8)
    regions.setflags(write=False)
    return regions
