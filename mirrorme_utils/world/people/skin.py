"""Colours of a rendered head: skin, lips, brows, eyes, teeth, hair and cloth, painted on the average head's surface.

A point is coloured by where it lies on the average, expressionless head ("canonical" coordinates, metres, origin
between the eyes), so that paint moves with the skin. Colours are linear RGB in [0, 1].
"""

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...config import rng

if TYPE_CHECKING:  # `human` imports this module
    from .human import HumanIdentity

# Skin from light to dark: sRGB, spanning the ten orbs of the Monk Skin Tone scale.
TONES = np.array([
    [246, 219, 203], [238, 200, 178], [228, 182, 152], [214, 162, 128], [190, 138, 104], [160, 110, 80],
    [128, 85, 60], [98, 63, 45], [74, 47, 35], [56, 37, 30],
]) / 255  # fmt: skip
HAIR = np.array([
    [22, 18, 17], [45, 30, 22], [84, 54, 34], [128, 86, 50], [182, 140, 88], [210, 180, 130], [142, 60, 30],
    [128, 126, 124], [186, 184, 180],
]) / 255  # fmt: skip
IRIS = np.array([[58, 36, 22], [92, 60, 34], [112, 100, 58], [86, 110, 80], [84, 118, 148], [110, 132, 140]]) / 255


def linear(srgb: np.ndarray) -> np.ndarray:
    """Turn sRGB (..., 3) in [0, 1] into linear RGB, float32 (the 2.2 power law)."""
    return (np.asarray(srgb) ** 2.2).astype(np.float32)


@lru_cache(maxsize=1)
def _grain() -> np.ndarray:
    """Make a tile of value noise, 256 x 256 for a lattice of 64 x 64 cells, that repeats seamlessly."""
    lattice = rng(0, "noise").random((64, 64), np.float32)
    tile = cv2.resize(np.tile(lattice, (3, 3)), None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(2 * tile[256:512, 256:512] - 1)


def noise(points: np.ndarray, scale: float, seed: int = 0) -> np.ndarray:
    """Return smooth value noise in about [-1, 1] at points (N, 3), with `scale` lattice cells to the metre.

    The points are projected obliquely onto a repeating tile.
    """
    rows = max(-(-len(points) // 256), 1)
    at = np.zeros((2, rows * 256), np.float32)
    skew = (points[:, 0] + 0.6 * points[:, 1], points[:, 2] + 0.47 * points[:, 1])
    for axis, along in enumerate(skew):
        place = along * np.float32(scale / 64) + np.float32(37.3 / 256 * seed * (axis + 1) % 1)  # in tiles
        at[axis, : len(points)] = 256 * (place - np.floor(place))
    maps = at.reshape(2, rows, 256)
    values = cv2.remap(_grain(), maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return values.ravel()[: len(points)]


def smooth(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """Step smoothly from 0 at `low` to 1 at `high`."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def brow(c: np.ndarray, thick: float, arch: float, long: float) -> np.ndarray:
    """Return the density of the brows at canonical points (N, 3), in [0, 1].

    Args:
        thick: half of a brow's height, metres. arch: how high its bend rises, metres. long: its outer end, metres.
    """
    x, z = np.abs(c[:, 0]), c[:, 2]
    along = (x - 0.011) / (long - 0.011)
    middle = 0.0205 + arch * np.sin(np.clip(along, 0, 1) * np.pi * 0.85) - 0.003 * np.clip(along, 0, 1.2) ** 2
    half = thick * np.interp(along, [0, 0.15, 0.6, 1], [0.75, 1, 0.85, 0.3])
    ends = smooth(along, -0.08, 0.06) * (1 - smooth(along, 0.9, 1.05))
    front = c[:, 1] < 0.045
    return ends * front * (1 - smooth(np.abs(z - middle), 0.3 * half, 1.15 * half))


def beard(c: np.ndarray, style: str) -> np.ndarray:
    """Return the density of a beard at canonical points (N, 3): "stubble", "moustache" or "full"."""
    x, y, z = np.abs(c[:, 0]), c[:, 1], c[:, 2]
    lip = smooth(z, -0.066, -0.061) * (1 - smooth(z, -0.052, -0.047)) * (1 - smooth(x, 0.027, 0.034)) * (y < 0.0)
    if style == "moustache":
        return lip
    jaw = 1 - smooth(z - np.interp(x, [0, 0.03, 0.055, 0.075], [-0.078, -0.062, -0.045, -0.02]), -0.008, 0.006)
    jaw = jaw * smooth(z, -0.155, -0.125) * (1 - smooth(y, 0.045, 0.065))
    return np.maximum(lip, jaw) * (0.45 if style == "stubble" else 1.0)


def paint_skin(c: np.ndarray, masks: np.ndarray, look: "HumanIdentity") -> np.ndarray:
    """Colour skin, lips, brows, beard and lids.

    Args:
        c: (N, 3) canonical points. masks: (N, 3) shares of lips, eyelids and ears.
        look: whose skin it is.
    Returns:
        (N, 3) linear RGB.
    """
    x, z = np.abs(c[:, 0]), c[:, 2]
    shade = 1 + 0.10 * noise(c, 60, look.grain) + 0.05 * noise(c, 260, look.grain + 3)
    colour = np.empty_like(c, order="F")
    np.multiply(linear(look.skin), shade[:, None], out=colour)
    cheek = np.exp(-(((x - 0.042) / 0.022) ** 2) - ((z + 0.035) / 0.022) ** 2) * (c[:, 1] < 0.05)
    nose = np.exp(-((x / 0.015) ** 2) - ((z + 0.038) / 0.014) ** 2) * (c[:, 1] < 0)
    flush = look.flush * np.maximum(np.maximum(cheek, 0.7 * nose), 0.6 * masks[:, 2])
    colour *= 1 + flush[:, None] * np.float32([0.16, -0.16, -0.14])
    if look.freckles:
        spots = smooth(noise(c, 420, look.grain + 5), 0.35, 0.6) * np.maximum(cheek, nose) * look.freckles
        colour *= 1 - spots[:, None] * np.float32([0.27, 0.45, 0.5])
    under = np.exp(-(((x - 0.03) / 0.016) ** 2) - ((z + 0.020) / 0.007) ** 2)
    colour *= 1 - look.tired * under[:, None] * np.float32([0.8, 1, 0.9])
    some = np.flatnonzero(masks[:, 1] > 0.01)
    lids = masks[some, 1:2]
    colour[some] *= 1 - 0.18 * lids
    colour[some] += 0.5 * lids * look.shadow * (linear(look.makeup) - colour[some])
    _grow(colour, c, _brow_cover(c, look), linear(look.brow_colour))
    if look.beard != "none":
        _grow(colour, c, _beard_cover(c, masks, look), linear(look.beard_colour))
    some = np.flatnonzero(masks[:, 0] > 0.25)
    lip = smooth(masks[some, 0], 0.25, 0.75)[:, None]
    red = linear(look.lips) * (1 + 0.12 * noise(c[some] * np.float32([6, 1, 1]), 130, 2)[:, None])
    colour[some] += lip * (red - colour[some])
    return colour


def _grow(colour: np.ndarray, c: np.ndarray, covered: tuple[np.ndarray, np.ndarray], hair: np.ndarray) -> None:
    """Mix a hair's colour (3,) into `colour` (N, 3), in place, at the points and by the shares of `covered`."""
    some, share = covered
    colour[some] += np.clip(share, 0, 0.95)[:, None] * (hair - colour[some])


def _brow_cover(c: np.ndarray, look: "HumanIdentity") -> tuple[np.ndarray, np.ndarray]:
    """Return which points lie in the brows, and how much of each a hair covers; the hairs lean outwards."""
    some = np.flatnonzero((np.abs(c[:, 2] - 0.021) < 0.016) & (np.abs(c[:, 0]) < 0.065))
    near = c[some]
    leaning = near.copy()
    leaning[:, 0] -= np.sign(near[:, 0]) * 0.7 * near[:, 2]
    strands = 0.98 + 0.23 * noise(leaning, 650, look.grain + 1)
    return some, brow(near, look.brow_thick, look.brow_arch, look.brow_long) * strands


def _beard_cover(c: np.ndarray, masks: np.ndarray, look: "HumanIdentity") -> tuple[np.ndarray, np.ndarray]:
    """Return which points lie in the beard, and how much of each a hair covers."""
    some = np.flatnonzero((c[:, 2] < 0) & (c[:, 1] < 0.07) & (masks[:, 0] < 0.75))
    curls = 0.82 + 0.22 * noise(c[some] * np.float32([1, 1, 0.5]), 900, look.grain + 2)
    return some, beard(c[some], look.beard) * curls


def paint_teeth(c: np.ndarray) -> np.ndarray:
    """Colour teeth at points (N, 3), with gaps between them and darker towards the back: (N, 3) linear RGB."""
    gap = np.abs(np.mod(c[:, 0] / 0.0075 + 0.5, 1) - 0.5)
    shade = (0.72 + 0.28 * smooth(gap, 0.0, 0.12)) * (1 - 0.6 * smooth(np.abs(c[:, 0]), 0.007, 0.024))
    return np.float32([0.74, 0.69, 0.58]) * shade[:, None]


def paint_cloth(c: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Colour woven cloth of an sRGB colour (3,) at points (N, 3): (N, 3) linear RGB."""
    return linear(colour) * (1 + 0.12 * noise(c * np.float32([1, 1, 3]), 300, 9)[:, None])


def paint_eye(c: np.ndarray, centre: np.ndarray, look: "HumanIdentity") -> np.ndarray:
    """Colour an eyeball: sclera, iris, pupil.

    Args:
        c: (N, 3) canonical points on it. centre: (3,) its canonical centre.
    Returns:
        (N, 3) linear RGB.
    """
    d = c - centre
    d = d / np.linalg.norm(d, axis=1, keepdims=True)
    angle = np.degrees(np.arccos(np.clip(-d[:, 1], -1, 1)))
    sclera = np.float32([0.66, 0.63, 0.60]) * (1 - 0.25 * smooth(angle, 35, 75))[:, None]
    sclera = sclera * (1 + np.float32([0.0, -0.1, -0.1]) * smooth(angle, 40, 70)[:, None])
    rays = 1 + 0.25 * noise(np.stack([np.arctan2(d[:, 0], d[:, 2]), angle * 0.01, 0 * angle], 1), 8, 4)
    iris = linear(look.iris) * rays[:, None] * (1 - 0.5 * smooth(angle, 22, 28))[:, None] * 1.5
    ring = smooth(angle, 26.5, 29.5)[:, None]
    colour = iris * (1 - ring) + sclera * ring
    pupil = (1 - smooth(angle, 10, 13))[:, None]
    return colour * (1 - pupil) + 0.01 * pupil


def paint_hair(points: np.ndarray, look: "HumanIdentity") -> np.ndarray:
    """Colour hair at points (N, 3), lighter and darker strands that run down: (N, 3) linear RGB."""
    turn = np.arctan2(points[:, 0], points[:, 1] - 0.08)
    lanes = np.stack([turn * 0.1, points[:, 1] * 0.1, points[:, 2] * 0.12], 1)
    fine, coarse = noise(lanes, 420, look.grain + 6), noise(lanes, 120, look.grain + 7)
    return linear(look.hair) * (1 + 0.38 * fine + 0.28 * coarse)[:, None]
