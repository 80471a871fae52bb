"""People of the mini world: an identity is a seed, an expression is 52 blendshape weights, a render is a pure function.

Geometry comes from Anny's head (`anny_head`), `wardrobe` and `props`; `rays` finds what the camera sees, `skin` gives
the colours and `shading` puts them together.
The frame of a head: metres, origin between the eyes, x to the person's left, y backwards, z up.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from scipy.spatial.transform import Rotation

from ...config import rng as make_rng
from ..capture import Capture, Render, sample_capture
from ..expressions import BLENDSHAPES, INDEX
from . import anny_head, props, rays, shading, skin, wardrobe

PIVOT = np.array([0, 0.085, -0.06], np.float32)  # where a head turns on its neck
NECK = 0.25  # share of the head's yaw that shoulders follow
JAW = ("jawOpen", "jawLeft", "jawRight", "jawForward")


@dataclass(frozen=True)
class HumanIdentity:
    """One person under the capture conditions of one picture: shape, paint, clothes, and a `capture.Capture`.

    race (3,) shares of `anny_head.RACES`; sex 0 male to 1 female; age and weight on Anny's scale; local (512,) draws
    for local changes, of which those that the head has are used; colours sRGB in [0, 1]; lines, how deep wrinkles are,
    0 to 1; glasses: 0 none, else how square; held: before the face, one of `props.HELD`.
    """

    seed: int
    race: tuple
    sex: float
    age: float
    weight: float
    local: np.ndarray
    skin: np.ndarray
    lips: np.ndarray
    iris: np.ndarray
    hair: np.ndarray
    brow_colour: np.ndarray
    beard_colour: np.ndarray
    makeup: np.ndarray
    shirt: np.ndarray
    cloth: np.ndarray
    frames: np.ndarray
    grain: int
    flush: float
    freckles: float
    tired: float
    lines: float
    shadow: float
    brow_thick: float
    brow_arch: float
    brow_long: float
    style: str
    beard: str
    hat: str
    collar: float
    glasses: float
    dark_lenses: bool
    held: str
    recede: float
    part: float
    capture: Capture


def prepare() -> None:
    """Make the file of Anny's head, once, before worker processes ask for it."""
    anny_head.prepare()


@lru_cache(maxsize=64)
def sample_human(seed: int) -> HumanIdentity:
    """Draw the identity of a seed, and the capture conditions of its first picture."""
    rng = make_rng(seed, "human")
    race = rng.dirichlet([0.35] * 3)
    sex, age = float(np.clip(rng.normal(rng.integers(2), 0.12), 0, 1)), float(rng.uniform(0.42, 1.0))
    woman, old = sex > 0.5, age > 0.85
    tone = np.clip(race @ [7.2, 2.6, 1.4] + rng.normal(0, 1.0), 0, 9)
    complexion = _blend(skin.TONES, tone) * rng.normal(1, 0.02, 3)
    darkest = race @ [0.3, 0.5, 3.2]
    hair = _blend(skin.HAIR[:6], np.clip(abs(rng.normal(0, 0.6 + darkest * np.clip(1.4 - tone / 5, 0, 1))), 0, 5))
    if rng.random() < 0.06 * (race[2] > 0.5):
        hair = skin.HAIR[6]
    if old and rng.random() < 0.75:
        hair = skin.HAIR[7 + rng.integers(2)]
    hair = np.clip(hair * rng.normal(1, 0.06) * rng.normal(1, 0.015, 3), 0.03, 0.95)
    weights = [0.5, 1, 2, 2, 2, 2, 1, 4, 5, 3, 3, 3] if woman else [3, 3, 6, 4, 3, 3, 1, 0.3, 0.7, 0.3, 2, 0.4]
    if race[0] < 0.4:
        weights[wardrobe.HAIR_STYLES.index("afro")] = 0.05
    style = str(rng.choice(wardrobe.HAIR_STYLES, p=np.array(weights) / np.sum(weights)))
    beards = [0.97, 0.03, 0, 0] if woman or age < 0.55 else [0.5, 0.25, 0.08, 0.17]
    lips = complexion * np.array([0.92, 0.66, 0.66]) * rng.normal(1, 0.04, 3)
    if woman and rng.random() < 0.4:
        lips = 0.45 * lips + 0.55 * np.array([rng.uniform(0.5, 0.8), rng.uniform(0.1, 0.3), rng.uniform(0.15, 0.35)])
    hat = str(rng.choice(wardrobe.HATS, p=[0.87, 0.07, 0.06]))
    if hat != "none" and style in ("afro", "bun", "quiff", "curly", "fringe"):
        style = "short"
    colour = (lambda low, high: rng.uniform(low, high) * rng.dirichlet([2, 2, 2]) ** 0.4)  # noqa: E731
    return HumanIdentity(
        seed=seed,
        race=tuple(float(r) for r in race),
        sex=sex,
        age=age,
        weight=float(np.clip(rng.normal(0.5, 0.2), 0.1, 1)),
        local=np.clip(rng.normal(0, 0.28, 512), -0.75, 0.75),
        skin=np.clip(complexion, 0.08, 0.98),
        lips=np.clip(lips, 0.05, 0.95),
        iris=_blend(skin.IRIS, np.clip(abs(rng.normal(0, 0.4 + 2.2 * race[2])), 0, 5)),
        hair=hair,
        brow_colour=np.clip(hair * rng.uniform(0.45, 0.9), 0.02, 0.6),
        beard_colour=hair * rng.uniform(0.5, 0.9) * np.array([1.05, 0.88, 0.8]),
        makeup=rng.uniform(0.15, 0.7, 3),
        shirt=np.clip(colour(0.2, 1.5), 0.02, 0.95),
        cloth=np.clip(colour(0.2, 1.3), 0.02, 0.95),
        frames=np.clip(colour(0.02, 0.7), 0.01, 0.9),
        grain=int(rng.integers(1000)),
        flush=float(rng.uniform(0.2, 1.0)),
        freckles=float(rng.uniform(0.3, 0.7) * (rng.random() < 0.12)),
        tired=float(rng.uniform(0.05, 0.25) + 0.12 * old),
        lines=float(np.clip(rng.uniform(0.05, 0.25) + 1.3 * max(age - 0.62, 0), 0, 0.75)),
        shadow=float((rng.random() < 0.35) * woman * rng.uniform(0.3, 1)),
        brow_thick=float(rng.uniform(0.0034, 0.0052) * (0.8 if woman else 1.1)),
        brow_arch=float(rng.uniform(0.0025, 0.0065)),
        brow_long=float(rng.uniform(0.048, 0.056)),
        style=style,
        beard=str(rng.choice(["none", "stubble", "moustache", "full"], p=beards)),
        hat=hat,
        collar=float(rng.uniform() ** 2),
        glasses=float(rng.uniform(2, 5) if rng.random() < 0.15 else 0),
        dark_lenses=bool(rng.random() < 0.15),
        held=str(rng.choice(props.HELD, p=[0.88, 0.05, 0.03, 0.02, 0.02])),
        recede=float(rng.uniform(-0.004, 0.008) + (not woman) * (age > 0.6) * rng.exponential(0.007)),
        part=float(rng.choice([-1, 1])),
        capture=sample_capture(make_rng(seed, "shoot")),
    )


def captured_again(identity: HumanIdentity, rng: np.random.Generator, like: Capture) -> HumanIdentity:
    """Return the person under the capture conditions of another picture, with a turn of the head drawn from `rng`."""
    return replace(identity, capture=replace(like, turn=sample_capture(rng).turn))


def _blend(table: np.ndarray, at: float) -> np.ndarray:
    return np.array([np.interp(at, np.arange(len(table)), channel) for channel in table.T])


@dataclass(frozen=True)
class Body:
    """What is fixed for an identity: its expressionless mesh and what `rays` needs.

    neutral (V, 3); head: how many of the vertices are the head's; lower (V,) bool, the lower teeth; turning: how many
    turn with the head; centre (3,) and half: the face box.
    """

    neutral: np.ndarray
    head: int
    lower: np.ndarray
    turning: int
    centre: np.ndarray
    half: float
    surface: rays.Surface


@lru_cache(maxsize=4)
def _body(seed: int) -> Body:
    """Build what an identity's pictures share; faces of one identity that stand together build it once."""
    identity = sample_human(seed)
    model = anny_head.load()
    shape = _shape(model, identity)
    eyes = np.stack([shape[model.part == p].mean(0) for p in (anny_head.EYE_LEFT, anny_head.EYE_RIGHT)])
    canonical = model.canonical - _eye_middle(model)
    temple = np.abs(shape[(np.abs(canonical[:, 2] - 0.03) < 0.02) & (model.part == anny_head.SKIN), 0]).max()
    inside = wardrobe.hairline(canonical, identity.style, identity.recede)
    inside = np.where((model.part == anny_head.SKIN) & (model.masks[:, 2] < 0.2), inside, -0.02)
    normals = rays.vertex_normals(shape, model.faces)
    grown = wardrobe.hair_growth(canonical, np.maximum(inside, 0), identity.style, identity.part)
    if identity.hat != "none":
        grown = np.minimum(grown, 0.006)
    head = shape + normals * grown[:, None]
    lips = model.masks[:, 0] > 0.5
    mouth, scale = shape[lips].mean(0), np.ptp(shape[lips, 0]) / np.ptp(canonical[lips, 0])
    upper, lower = wardrobe.teeth()
    meshes = [replace(m, vertices=(m.vertices * [scale, 1, 1] + mouth).astype(np.float32)) for m in (upper, lower)]
    turning = meshes + wardrobe.hanging_hair(identity.style, temple) + wardrobe.hat(identity.hat, temple)
    if identity.glasses:
        turning += props.glasses(eyes, temple, identity.glasses, identity.dark_lenses)
    turning += props.hand(identity.held, mouth, temple, identity.part)
    neck = shape[shape[:, 2] < shape[:, 2].min() + 0.01].mean(0)
    still = wardrobe.shoulders(neck, 0.17 + 0.05 * (1 - identity.sex), identity.collar)
    still += props.thing(identity.held, mouth)
    extra = turning + still
    counts = [len(m.vertices) for m in extra]
    neutral = np.concatenate([head, *(m.vertices for m in extra)]).astype(np.float32)
    below = np.zeros(len(neutral), bool)
    below[len(head) + counts[0] : len(head) + counts[0] + counts[1]] = True
    distance = float(np.linalg.norm(mouth))
    centre = np.array([0, mouth[1] + 0.02, mouth[2] * 0.42])
    surface = rays.surface(model, canonical, inside, extra)
    return Body(neutral, len(head), below, len(head) + sum(counts[: len(turning)]), centre, 1.15 * distance, surface)


def _eye_middle(model: anny_head.Head) -> np.ndarray:
    return model.canonical[model.part >= anny_head.EYE_LEFT].mean(0)


def _shape(model: anny_head.Head, identity: HumanIdentity) -> np.ndarray:
    """Return the expressionless head of an identity, (V, 3), with its origin between the eyes."""
    ages = np.clip((identity.age - 1 / 3) * 3, 0, 2)
    age = np.maximum(1 - np.abs(np.arange(3) - ages), 0)
    weight = np.maximum(1 - np.abs(np.arange(3) - 2 * identity.weight), 0)
    shape = np.einsum("r,s,a,w,rsawvk->vk", identity.race, [1 - identity.sex, identity.sex], age, weight, model.anchors)
    stems = {name.removeprefix("l-").removeprefix("r-") for name in model.names}
    shared = dict(zip(sorted(stems), identity.local))  # both sides of a face change alike, but for a little
    aside = identity.local[::-1]
    for i, name in enumerate(model.names):
        amount = 0.9 * shared[name.removeprefix("l-").removeprefix("r-")] + 0.1 * aside[i]
        shape = shape + abs(amount) * model.local[i, int(amount < 0)]
    return shape - shape[model.part >= anny_head.EYE_LEFT].mean(0)


def posed(identity: HumanIdentity, blendshapes: np.ndarray) -> tuple[np.ndarray, Body]:
    """Return the vertices of an identity with an expression, head turned, (V, 3), and its `Body`.

    The shape and what is worn come from the identity's seed; only paint and capture conditions can be replaced.
    """
    model, body = anny_head.load(), _body(identity.seed)
    used = np.flatnonzero(np.abs(blendshapes) > 1e-3)  # most weights are zero
    vertices = body.neutral.copy()
    vertices[: body.head] += np.tensordot(blendshapes[used], model.blendshapes[used], 1)  # (n,) by (n, V, 3)
    tongue = model.part == anny_head.TONGUE  # shows how the jaw moves, which the lower teeth, our own mesh, must follow
    jaw = sum(blendshapes[INDEX[a]] * model.blendshapes[INDEX[a]][tongue].mean(0) for a in JAW)
    vertices[body.lower] += 1.25 * jaw - [0, 0, 0.0015]
    yaw, pitch, roll = identity.capture.turn
    whole, partly = (
        Rotation.from_euler("zxy", angles, degrees=True).as_matrix().astype(np.float32)
        for angles in ([yaw, pitch, roll], [NECK * yaw, 0, 0])
    )
    vertices -= PIVOT
    vertices[: body.turning] = vertices[: body.turning] @ whole.T
    vertices[body.turning :] = vertices[body.turning :] @ partly.T
    return vertices + PIVOT, body


def _frame(identity: HumanIdentity, body: Body) -> tuple[np.ndarray, float]:
    """Return the centre (3,) of the face box after the turn and half of its side, metres."""
    centre = Rotation.from_euler("zxy", identity.capture.turn, degrees=True).apply(body.centre - PIVOT) + PIVOT
    right, up, size = identity.capture.framing
    return centre + body.half * size * np.array([right, 0, up]), body.half * size


def render_human(identity: HumanIdentity, blendshapes: np.ndarray, size: int) -> Render:
    """Render one face crop.

    Args:
        blendshapes: (52,) weights in [0, 1], ordered as `expressions.BLENDSHAPES`. size: pixels of the square picture.
    Raises:
        ValueError: another shape.
    """
    _check(blendshapes)
    vertices, body = posed(identity, blendshapes)
    centre, half = _frame(identity, body)
    view = rays.View(size, size, centre, half / (size / 2), (size / 2, size / 2), identity.capture.distance)
    image, _, regions = shading.take(vertices, body.surface, identity, blendshapes, view)
    return Render(image, regions)


def render_human_photo(
    identity: HumanIdentity, blendshapes: np.ndarray, width: int, height: int, centre: tuple[float, float],
    face_px: float,
) -> tuple[np.ndarray, np.ndarray, tuple[float, float, float, float]]:  # fmt: skip
    """Render a photo of width x height pixels with the face box, `face_px` wide, centred at `centre` (x, y).

    Args:
        blendshapes: see `render_human`.
    Returns:
        image (H, W, 3) uint8 RGB; alpha (H, W) uint8, the person's share of each pixel; and the box in pixels:
        left, top, right, bottom.
    """
    _check(blendshapes)
    vertices, body = posed(identity, blendshapes)
    middle, half = _frame(identity, body)
    view = rays.View(width, height, middle, half / (face_px / 2), centre, identity.capture.distance)
    image, alpha, _ = shading.take(vertices, body.surface, identity, blendshapes, view)
    r = face_px / 2
    box = (centre[0] - r, centre[1] - r, centre[0] + r, centre[1] + r)
    return image, alpha, (max(box[0], 0.0), max(box[1], 0.0), min(box[2], width), min(box[3], height))


def _check(blendshapes: np.ndarray) -> None:
    if np.shape(blendshapes) != (len(BLENDSHAPES),):
        raise ValueError(f"an expression is {len(BLENDSHAPES)} blendshape weights, got shape {np.shape(blendshapes)}")
