"""Swap faces with OpenCV, as the report's baseline did: no network, no training, four steps.

Find a face in both pictures, move the source's onto the target's place, match its colours, blend it in. What comes
out has the source's expression on the target's head, and the source's features with it.

Taught in: notebook 05.
"""

import cv2
import numpy as np
import torch
from torch import Tensor

from ..networks import finder, pixels

Sides = tuple[float, float, float, float]  # left, top, right, bottom in pixels
FACE_IN_CROP = (0.09, 0.07, 0.85, 0.82)  # where the detector sees the face in our aligned crops (median), as fractions
OVAL = (0.40, 0.50)  # half axes of the swapped oval, in widths and heights of the box
DETECT_SIDE = (192, 640)  # px: the short side is enlarged to the first, the long side shrunk to the second


def find_face(image: np.ndarray) -> tuple[Sides, bool]:
    """Find the largest face of a picture.

    Args:
        image: uint8 RGB (H, W, 3).
    Returns:
        its box, and True; or, where no face is seen, the place that a face has in an aligned crop, and False.
    """
    _check("picture", image)
    height, width = image.shape[:2]
    low, high = DETECT_SIDE
    scale = min(max(1.0, low / min(height, width)), high / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_LINEAR)
    found = finder.detect(grey, 4, min(size) // 4)
    if not found:
        left, top, right, bottom = FACE_IN_CROP
        return (left * width, top * height, right * width, bottom * height), False
    x, y, w, h = (side / scale for side in found[0])
    return (x, y, x + w, y + h), True


def align(source: np.ndarray, source_box: Sides, target_box: Sides, shape: tuple[int, ...]) -> np.ndarray:
    """Move and scale a picture so that its face box falls on the target's; nothing is turned or stretched.

    Args:
        source: uint8 (H, W, 3). shape: of the result, (h, w, ...).
    Returns:
        uint8 (h, w, 3); what lies outside the source repeats its edge.
    """
    (sx, sy, sw, sh), (tx, ty, tw, th) = _centre_size(source_box), _centre_size(target_box)
    scale = float(np.sqrt(tw * th / (sw * sh)))
    if scale < 1:  # a warp alone would skip pixels
        size = max(1, round(source.shape[1] * scale)), max(1, round(source.shape[0] * scale))
        source, sx, sy, scale = cv2.resize(source, size, interpolation=cv2.INTER_AREA), sx * scale, sy * scale, 1.0
    matrix = np.float32([[scale, 0, tx - scale * sx], [0, scale, ty - scale * sy]])
    return cv2.warpAffine(
        source, matrix, (shape[1], shape[0]), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def oval(box: Sides, shape: tuple[int, ...]) -> np.ndarray:
    """Draw the oval that is swapped: uint8 (h, w), 255 inside the face box's ellipse, 0 outside.

    Raises:
        ValueError: the box has no pixel of the picture in it.
    """
    x, y, width, height = _centre_size(box)
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    inside = ((columns - x) / (OVAL[0] * width)) ** 2 + ((rows - y) / (OVAL[1] * height)) ** 2 <= 1
    inside[:2] = inside[-2:] = inside[:, :2] = inside[:, -2:] = False  # blending needs a rim of the target
    if not inside.any():
        raise ValueError(f"the box {box} (left, top, right, bottom) leaves nothing of a {shape[1]}x{shape[0]} picture")
    return inside.astype(np.uint8) * 255


def match_colours(source: np.ndarray, target: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Give the source the target's mean and spread of each L*a*b* channel inside the mask (Reinhard et al., 2001).

    Args:
        source, target: uint8 RGB (H, W, 3). mask: (H, W), above 0 where colours are compared.
    Returns:
        uint8 RGB (H, W, 3).
    """
    theirs, ours = (cv2.cvtColor(i.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for i in (source, target))
    seen = mask > 0
    spread = ours[seen].std(0) / np.maximum(theirs[seen].std(0), 1e-3)
    moved = (theirs - theirs[seen].mean(0)) * np.clip(spread, 0.5, 2) + ours[seen].mean(0)
    rgb = cv2.cvtColor(moved.astype(np.float32), cv2.COLOR_LAB2RGB)
    return np.uint8(np.rint(np.clip(rgb, 0, 1) * 255))


def swap(
    target: np.ndarray, source: np.ndarray, target_box: Sides | None = None, source_box: Sides | None = None
) -> tuple[np.ndarray, str]:
    """Put the source's face on the target's head.

    Outside the rectangle around the oval the target stays to the byte; inside it, blending may shift colours a little.

    Args:
        target, source: uint8 RGB (H, W, 3), of any sizes.
        target_box, source_box: the faces, if you know them; else they are looked for.
    Returns:
        uint8 RGB of the target's shape, and a note: "" where both faces were seen or given, else which picture is
        taken as it is, as one aligned face.
    Raises:
        ValueError: a picture is not uint8 RGB, or a box lies outside its picture.
    """
    boxes, unseen = [], []
    for name, image, box in (("target", target, target_box), ("source", source, source_box)):
        _check(name, image)
        seen = True
        if box is None:
            box, seen = find_face(image)
        boxes.append(box)
        unseen += [] if seen else [name]
    mask = oval(boxes[0], target.shape)
    moved = match_colours(align(source, boxes[1], boxes[0], target.shape), target, mask)
    x, y, width, height = cv2.boundingRect(mask)
    image = cv2.seamlessClone(moved, target, mask.copy(), (x + width // 2, y + height // 2), cv2.NORMAL_CLONE)
    note = f"no face was seen in the {' and the '.join(unseen)}: taken as it is, as one aligned face"
    return image, note if unseen else ""


def translate(target: Tensor, source: Tensor) -> Tensor:
    """Swap faces of a batch, as MirrorBench asks: targets and sources (B, 3, S, S) in [-1, 1]; the same out."""
    pairs = zip(pixels.to_uint8(target), pixels.to_uint8(source), strict=True)
    return torch.stack([pixels.to_tensor(swap(t, s)[0]) for t, s in pairs])


def _centre_size(box: Sides) -> tuple[float, float, float, float]:
    left, top, right, bottom = box
    if not (right - left >= 1 and bottom - top >= 1):
        raise ValueError(f"a box is (left, top, right, bottom) in pixels and not empty, got {box}")
    return (left + right) / 2, (top + bottom) / 2, right - left, bottom - top


def _check(name: str, image: np.ndarray) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        found = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ValueError(f"the {name} must be uint8 RGB (H, W, 3), got {found}")
