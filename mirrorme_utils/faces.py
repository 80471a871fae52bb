"""Sets of aligned face crops: rendered in parallel, kept as arrays, turned into tensors."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from . import cartoons, config, expressions, humans
from .config import WorldConfig
from .workers import pool

KINDS = ("human", "cartoon")
SPLITS = ("train", "val", "test")
SHARES = (0.7, 0.2, 0.1)
DRAWN_BY = (
    "anny_head", "humans", "shoot", "rays", "studio", "skin", "wrinkles", "wardrobe", "props", "render",
    "cartoons", "cartoon_tables", "cartoon_held_out", "expressions", "faces",
)  # fmt: skip


@dataclass(frozen=True)
class Face:
    """One face to render: its kind, its identity's seed, a cartoon's style ("" for humans), 52 action weights."""

    kind: str
    seed: int
    style: str
    actions: np.ndarray


@dataclass(frozen=True)
class FaceSet:
    """N rendered faces, aligned by index.

    images (N, S, S, 3) uint8 RGB; regions (N, S, S) uint8 codes of `render.REGIONS`; kind (N,) index into `KINDS`;
    identity (N,) int, unique over both kinds; expression (N,) index of the expression in its identity's list;
    actions (N, 52) float32 in [0, 1]; style (N,) str.
    """

    images: np.ndarray
    regions: np.ndarray
    kind: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    actions: np.ndarray
    style: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def pick(self, index) -> "FaceSet":
        """Return the faces at `index` (integers, a slice or a mask)."""
        return FaceSet(*(getattr(self, f.name)[index] for f in fields(self)))


def renderer(*others: str) -> str:
    """Return a short digest of the source of the renderers, and of other modules, so that what older ones made is
    not taken for new."""
    folder, names = Path(__file__).parent, (*DRAWN_BY, *others)
    return hashlib.sha1(b"".join((folder / f"{name}.py").read_bytes() for name in names)).hexdigest()[:8]


def identity_seed(world_seed: int, kind: str, i: int) -> int:
    """Return the seed of the i-th identity of a kind in a world; worlds of different seeds share none."""
    return (world_seed * 2 + KINDS.index(kind)) * 10_000_000 + i


def split_of(i: int) -> str:
    """Return the split of a world's i-th identity: 0.7 train, 0.2 val, 0.1 test, in a fixed pattern of ten."""
    return "test" if i % 10 == 9 else "val" if i % 10 in (3, 6) else "train"


def cartoon_of(world_seed: int, i: int) -> cartoons.CartoonIdentity:
    """Return the i-th cartoon of a world; every second test identity is of a style that is never trained on."""
    unseen = split_of(i) == "test" and (i // 10) % 2 == 1
    styles = cartoons.STYLES_HELD_OUT if unseen else cartoons.STYLES_TRAIN
    seed = identity_seed(world_seed, "cartoon", i)
    return cartoons.sample_cartoon(seed, styles=(str(config.rng(seed, "style").choice(styles)),))


def cast(world: WorldConfig, kind: str, i: int, bank: bool = True) -> list[tuple[str, Face]]:
    """List what the i-th identity of a kind shows: (name, face) for each of its expressions.

    With `bank`, test identities show the world's shared bank, so that each can be compared with each. All others, and
    the test identities of the files that raters judge, draw their own.
    """
    seed = identity_seed(world.seed, kind, i)
    if bank and split_of(i) == "test":
        shared = expressions.bank(world.seed, world.expressions)
        named = list(zip(shared.names, shared.actions))
    else:
        rng = config.rng(seed, "expressions")
        names = list(rng.permutation(list(expressions.PALETTE)))
        names = (names * (world.expressions // len(names) + 1))[: world.expressions]
        named = [(str(name), expressions.sample(name, rng)) for name in names]
    if kind == "human":
        return [(name, Face("human", seed, "", actions)) for name, actions in named]
    style = cartoon_of(world.seed, i).style
    drawn = ((name, cartoons.vector(style, cartoons.nearest_parts(style, a))) for name, a in named)
    return [(name, Face("cartoon", seed, style, actions)) for name, actions in drawn]


def render(face: Face, size: int):
    """Render one face crop of `size` pixels: the true answer to what this identity looks like with these actions.

    See `humans.render_human` and `cartoons.render_cartoon`.
    """
    if face.kind == "human":
        return humans.render_human(humans.sample_human(face.seed), face.actions, size)
    return cartoons.render_cartoon(cartoons.sample_cartoon(face.seed, styles=(face.style,)), face.actions, size)


def _render_chunk(job: tuple[list[Face], int]):
    renders = [render(face, job[1]) for face in job[0]]
    return np.stack([r.image for r in renders]), np.stack([r.regions for r in renders])


def each(function, jobs: list, workers: int | None = None, progress: str = "") -> Iterator:
    """Map a module-level function over jobs in worker processes, in order; a bar on a terminal if `progress`."""
    from tqdm.auto import tqdm

    workers = workers or os.cpu_count() or 1
    bar = dict(total=len(jobs), desc=progress, disable=None if progress else True)
    if workers == 1 or len(jobs) < 2:
        yield from tqdm(map(function, jobs), **bar)
        return
    with pool(workers) as crew:
        yield from tqdm(crew.map(function, jobs), **bar)


def parallel(function, jobs: list, workers: int | None = None, progress: str = "") -> list:
    """Like `each`, but keep all results."""
    return list(each(function, jobs, workers, progress))


def render_faces(faces: list[Face], size: int, workers: int | None = None, progress: str = ""):
    """Render faces in parallel; faces of one identity should stand together, since its geometry is cached.

    Returns:
        images (N, S, S, 3) uint8 and regions (N, S, S) uint8.
    """
    if any(face.kind == "human" for face in faces):
        humans.prepare()
    starts = range(0, len(faces), 48)
    images = np.empty((len(faces), size, size, 3), np.uint8)
    regions = np.empty((len(faces), size, size), np.uint8)
    drawn = each(_render_chunk, [(faces[i : i + 48], size) for i in starts], workers, progress)
    for i, (some, theirs) in zip(starts, drawn, strict=True):
        images[i : i + 48], regions[i : i + 48] = some, theirs
    return images, regions


def face_set(world: WorldConfig, splits: tuple[str, ...] = SPLITS, kinds: tuple[str, ...] = KINDS) -> FaceSet:
    """Render (or read from the cache) each identity of the given splits with each of its expressions."""
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
        np.stack([f.actions for f in faces]),
        np.array([f.style for f in faces]),
    )
    save(result, path)
    return result


def save(faces: FaceSet, path: Path) -> None:
    """Write a face set as .npz, never half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
        np.savez(file, **{f.name: getattr(faces, f.name) for f in fields(faces)})
    os.replace(file.name, path)


def load(path: Path) -> FaceSet:
    """Read a face set written by `save`."""
    with np.load(path) as data:
        return FaceSet(**{f.name: data[f.name] for f in fields(FaceSet)})
