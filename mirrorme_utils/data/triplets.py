"""Triplets: sampling them, settling their votes, mixing, splitting and reading the final set.

A triplet is three different images and a label: 1, 2 or 3, the odd one out. Between notebooks a triplet is a row of a
pandas table; for training it is a row of indices into one array of images (`Triplets`). Image paths are relative to the
data folder, so that the folder can move.

Taught in: notebook 02.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .. import config, files, framing, pictures
from ..config import SPLITS
from ..world import formats
from . import rows, shards

IMAGES = ["image1", "image2", "image3"]
REPORT_COLUMNS = ["Image1", "Image2", "Image3", "label"]
REPORT_MIX = (30_000, 45_000)  # the report's own labels, FEC triplets
TYPES = ("LABELLED", *formats.TRIPLET_TYPES)  # code = position


@dataclass(frozen=True)
class Triplets:
    """Triplets ready for training.

    images: paths, each image once; index: (N, 3) int64 into `images`; odd: (N,) int64 in 0..2, the column of the odd
    one out; type: (N,) int64 in 0..3, the position in `TYPES` (1, 2, 3 classes; 0 where it is not known).
    """

    images: list[Path]
    index: np.ndarray
    odd: np.ndarray
    type: np.ndarray

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True)
class Split:
    """Three tables of triplets, and how many straddled two parts and were dropped."""

    train: pd.DataFrame
    val: pd.DataFrame
    test: pd.DataFrame
    dropped: int = 0


def _largest_remainder(total: int, weights: ArrayLike) -> np.ndarray:
    """Return whole numbers that add up to `total`, in the ratio of `weights`."""
    exact = np.asarray(weights, dtype=float) / np.sum(weights) * total
    counts = np.floor(exact).astype(int)
    counts[np.argsort(counts - exact, kind="stable")[: total - counts.sum()]] += 1
    return counts


def sample_mixed(faces: pd.DataFrame, n: int, cartoon_share: float, rng: np.random.Generator) -> pd.DataFrame:
    """Sample triplets from a pool of people and cartoons.

    The three images of a triplet differ, no triplet comes twice, and all three faces come from one part of the split;
    the parts share the n triplets in the ratio of their faces.

    Args:
        faces: table with columns image, kind ("human" or "cartoon") and split.
        cartoon_share: probability that a face of a triplet is a cartoon.
    Returns:
        table of n rows: image1, image2, image3, split.
    Raises:
        ValueError: the pool is too small, or has one kind of face only.
    """
    parts = faces["split"].value_counts().sort_index()
    tables = []
    for part, count in zip(parts.index, _largest_remainder(n, parts.to_numpy())):
        pool = faces[faces["split"] == part]
        tables.append(_sample_part(pool, count, cartoon_share, rng).assign(split=part))
    return pd.concat(tables).sample(frac=1, random_state=rng).reset_index(drop=True)


def _sample_part(pool: pd.DataFrame, n: int, cartoon_share: float, rng: np.random.Generator) -> pd.DataFrame:
    """Sample n triplets inside one part of the split: image1, image2, image3."""
    images = pool["image"].to_numpy(object)
    cartoon = (pool["kind"] == "cartoon").to_numpy()
    if (cartoon_share > 0 and not cartoon.any()) or (cartoon_share < 1 and cartoon.all()):
        raise ValueError(
            f"cartoon_share {cartoon_share} needs both kinds of face, but part "
            f"{pool['split'].iloc[0]!r} has {cartoon.sum()} cartoons among {len(pool)} faces"
        )
    cartoons, humans = np.flatnonzero(cartoon), np.flatnonzero(~cartoon)
    chosen = {}  # sorted faces -> faces in the order drawn
    for _ in range(100):  # rows with a face twice, and triplets that came already, are drawn again
        wanted = rng.random((n, 3)) < cartoon_share
        drawn = np.where(
            wanted,
            rng.choice(cartoons, (n, 3)) if len(cartoons) else -1,
            rng.choice(humans, (n, 3)) if len(humans) else -1,
        )
        for row in drawn[(np.diff(np.sort(drawn), axis=1) > 0).all(axis=1)]:
            chosen.setdefault(tuple(sorted(row)), row)
        if len(chosen) >= n:
            rows = np.array(list(chosen.values())[:n]).reshape(n, 3)
            return pd.DataFrame(images[rows], columns=IMAGES)
    raise ValueError(f"{len(pool)} faces give {len(chosen)} different triplets, not {n}: enlarge the pool")


def majority(votes: Sequence[int]) -> tuple[int | None, float]:
    """Settle one or more votes.

    Args:
        votes: each 1, 2 or 3, the odd one out.
    Returns:
        label, None where the first place is tied, and the share of the votes for it, in [0, 1].
    Raises:
        ValueError: there is no vote, or one that is not 1, 2 or 3.
    """
    if not len(votes):
        raise ValueError("a triplet without votes has no majority")
    counts = np.bincount(votes, minlength=4)
    if len(counts) > 4 or counts[0]:
        raise ValueError(f"votes must be 1, 2 or 3, got {list(votes)}")
    best = int(counts.argmax())
    return (best if (counts == counts[best]).sum() == 1 else None), float(counts[best] / counts.sum())


def mix_sizes(n_labelled: int, n_fec: int, mix: tuple[int, int] = REPORT_MIX) -> tuple[int, int]:
    """Return how many triplets of our own and of FEC's make the largest mix in the ratio of `mix`, at most `mix`."""
    if n_labelled * mix[1] <= n_fec * mix[0]:
        labelled = min(n_labelled, mix[0])
        return labelled, labelled * mix[1] // mix[0]
    fec = min(n_fec, mix[1])
    return fec * mix[0] // mix[1], fec


def final_set(
    labelled: pd.DataFrame, fec_triplets: pd.DataFrame, n_labelled: int, n_fec: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Mix our labelled triplets with FEC's, shuffled, in the report's format.

    Args:
        labelled: table image1..3, label. fec_triplets: the same with type. Further columns are kept where both have
            them. n_labelled, n_fec: how many to draw of each.
    Returns:
        table Image1, Image2, Image3, label, type, and the further columns.
    Raises:
        ValueError: there are fewer triplets than the mix asks for.
    """
    parts = []
    sources = (("labelled", labelled.assign(type=TYPES[0]), n_labelled), ("FEC", fec_triplets, n_fec))
    for name, table, n in sources:
        if len(table) < n:
            raise ValueError(f"the mix asks for {n} {name} triplets, but there are only {len(table)}")
        parts.append(table.sample(n, random_state=rng))
    mixed = pd.concat(parts, join="inner").sample(frac=1, random_state=rng).reset_index(drop=True)
    mixed = mixed.rename(columns=dict(zip(IMAGES, REPORT_COLUMNS)))
    return mixed[REPORT_COLUMNS + ["type"] + [c for c in mixed if c not in REPORT_COLUMNS + ["type"]]]


def write_triplets(table: pd.DataFrame, path: Path | str) -> None:
    """Write the final CSV, whole or not at all: the report's `Image1,Image2,Image3,label`, then the triplet type."""
    path = Path(path)
    with files.whole(path) as part:
        table[REPORT_COLUMNS + ["type"]].to_csv(part, index=False)


def split_by_identity(table: pd.DataFrame, part_of_image: Mapping[str, str]) -> Split:
    """Split so that no identity stands in two parts; triplets that straddle parts are dropped and counted.

    Three strangers fall into one part of share p with probability p³ only: sample the triplets inside the parts
    (`sample_mixed`) where you can.

    Args:
        table: triplets with columns Image1..3.
        part_of_image: image to its part, the same for all images of one identity.
    Raises:
        KeyError: a triplet shows an image of no part.
    """
    columns = [table[c].map(part_of_image).to_numpy(object) for c in REPORT_COLUMNS[:3]]
    parts = np.stack(columns, axis=1)  # (N, 3)
    unknown = pd.isna(parts).any(axis=1)
    if unknown.any():
        first = table[unknown].iloc[0].to_dict()
        raise KeyError(f"{unknown.sum()} triplets show an image of no part, first: {first}")
    whole = (parts == parts[:, :1]).all(axis=1)
    tables = {part: table[whole & (parts[:, 0] == part)].reset_index(drop=True) for part in SPLITS}
    return Split(**tables, dropped=int((~whole).sum()))


def split_by_rows(table: pd.DataFrame, rng: np.random.Generator, shares: dict[str, float] = SPLITS) -> Split:
    """Split the rows at random, as the report did: one image can stand in training and in validation."""
    cuts = np.cumsum(_largest_remainder(len(table), list(shares.values())))[:-1]
    rows = np.split(rng.permutation(len(table)), cuts)
    return Split(**{part: table.iloc[chosen].reset_index(drop=True) for part, chosen in zip(shares, rows)})


def split_leakage(split: Split) -> float:
    """Return the share of the validation images that stand in training too, in [0, 1]; 0 is clean."""
    train, val = (set(np.unique(t[REPORT_COLUMNS[:3]].to_numpy(str))) for t in (split.train, split.val))
    return len(val & train) / max(1, len(val))


def read_triplets(csv: Path | str, root: Path | str | None = None) -> Triplets:
    """Read a final CSV: the report's four columns, and `type` where it is given.

    Args:
        csv: path. root: folder that the image paths are relative to; `config.DATA` if not given.
    Raises:
        FileNotFoundError: the file is missing. ValueError: the file is empty, or a line has other columns or no three
            images and a label 1, 2 or 3; the message names the line (see `rows.parsed`).
    """
    csv, root = Path(csv), Path(config.DATA if root is None else root)
    if not csv.exists():
        raise FileNotFoundError(f"{csv} is missing: notebook 02 writes it")
    header = []

    def parse(raw: bytes) -> list[str]:
        row = rows.cells(raw)
        if not header:
            if row[:4] != REPORT_COLUMNS:
                raise ValueError(f"expected the columns {','.join(REPORT_COLUMNS)}, got {','.join(row)}")
            header.extend(row)
        elif len(row) != len(header):
            raise ValueError(f"{len(row)} columns, needs {len(header)}")
        elif row[3] not in ("1", "2", "3") or "" in row[:3]:
            raise ValueError("needs three images and a label 1, 2 or 3")
        return row

    advice = "Mend the file, or delete it and run notebook 02, which writes it."
    found = [row for _, row in rows.parsed(csv, parse, [], advice, strict=True)][1:]
    if not header:
        raise ValueError(f"{csv} is empty. {advice}")
    return from_table(pd.DataFrame(found, columns=header), REPORT_COLUMNS[:3], root)


def from_table(table: pd.DataFrame, images: list[str], root: Path) -> Triplets:
    """Number the images of a table of triplets.

    Args:
        table: columns label (1, 2 or 3), type where it is known, and three of image paths, named by `images`.
        root: folder that the paths are relative to.
    """
    names, index = np.unique(table[images].to_numpy(str), return_inverse=True)
    types = table["type"] if "type" in table else pd.Series(TYPES[0], index=table.index)
    codes = types.map({name: code for code, name in enumerate(TYPES)}).fillna(0)
    return Triplets(
        images=[root / name for name in names],
        index=index.reshape(-1, 3).astype(np.int64),
        odd=table["label"].astype(np.int64).to_numpy() - 1,
        type=codes.to_numpy(np.int64),
    )


def join(a: Triplets, b: Triplets) -> Triplets:
    """Put two sets of triplets together; an image that both name stands once."""
    images = list(dict.fromkeys([*a.images, *b.images]))
    place = {image: i for i, image in enumerate(images)}
    index = [np.array([place[image] for image in part.images], np.int64)[part.index] for part in (a, b)]
    return Triplets(images, *(np.concatenate(c) for c in (index, (a.odd, b.odd), (a.type, b.type))))


def load_images(paths: Sequence[Path], size: int) -> np.ndarray:
    """Read pictures into one array, resized by Lanczos; one that is not square is padded, never stretched.

    Args:
        size: pixels of a side.
    Returns:
        (N, size, size, 3) uint8 RGB.
    Raises:
        ValueError: a file is no picture; the message names it.
    """
    images = np.empty((len(paths), size, size, 3), np.uint8)
    for position, path in enumerate(paths):
        try:
            images[position] = framing.padded(pictures.read(shards.source(path)), size)
        except pictures.PictureError as error:
            raise ValueError(
                f"{path} is no readable picture ({error}): delete it, rerun notebook 01"
            ) from error
    return images
