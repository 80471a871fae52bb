"""How far an embedding carries to the reader's own photographs, of which only a label is known.

    python -m mirrorme_utils.bench --photos FOLDER        one subfolder for each label, of faces cut out as squares

Two photographs of one label and one of another make a triplet, and the other one should be the odd one out. Labels of
emotions are coarse and noisy, and two faces of one label need not look alike, so nobody reaches 100 %. Nothing is
trained on the photographs.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor

from . import checkpoints, config, crops, fecnet, intervals, pixels

TRIPLETS = 20_000


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


def embed_folder(folder: Path, embedding: torch.nn.Module | None = None) -> pd.DataFrame:
    """Embed every picture below a folder: one row a file, named by its path from there, and D columns of numbers.

    Args:
        embedding: a `fecnet.FECNet`; the best that ships if not given.
    Raises:
        ValueError: a file is no picture, or there is none.
    """
    embedding = embedding or checkpoints.load_fecnet(checkpoints.largest("fecnet"))
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file() and not path.name.startswith("."))
    if not files:
        raise ValueError(f"{folder} holds no picture")
    parts = (files[i : i + 256] for i in range(0, len(files), 256))
    pictures = (np.stack([_square(path, embedding.size) for path in part]) for part in parts)
    codes = torch.cat([fecnet.embed(embedding, images) for images in pictures]).numpy()
    names = [path.relative_to(folder).as_posix() for path in files]
    return pd.DataFrame(codes, index=pd.Index(names, name="image"))


def _square(path: Path, size: int) -> np.ndarray:
    try:
        picture = crops.open_picture(path)
    except crops.BadPicture as error:
        raise ValueError(f"{path} is no picture to score: {error}") from error
    return np.asarray(ImageOps.pad(picture, (size, size), Image.Resampling.LANCZOS))


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
