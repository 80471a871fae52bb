"""How far an embedding carries to the reader's own photographs, of which only a label is known.

    mirrorme bench --photos FOLDER                             one subfolder for each label, of faces cut out as squares
    mirrorme bench --photos FOLDER --checkpoint moving-128     expressions put from one on another
    … --outside face_landmarker.task                           also read by Google's face landmarker (see `outside`)

Two photographs of one label and one of another make a triplet, and the other one should be the odd one out. Labels of
emotions are coarse and noisy, and two faces of one label need not look alike, so nobody reaches 100 %. No photograph
has a right answer for a transfer, either: there the judge says which photographs the result is like. Nothing is trained
on the photographs.

Taught in: notebook 11.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .. import config, framing, pictures
from ..networks import fecnet, pixels
from . import intervals

TRIPLETS = 20_000
PAIRS = 1_000
OUTSIDE_PAIRS = 300
NEIGHBOURS = 15  # photographs that say how a picture reads


@dataclass(frozen=True)
class Photos:
    """N photographs: images (N, S, S, 3) uint8, label (N,) index into `names`."""

    images: np.ndarray
    label: np.ndarray
    names: tuple[str, ...]


def read(folder: Path, size: int) -> Photos:
    """Read a folder with a subfolder of pictures for each label; one that is not square is padded, never stretched.

    Raises:
        ValueError: fewer than two labels, fewer than two pictures of a label, or a file that is no picture.
    """
    images, label = [], []
    parts = sorted(path for path in Path(folder).iterdir() if path.is_dir())
    for i, part in enumerate(parts):
        files = sorted(path for path in part.iterdir() if not path.name.startswith("."))
        if len(files) < 2:
            raise ValueError(f"{part} needs two pictures at least, to compare")
        images += [_square(path, size) for path in files]
        label += [i] * len(files)
    if len(parts) < 2:
        raise ValueError(f"{folder} needs a subfolder of pictures for each of two labels at least, not {len(parts)}")
    return Photos(np.stack(images), np.array(label), tuple(part.name for part in parts))


def _square(path: Path, size: int) -> np.ndarray:
    try:
        picture = pictures.read(path)
    except pictures.PictureError as error:
        raise ValueError(f"{path} is no picture to score: {error}") from error
    return np.asarray(framing.padded(picture, size))


def draw(label: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n triplets (n, 3) of rows: two different ones of one label, then one of another; labels as often."""
    rows = [np.flatnonzero(label == i) for i in range(label.max() + 1)]
    triples = np.empty((n, 3), int)
    for triple in triples:
        same, other = rng.choice(len(rows), 2, replace=False)
        triple[:2] = rng.choice(rows[same], 2, replace=False)
        triple[2] = rng.choice(rows[other])
    return triples


def right(codes: Tensor, triples: np.ndarray) -> np.ndarray:
    """Tell for which triplets (n, 3) the codes (N, D) of the first two are the nearest pair: (n,) bool."""
    return fecnet.accuracy(codes[triples], torch.full((len(triples),), 2)).numpy()


def score(folder: Path, embedding: torch.nn.Module, seed: int = 0) -> dict:
    """Score an embedding, beside raw pixels (16 x 16), on a folder of photographs (see `read`).

    Args:
        embedding: a `fecnet.FECNet`.
    Returns:
        n photographs, triplets; triplet_accuracy, its 95 % interval over photographs, pixels, and by_label the accuracy
        by the label of the similar pair: shares in [0, 1]. Chance is 1/3.
    """
    photos = read(folder, embedding.size)
    triples = draw(photos.label, TRIPLETS, config.rng(seed, "photos"))
    seen = right(fecnet.embed(embedding, photos.images), triples)
    plain = right(F.adaptive_avg_pool2d(pixels.to_tensor(photos.images), 16).flatten(1), triples)
    pair = photos.label[triples[:, 0]]
    return {
        "n": len(photos.images),
        "triplets": len(triples),
        "triplet_accuracy": float(seen.mean()),
        "interval": intervals.bootstrap(seen, triples, config.rng(seed, "bootstrap"), draws=300),
        "pixels": float(plain.mean()),
        "by_label": {name: float(seen[pair == i].mean()) for i, name in enumerate(photos.names)},
    }


def pairs(label: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw n pairs (n, 2) of rows, a target and a source of another label; labels as often."""
    rows = [np.flatnonzero(label == i) for i in range(label.max() + 1)]
    return np.array([[rng.choice(rows[i]) for i in rng.choice(len(rows), 2, replace=False)] for _ in range(n)])


def read_label(e: Tensor, known: Tensor, label: np.ndarray, without: np.ndarray) -> np.ndarray:
    """Tell which label pictures are read as: that of most of their nearest photographs, (N,).

    Args:
        e: (N, D), embeddings of the pictures. known, label: (M, D) and (M,), of the photographs.
        without: (N, k), rows of photographs that do not count for a picture.
    """
    distance = torch.cdist(e, known).scatter_(1, torch.from_numpy(without), torch.inf)
    near, rows = distance.topk(min(NEIGHBOURS, len(label) - without.shape[1]), largest=False)
    votes = torch.zeros(len(e), int(label.max()) + 1)
    nearer = 1 + 1e-3 / (1 + near)  # a tie goes to the nearer ones
    return votes.scatter_add_(1, torch.from_numpy(label)[rows], nearer).argmax(1).numpy()


def transfer(
    folder: Path, answer: Callable[[np.ndarray, np.ndarray], np.ndarray], size: int, judge: torch.nn.Module,
    seed: int, n: int,
) -> dict:  # fmt: skip
    """Put the expression of one photograph on another of a different label, and ask a judge how the result reads.

    Args:
        answer: targets and sources, uint8 (N, S, S, 3), to results in [0, 1] (see `benchmark.answer`). size: S.
        judge: an embedding that was in no loss.
    Returns:
        read_as_source and read_as_target: shares of the pairs whose result reads as the source's label, or still as
        the target's (see `read_label`); ceiling: of the sources, as they are, that the judge reads right; pairs: n.
    """
    photos = read(folder, size)
    rows = pairs(photos.label, n, config.rng(seed, "photo pairs"))
    target, source = rows.T
    known = fecnet.embed(judge, photos.images)
    e_out = fecnet.embed(judge, np.uint8(255 * answer(photos.images[target], photos.images[source]) + 0.5))
    shown, plain = (read_label(e, known, photos.label, rows) for e in (e_out, known[source]))
    return {
        "read_as_source": float((shown == photos.label[source]).mean()),
        "read_as_target": float((shown == photos.label[target]).mean()),
        "ceiling": float((plain == photos.label[source]).mean()),
        "pairs": n,
    }


def far_apart(folder: Path, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw pairs of photographs of different labels: targets and sources, uint8 (N, S, S, 3), N = `OUTSIDE_PAIRS`."""
    photos = read(folder, size)
    target, source = pairs(photos.label, OUTSIDE_PAIRS, config.rng(seed, "photo pairs")).T
    return photos.images[target], photos.images[source]
