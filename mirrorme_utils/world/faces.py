"""Sets of aligned face crops: rendered in parallel, kept as arrays, turned into tensors."""

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from .. import config, files
from ..parallel import each
from ..profiles import WorldConfig
from . import expressions
from .capture import Render
from .cartoons import drawing
from .people import human

KINDS = ("human", "cartoon")


@dataclass(frozen=True)
class Face:
    """One face to render: its kind (of `KINDS`), its identity's seed, a cartoon's style ("" for people), and its 52
    blendshape weights in [0, 1]."""

    kind: str
    seed: int
    style: str
    blendshapes: np.ndarray


@dataclass(frozen=True)
class FaceSet:
    """N rendered faces, aligned by index.

    images (N, S, S, 3) uint8 RGB; regions (N, S, S) uint8 codes of `capture.REGIONS`; kind (N,) index into `KINDS`;
    identity (N,) int, unique over both kinds; expression (N,) index of the expression in its identity's list;
    blendshapes (N, 52) float32 in [0, 1]; style (N,) str, "" for people.
    """

    images: np.ndarray
    regions: np.ndarray
    kind: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    blendshapes: np.ndarray
    style: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


def renderer(*others: str) -> str:
    """Return a short digest of all code that draws a face, so that what an older one drew is not taken for new.

    Comments, docstrings and layout do not count.

    Args:
        others: names of further modules of this room on which the result depends.
    """
    here = Path(__file__).parent
    drawing = [*here.glob("people/*.py"), *here.glob("cartoons/*.py")]
    drawing += [here / f"{name}.py" for name in ("expressions", "capture", "faces", *others)]
    return files.digest_of_code(*drawing)


def identity_seed(world_seed: int, kind: str, i: int) -> int:
    """Return the seed of the i-th identity of a kind in a world; worlds of different seeds share none."""
    return (world_seed * 2 + KINDS.index(kind)) * 10_000_000 + i


def split_of(i: int) -> str:
    """Return the split of a world's i-th identity: 0.7 train, 0.2 val, 0.1 test, in a fixed pattern of ten."""
    return "test" if i % 10 == 9 else "val" if i % 10 in (3, 6) else "train"


def cartoon_of(world_seed: int, i: int) -> drawing.CartoonIdentity:
    """Return the i-th cartoon of a world; every second test identity is of a style that is never trained on."""
    unseen = split_of(i) == "test" and (i // 10) % 2 == 1
    styles = drawing.STYLES_HELD_OUT if unseen else drawing.STYLES_TRAIN
    seed = identity_seed(world_seed, "cartoon", i)
    return drawing.sample_cartoon(seed, styles=(str(config.rng(seed, "style").choice(styles)),))


def cast(world: WorldConfig, kind: str, i: int, bank: bool = True) -> list[tuple[str, Face]]:
    """List what the i-th identity of a kind shows: (name, face) for each of its expressions.

    With `bank`, test identities show the world's shared bank, so that each can be compared with each. All others, and
    the test identities of the files that raters judge, draw their own.
    """
    seed = identity_seed(world.seed, kind, i)
    if bank and split_of(i) == "test":
        shared = expressions.bank(world.seed, world.expressions)
        named = list(zip(shared.names, shared.blendshapes))
    else:
        rng = config.rng(seed, "expressions")
        names = list(rng.permutation(list(expressions.PALETTE)))
        names = (names * (world.expressions // len(names) + 1))[: world.expressions]
        named = [(str(name), expressions.sample(name, rng)) for name in names]
    if kind == "human":
        return [(name, Face("human", seed, "", blendshapes)) for name, blendshapes in named]
    style = cartoon_of(world.seed, i).style
    drawn = ((name, drawing.vector(style, drawing.nearest_parts(style, a))) for name, a in named)
    return [(name, Face("cartoon", seed, style, blendshapes)) for name, blendshapes in drawn]


def render(face: Face, size: int) -> Render:
    """Render one face crop of `size` pixels: the true answer to what this identity looks like with this expression.

    A pure function; see `human.render_human` and `drawing.render_cartoon`.
    """
    if face.kind == "human":
        return human.render_human(human.sample_human(face.seed), face.blendshapes, size)
    return drawing.render_cartoon(drawing.sample_cartoon(face.seed, styles=(face.style,)), face.blendshapes, size)


def _render_chunk(job: tuple[list[Face], int]) -> tuple[np.ndarray, np.ndarray]:
    renders = [render(face, job[1]) for face in job[0]]
    return np.stack([r.image for r in renders]), np.stack([r.regions for r in renders])


def render_faces(
    faces: list[Face], size: int, workers: int | None = None, progress: str = ""
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Render faces in parallel; faces of one identity should stand together, since its geometry is cached.

    Args:
        size: pixels of a crop's side. workers: processes; all cores if not given. progress: label of a progress bar.
    Returns:
        images (N, S, S, 3) uint8 and regions (N, S, S) uint8.
    """
    if any(face.kind == "human" for face in faces):
        human.prepare()
    starts = range(0, len(faces), 48)
    images = np.empty((len(faces), size, size, 3), np.uint8)
    regions = np.empty((len(faces), size, size), np.uint8)
    drawn = each(_render_chunk, [(faces[i : i + 48], size) for i in starts], workers, progress)
    for i, (some, theirs) in zip(starts, drawn, strict=True):
        images[i : i + 48], regions[i : i + 48] = some, theirs
    return images, regions


def face_set(
    world: WorldConfig, splits: tuple[str, ...] = tuple(config.SPLITS), kinds: tuple[str, ...] = KINDS
) -> FaceSet:  # fmt: skip
    """Render each identity of the given splits and kinds with each of its expressions, or read them from the cache."""
    key = f"faces-{world.humans}-{world.cartoons}-{world.expressions}-{world.size}-{world.seed}-{renderer()}"
    path = config.DATA / "cache" / f"{key}-{'+'.join(splits)}-{'+'.join(kinds)}.npz"
    if path.exists():
        return load(path)
    faces, identity, number = [], [], []
    for kind, count in zip(KINDS, (world.humans, world.cartoons)):
        for i in range(count if kind in kinds else 0):
            if split_of(i) in splits:
                shown = cast(world, kind, i)
                faces += [face for _, face in shown]
                identity += [identity_seed(world.seed, kind, i)] * len(shown)
                number += range(len(shown))
    images, regions = render_faces(faces, world.size, progress=f"faces {'+'.join(splits)}")
    result = FaceSet(
        images,
        regions,
        np.array([KINDS.index(f.kind) for f in faces]),
        np.array(identity),
        np.array(number),
        np.stack([f.blendshapes for f in faces]),
        np.array([f.style for f in faces]),
    )
    save(result, path)
    return result


def save(faces: FaceSet, path: Path) -> None:
    """Write a face set as .npz, never half-written."""
    with files.whole(path) as part:
        np.savez(part, **{f.name: getattr(faces, f.name) for f in fields(faces)})


def load(path: Path) -> FaceSet:
    """Read a face set written by `save`."""
    with np.load(path) as data:
        return FaceSet(**{f.name: data[f.name] for f in fields(FaceSet)})
