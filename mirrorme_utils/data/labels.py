"""The final set of triplets in the report's format: own labels on mixed triplets, and FEC's, split by identity.

    labels/votes.csv              people's votes from the labeller
    labels/{train,val,test}.csv   Image1,Image2,Image3,label,type

The report's three authors labelled 30,000 mixed triplets by hand. In the mini world nobody did: simulated raters,
who see the true expression of each face through noise (`world.raters`), cast three votes on each triplet. On real faces
no truth is known, and the votes in the labeller's store are used.

Taught in: notebook 02.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .. import config, files
from ..profiles import REPORT_FACES
from ..world import build, expressions, raters
from . import clean, sources, triplets, votes
from .triplets import IMAGES

CARTOON_SHARE = REPORT_FACES[1] / sum(REPORT_FACES)
RATERS = 3  # votes on a mixed triplet: the report had three authors


@dataclass(frozen=True)
class Labelled:
    """Mixed triplets with settled votes: `table` image1..3, label, agreement, split; `ties` had no majority."""

    table: pd.DataFrame
    ties: int


def folder() -> Path:
    """Return the folder of the final set."""
    return config.DATA / "labels"


def store() -> Path:
    """Return the labeller's log of votes."""
    return folder() / "votes.csv"


def mixed(cleaned: clean.Cleaned, seed: int = 0) -> pd.DataFrame:
    """Draw the mixed triplets to be labelled: as many as the report's ratio gives beside the FEC triplets there are.

    Returns:
        image1, image2, image3, split; mostly cartoons, all three faces from one part of the split.
    """
    wanted, _ = triplets.mix_sizes(triplets.REPORT_MIX[0], len(cleaned.triplets))
    return triplets.sample_mixed(cleaned.faces, wanted, CARTOON_SHARE, config.rng(seed, "mixed triplets"))


def true_blendshapes(table: pd.DataFrame, faces: pd.DataFrame) -> np.ndarray:
    """Look up the true expressions of triplets, for simulated raters and for scoring: (N, 3, 52) float32.

    Raises:
        ValueError: the faces are real, and nobody knows the truth.
    """
    shown = table[IMAGES].to_numpy()
    known = sources.with_truth(faces[faces["image"].isin(np.unique(shown.astype(str)))]).set_index("image")
    weights = known.loc[shown.ravel(), list(expressions.BLENDSHAPES)]
    return weights.to_numpy(np.float32).reshape(len(table), 3, -1)


def simulate(table: pd.DataFrame, blendshapes: np.ndarray, noise: float, seed: int = 0) -> pd.DataFrame:
    """Let simulated raters vote on each triplet.

    Args:
        table: N triplets, image1..3. blendshapes: (N, 3, 52) true expressions. noise: of `raters.rate`.
    Returns:
        image1, image2, image3, rater, vote; one row a vote, as `votes.read_votes` gives them.
    """
    cast = raters.rate(blendshapes, RATERS, noise, config.rng(seed, "votes on mixed triplets"))
    rows = [table[IMAGES].assign(rater=f"simulated {r + 1}", vote=cast[:, r]) for r in range(RATERS)]
    return pd.concat(rows, ignore_index=True)


def votes_on(table: pd.DataFrame, faces: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Return the votes on mixed triplets: the simulated raters' in the mini world, people's on real faces.

    The simulated raters are as careful as the mini world's FEC raters: both have the noise that the world's raters.json
    holds.

    Returns:
        image1, image2, image3, rater, vote (see `votes.read_votes`).
    """
    if (faces["truth"] < 0).any():
        return votes.read_votes(store())
    noise = json.loads((build.root() / "raters.json").read_text())["noise"]
    return simulate(table, true_blendshapes(table, faces), noise, seed)


def settle(cast: pd.DataFrame, faces: pd.DataFrame) -> Labelled:
    """Settle votes by majority; ties are dropped and counted.

    Args:
        cast: votes: image1, image2, image3, rater, vote.
        faces: image and split; triplets with a face that is not there, or whose faces stand in different parts, are
            left out.
    """
    part = faces.set_index("image")["split"]
    rows, ties = [], 0
    for images, three in cast.groupby(IMAGES, sort=False)["vote"]:
        parts = {part.get(image) for image in images}
        if len(parts) > 1 or None in parts:
            continue
        label, share = triplets.majority(three.to_numpy())
        if label is None:
            ties += 1
        else:
            rows.append((*images, label, share, parts.pop()))
    return Labelled(pd.DataFrame(rows, columns=[*IMAGES, "label", "agreement", "split"]), ties)


def combine(labelled: pd.DataFrame, fec: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Mix our labelled triplets and FEC's 30,000 to 45,000, or as many as there are in that ratio.

    Returns:
        Image1, Image2, Image3, label, type, split, shuffled (see `triplets.final_set`).
    """
    sizes = triplets.mix_sizes(len(labelled), len(fec))
    table = triplets.final_set(labelled, fec, *sizes, config.rng(seed, "final set"))
    return table[[*triplets.REPORT_COLUMNS, "type", "split"]]


def final(cleaned: clean.Cleaned, seed: int = 0) -> pd.DataFrame:
    """Make the final set from the cleaned faces: Image1, Image2, Image3, label, type, split.

    Raises:
        ValueError: the faces come without a truth and nobody has labelled a triplet yet.
    """
    labelled = settle(votes_on(mixed(cleaned, seed), cleaned.faces, seed), cleaned.faces).table
    if labelled.empty:
        raise ValueError(
            f"{store()} holds no vote on these faces: label some triplets first, in notebook 02, section 2"
        )
    return combine(labelled, cleaned.triplets, seed)


def look_up(part: triplets.Triplets, column: str) -> np.ndarray:
    """Return a column of `clean.Cleaned.faces` for each face of N triplets: (N, 3)."""
    names = [path.relative_to(config.DATA).as_posix() for path in part.images]
    return clean.ensure().faces.set_index("image").loc[names, column].to_numpy()[part.index]


def groups(part: triplets.Triplets) -> dict[str, np.ndarray]:
    """Tell which of N triplets show people only, which hold cartoons, and which one in a style that is never trained
    on: three masks (N,) bool that share none."""
    names = [path.relative_to(config.DATA).as_posix() for path in part.images]
    strange = sources.in_new_style(clean.ensure().faces.set_index("image").loc[names]).to_numpy()[part.index].any(1)
    people = (look_up(part, "kind") == "human").all(1)
    return {"people": people, "with cartoons": ~people & ~strange, "in a new style": strange}


def ensure() -> dict[str, triplets.Triplets]:
    """Return the final set as "train", "val" and "test", made by the first call and whenever its sources change.

    Raises:
        ValueError: see `final`.
    """
    cleaned, seed = clean.ensure(), config.profile().world.seed
    stamp, needs = folder() / "sources.json", json.dumps(_sources(cleaned, seed))
    if not stamp.exists() or stamp.read_text() != needs:
        write(final(cleaned, seed))
        files.write(stamp, needs)
    return {part: triplets.read_triplets(folder() / f"{part}.csv") for part in ("train", "val", "test")}


def write(table: pd.DataFrame) -> None:
    """Write the final set, one CSV for each part of the split."""
    for part in config.SPLITS:
        triplets.write_triplets(table[table["split"] == part], folder() / f"{part}.csv")


def _sources(cleaned: clean.Cleaned, seed: int) -> dict:
    """Say what the final set depends on, in brief."""
    digests = {"seed": seed, "raters": RATERS, "cartoon_share": CARTOON_SHARE}
    for name in ("faces", "triplets"):
        rows = pd.util.hash_pandas_object(getattr(cleaned, name), index=False)
        digests[name] = hashlib.sha1(rows.to_numpy().tobytes()).hexdigest()
    if (cleaned.faces["truth"] < 0).any() and store().exists():
        digests["votes"] = store().stat().st_size  # the log only ever grows
    return digests
