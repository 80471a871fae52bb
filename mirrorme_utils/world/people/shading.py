"""The picture: a colour and a region code for everything that the rays meet, and the camera's response to it."""

from typing import TYPE_CHECKING

import cv2
import numpy as np

from .. import capture
from ..capture import REGIONS
from . import anny_head, rays, skin, wrinkles
from .rays import MATERIALS, Hits, Surface, View

if TYPE_CHECKING:  # `human` imports this module
    from .human import HumanIdentity


def oversampling(pixels: int) -> int:
    """Return how many rays a pixel gets along each side: enough for smooth edges at little cost."""
    return 2 if pixels <= 96 * 96 else 1


def take(
    vertices: np.ndarray, surface: Surface, identity: "HumanIdentity", blendshapes: np.ndarray, view: View
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Take a picture.

    Args:
        vertices: (V, 3) metres. identity: for its paint and capture conditions. blendshapes: (52,), for wrinkles.
    Returns:
        image (H, W, 3) uint8 sRGB, alpha (H, W) uint8, regions (H, W) uint8 indices into `REGIONS`.
    """
    fine = oversampling(view.width * view.height)  # F rays a pixel along each side
    width, height = view.width * fine, view.height * fine
    hits = rays.cast(vertices, surface, identity.capture.light.key, view, fine)
    rgb = capture.backdrop(identity.capture.backdrop, width, height).reshape(-1, 3)  # (F H F W, 3) linear
    regions = np.zeros(width * height, np.uint8)
    rgb[hits.ray], regions[hits.ray] = _shade(hits, vertices, surface, identity, blendshapes)
    srgb = capture.encode(rgb.reshape(height, width, 3), identity.capture.light)
    alpha = np.zeros(width * height, np.uint8)
    alpha[hits.ray] = 255
    alpha, regions = alpha.reshape(height, width), regions.reshape(height, width)
    if fine > 1:
        size = (view.width, view.height)
        srgb, alpha = (cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in (srgb, alpha))
        regions = regions[::fine, ::fine]  # codes cannot be averaged
    else:  # one ray a pixel leaves stairs at edges
        srgb = cv2.GaussianBlur(srgb, (3, 3), 0.5)
    return capture.develop(srgb, identity.capture.response, view.pixel), alpha, np.ascontiguousarray(regions)


def _shade(
    hits: Hits, vertices: np.ndarray, surface: Surface, look: "HumanIdentity", blendshapes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return the linear colour (N, 3) and the region code (N,) of each hit."""
    at, material, n = hits.attributes, hits.material, hits.normal
    c, masks, cavity, inside, sky = at[:, :3], at[:, 3:6], at[:, 6], at[:, 8], at[:, 9]
    head = material == anny_head.SKIN
    ragged = inside + np.float32(0.0035) * skin.noise(c, 240, look.grain)  # an even hairline looks painted
    hair = skin.smooth(ragged, -0.003, 0.005) * head
    albedo = np.zeros((len(c), 3), np.float32, order="F")
    gloss = np.zeros(len(c), np.float32)
    bare = np.flatnonzero(head & (hair < 0.999))  # skin that hair does not hide
    on = at.take(bare, 0)
    folds = wrinkles.at(on[:, :3], blendshapes, look.lines)
    painted = skin.paint_skin(on[:, :3], on[:, 3:6], look)
    painted *= _mouth_and_lashes(on[:, :3], on[:, 6], on[:, 7]) * (1 - folds.dark[:, None])
    albedo[bare] = painted
    n[bare] += folds.slope
    gloss[bare] = 0.05 + 0.015 * skin.noise(on[:, :3], 500, look.grain + 8) + 0.28 * on[:, 3]
    # At the hairline skin and hair mix by `hair`; the hair that hangs, a mesh of its own, is hair throughout.
    strands = np.flatnonzero((hair > 0.001) | (material == MATERIALS.index("hair")))
    share = np.where(head, hair, 1)[strands, None]
    albedo[strands] = albedo[strands] * (1 - share) + share * skin.paint_hair(c[strands], look)
    for name, paint, shine in (
        ("tongue", lambda p: np.float32([0.48, 0.14, 0.14]) * (1 + 0.1 * skin.noise(p, 300, 5))[:, None], 0.2),
        ("teeth", skin.paint_teeth, 0.15),
        ("hand", lambda p: skin.linear(look.skin) * (1 + 0.1 * skin.noise(p, 200, look.grain))[:, None], 0.05),
        ("shirt", lambda p: skin.paint_cloth(p, look.shirt), 0),
        ("hat", lambda p: skin.paint_cloth(p, look.cloth), 0),
        ("thing", lambda p: 0.6 * skin.linear(look.cloth), 0.3),
        ("glasses", lambda p: skin.linear(look.frames), 0.5),
        ("lens", lambda p: np.float32([0.012, 0.012, 0.014]), 0.08),
    ):
        mine = np.flatnonzero(material == MATERIALS.index(name))
        if len(mine):
            albedo[mine], gloss[mine] = paint(c[mine]), shine
    for i, code in enumerate((anny_head.EYE_LEFT, anny_head.EYE_RIGHT)):
        mine = np.flatnonzero(material == code)
        albedo[mine] = skin.paint_eye(c[mine], surface.eye_centres[i], look)
        albedo[mine] *= (1 - 0.5 * skin.smooth(n[mine, 2], 0.12, 0.5))[:, None]  # the lid's shadow on the upper half
        gloss[mine] = 1.3  # above 1 is wet: a small sharp highlight (see `_light`)
    colour = _light(albedo, n, gloss, sky, hits.lit, look.capture.light, head & (hair < 0.5))
    colour[strands] += _sheen(n[strands], look.capture.light, hits.lit[strands]) * skin.linear(look.hair) * share
    return colour, _regions(c, material, hair, cavity, masks)


def _mouth_and_lashes(c: np.ndarray, cavity: np.ndarray, lash: np.ndarray) -> np.ndarray:
    """Return factors (N, 3) that darken the inside of the mouth, the deeper the darker, and the line of the lashes."""
    depth = np.clip((c[:, 1] + 0.012) / 0.05, 0, 1)
    flesh = np.float32([0.55, 0.16, 0.15]) * (1 - 0.85 * depth)[:, None]
    inner = np.clip(cavity * 1.3, 0, 1)[:, None]
    return (1 - inner + inner * flesh) * (1 - 0.93 * np.clip(1.15 * lash, 0, 1))[:, None]


def _sheen(n: np.ndarray, light: capture.Light, lit: np.ndarray) -> np.ndarray:
    """Return the highlight (N, 3) across strands that run down a surface (Kajiya and Kay 1989)."""
    along = np.float32([0, 0, 1]) - n * n[:, 2:]
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-3)
    half = _half(light)
    across = np.sqrt(np.clip(1 - (along @ half) ** 2, 0, 1))
    return (1.8 * across**24 * np.clip(n @ half, 0, 1) * (0.25 + 0.75 * lit))[:, None] * np.float32(light.key_colour)


def _half(light: capture.Light) -> np.ndarray:
    """Return the unit vector (3,) halfway between the key light and the camera, which looks along y (Blinn 1977)."""
    half = light.key + [0, -1, 0]
    return (half / np.linalg.norm(half)).astype(np.float32)


def _light(albedo: np.ndarray, n: np.ndarray, gloss: np.ndarray, sky: np.ndarray, lit: np.ndarray, light: capture.Light,
           soft: np.ndarray) -> np.ndarray:  # fmt: skip
    """Light a surface: wrapped diffuse key (skin scatters red light), fill, ambient from above, highlights."""
    key, fill = np.float32(light.key), np.float32(light.key * [-1, 1, 0.3])
    key_colour, fill_colour, ambient = (np.float32(x) for x in (light.key_colour, light.fill_colour, light.ambient))
    facing = n @ key
    shaded = (1 - lit) * np.clip(3 * facing, 0, 1)  # what faces away is dark by itself; a cast shadow adds nothing
    open_to = 0.3 + 0.85 * sky
    above = open_to * (0.68 + 0.32 * n[:, 2] + 0.12 * np.clip(-n[:, 1], 0, 1))
    beside = open_to * np.clip(n @ fill, 0, 1)
    shine = np.clip(n @ _half(light), 0, 1)
    broad, wet = ((shine**2) ** 2) ** 2, np.flatnonzero(gloss > 1)  # squares, since powers of arrays are slow
    highlight = gloss * lit * broad * broad  # shine to the 16th
    highlight[wet] = gloss[wet] * shine[wet] ** 250
    colour = np.empty_like(albedo)
    # Red, green, blue: how far light wraps around skin, and how much of it a cast shadow keeps away.
    for i, (scattered, kept) in enumerate(((1.0, 0.88), (0.6, 0.94), (0.5, 0.96))):
        wrap = np.where(soft, np.float32(0.3 * scattered), np.float32(0.1 * scattered))
        diffuse = np.clip((facing + wrap) / (1 + wrap), 0, 1) * (1 - np.float32(kept) * shaded)
        all_light = key_colour[i] * diffuse + ambient[i] * above + fill_colour[i] * beside
        colour[:, i] = albedo[:, i] * all_light + key_colour[i] * highlight
    return colour


def _regions(c: np.ndarray, material: np.ndarray, hair: np.ndarray, cavity: np.ndarray,
             masks: np.ndarray) -> np.ndarray:  # fmt: skip
    """Tell for each hit which part of the face it is: where a part moves, not only where it is painted."""
    x, y, z = np.abs(c[:, 0]), c[:, 1], c[:, 2]
    on_face = (material == 0) & (hair < 0.5)
    codes = np.where(on_face, REGIONS.index("skin"), REGIONS.index("rest"))
    brows = on_face & (x < 0.062) & (z > 0.0135) & (z < 0.036) & (y < 0.05)
    eyes = on_face & (((x - 0.0315) / 0.025) ** 2 + ((z - 0.0005) / 0.0145) ** 2 < 1) & (y < 0.05)
    mouth = on_face & ((x / 0.04) ** 2 + ((z + 0.073) / 0.026) ** 2 < 1) & (y < 0.05)
    codes[brows] = REGIONS.index("brows")
    codes[eyes | (material == 2) | (material == 3)] = REGIONS.index("eyes")
    inner = (material == MATERIALS.index("teeth")) | (material == 1) | ((cavity > 0.3) & (material == 0))
    codes[mouth | inner | ((masks[:, 0] > 0.3) & on_face)] = REGIONS.index("mouth")
    return codes.astype(np.uint8)
