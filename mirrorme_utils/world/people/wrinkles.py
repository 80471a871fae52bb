"""Lines that an expression folds into the skin: forehead, frown, crow's feet, cheeks, nose, chin, below the eyes.

Each fold is a pattern of grooves on the average face, seen from the front, and the blendshapes that deepen it.
Where they lie and what folds them follows the Facial Action Coding System (Ekman and Friesen 1978).
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ... import config
from ..expressions import INDEX

TEXEL = 0.001  # metres
LEFT, TOP, WIDTH, HEIGHT = -0.075, 0.075, 150, 205  # metres, metres, texels, texels
DEPTH = 0.0011  # metres of the deepest groove
# fold: how deep each blendshape makes it; "Left" and "Right" are added for those that have sides.
FOLDS = {
    "forehead": dict(browInnerUp=0.5, browOuterUp=0.7),
    "frown": dict(browDown=1.0, noseSneer=0.2),
    "worry": dict(browInnerUp=0.8),
    "crow": dict(cheekSquint=0.6, eyeSquint=0.4, mouthSmile=0.4, eyeBlink=0.1),
    "cheek": dict(mouthSmile=0.75, noseSneer=0.6, mouthUpperUp=0.4, mouthStretch=0.3, mouthFrown=0.25),
    "nose": dict(noseSneer=0.9, browDown=0.15),
    "chin": dict(mouthShrugLower=0.8, mouthFrown=0.4, mouthPress=0.3),
    "bag": dict(cheekSquint=0.6, eyeSquint=0.5, mouthSmile=0.25),
}
AGED = dict(forehead=0.7, frown=0.4, crow=0.7, cheek=0.8, bag=0.9)  # how deep age alone makes it


@dataclass(frozen=True)
class Folded:
    """What folds do at N points: dark (N,) share of light that grooves keep away; slope (N, 3) to add to unit normals,
    in the frame of the head before it turns (with turns of 25° the difference does not show)."""

    dark: np.ndarray
    slope: np.ndarray


def at(c: np.ndarray, blendshapes: np.ndarray, lines: float) -> Folded:
    """Return what the folds of an expression do at canonical points (N, 3).

    Args:
        blendshapes: (52,) weights in [0, 1]. lines: how wrinkled the person is, 0 to 1.
    """
    left, right = (_depths(blendshapes, side, lines) for side in ("Left", "Right"))
    grooves = _patterns()
    middle = WIDTH // 2
    height = np.empty((HEIGHT, WIDTH), np.float32)  # the person's left is at positive x
    height[:, :middle] = np.tensordot(right, grooves[:, :, :middle], 1)
    height[:, middle:] = np.tensordot(left, grooves[:, :, middle:], 1)
    height = cv2.GaussianBlur(height, (0, 0), 0.7)
    across, down = (cv2.Sobel(height, cv2.CV_32F, dx, dy, scale=DEPTH / TEXEL / 8) for dx, dy in ((1, 0), (0, 1)))
    rows = max(-(-len(c) // 256), 1)  # points laid out as an image, since remap takes fewer than 32,767 columns
    place = np.full((2, rows * 256), -9, np.float32)
    place[0, : len(c)], place[1, : len(c)] = (c[:, 0] - LEFT) / TEXEL, (TOP - c[:, 2]) / TEXEL
    place[0, : len(c)][c[:, 1] > 0.06] = -9  # the back of the head has no folds: look outside the pattern
    found = cv2.remap(np.dstack([height, across, -down]), *place.reshape(2, rows, 256), cv2.INTER_LINEAR)
    found = found.reshape(-1, 3)[: len(c)]
    slope = np.zeros_like(found)
    slope[:, 0], slope[:, 2] = found[:, 1], found[:, 2]
    return Folded(np.clip(0.35 * found[:, 0], 0, 0.5), slope)


def _depths(blendshapes: np.ndarray, side: str, lines: float) -> np.ndarray:
    """Return how deep each fold of `FOLDS` is on a side of the face, (len(FOLDS),) float32."""

    def weight(name: str) -> float:
        return float(blendshapes[INDEX[name] if name in INDEX else INDEX[name + side]])

    folded = [sum(w * weight(name) for name, w in folds.items()) for folds in FOLDS.values()]
    aged = [AGED.get(name, 0.0) * lines for name in FOLDS]
    return (np.minimum(folded, 1) * (0.35 + 0.65 * lines) + aged).astype(np.float32)


@lru_cache(maxsize=1)
def _patterns() -> np.ndarray:
    """Draw the grooves of each fold, (len(FOLDS), HEIGHT, WIDTH) float32 in [0, 1]."""
    x = np.abs(LEFT + TEXEL * (np.arange(WIDTH) + 0.5))[None, :]
    z = (TOP - TEXEL * (np.arange(HEIGHT) + 0.5))[:, None]
    wobble, dimpled = (_random(seed, cells) for seed, cells in ((0, (14, 12)), (1, (42, 30))))

    def window(value: np.ndarray, low: float, high: float, soft: float) -> np.ndarray:
        return np.clip((value - low) / soft + 0.5, 0, 1) * np.clip((high - value) / soft + 0.5, 0, 1)

    def lines(phase: np.ndarray) -> np.ndarray:
        return np.clip(np.cos(2 * np.pi * phase), 0, 1) ** 3

    def curve(points: list[tuple[float, float]], width: float) -> np.ndarray:
        """Draw a groove along a line of points (x, z), deepest in its middle."""
        xs, zs = np.array(points).T
        t = np.linspace(0, 1, 60)
        px, pz = (np.interp(t, np.linspace(0, 1, len(v)), v) for v in (xs, zs))
        gap = np.hypot(x[..., None] - px, z[..., None] - pz)
        nearest = gap.argmin(-1)
        return np.exp(-((gap.min(-1) / width) ** 2)) * np.sin(np.pi * (0.08 + 0.84 * t[nearest])) ** 0.7

    bow = z + 2.5 * x**2
    forehead = lines(bow / 0.0095 + 0.12 * wobble) * window(z, 0.036, 0.064, 0.006) * window(x, -1, 0.046, 0.02)
    frown = np.exp(-(((x - 0.0055 - 0.06 * (z - 0.012)) / 0.0016) ** 2)) * window(z, 0.004, 0.031, 0.008)
    worry = lines((z - 8 * x**2) / 0.0085 + 0.3) * window(z, 0.033, 0.056, 0.006) * window(x, -1, 0.022, 0.012)
    fan_x, fan_z = x - 0.036, z - 0.001
    reach, angle = np.hypot(fan_x, fan_z), np.arctan2(fan_z, fan_x)
    crow = lines(angle / 0.36 + 0.1 * wobble) * window(reach, 0.0145, 0.029, 0.006) * window(angle, -0.75, 0.6, 0.25)
    cheek = curve([(0.016, -0.036), (0.023, -0.046), (0.031, -0.060), (0.0345, -0.078)], 0.0028)
    nose = lines(z / 0.0075 + x / 0.02) * window(z, -0.022, 0.006, 0.006) * window(x, -1, 0.011, 0.008)
    chin = np.clip(dimpled, 0, 1) * window(z, -0.118, -0.094, 0.008) * window(x, -1, 0.017, 0.01)
    bag = curve([(0.014, -0.013), (0.026, -0.020), (0.037, -0.019), (0.046, -0.010)], 0.0018)
    shapes = [forehead, frown, worry, crow, cheek, nose, chin, bag]
    return np.stack([np.broadcast_to(s, (HEIGHT, WIDTH)) for s in shapes]).astype(np.float32)


def _random(seed: int, cells: tuple[int, int]) -> np.ndarray:
    values = config.rng(seed, "wrinkles").standard_normal(cells)
    return cv2.resize(values, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
