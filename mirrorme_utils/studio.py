"""Light, backdrop and camera: rays from the camera to the meshes, and a colour for each of them.

Taught in: notebook 01, section 1.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from scipy.sparse import csr_matrix

from . import anny_head, skin, wardrobe
from .config import rng as make_rng
from .render import REGIONS

DISTANCE = 1.1  # metres from the camera to the face
EYE_RADIUS = 0.0156
MATERIALS = ("skin", "tongue", "eye_left", "eye_right", *wardrobe.MESH)


@dataclass(frozen=True)
class Light:
    """key (3,) towards the key light; colours of key, fill and ambient light (3,) linear; exposure."""

    key: np.ndarray
    key_colour: np.ndarray
    fill_colour: np.ndarray
    ambient: np.ndarray
    exposure: float


@dataclass(frozen=True)
class Backdrop:
    """kind: "plain", "gradient" or "busy"; two colours (3,) linear; seed of the busy one."""

    kind: str
    one: np.ndarray
    two: np.ndarray
    seed: int


@dataclass(frozen=True)
class Surface:
    """What does not change with the expression: faces (T, 3), material (T,), attributes (V, 9) of the vertices
    (canonical point, lips, lids, ears, cavity of the mouth, lash line, depth inside the hairline), eyeballs'
    canonical centres (2, 3) and their vertices, and the incidence matrix of vertices and faces."""

    faces: np.ndarray
    material: np.ndarray
    attributes: np.ndarray
    eye_centres: np.ndarray
    eye_vertices: tuple[np.ndarray, np.ndarray]
    incidence: csr_matrix


@dataclass(frozen=True)
class View:
    """A picture of width x height pixels whose pixel `middle` (x, y) looks at `centre` (3,); metres a pixel."""

    width: int
    height: int
    centre: np.ndarray
    pixel: float
    middle: tuple[float, float]


def sample_light(rng: np.random.Generator) -> Light:
    """Draw a soft key light from in front and above, a weaker fill from the other side, and ambient light."""
    side, up = rng.uniform(-65, 65), rng.uniform(0, 55)
    key = np.array([np.sin(np.radians(side)), -np.cos(np.radians(side)), np.tan(np.radians(up))])
    warm = rng.normal(0, 0.09)
    tint = np.array([1 + warm, 1.0, 1 - warm])
    strength = rng.uniform(0.5, 1.0)
    ambient = rng.uniform(0.28, 0.6) * np.array([1 - 0.5 * warm, 1.0, 1 + 0.5 * warm])
    return Light(key / np.linalg.norm(key), strength * tint, rng.uniform(0.05, 0.3) * tint[::-1], ambient,
                 float(rng.uniform(0.85, 1.2)))  # fmt: skip


def sample_backdrop(rng: np.random.Generator) -> Backdrop:
    """Draw a plain, graded or busy background."""
    one, two = (skin.linear(np.clip(rng.uniform(0.15, 0.95) + rng.normal(0, 0.12, 3), 0.02, 1)) for _ in range(2))
    return Backdrop(str(rng.choice(["plain", "gradient", "busy"], p=[0.3, 0.3, 0.4])), one, two, int(rng.integers(1e6)))


def vertex_normals(vertices: np.ndarray, faces: np.ndarray, incidence: csr_matrix | None = None) -> np.ndarray:
    """Return unit normals (V, 3), weighted by the areas of the faces around."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    incidence = _incidence(faces, len(vertices)) if incidence is None else incidence
    normals = incidence @ np.cross(b - a, c - a)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _incidence(faces: np.ndarray, n: int) -> csr_matrix:
    rows, columns = faces.ravel(), np.repeat(np.arange(len(faces)), 3)
    return csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), (n, len(faces)))


def eye_centre(points: np.ndarray) -> np.ndarray:
    """Return the centre (3,) of an eyeball from its vertices (N, 3), whose back may be missing."""
    low, high = points.min(0), points.max(0)
    radius = (high[2] - low[2]) / 2
    return np.array([(low[0] + high[0]) / 2, low[1] + radius, (low[2] + high[2]) / 2])


def surface(model: anny_head.Head, canonical: np.ndarray, inside: np.ndarray, neutral: np.ndarray, extra) -> Surface:
    """Join a head and the meshes that it wears into one surface.

    Args:
        canonical (V, 3), inside (V,): the head's canonical points and depth inside the hairline. neutral: vertices of
        all. extra: list of `wardrobe.Mesh`, in the order of `neutral`.
    """
    centres = np.stack([eye_centre(canonical[model.part == p]) for p in (anny_head.EYE_LEFT, anny_head.EYE_RIGHT)])
    lash = np.zeros(len(canonical), np.float32)
    for centre in centres:
        away = np.linalg.norm(canonical - centre, axis=1)
        upper = skin.smooth(canonical[:, 2] - centre[2], -0.006, 0.002)
        front = canonical[:, 1] < centre[1] - 0.004
        lash += (1 - skin.smooth(away, 1.05 * EYE_RADIUS, 1.16 * EYE_RADIUS)) * (0.35 + 0.65 * upper) * front
    lash = lash * (model.part == anny_head.SKIN)
    attributes = [np.column_stack([canonical, model.masks, model.cavity, lash, inside])]
    faces, material = [model.faces], [model.part[model.faces[:, 0]]]
    offset = len(canonical)
    for mesh in extra:
        blank = np.zeros((len(mesh.vertices), 6))
        attributes.append(np.column_stack([mesh.vertices, blank]))
        faces.append(mesh.faces + offset)
        material.append(np.full(len(mesh.faces), MATERIALS.index(mesh.material)))
        offset += len(mesh.vertices)
    faces = np.concatenate(faces).astype(np.int32)
    eyes = tuple(np.flatnonzero(model.part == p) for p in (anny_head.EYE_LEFT, anny_head.EYE_RIGHT))
    return Surface(faces, np.concatenate(material).astype(np.int8), np.concatenate(attributes).astype(np.float32),
                   centres, eyes, _incidence(faces, len(neutral)))  # fmt: skip


def oversampling(pixels: int) -> int:
    """Return how many rays a pixel gets along each side: enough for smooth edges at little cost."""
    return 2 if pixels <= 96 * 96 else 1


def shoot(vertices: np.ndarray, surface: Surface, identity, view: View) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take a picture.

    Args:
        vertices: (V, 3). identity: a `humans.HumanIdentity`, for its colours, light and backdrop.
    Returns:
        image (H, W, 3) uint8 sRGB, alpha (H, W) uint8, regions (H, W) uint8 indices into `REGIONS`.
    """
    rays = oversampling(view.width * view.height)
    width, height = view.width * rays, view.height * rays
    hit, face, u, v = _cast(vertices, surface, view, rays)
    rgb = backdrop(identity.backdrop, width, height).reshape(-1, 3)
    regions = np.zeros(width * height, np.uint8)
    colour, codes = _shade(vertices, surface, identity, face, u, v)
    rgb[hit], regions[hit] = colour, codes
    rgb = skin.encode(rgb * identity.light.exposure).reshape(height, width, 3)
    alpha = (hit.reshape(height, width) * 255).astype(np.uint8)
    regions = regions.reshape(height, width)
    size = (view.width, view.height)
    if rays > 1:
        rgb, alpha = (cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in (rgb, alpha))
        regions = regions[::rays, ::rays]
    else:
        rgb = cv2.GaussianBlur(rgb, (3, 3), 0.5)
    return rgb, alpha, np.ascontiguousarray(regions)


def _cast(vertices: np.ndarray, surface: Surface, view: View, rays: int):
    """Cast one ray through each pixel; return hit (H*W,) bool and, for the hits, the face and its barycentric u, v."""
    from embreex.mesh_construction import TriangleMesh
    from embreex.rtcore_scene import EmbreeScene

    columns = (np.arange(view.width * rays) + 0.5) / rays - view.middle[0]
    rows = (np.arange(view.height * rays) + 0.5) / rays - view.middle[1]
    x, z = np.meshgrid(columns * view.pixel, -rows * view.pixel)
    directions = np.stack([x, np.full_like(x, DISTANCE), z], -1).reshape(-1, 3).astype(np.float32)
    origins = np.broadcast_to((view.centre - [0, DISTANCE, 0]).astype(np.float32), directions.shape)
    seen = _in_sight(vertices, surface, origins[0])
    scene = EmbreeScene()
    TriangleMesh(scene, vertices, surface.faces[seen])
    result = scene.run(np.ascontiguousarray(origins), directions, output=1)
    hit = result["primID"] >= 0
    return hit, seen[result["primID"][hit]], result["u"][hit], result["v"][hit]


def _in_sight(vertices: np.ndarray, surface: Surface, camera: np.ndarray) -> np.ndarray:
    """Return the faces that can be seen: of the closed surfaces those that look at the camera, of the others all."""
    a, b, c = (vertices[surface.faces[:, i]] for i in range(3))
    towards = np.einsum("ij,ij->i", np.cross(b - a, c - a), a - camera) < 0
    return np.flatnonzero(towards | (surface.material > anny_head.EYE_RIGHT))


@lru_cache(maxsize=8)
def _busy(seed: int) -> np.ndarray:
    rng = make_rng(seed, "backdrop")
    picture = np.zeros((64, 64, 3), np.float32) + rng.uniform(0.2, 0.8, 3).astype(np.float32)
    for _ in range(14):
        x, y = (int(c) for c in rng.integers(0, 64, 2))
        colour = [float(c) for c in np.clip(rng.uniform(0.1, 0.95) + rng.normal(0, 0.12, 3), 0, 1)]
        if rng.random() < 0.6:
            w, h = (int(c) for c in rng.integers(4, 34, 2))
            cv2.rectangle(picture, (x, y), (x + w, y + h), colour, -1)
        else:
            cv2.circle(picture, (x, y), int(rng.integers(3, 14)), colour, -1)
    return skin.linear(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.8, 3))))


def backdrop(look: Backdrop, width: int, height: int) -> np.ndarray:
    """Paint a background, (H, W, 3) float32 linear RGB."""
    if look.kind == "busy":
        return cv2.resize(_busy(look.seed), (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None] if look.kind == "gradient" else np.float32(0)
    colour = look.one * (1 - down) + look.two * down
    return np.broadcast_to(colour, (height, width, 3)).astype(np.float32).copy()


def _shade(vertices: np.ndarray, surface: Surface, look, face: np.ndarray, u: np.ndarray, v: np.ndarray):
    """Return the linear colour (N, 3) and the region code (N,) of each hit."""
    corners = surface.faces[face]
    weights = np.stack([1 - u - v, u, v], 1)[..., None].astype(np.float32)
    normals = vertex_normals(vertices, surface.faces, surface.incidence)
    point, n = ((table[corners] * weights).sum(1) for table in (vertices, normals))
    at = (surface.attributes[corners] * weights).sum(1)
    c, masks, cavity, lash, inside = at[:, :3], at[:, 3:6], at[:, 6], at[:, 7], at[:, 8]
    material = surface.material[face]
    ragged = inside + 0.004 * skin.noise(c, 150, look.grain)
    hair = skin.smooth(ragged, -0.003, 0.004) * (material == 0)
    for i, (code, owned) in enumerate(zip((2, 3), surface.eye_vertices)):
        of_eye = material == code
        n[of_eye] = point[of_eye] - eye_centre(vertices[owned])
    n = n / np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-9)
    albedo = np.zeros((len(face), 3), np.float32)
    gloss = np.full(len(face), 0.10, np.float32)
    is_skin = (material == 0) & (hair < 0.999)
    albedo[is_skin] = skin.paint_skin(c[is_skin], masks[is_skin], look)
    dark = np.clip(cavity * 1.3, 0, 1)[:, None]
    depth = np.clip((c[:, 1:2] + 0.012) / 0.05, 0, 1)
    flesh = np.array([0.34, 0.09, 0.08]) * (1 - 0.85 * depth)
    albedo = np.where((material == 0)[:, None], albedo * (1 - dark) + dark * flesh, albedo)
    albedo *= 1 - 0.88 * np.clip(lash, 0, 1)[:, None] * (material == 0)[:, None]
    strands = hair > 0.001
    albedo[strands] = _mix(albedo[strands], skin.paint_hair(c[strands], look), hair[strands])
    worn = material == MATERIALS.index("hair")
    albedo[worn] = skin.paint_hair(c[worn], look)
    tongue = material == 1
    albedo[tongue] = np.array([0.48, 0.14, 0.14]) * (1 + 0.1 * skin.noise(c[tongue], 300, 5))[:, None]
    for i, code in enumerate((2, 3)):
        of_eye = material == code
        centre = surface.eye_centres[i]
        albedo[of_eye] = skin.paint_eye(c[of_eye], centre, look)
        albedo[of_eye] *= (1 - 0.45 * skin.smooth(n[of_eye, 2], 0.15, 0.55))[:, None]
        gloss[of_eye] = 1.4
    lips = masks[:, 0] * (material == 0)
    gloss += 0.25 * lips
    for name, colour in (("glasses", look.frames), ("hat", look.cloth), ("shirt", look.shirt)):
        mine = material == MATERIALS.index(name)
        weave = 1 + (0.0 if name == "glasses" else 0.12) * skin.noise(c[mine] * [1, 1, 3], 300, 9)
        albedo[mine] = skin.linear(colour) * weave[:, None]
        gloss[mine] = 0.5 if name == "glasses" else 0.0
    white = material == MATERIALS.index("teeth")
    gap = np.abs(np.mod(c[white, 0] / 0.0075 + 0.5, 1) - 0.5)
    albedo[white] = np.array([0.72, 0.69, 0.60]) * (0.72 + 0.28 * skin.smooth(gap, 0.0, 0.12))[:, None]
    albedo[white] *= (1 - 0.55 * skin.smooth(np.abs(c[white, 0]), 0.008, 0.024))[:, None]
    colour = _light(albedo, n, gloss, look.light, soft=(material == 0) & (hair < 0.5))
    return colour, _regions(c, material, hair, cavity, lash, masks)


def _mix(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    return a * (1 - share[:, None]) + b * share[:, None]


def _light(albedo: np.ndarray, n: np.ndarray, gloss: np.ndarray, light: Light, soft: np.ndarray) -> np.ndarray:
    """Light a surface: wrapped diffuse key and fill (skin scatters red light), ambient from above, highlights."""
    facing = n @ light.key
    wrap = np.where(soft, 0.35, 0.12)[:, None] * np.array([1.0, 0.65, 0.55])
    key = np.clip((facing[:, None] + wrap) / (1 + wrap), 0, 1) * light.key_colour
    fill = np.clip(n @ (light.key * [-1, 1, 0.3]), 0, 1)[:, None] * light.fill_colour
    above = (0.72 + 0.28 * n[:, 2:3]) * light.ambient * (0.8 + 0.2 * np.clip(-n[:, 1:2], 0, 1))
    half = light.key + [0, -1, 0]
    half = half / np.linalg.norm(half)
    shine = np.clip(n @ half, 0, 1)
    sharp = np.where(gloss > 1, shine**140, shine**18)
    return albedo * (key + fill + above) + (gloss * sharp)[:, None] * light.key_colour


def _regions(c: np.ndarray, material: np.ndarray, hair: np.ndarray, cavity: np.ndarray, lash: np.ndarray,
             masks: np.ndarray) -> np.ndarray:  # fmt: skip
    """Tell for each hit which part of the face it is: where a part moves, not only where it is painted."""
    x, y, z = np.abs(c[:, 0]), c[:, 1], c[:, 2]
    on_face = (material == 0) & (hair < 0.5)
    codes = np.where(on_face, REGIONS.index("skin"), REGIONS.index("rest"))
    brows = on_face & (x < 0.062) & (z > 0.0135) & (z < 0.036) & (y < 0.05)
    eyes = on_face & (((x - 0.0315) / 0.025) ** 2 + ((z - 0.0005) / 0.0145) ** 2 < 1) & (y < 0.05)
    mouth = on_face & ((x / 0.04) ** 2 + ((z + 0.073) / 0.026) ** 2 < 1) & (y < 0.05)
    codes[brows] = REGIONS.index("brows")
    codes[eyes | (material == 2) | (material == 3)] = REGIONS.index("eyes")
    inner = (material == MATERIALS.index("teeth")) | (material == 1) | ((cavity > 0.3) & (material == 0))
    codes[mouth | inner | ((masks[:, 0] > 0.3) & on_face)] = REGIONS.index("mouth")
    return codes.astype(np.uint8)
