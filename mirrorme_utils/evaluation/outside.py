"""The outside judge: Google's face landmarker, which never saw a face of ours, reads faces before and after a transfer.

Its weights have the names of our own 52. It is brought by the reader, as the file `face_landmarker.task` of MediaPipe's
page, and run by `ai-edge-litert`, both optional. Three small networks: where a face is (BlazeFace, arXiv 1907.05047),
its 478 landmarks (arXiv 1907.06724, with irises), and their 52 weights; how they are joined follows the constants of
MediaPipe's graphs.

Its limits: `DEAD` weights hardly move, left and right are read nearly alike, squints rest at a third, and gaze moves
with the turn of the head.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from ..world.expressions import BLENDSHAPES

PAGE = "https://ai.google.dev/edge/mediapipe/solutions/vision/face_landmarker"
NAMES = ("_neutral", *sorted(name for name in BLENDSHAPES if name != "tongueOut"))  # in the order of its answer
DEAD = ("cheekSquint", "noseSneer", "cheekPuff", "jawForward", "mouthClose", "jawLeft", "jawRight", "tongueOut")
GROUPS = {
    "all": ("jaw", "mouth", "brow", "eye"), "mouth": ("jaw", "mouth"), "brows": ("brow",),
    "lids": ("eyeBlink", "eyeSquint", "eyeWide"), "gaze": ("eyeLook",),
}  # fmt: skip
BORDERS = (38, 64, 128)  # px around a picture 256 wide, tried in turn: it is used to faces with room around them
LEAST, OVERLAP = 0.2, 0.5  # confidence of a face; share of overlap from which hits are one face
ROOM = 1.5  # side of what the landmarks are read from, over that of the face's box
# The landmarks that the weights are read from: `kLandmarksSubsetIdxs` in MediaPipe's face_blendshapes_graph.cc.
READ = (
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80, 81,
    82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153, 154, 155,
    157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267,
    269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321, 323,
    324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386, 387, 388,
    389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, *range(468, 478),
)  # fmt: skip


class NoOutsideJudge(ValueError):
    """The outside judge cannot run; the message says what is missing and where it comes from."""


@dataclass(frozen=True)
class OutsideJudge:
    """Its three networks, as interpreters of LiteRT."""

    detector: Any
    landmarks: Any
    weights: Any

    def read(self, picture: np.ndarray) -> np.ndarray | None:
        """Read a face: (H, W, 3) uint8 RGB to weights (52,) float32 in [0, 1], ordered as `expressions.BLENDSHAPES`.

        Returns:
            None where it sees no face. `tongueOut`, which it does not tell, is 0.
        """
        height = max(1, round(256 * picture.shape[0] / picture.shape[1]))
        small = np.asarray(Image.fromarray(picture).resize((256, height), Image.Resampling.BICUBIC))
        for border in BORDERS:
            framed = cv2.copyMakeBorder(small, *[border] * 4, cv2.BORDER_CONSTANT, value=(128, 128, 128))
            face = self._find(framed)
            if face is not None:
                points = self._points(framed, *face)
                (answer,) = _run(self.weights, points[None, READ, :2])
                told = dict(zip(NAMES, answer.ravel()))
                return np.array([told.get(name, 0.0) for name in BLENDSHAPES], np.float32)
        return None

    def _find(self, picture: np.ndarray) -> tuple[np.ndarray, float, float] | None:
        """Return the square around the most certain face: centre (2,), side in pixels, and turn in radians."""
        height, width = picture.shape[:2]
        side = max(height, width)
        (top, left) = ((side - n) // 2 for n in (height, width))
        square = cv2.copyMakeBorder(picture, top, side - height - top, left, side - width - left, cv2.BORDER_CONSTANT)
        x = _warped(square, np.zeros(2), np.eye(2) * (side / 128), 128)[None] / np.float32(127.5) - 1
        boxes, scores = sorted(_run(self.detector, x), key=lambda part: -part.shape[-1])
        score = 1 / (1 + np.exp(-scores.ravel().clip(-80, 80)))
        best = int(score.argmax())
        if score[best] < LEAST:
            return None
        hits = boxes.reshape(-1, 16) / 128
        hits[:, [0, 1]] += ANCHORS
        hits[:, 4:] += np.tile(ANCHORS, 6)
        near = (_overlap(hits, hits[best]) > OVERLAP) & (score >= LEAST)
        hit = np.average(hits[near], axis=0, weights=score[near])  # hits that overlap are averaged by their confidence
        at = (lambda k: hit[k : k + 2] * side - [left, top])  # noqa: E731
        eyes = at(6) - at(4)
        return at(0), ROOM * float(max(hit[2:4])) * side, float(np.arctan2(eyes[1], eyes[0]))

    def _points(self, picture: np.ndarray, centre: np.ndarray, side: float, turn: float) -> np.ndarray:
        """Return 478 landmarks (478, 3) in the picture's pixels."""
        cos, sin = np.cos(turn), np.sin(turn)
        to_picture = np.array([[cos, -sin], [sin, cos]]) * (side / 256)
        shift = centre - to_picture @ [128, 128]
        answers = _run(self.landmarks, _warped(picture, shift, to_picture, 256)[None] / np.float32(255))
        points = max(answers, key=np.size).reshape(-1, 3)
        return np.column_stack([points[:, :2] @ to_picture.T + shift, points[:, 2:] * (side / 256)]).astype(np.float32)


def _anchors() -> np.ndarray:
    """Return the centres (896, 2) that boxes are told from: two for each of 16 x 16 cells, six for each of 8 x 8."""
    parts = []
    for cells, each in ((16, 2), (8, 6)):
        rows, columns = np.mgrid[:cells, :cells]
        parts.append(np.repeat(np.stack([columns.ravel(), rows.ravel()], 1) + 0.5, each, 0) / cells)
    return np.concatenate(parts)


ANCHORS = _anchors()


def _warped(picture: np.ndarray, shift: np.ndarray, to_picture: np.ndarray, side: int) -> np.ndarray:
    """Cut a square (side, side, 3) uint8 out of a picture: its pixel p is the picture's at to_picture @ p + shift.

    As in MediaPipe, pixels are counted from their corner here and there, without half a pixel between the scales.
    """
    matrix, flags = np.column_stack([to_picture, shift]), cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _overlap(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return the intersection over union of boxes (N, 4+) with one (4+,): centre x, y, width, height."""
    low = np.maximum(boxes[:, :2] - boxes[:, 2:4] / 2, box[:2] - box[2:4] / 2)
    high = np.minimum(boxes[:, :2] + boxes[:, 2:4] / 2, box[:2] + box[2:4] / 2)
    inside = np.prod(np.maximum(high - low, 0), axis=1)
    return inside / (np.prod(boxes[:, 2:4], axis=1) + np.prod(box[2:4]) - inside)


def _run(network: Any, x: np.ndarray) -> list[np.ndarray]:
    network.set_tensor(network.get_input_details()[0]["index"], np.ascontiguousarray(x, np.float32))
    network.invoke()
    return [network.get_tensor(part["index"]) for part in network.get_output_details()]


def load(path: Path) -> OutsideJudge:
    """Load `face_landmarker.task`.

    Raises:
        NoOutsideJudge: the file is missing or another one, or the package that runs it is not installed.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise NoOutsideJudge("the outside judge is run by ai-edge-litert: pip install 'mirrorme-utils[outside]'") from error
    if not Path(path).is_file():
        raise NoOutsideJudge(f"there is no {path}: face_landmarker.task comes from {PAGE}")
    try:
        with zipfile.ZipFile(path) as parts:
            names = ("face_detector.tflite", "face_landmarks_detector.tflite", "face_blendshapes.tflite")
            networks = [Interpreter(model_content=parts.read(name), num_threads=1) for name in names]
    except (zipfile.BadZipFile, KeyError) as error:
        raise NoOutsideJudge(f"{path} is not face_landmarker.task, which comes from {PAGE}") from error
    for network in networks:
        network.allocate_tensors()
    return OutsideJudge(*networks)


def progress(target: np.ndarray, source: np.ndarray, result: np.ndarray) -> dict[str, dict[str, float]]:
    """Return how far results went from their targets to their sources, as the outside judge reads them.

    Args:
        target, source, result: weights (N, 52) as `OutsideJudge.read` gives them.
    Returns:
        for each of `GROUPS`: "progress", the share of the way in the direction of the source, pooled over pairs, 0 for
        a copy or where nothing was to move; and "T", 1 - sum|result - source| / sum|target - source|, which exaggeration does not raise.
    """
    scores = {}
    for group, stems in GROUPS.items():
        mine = [i for i, name in enumerate(BLENDSHAPES) if name.startswith(stems) and not name.startswith(DEAD)]
        t, s, o = (x[:, mine].astype(np.float64) for x in (target, source, result))
        way = float(((s - t) ** 2).sum())
        if way == 0:  # nothing was to move
            scores[group] = {"progress": 0.0, "T": 0.0}
            continue
        left = float(np.linalg.norm(o - s, axis=1).sum() / np.linalg.norm(t - s, axis=1).sum())
        scores[group] = {"progress": float(((o - t) * (s - t)).sum()) / way, "T": 1 - left}
    return scores


def compare(
    judge: OutsideJudge, target: np.ndarray, source: np.ndarray, results: dict[str, np.ndarray]
) -> dict[str, dict]:  # fmt: skip
    """Let the outside judge say how far results of N pairs went (see `progress`).

    Args:
        target, source: (N, H, H, 3) uint8. results: name to pictures of the same shape.
    Returns:
        name to what `progress` gives, and "pairs": in how many the judge saw a face in all three pictures.
    """
    known: dict[bytes, np.ndarray | None] = {}  # a source serves many pairs

    def read(picture: np.ndarray) -> np.ndarray | None:
        key = picture.tobytes()
        if key not in known:
            known[key] = judge.read(picture)
        return known[key]

    scores = {}
    for name, out in results.items():
        read_pairs = [[read(picture) for picture in three] for three in zip(target, source, out)]
        seen = [three for three in read_pairs if all(weights is not None for weights in three)]
        scores[name] = {"pairs": len(seen)}
        scores[name] |= progress(*(np.stack(part) for part in zip(*seen))) if seen else {}
    return scores
