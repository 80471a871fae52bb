"""Find faces in a picture: OpenCV's Haar cascade for upright frontal faces, behind one door.

Faces of cartoons are seldom found. OpenCV 5 ships no cascade; then nothing is found, and a frame is moved by hand.
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ..framing import Box, within

# From the detector's box to a crop of the course: how much larger (1.2 at the median of 70 photos, 1.6 for one in ten)
# and how much lower, in sides of the box.
FACE_TO_FRAME = (1.3, 0.03)
SIDE = 640  # px, to which a larger picture is shrunk before it is searched


@cache
def detector() -> "cv2.CascadeClassifier | None":
    """Return OpenCV 4's cascade for frontal faces, or None where this OpenCV ships none (5.x does not)."""
    make, folder = getattr(cv2, "CascadeClassifier", None), getattr(getattr(cv2, "data", None), "haarcascades", "")
    path = Path(folder) / "haarcascade_frontalface_default.xml"
    return make(str(path)) if make is not None and path.is_file() else None


def detect(grey: np.ndarray, neighbours: int, smallest: int) -> list[tuple[int, int, int, int]]:
    """Find faces in a grey picture (H, W) uint8: x, y, width and height of each, the largest first.

    Args:
        neighbours: how many overlapping hits make a face. smallest: px of the smallest face.
    Returns:
        px; [] where there is no detector (see `detector`).
    """
    model = detector()
    if model is None:
        return []
    seen = model.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=neighbours, minSize=(smallest, smallest))
    return sorted((tuple(map(int, box)) for box in seen), key=lambda box: -box[2] * box[3])


def find_faces(picture: Image.Image) -> list[Box]:
    """Find upright frontal faces, framed as the course frames its crops.

    Returns:
        their squares, the largest first; [] where there is no detector (see `detector`).
    """
    small = picture.convert("L")
    small.thumbnail((SIDE, SIDE))
    scale = picture.width / small.width
    grow, down = FACE_TO_FRAME
    return [
        within(picture, (x + w / 2) * scale, (y + h * (0.5 + down)) * scale, grow * w * scale)
        for x, y, w, h in detect(np.asarray(small), 6, max(24, min(small.size) // 10))
    ]
