"""What stands before a face in photographs: glasses, a hand, a microphone, a cup, a telephone.

All shapes are made by the project, in the frame of `human`: metres, origin between the eyes, x to the person's left,
y backwards, z up.
"""

import numpy as np

from .wardrobe import Mesh, ellipsoid, sheet

HELD = ("none", "hand", "microphone", "cup", "telephone")


def glasses(eyes: np.ndarray, width: float, square: float, dark: bool) -> list[Mesh]:
    """Make a pair of glasses in front of the eyes.

    Args:
        eyes: (2, 3) centres of the eyeballs. width: half the head's width, metres. square: 2 round to 6 square lenses.
        dark: whether the lenses are opaque.
    """
    around = np.linspace(0, 2 * np.pi, 33)
    cos, sin = np.cos(around), np.sin(around)
    power = 2 / square
    ring = np.stack([np.sign(cos) * np.abs(cos) ** power, 0 * cos, np.sign(sin) * np.abs(sin) ** power], -1)
    tube, rim = np.linspace(0, 2 * np.pi, 7)[:, None], 0.0013
    meshes = []
    for eye in eyes:
        lens = ring * [0.0245, 0, 0.0195] + eye + [0, -0.029, -0.003]
        out = ring[None] * np.cos(tube)[..., None] * rim + np.array([0, 1, 0]) * np.sin(tube)[..., None] * rim
        meshes.append(sheet(lens[None] + out, "glasses"))
        side = np.sign(eye[0])
        start, end = eye + [side * 0.024, -0.029, 0.004], np.array([side * (width + 0.004), 0.07, eye[2] + 0.004])
        meshes.append(_rod(start, end, rim, "glasses"))
        if dark:
            meshes.append(sheet(np.stack([lens, lens.mean(0) + 0 * lens]), "lens"))
    inner = [eye + [-np.sign(eye[0]) * 0.024, -0.029, 0.002] for eye in eyes]
    return [*meshes, _rod(inner[0], inner[1], rim, "glasses")]


def hand(held: str, mouth: np.ndarray, width: float, side: float) -> list[Mesh]:
    """Make a hand that leans on the cheek and chin.

    Args:
        held: one of `HELD`; nothing is made unless "hand". mouth: (3,). width: half the head's width, metres.
        side: 1 for the person's left, -1 for the right.
    """
    if held != "hand":
        return []
    knuckles = mouth + np.array([side * (width - 0.022), 0.014, -0.036])
    meshes = [ellipsoid(knuckles + [side * 0.012, 0.004, -0.035], (0.032, 0.020, 0.045), "hand", n=10)]
    for i in range(4):
        base = knuckles + [side * (0.016 - 0.017 * i), -0.006 - 0.002 * i, 0.002 - 0.004 * abs(i - 1)]
        bend = base + [side * 0.004, -0.004, 0.030 - 0.003 * i]
        tip = bend + [side * (0.006 - 0.004 * i), 0.012, 0.026 - 0.003 * i]
        meshes += _finger(base, bend, tip, 0.0088 - 0.0006 * i)
    thumb = knuckles + [-side * 0.035, -0.004, -0.028]
    return meshes + _finger(knuckles + [0, -0.004, -0.045], thumb, thumb + [-side * 0.022, 0.004, 0.012], 0.0098)


def thing(held: str, mouth: np.ndarray) -> list[Mesh]:
    """Make a microphone or a cup below the mouth (3,), or a telephone at the ear; nothing for the rest of `HELD`."""
    if held == "microphone":
        head = mouth + np.array([0.022, -0.075, -0.048])
        return [ellipsoid(head, (0.020, 0.020, 0.020), "thing", n=12),
                _rod(head + [0, 0, -0.01], head + [0.05, -0.02, -0.16], 0.011, "thing")]  # fmt: skip
    if held == "cup":
        around, up = np.linspace(0, 2 * np.pi, 33), np.linspace(-0.085, 0, 4)[:, None]
        radius = 0.036 + 0.12 * (up + 0.085) * 0.6
        wall = np.stack(np.broadcast_arrays(radius * np.cos(around), radius * np.sin(around), up), -1)
        return [sheet(wall + mouth + [-0.012, -0.070, -0.030], "thing")]
    if held == "telephone":
        body = ellipsoid((0, 0, 0), (0.008, 0.036, 0.072), "thing", n=12).vertices
        tilt = 0.5
        y, z = (body[:, 1:] @ [[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]]).T
        shape = ellipsoid((0, 0, 0), (1, 1, 1), "thing", n=12)
        where = np.array([-0.092, 0.055, mouth[2] + 0.03])
        return [Mesh((np.stack([body[:, 0], y, z], -1) + where).astype(np.float32), shape.faces, "thing")]
    return []


def _finger(base: np.ndarray, bend: np.ndarray, tip: np.ndarray, radius: float) -> list[Mesh]:
    joints = [ellipsoid(at, (radius, radius, radius), "hand", n=6) for at in (bend, tip)]
    return [_rod(base, bend, radius, "hand"), _rod(bend, tip, radius, "hand"), *joints]


def _rod(start: np.ndarray, end: np.ndarray, radius: float, material: str) -> Mesh:
    along = (end - start) / np.linalg.norm(end - start)
    across = np.cross(along, [0.3, 0.1, 1.0])
    across /= np.linalg.norm(across)
    turn = np.linspace(0, 2 * np.pi, 9)
    ring = radius * (np.cos(turn)[:, None] * across + np.sin(turn)[:, None] * np.cross(along, across))
    return sheet(np.stack([start + ring, end + ring]), material)
