"""Rays: what the camera sees of the meshes, and whether the light reaches it (cast by Embree)."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from scipy.sparse import csr_matrix

from ...config import rng as make_rng
from . import anny_head, skin, wardrobe

EYE_RADIUS = 0.0156
MATERIALS = ("skin", "tongue", "eye_left", "eye_right", *wardrobe.MESH)
OPEN = [MATERIALS.index(name) for name in ("teeth", "hair", "glasses", "lens", "hat", "thing")]  # seen from both sides
SOFT = 0.09  # half the width of the key light, seen from the face, as a tangent
SOFT_EDGE = 0.0025  # metres over which a shadow's edge is evened out


@dataclass(frozen=True)
class Surface:
    """What does not change with the expression, of V vertices and T triangles.

    faces (T, 3) int32; numbers (T, 3), the same as Python's numbers, which embreex copies in two thirds of the time;
    material (T,) int8 index into `MATERIALS`; attributes (V, 10) float32: canonical point (0 to 2), lips, lids, ears
    (3 to 5), cavity of the mouth (6), lash line (7), depth inside the hairline (8), share of the sky that lights it
    (9); open (T,) bool, seen from both sides; eye_centres (2, 3), canonical, and eye_vertices of the eyeballs;
    incidence (V, T), which triangles meet at which vertices.
    """

    faces: np.ndarray
    numbers: np.ndarray
    material: np.ndarray
    attributes: np.ndarray
    open: np.ndarray
    eye_centres: np.ndarray
    eye_vertices: tuple[np.ndarray, np.ndarray]
    incidence: csr_matrix


@dataclass(frozen=True)
class View:
    """A camera: width x height pixels, of which `middle` (x, y) looks at `centre` (3,) along y; `pixel`, metres that a
    pixel shows there; the camera's distance from the centre in metres."""

    width: int
    height: int
    centre: np.ndarray
    pixel: float
    middle: tuple[float, float]
    distance: float


@dataclass(frozen=True)
class Hits:
    """What N rays meet.

    ray (N,), which of the picture's rays they are; point and unit normal (N, 3); attributes (N, 10) and material (N,)
    as in `Surface`; lit (N,), the share of the key light that reaches them.
    """

    ray: np.ndarray
    point: np.ndarray
    normal: np.ndarray
    attributes: np.ndarray
    material: np.ndarray
    lit: np.ndarray


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return unit normals (V, 3), weighted by the areas of the faces around."""
    return _unit(_incidence(faces, len(vertices)) @ _areas(*_corners(vertices, faces)).T)


def _corners(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Return the corners (3, 3, T) of triangles: first, second and third; x, y and z."""
    return np.take(np.ascontiguousarray(vertices.T), faces.T, axis=1).transpose(1, 0, 2)


def _areas(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Return normals (3, T), as long as twice their areas, of triangles with corners (3, T).

    The cross product is written out: on arrays with x, y and z first it is several times as fast as `np.cross`.
    """
    (ax, ay, az), (bx, by, bz) = b - a, c - a
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def _unit(v: np.ndarray) -> np.ndarray:
    length = np.sqrt(np.einsum("ij,ij->i", v, v))
    return v * (1 / np.maximum(length, np.float32(1e-9)))[:, None]


def _incidence(faces: np.ndarray, n: int) -> csr_matrix:
    """Return a matrix (n, T) that sums over the triangles around each of n vertices."""
    rows, columns = faces.ravel(), np.repeat(np.arange(len(faces)), 3)
    return csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), (n, len(faces)))


def eye_centre(points: np.ndarray) -> np.ndarray:
    """Return the centre (3,) of an eyeball from its vertices (N, 3), whose back may be missing."""
    low, high = points.min(0), points.max(0)
    radius = (high[2] - low[2]) / 2
    return np.array([(low[0] + high[0]) / 2, low[1] + radius, (low[2] + high[2]) / 2], np.float32)


def surface(model: anny_head.Head, canonical: np.ndarray, inside: np.ndarray, extra: list[wardrobe.Mesh]) -> Surface:
    """Join a head and the meshes that it wears into one surface.

    Args:
        canonical: (V, 3) points of the average head. inside: (V,) their depth inside the hairline, metres.
        extra: what it wears, in the order of its vertices.
    """
    centres = np.stack([eye_centre(canonical[model.part == p]) for p in (anny_head.EYE_LEFT, anny_head.EYE_RIGHT)])
    lash = np.zeros(len(canonical), np.float32)  # a dark rim just outside each eyeball, strongest above it
    for centre in centres:
        away = np.linalg.norm(canonical - centre, axis=1)
        upper = skin.smooth(canonical[:, 2] - centre[2], -0.006, 0.002)
        front = canonical[:, 1] < centre[1] - 0.004
        lash += (1 - skin.smooth(away, 1.06 * EYE_RADIUS, 1.19 * EYE_RADIUS)) * (0.3 + 0.7 * upper) * front
    lash = lash * (model.part == anny_head.SKIN)
    attributes = [np.column_stack([canonical, model.masks, model.cavity, lash, inside, model.sky])]
    faces, material = [model.faces], [model.part[model.faces[:, 0]]]
    offset = len(canonical)
    for mesh in extra:
        blank = np.zeros((len(mesh.vertices), 7))  # neither lips nor hairline; most of the sky
        blank[:, 6] = 0.8
        attributes.append(np.column_stack([mesh.vertices, blank]))
        faces.append(mesh.faces + offset)
        material.append(np.full(len(mesh.faces), MATERIALS.index(mesh.material)))
        offset += len(mesh.vertices)
    faces = np.concatenate(faces).astype(np.int32)
    eyes = tuple(np.flatnonzero(model.part == p) for p in (anny_head.EYE_LEFT, anny_head.EYE_RIGHT))
    material = np.concatenate(material).astype(np.int8)
    return Surface(faces, faces.astype(object), material, np.concatenate(attributes).astype(np.float32),
                   np.isin(material, OPEN), centres, eyes, _incidence(faces, offset))  # fmt: skip


@lru_cache(maxsize=1)
def _jitter() -> np.ndarray:
    """Draw directions across a soft light, (65536, 3) float32: neighbouring rays look at different parts of it."""
    return make_rng(0, "soft light").uniform(-SOFT, SOFT, (65536, 3)).astype(np.float32)


def cast(vertices: np.ndarray, surface: Surface, key: np.ndarray, view: View, rays: int) -> Hits:
    """Cast one ray through each of width x height x rays^2 places, and from what it meets one towards the light.

    Args:
        vertices: (V, 3) metres, in the order of `surface`. key: (3,) unit vector towards the key light.
        rays: of a pixel, along each side.
    """
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    columns = (np.arange(view.width * rays, dtype=np.float32) + 0.5) / rays - view.middle[0]
    rows = (np.arange(view.height * rays, dtype=np.float32) + 0.5) / rays - view.middle[1]
    directions = np.empty((len(rows), len(columns), 3), np.float32)
    directions[..., 0], directions[..., 1], directions[..., 2] = (
        columns * view.pixel, view.distance, -rows[:, None] * view.pixel
    )  # fmt: skip
    directions = directions.reshape(-1, 3)  # (R, 3), rows of the picture one after the other
    camera = (view.centre - [0, view.distance, 0]).astype(np.float32)
    origins = np.empty_like(directions)
    origins[:] = camera
    a, b, c = _corners(vertices, surface.faces)  # (3, T) each
    areas = _areas(a, b, c)  # (3, T)
    ahead = sum(areas[i] * (a[i] - camera[i]) for i in range(3)) < 0
    # Embree builds its tree anew for each picture: of closed meshes only what faces the camera can be seen.
    seen = np.flatnonzero((surface.open | ahead) & _in_frame(vertices, surface.faces, view))
    scene = EmbreeScene()
    TriangleMesh(scene, vertices.astype(object), surface.numbers.take(seen, 0))
    result = scene.run(origins, directions, output=1)
    ray = np.flatnonzero(result["primID"] >= 0)
    face, u, v = seen[result["primID"][ray]], result["u"][ray], result["v"][ray]
    # One sparse product blends all that the corners know: row r holds the three weights of hit r.
    weights = csr_matrix(
        (np.stack([1 - u - v, u, v], 1).ravel(), surface.faces[face].ravel(), np.arange(0, 3 * len(ray) + 1, 3)),
        (len(ray), len(vertices)),
    )  # (N, V)
    normals = _unit(surface.incidence @ areas.T)  # (V, 3), smooth over the triangles
    table = weights @ np.concatenate([vertices, normals, surface.attributes], 1, dtype=np.float32)  # (N, 16)
    point, normal, material = table[:, :3], table[:, 3:6], surface.material[face]
    for code, owned in zip((2, 3), surface.eye_vertices):  # eyeballs are spheres: their glints need exact normals
        of_eye = material == code
        normal[of_eye] = point[of_eye] - eye_centre(vertices[owned])
    normal = _unit(normal)
    lit = np.zeros(len(ray), np.float32)
    # Every second ray, as on the white squares of a chessboard, asks for the light; its neighbours share the answer.
    sampled = (ray % len(columns) + ray // len(columns)) % 2 == 0
    facing = np.flatnonzero(sampled & (normal @ key.astype(np.float32) > 0))
    towards = _jitter()[ray[facing] % 65536] + key.astype(np.float32)
    start = point[facing] + 0.0025 * normal[facing]  # off the surface, which else would shade itself
    blocked = scene.run(start, towards, query="OCCLUDED")
    lit[facing] = blocked < 0
    lit = _softened(lit, ray, sampled, len(rows), len(columns), SOFT_EDGE / view.pixel * rays)
    return Hits(ray, point, normal, table[:, 6:], material, lit)


def _softened(
    lit: np.ndarray, ray: np.ndarray, sampled: np.ndarray, height: int, width: int, edge: float
) -> np.ndarray:  # fmt: skip
    """Spread to all N hits what the sampled ones know of the light, (N,), with an edge of some rays' width.

    Both the answers and where there are answers are blurred; their ratio is the mean of the answers nearby.
    """
    both = np.zeros((height * width, 2), np.float32)
    both[ray, 0], both[ray, 1] = lit, sampled
    both = cv2.GaussianBlur(both.reshape(height, width, 2), (0, 0), max(edge, 1)).reshape(-1, 2)[ray]
    return both[:, 0] / np.maximum(both[:, 1], 1e-3)


def _in_frame(vertices: np.ndarray, faces: np.ndarray, view: View) -> np.ndarray:
    """Tell which triangles lie, by their x and z, at least partly within the picture or just beside it, (T,) bool."""
    inside = np.ones(len(faces), bool)
    for axis, (low, high) in ((0, (-view.middle[0], view.width - view.middle[0])),
                              (2, (view.middle[1] - view.height, view.middle[1]))):  # fmt: skip
        at = (vertices[:, axis] - view.centre[axis]) / np.float32(view.pixel)
        margin = 0.3 * (high - low)  # perspective, and what throws shadows into the picture
        for within in (at > low - margin, at < high + margin):
            first, second, third = within.take(faces.T)
            inside &= first | second | third
    return inside
