"""What a head wears: teeth, hair, hats and shoulders, as small meshes made by the project.

All shapes are in the frame of `human`: metres, origin between the eyes, x to the person's left, y backwards, z up.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

HAIR_STYLES = ("bald", "buzz", "short", "side", "quiff", "curly", "afro", "bob", "long", "bun", "fringe", "wavy")
HATS = ("none", "beanie", "cap")
VOLUME = dict(bald=0, buzz=0.002, short=0.009, side=0.012, quiff=0.012, curly=0.020, afro=0.045, bob=0.014, long=0.014,
              bun=0.008, fringe=0.012, wavy=0.018)  # fmt: skip
HANGING = dict(bob=-0.105, long=-0.23, wavy=-0.19)  # where hanging hair ends
MESH = ("teeth", "hair", "glasses", "lens", "hat", "shirt", "hand", "thing")


@dataclass(frozen=True)
class Mesh:
    """A mesh: vertices (V, 3) float32 in metres, faces (T, 3) int32, and its material, one of `MESH`."""

    vertices: np.ndarray
    faces: np.ndarray
    material: str


def sheet(points: np.ndarray, material: str) -> Mesh:
    """Make a mesh of a grid of points (R, C, 3), metres: two triangles a cell."""
    r, c = points.shape[:2]
    corner = (np.arange(r - 1)[:, None] * c + np.arange(c - 1)).ravel()
    faces = np.concatenate([np.stack([corner, corner + 1, corner + c], 1),
                            np.stack([corner + 1, corner + c + 1, corner + c], 1)])  # fmt: skip
    return Mesh(points.reshape(-1, 3).astype(np.float32), faces.astype(np.int32), material)


def ellipsoid(
    centre: ArrayLike, radii: ArrayLike, material: str, latitude: tuple[float, float] = (-np.pi / 2, np.pi / 2),
    n: int = 20,
) -> Mesh:  # fmt: skip
    """Make an ellipsoid about a centre (3,) with radii (3,), or the part of it between two latitudes in radians.

    Args:
        n: circles of latitude; each has 2 n corners.
    """
    theta, phi = np.linspace(*latitude, n)[:, None], np.linspace(0, 2 * np.pi, 2 * n)
    unit = np.stack(np.broadcast_arrays(np.cos(theta) * np.cos(phi), np.cos(theta) * np.sin(phi), np.sin(theta)), -1)
    return sheet(np.asarray(centre) + unit * radii, material)


@lru_cache
def teeth() -> tuple[Mesh, Mesh]:
    """Make the upper and the lower row of teeth of the average head, centred on the lips."""
    t, height = np.linspace(-1, 1, 25), np.linspace(0, 1, 3)[:, None]
    rows = []
    for low, high, depth in ((-0.0015, 0.010, 0.0065), (-0.0125, -0.003, 0.0095)):
        x = np.broadcast_to(0.0225 * t, (3, 25))
        y = np.broadcast_to(depth + 0.022 * t**2, (3, 25))
        rows.append(sheet(np.stack([x, y, np.broadcast_to(low + (high - low) * height, (3, 25))], -1), "teeth"))
    return tuple(rows)


def hairline(canonical: np.ndarray, style: str, recede: float) -> np.ndarray:
    """Return how far points of the average head lie inside the hair, in metres along z; negative is outside.

    Args:
        canonical: (V, 3). recede: metres that the front of the hairline lies higher than usual.
    """
    x, y, z = canonical.T
    low = np.interp(y, [-0.03, 0.03, 0.055, 0.075, 0.10, 0.19], [0.061, 0.050, 0.010, -0.02, -0.055, -0.085])
    front = np.clip((0.05 - y) / 0.05, 0, 1)
    corner = 0.012 * np.exp(-(((np.abs(x) - 0.043) / 0.017) ** 2)) - 0.004 * np.exp(-((x / 0.015) ** 2))
    low = low + front * (recede + corner) if style != "fringe" else low - 0.024 * np.clip(1.4 * front, 0, 1)
    return z - low if style != "bald" else np.full(len(canonical), -1.0, canonical.dtype)


def hair_growth(canonical: np.ndarray, inside: np.ndarray, style: str, part: float) -> np.ndarray:
    """Return how far hair lifts the scalp, (V,) metres.

    Args:
        inside: from `hairline`. part: side of the parting, -1 or 1.
    """
    x, y, z = canonical.T
    grown = VOLUME[style] * np.clip(inside / 0.025, 0, 1) ** 0.7
    if style == "side":
        grown = grown * (1 + 0.8 * part * np.tanh(x / 0.03))
    if style == "quiff":
        grown = grown * (1 + 1.6 * np.exp(-(((y + 0.01) / 0.04) ** 2)) * np.clip(z / 0.09, 0, 1))
    if style in ("curly", "afro"):
        grown = grown * (1 + 0.22 * np.sin(170 * x + 1) * np.sin(170 * y) * np.sin(170 * z + 2))
    return grown


def hanging_hair(style: str, width: float) -> list[Mesh]:
    """Make the hair that hangs beside and behind the head, or the bun on top of it.

    Args:
        width: half the head's width at the temples, metres.
    """
    if style == "bun":
        return [ellipsoid((0, 0.11, 0.125), (0.036, 0.036, 0.032), "hair", n=12)]
    if style not in HANGING:
        return []
    angle = np.radians(np.linspace(-122, 122, 45))
    z = np.linspace(0.05, HANGING[style], 12)[:, None]
    wave = 1 + 0.02 * np.sin(9 * angle) * np.linspace(0.3, 1, 12)[:, None]
    wave = wave + (style == "wavy") * 0.05 * np.sin(75 * z + 5 * angle)
    taper = np.interp(z, [HANGING[style], -0.05, 0.05], [0.93 if style == "bob" else 1.06, 1.05, 1.0])
    hug = 1 - 0.13 * np.clip((np.abs(angle) - np.radians(88)) / np.radians(34), 0, 1) ** 1.5
    x = (width + 0.008) * taper * wave * np.sin(angle) * hug
    y = 0.085 + (0.098 + 0.012) * taper * wave * np.cos(angle)
    return [sheet(np.stack([x, y, np.broadcast_to(z, x.shape)], -1), "hair")]


def hat(kind: str, width: float) -> list[Mesh]:
    """Make a beanie or a cap on a head of half a width (metres at the temples); nothing for "none"."""
    if kind == "none":
        return []
    radii = np.array([width + 0.014, 0.113, 0.085 if kind == "beanie" else 0.072])
    crown = ellipsoid((0, 0.075, 0.055), radii, "hat", (-0.12, np.pi / 2))
    if kind == "beanie":
        band = ellipsoid((0, 0.075, 0.052), radii + [0.006, 0.006, 0.0], "hat", (-0.05, 0.22), 8)
        return [crown, band]
    reach, angle = np.linspace(1, 1.62, 8)[:, None], np.radians(np.linspace(-58, 58, 24))
    brim = np.stack(np.broadcast_arrays(
        radii[0] * np.sin(angle) * (0.75 + 0.25 * reach), 0.075 - radii[1] * np.cos(angle) * reach,
        0.056 - 0.03 * (reach - 1) + 0.0 * angle,
    ), -1)  # fmt: skip
    return [crown, sheet(brim, "hat")]


def shoulders(neck: np.ndarray, broad: float, collar: float) -> list[Mesh]:
    """Make a bust below the neck, whose lower end is centred at `neck` (3,).

    Args:
        broad: half its width, metres. collar: 0 a crew neck to 1 a turtleneck.
    """
    x, y, z = neck
    radii = np.array([0.070, 0.077, 0.008]) + collar * np.array([-0.004, -0.004, 0.013])
    around = ellipsoid((x, y + 0.004, z + 0.012 * collar), radii, "shirt", n=7)
    return [around, ellipsoid((x, y + 0.02, z - 0.13), (broad, 0.13, 0.135), "shirt", (0, np.pi / 2), 8)]
