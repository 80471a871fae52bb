"""Triplets: sampling them, settling their votes, mixing, splitting and reading the final set.

A triplet is three different images and a label: 1, 2 or 3, the odd one out. Between notebooks a triplet is a
row of a pandas table; for training it is a row of indices into one array of images (`Triplets`). Image paths
are relative to the data folder, so that the folder can move.

Taught in: notebook 02, sections 1 and 4-5.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from . import config

IMAGES = ["image1", "image2", "image3"]
REPORT_COLUMNS = ["Image1", "Image2", "Image3", "label"]
PARTS = ("test", "val", "train")
SHARES = (0.1, 0.2, 0.7)  # the report's test : validation : training
REPORT_MIX = (30_000, 45_000)  # the report's own labels, FEC triplets
TYPES = ("LABELLED", "ONE_CLASS_TRIPLET", "TWO_CLASS_TRIPLET", "THREE_CLASS_TRIPLET")  # code = position


@dataclass(frozen=True)
class Triplets:
    """Triplets ready for training.

    images: paths, each image once; index: (N, 3) int64 into `images`; odd: (N,) int64 in 0..2, the column of
    the odd one out; type: (N,) int64 in 0..3, the position in TYPES (1, 2, 3 classes; 0 where it is not known).
    """

    images: list
    index: np.ndarray
    odd: np.ndarray
    type: np.ndarray

    def __len__(self):
        return len(self.index)


@dataclass(frozen=True)
class Split:
    """Three tables of triplets, and how many straddled two parts and were dropped."""

    train: pd.DataFrame
    val: pd.DataFrame
    test: pd.DataFrame
    dropped: int = 0


def _largest_remainder(total, weights):
    """Whole numbers that add up to `total`, in the ratio of `weights`."""
    exact = np.asarray(weights, dtype=float) / np.sum(weights) * total
    counts = np.floor(exact).astype(int)
    counts[np.argsort(counts - exact, kind="stable")[: total - counts.sum()]] += 1
    return counts


def sample_mixed(faces, n, cartoon_share, rng):
    """Sample triplets from a pool of human and cartoon faces, mostly cartoons.

    faces: table with columns image, kind ('human' or 'cartoon') and split. Every face of a triplet is a cartoon
    with probability `cartoon_share`. The three images differ, no triplet comes twice, and all three faces come
    from one part of the split; the parts share the n triplets in the ratio of their faces.
    Returns a table image1, image2, image3, split. Raises ValueError where the pool is too small.
    """
    parts = faces["split"].value_counts().sort_index()
    tables = []
    for part, count in zip(parts.index, _largest_remainder(n, parts.to_numpy())):
        pool = faces[faces["split"] == part]
        tables.append(_sample_part(pool, count, cartoon_share, rng).assign(split=part))
    return pd.concat(tables).sample(frac=1, random_state=rng).reset_index(drop=True)


def _sample_part(pool, n, cartoon_share, rng):
    images = pool["image"].to_numpy(object)
    cartoon = (pool["kind"] == "cartoon").to_numpy()
    if (cartoon_share > 0 and not cartoon.any()) or (cartoon_share < 1 and cartoon.all()):
        raise ValueError(
            f"cartoon_share {cartoon_share} needs both kinds of face, but part "
            f"{pool['split'].iloc[0]!r} has {cartoon.sum()} cartoons among {len(pool)} faces"
        )
    cartoons, humans = np.flatnonzero(cartoon), np.flatnonzero(~cartoon)
    chosen = {}  # sorted faces -> faces in the order drawn
    for _ in range(100):
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


def majority(votes):
    """Settle 1 to 3 (or more) votes. Returns (label, share): label None where the first place is tied."""
    if not len(votes):
        raise ValueError("a triplet without votes has no majority")
    counts = np.bincount(votes, minlength=4)
    if len(counts) > 4 or counts[0]:
        raise ValueError(f"votes must be 1, 2 or 3, got {list(votes)}")
    best = int(counts.argmax())
    return (best if (counts == counts[best]).sum() == 1 else None), float(counts[best] / counts.sum())


def mix_sizes(n_labelled, n_fec, mix=REPORT_MIX):
    """The largest mix in the ratio of `mix`, and no more than `mix`, that the two sets allow."""
    if n_labelled * mix[1] <= n_fec * mix[0]:
        labelled = min(n_labelled, mix[0])
        return labelled, labelled * mix[1] // mix[0]
    fec = min(n_fec, mix[1])
    return fec * mix[0] // mix[1], fec


def final_set(labelled, fec_triplets, n_labelled, n_fec, rng):
    """Mix our labelled triplets with FEC's, shuffled, in the report's format.

    labelled: table image1..3, label; fec_triplets: the same with type. Both may carry further columns, which
    are kept where both have them. Returns a table Image1, Image2, Image3, label, type, ….
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


def write_triplets(table, path):
    """Write the final CSV: the report's `Image1,Image2,Image3,label`, then the triplet type. Atomic."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    table[REPORT_COLUMNS + ["type"]].to_csv(part, index=False)
    os.replace(part, path)


def parts_by_identity(identities, rng, shares=SHARES):
    """Give each identity to one part, so that the parts' faces come near to `shares`.

    identities: one entry a face. Returns a dict identity -> 'test', 'val' or 'train'.
    """
    counts = pd.Series(list(identities)).value_counts().sort_index()
    counts = counts.iloc[rng.permutation(len(counts))]
    centre = (counts.cumsum() - counts / 2) / counts.sum()
    return {name: PARTS[np.searchsorted(np.cumsum(shares)[:-1], at)] for name, at in centre.items()}


def split_by_identity(table, part_of_image):
    """Split so that no identity stands in two parts; triplets that straddle parts are dropped and counted.

    table: triplets with columns Image1..3; part_of_image: mapping image -> part, the same for all images of one
    identity (see `parts_by_identity`). Three strangers fall into one part of share p with probability p³ only:
    sample the triplets inside the parts (`sample_mixed`) where you can.
    """
    columns = [table[c].map(part_of_image).to_numpy(object) for c in REPORT_COLUMNS[:3]]
    parts = np.stack(columns, axis=1)  # (N, 3)
    unknown = pd.isna(parts).any(axis=1)
    if unknown.any():
        first = table[unknown].iloc[0].to_dict()
        raise KeyError(f"{unknown.sum()} triplets show an image of no part, first: {first}")
    whole = (parts == parts[:, :1]).all(axis=1)
    tables = {part: table[whole & (parts[:, 0] == part)].reset_index(drop=True) for part in PARTS}
    return Split(**tables, dropped=int((~whole).sum()))


def split_by_rows(table, rng, shares=SHARES):
    """Split the rows at random, as the report did: one image can stand in training and in validation."""
    cuts = np.cumsum(_largest_remainder(len(table), shares))[:-1]
    rows = np.split(rng.permutation(len(table)), cuts)
    return Split(**{part: table.iloc[chosen].reset_index(drop=True) for part, chosen in zip(PARTS, rows)})


def leak(split):
    """Share of the validation images that stand in training too. In [0, 1]; 0 is clean."""
    train, val = (set(np.unique(t[REPORT_COLUMNS[:3]].to_numpy(str))) for t in (split.train, split.val))
    return len(val & train) / max(1, len(val))


def read_triplets(csv, root=None):
    """Read a final CSV: the report's four columns, and `type` where it is given.

    csv: path; root: folder that the image paths are relative to (default: config.DATA). Returns Triplets.
    Raises FileNotFoundError for a missing file, ValueError naming the line of a label that is not 1, 2 or 3.
    """
    csv, root = Path(csv), Path(config.DATA if root is None else root)
    if not csv.exists():
        raise FileNotFoundError(f"{csv} is missing: notebook 02 writes it")
    table = pd.read_csv(csv, dtype=str, keep_default_na=False)
    if list(table.columns[:4]) != REPORT_COLUMNS:
        raise ValueError(
            f"{csv}: expected the columns {','.join(REPORT_COLUMNS)}, got {','.join(table.columns)}"
        )
    bad = ~table["label"].isin(["1", "2", "3"]) | (table[REPORT_COLUMNS[:3]] == "").any(axis=1)
    if bad.any():
        raise ValueError(f"{csv}, line {int(bad.argmax()) + 2}: needs three images and a label 1, 2 or 3")
    return from_table(table, REPORT_COLUMNS[:3], root)


def from_table(table, images, root):
    """Number the images of a table of triplets.

    table: columns `label` (1, 2 or 3), `type` where it is known, and three of image paths, named by `images`;
    root: folder that the paths are relative to. Returns Triplets.
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


def join(a, b):
    """Put two sets of triplets together; an image that both name stands once. Returns Triplets."""
    images = list(dict.fromkeys([*a.images, *b.images]))
    place = {image: i for i, image in enumerate(images)}
    index = [np.array([place[image] for image in part.images], np.int64)[part.index] for part in (a, b)]
    return Triplets(images, *(np.concatenate(c) for c in (index, (a.odd, b.odd), (a.type, b.type))))


def load_images(paths, size):
    """Read pictures into one array, resized by Lanczos; one that is not square is padded, never stretched.

    Returns (N, size, size, 3) uint8 RGB. Raises ValueError naming the file that is no picture.
    """
    images = np.empty((len(paths), size, size, 3), np.uint8)
    for position, path in enumerate(paths):
        try:
            with Image.open(path) as picture:
                rgb = picture.convert("RGB")
                images[position] = ImageOps.pad(rgb, (size, size), Image.Resampling.LANCZOS)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise ValueError(
                f"{path} is no readable picture ({error}): delete it, rerun notebook 01"
            ) from error
    return images
