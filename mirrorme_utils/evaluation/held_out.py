"""MirrorBench's world: held-out faces for which the right answer of every transfer is known.

A case is a source identity A, a target identity B and a bank of K expressions as A shows them. B is rendered with
each of the K, so `truths[k]` is what A's expression k looks like on B, and `truths[j]` is a target to start from.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from .. import config
from ..world import expressions, faces
from ..world.cartoons import drawing
from ..world.faces import Face, FaceSet

DIRECTIONS = ("human->human", "cartoon->cartoon", "human->cartoon", "cartoon->human")
CASES = 24  # identity pairs in each direction
SOURCES, TARGETS = 8, 2  # expressions taken from the source, expressions that the target starts with


@dataclass(frozen=True)
class Case:
    """A source identity A, a target identity B and K expressions.

    All images are uint8 (K, S, S, 3), regions uint8 (K, S, S).
    sources: A with each expression; rivals: another identity of A's kind and style with the same expressions;
    truths: B with each expression, and the regions of its parts. target_seed: of B. style: B's drawing style, "" for a
    person.
    """

    sources: np.ndarray
    rivals: np.ndarray
    truths: np.ndarray
    regions: np.ndarray
    target_seed: int
    style: str


@dataclass(frozen=True)
class TestPairs:
    """The test pairs of one direction: N rows that index cases and their expressions.

    case (N,), target (N,), source (N,) int: from `truths[target]` of the case a model is to make `truths[source]`.
    """

    case: np.ndarray
    target: np.ndarray
    source: np.ndarray


def _shown(kind: str, seed: int, style: str, blendshapes: np.ndarray) -> list[Face]:
    """List the faces of one identity with each expression; a cartoon shows the nearest one that its style has."""
    if kind == "cartoon":
        blendshapes = [drawing.vector(style, drawing.nearest_parts(style, a)) for a in blendshapes]
    return [Face(kind, seed, style, a) for a in blendshapes]


def build(seed: int, size: int, n_expressions: int, cases: int = CASES) -> dict[str, list[Case]]:
    """Render a new world: identities and expressions that no training world holds, for all four directions.

    Args:
        seed: of the world; identities and expressions differ from those of any other seed.
        size: pixels of a face crop.
        n_expressions: K, size of the shared bank.
        cases: identity pairs in each direction.
    Returns:
        direction to its cases. Rendered once and kept in `data/cache`.
    """
    plan = {direction: _plan(seed, direction, n_expressions, cases) for direction in DIRECTIONS}
    wanted = {_key(face): face for rows in plan.values() for row in rows for part in row[:3] for face in part}
    drawn = _rendered(list(wanted.values()), size, f"bench-{seed}-{size}-{n_expressions}-{cases}-{faces.renderer()}")
    return {
        direction: [
            Case(
                *(np.stack([drawn[_key(face)][0] for face in part]) for part in row[:3]),
                np.stack([drawn[_key(face)][1] for face in row[2]]),
                row[2][0].seed,
                row[2][0].style,
            )
            for row in rows
        ]
        for direction, rows in plan.items()
    }


def _key(face: Face) -> tuple:
    return face.kind, face.seed, face.style, face.blendshapes.tobytes()


def _plan(seed: int, direction: str, n_expressions: int, cases: int) -> list[tuple[list[Face], list[Face], list[Face]]]:
    """List for each case the faces of source, rival and truth."""
    kinds = direction.split("->")
    bank = expressions.bank(seed, n_expressions).blendshapes
    rows = []
    for i in range(cases):
        a_seed, b_seed = (_identity(seed, kind, i + offset) for kind, offset in zip(kinds, (0, 500)))
        styles = [_style(seed, kind, i + offset) for kind, offset in zip(kinds, (0, 3))]
        source = _shown(kinds[0], a_seed, styles[0], bank)
        rival = _shown(kinds[0], _identity(seed, kinds[0], i + 1000), styles[0], bank)
        truth = _shown(kinds[1], b_seed, styles[1], np.stack([face.blendshapes for face in source]))
        rows.append((source, rival, truth))
    return rows


def _identity(seed: int, kind: str, i: int) -> int:
    return faces.identity_seed(seed, kind, 5_000_000 + i)  # far beyond the identities of a training world


def _style(seed: int, kind: str, i: int) -> str:
    """Take training styles in turn, with a held-out style as every fourth; "" for people."""
    if kind == "human":
        return ""
    held_out, trained = drawing.STYLES_HELD_OUT, drawing.STYLES_TRAIN
    return held_out[(i // 4) % len(held_out)] if i % 4 == 3 else trained[(i - i // 4) % len(trained)]


def _rendered(wanted: list[Face], size: int, name: str) -> dict[tuple, tuple[np.ndarray, np.ndarray]]:
    """Render faces, or read them from the cache: key of a face to its image and regions."""
    wanted = sorted(wanted, key=_key)
    digest = hashlib.sha1(b"".join(repr(_key(face)).encode() for face in wanted)).hexdigest()[:8]
    path = config.DATA / "cache" / f"{name}-{digest}.npz"
    if path.exists():
        drawn = faces.load(path)
    else:
        images, regions = faces.render_faces(wanted, size, progress="MirrorBench's world")
        number = np.arange(len(wanted))
        kind = np.array([faces.KINDS.index(face.kind) for face in wanted])
        identity, style = np.array([face.seed for face in wanted]), np.array([face.style for face in wanted])
        drawn = FaceSet(images, regions, kind, identity, number, np.stack([face.blendshapes for face in wanted]), style)
        faces.save(drawn, path)
    return {_key(face): (drawn.images[i], drawn.regions[i]) for i, face in enumerate(wanted)}


def pairs(cases: list[Case], seed: int, n_pairs: int | None = None) -> TestPairs:
    """Draw the test pairs of one direction: a few targets of each case, each with several sources.

    Args:
        n_pairs: how many; all `CASES x TARGETS x SOURCES` if not given.
    """
    rng, rows = config.rng(seed, "pairs"), []
    for c, case in enumerate(cases):
        k = len(case.truths)
        for target in rng.choice(k, min(TARGETS, k), replace=False):
            others = np.setdiff1d(np.arange(k), target)
            rows += [(c, target, s) for s in rng.choice(others, min(SOURCES, len(others)), replace=False)]
    rows = np.array(rows)
    if n_pairs is not None and n_pairs < len(rows):
        rows = rows[np.sort(rng.choice(len(rows), n_pairs, replace=False))]
    return TestPairs(*rows.T)
