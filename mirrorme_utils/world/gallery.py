"""The app's gallery: people and cartoons that no network was trained on, rendered large enough to look at."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from PIL import Image

from .. import config, files
from ..profiles import WorldConfig
from . import expressions, faces
from .cartoons import drawing
from .people import human

SIDE = 256  # px


@dataclass(frozen=True)
class Tile:
    """One picture to choose: what it shows, its kind ("human" or "cartoon") and the picture."""

    name: str
    kind: str
    picture: Image.Image


def tiles(world: WorldConfig, per_kind: int = 6) -> tuple[list[Tile], list[Tile]]:
    """Render the gallery, or read it from the cache.

    Args:
        world: its test identities are shown. per_kind: how many people, and how many cartoons, on each side.
    Returns:
        targets, each with a neutral face, and sources, other identities, whose expressions are far from neutral and
        from each other.
    """
    chosen = [row for kind in faces.KINDS for row in _choose(world, kind, per_kind)]
    name = f"gallery-{world.humans}-{world.cartoons}-{world.seed}-{per_kind}-{faces.renderer()}"
    images = _images([face for _, face in chosen], name)
    shown = [Tile(label, face.kind, Image.fromarray(image)) for (label, face), image in zip(chosen, images)]
    half = [i % (2 * per_kind) < per_kind for i in range(len(shown))]
    return [t for t, first in zip(shown, half) if first], [t for t, first in zip(shown, half) if not first]


def _choose(world: WorldConfig, kind: str, n: int) -> list[tuple[str, faces.Face]]:
    """Name and face of n targets, then of n sources, clear pictures first; a small world shows identities again."""
    count = world.humans if kind == "human" else world.cartoons
    casts = [faces.cast(world, kind, i) for i in range(count) if faces.split_of(i) == "test"]
    order, looks = [], Counter()
    for shown in casts:
        look = (not _is_clear(shown[0][1]), shown[0][1].style)
        order.append((look[0], looks[look], shown))
        looks[look] += 1  # all styles once, then all of them again
    order = [shown for *_, shown in sorted(order, key=lambda row: row[:2])]
    order = [order[k % len(order)] for k in range(2 * n)]
    sources, apart = [], [expressions.NEUTRAL]
    for shown in order[n:]:
        far = [min(expressions.distance(face.blendshapes, other) for other in apart) for _, face in shown]
        sources.append(shown[int(np.argmax(far))])
        apart.append(sources[-1][1].blendshapes)
    return [shown[0] for shown in order[:n]] + sources


def _is_clear(face: faces.Face) -> bool:
    """Tell whether a picture is sharp, in colour and without grain, and nothing is held before the face."""
    if face.kind == "human":
        person = human.sample_human(face.seed)
        response = person.capture.response
        hidden = person.held != "none" or (person.dark_lenses and person.glasses > 0)
    else:
        response, hidden = drawing.sample_cartoon(face.seed, styles=(face.style,)).response, False
    soft = face.kind == "human" and response.blur > 0  # crops of cartoons are never blurred
    return not (hidden or soft or response.noise or response.saturation < 0.5)


def _images(wanted: list[faces.Face], name: str) -> np.ndarray:
    """Render faces, (N, SIDE, SIDE, 3) uint8, or read those that the cache keeps under this name."""
    path = config.DATA / "cache" / f"{name}.npz"
    if path.exists():
        with np.load(path) as stored:
            return stored["images"]
    images, _ = faces.render_faces(wanted, SIDE)
    with files.whole(path) as part:
        np.savez(part, images=images)
    return images
