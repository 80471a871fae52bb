"""Capture conditions: how a head is turned and framed, what lights it, what is behind it and which camera looks.

They are drawn apart from the person, so that one person can be photographed under many conditions.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ..config import rng as make_rng

TURN = (25, 15, 10)  # limits of yaw, pitch and roll, degrees
BACKDROPS = ("plain", "gradient", "room", "busy")
REGIONS = ("rest", "skin", "mouth", "eyes", "brows")


@dataclass(frozen=True)
class Render:
    """One face crop: image (S, S, 3) uint8 RGB, and regions (S, S) uint8, indices into `REGIONS`."""

    image: np.ndarray
    regions: np.ndarray


@dataclass(frozen=True)
class Light:
    """What lights a face: key (3,), unit vector towards the key light; colours of key, fill and ambient light (3,) in
    linear RGB; exposure, a factor."""

    key: np.ndarray
    key_colour: np.ndarray
    fill_colour: np.ndarray
    ambient: np.ndarray
    exposure: float


@dataclass(frozen=True)
class Backdrop:
    """What is behind a head: kind, one of `BACKDROPS`; two colours (3,) linear RGB; seed of what is painted there."""

    kind: str
    one: tuple[float, ...]
    two: tuple[float, ...]
    seed: int


@dataclass(frozen=True)
class CameraResponse:
    """How the camera records light.

    saturation: 0 is grey, 1 and more leave colours as they are; contrast: 1 is plain; vignette: share of the sRGB value
    lost in the corners; blur: metres on the face; noise: standard deviation in sRGB of [0, 1]; seed: of the noise.
    """

    saturation: float
    contrast: float
    vignette: float
    blur: float
    noise: float
    seed: int


@dataclass(frozen=True)
class Capture:
    """The capture conditions of one picture.

    turn (3,) yaw, pitch, roll in degrees; framing (3,) shift right and up in half boxes, and size of the box;
    distance of the camera in metres: near is a wide lens, far a long one.
    """

    turn: np.ndarray
    framing: np.ndarray
    distance: float
    light: Light
    backdrop: Backdrop
    response: CameraResponse


def sample_capture(rng: np.random.Generator) -> Capture:
    """Draw capture conditions: heads mostly towards the camera, boxes as loose and off-centre as a face detector's."""
    limit = np.array(TURN, float)
    return Capture(
        turn=np.clip(rng.normal(0, [12, 6.5, 4.5]), -limit, limit),
        framing=np.array([rng.normal(0, 0.06), rng.normal(0, 0.06), rng.uniform(0.98, 1.32)]),
        distance=float(np.exp(rng.uniform(np.log(0.55), np.log(2.2)))),
        light=_light(rng),
        backdrop=_backdrop(rng),
        response=_response(rng),
    )


def _light(rng: np.random.Generator) -> Light:
    """Draw a key light from in front and above, a weaker fill from the other side, and ambient light."""
    side, up = rng.uniform(-70, 70), rng.uniform(-5, 60)
    key = np.array([np.sin(np.radians(side)), -np.cos(np.radians(side)), np.tan(np.radians(up))])
    warm = rng.normal(0, 0.09)
    tint = np.array([1 + warm, 1.0, 1 - warm])
    ambient = rng.uniform(0.14, 0.5)
    strength = rng.uniform(0.6, 1.1) * (1.25 - ambient)
    return Light(
        key / np.linalg.norm(key),
        strength * tint,
        rng.uniform(0.05, 0.3) * tint[::-1],
        ambient * np.array([1 - 0.5 * warm, 1.0, 1 + 0.5 * warm]),
        float(np.exp(rng.normal(0, 0.18))),
    )


def _backdrop(rng: np.random.Generator) -> Backdrop:
    """Draw a background; photographs' colours are mostly muted."""
    one, two = (
        tuple(np.clip(rng.beta(1.3, 1.5) + rng.normal(0, 0.05 + 0.12 * (rng.random() < 0.3), 3), 0.01, 1) ** 2.2)
        for _ in range(2)
    )
    return Backdrop(str(rng.choice(BACKDROPS, p=[0.2, 0.2, 0.2, 0.4])), one, two, int(rng.integers(1e6)))


def _response(rng: np.random.Generator) -> CameraResponse:
    """Draw a camera response: one picture in eight is grey, one in five soft, one in three grainy."""
    grey, soft, noisy = rng.random(3) < [0.12, 0.2, 0.35]
    return CameraResponse(
        saturation=0.0 if grey else float(rng.uniform(0.6, 1.1)),
        contrast=float(np.exp(rng.normal(0, 0.13))),
        vignette=float(max(rng.uniform(-0.3, 0.35), 0)),
        blur=float(soft * rng.uniform(0.0008, 0.0027)),
        noise=float(noisy * rng.uniform(0.005, 0.022)),
        seed=int(rng.integers(1e6)),
    )


@lru_cache(maxsize=8)
def _painted(kind: str, seed: int) -> np.ndarray:
    """Paint what lies behind, out of focus: (64, 64, 3) float32 sRGB."""
    rng = make_rng(seed, "backdrop")

    def colour() -> list[float]:
        return [float(c) for c in np.clip(rng.beta(1.2, 1.6) + rng.normal(0, 0.07, 3), 0, 1)]

    picture = np.zeros((64, 64, 3), np.float32) + np.float32(colour())
    if kind == "room":  # a wall, a floor or shelf, upright things
        cv2.rectangle(picture, (0, int(rng.integers(30, 64))), (64, 64), colour(), -1)
        for _ in range(int(rng.integers(1, 5))):
            x, w = int(rng.integers(-6, 60)), int(rng.integers(3, 22))
            cv2.rectangle(picture, (x, int(rng.integers(-10, 30))), (x + w, int(rng.integers(30, 70))), colour(), -1)
    else:
        for _ in range(16):
            x, y = (int(c) for c in rng.integers(0, 64, 2))
            w, h = (int(c) for c in rng.integers(4, 34, 2))
            if rng.random() < 0.5:
                cv2.rectangle(picture, (x, y), (x + w, y + h), colour(), -1)
            else:
                cv2.ellipse(picture, (x, y), (w // 2, h // 2), float(rng.uniform(0, 180)), 0, 360, colour(), -1)
    return cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.7, 3)))


def backdrop(look: Backdrop, width: int, height: int) -> np.ndarray:
    """Paint a background, (H, W, 3) float32 linear RGB."""
    if look.kind in ("room", "busy"):
        painted = cv2.resize(_painted(look.kind, look.seed), (width, height), interpolation=cv2.INTER_CUBIC)
        return np.clip(painted, 0, 1) ** np.float32(2.2)
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None] if look.kind == "gradient" else np.float32(0)
    colour = (np.float32(look.one) * (1 - down) + np.float32(look.two) * down).astype(np.float32)
    return np.broadcast_to(colour, (height, width, 3)).copy()


def _curve() -> np.ndarray:
    """Map linear light 0 to 3, in 4,096 steps of its square root, which are as fine in the dark as sRGB is, to sRGB:
    the 2.2 power law with a soft shoulder above 0.5, so that highlights keep their shape."""
    light = np.linspace(0, np.sqrt(3), 4096) ** 2
    rolled = np.where(light < 0.5, light, 0.5 + 0.5 * (1 - np.exp(-(light - 0.5) / 0.5)))
    return (rolled ** (1 / 2.2)).astype(np.float32)


_CURVE = _curve()


def encode(rgb: np.ndarray, light: Light) -> np.ndarray:
    """Expose linear RGB (..., 3) by the light's exposure and turn it into sRGB in [0, 1], float32."""
    steps = np.sqrt(np.maximum(rgb, 0) * np.float32(4095**2 / 3 * light.exposure))
    return _CURVE[np.minimum(steps, 4095).astype(np.uint16)]


def develop(srgb: np.ndarray, response: CameraResponse, pixel: float) -> np.ndarray:
    """Apply a camera response to a picture.

    Args:
        srgb: (H, W, 3) float32 in [0, 1]. pixel: metres on the face that a pixel shows.
    Returns:
        (H, W, 3) uint8 sRGB.
    """
    height, width = srgb.shape[:2]
    if response.saturation < 1:
        grey = srgb @ np.array([0.299, 0.587, 0.114], np.float32)
        srgb = grey[..., None] + (srgb - grey[..., None]) * np.float32(response.saturation)
    srgb = (srgb - np.float32(0.45)) * np.float32(response.contrast) + np.float32(0.45)
    if response.vignette:
        x, y = (np.linspace(-1, 1, n, dtype=np.float32) ** 2 for n in (width, height))
        srgb = srgb * (1 - np.float32(response.vignette / 2) * (y[:, None] + x))[..., None]
    if response.blur > 0.25 * pixel:  # less does not show
        srgb = cv2.GaussianBlur(srgb, (0, 0), response.blur / pixel)
    if response.noise:
        grain = make_rng(response.seed, "grain").standard_normal((height, width, 3), np.float32)
        if not response.saturation:  # a grey picture has grey grain
            grain = grain[..., :1]
        srgb = srgb + np.float32(response.noise) * grain
    return np.rint(np.clip(srgb, 0, 1) * 255).astype(np.uint8)
