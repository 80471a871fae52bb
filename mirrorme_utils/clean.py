"""Cleaning from end to end: from links and boxes to face crops and triplets that all notebooks after the first use.

    data/clean/photos, ledger.sqlite                        what the links gave
    data/clean/crops128                                     one square picture a face, 128 pixels or the profile's
    data/clean/{faces,triplets,stages}.csv, done.json       the result

For the reader's own files the folder is data/real/clean. Every step keeps what it did, so a stopped run goes on.

Taught in: notebook 01.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from . import config, crops, fec, icartoonface
from .download import download, photo_path
from .sources import Source, cartoons_of, chosen, people_of, photo_host

TRIPLET_COLUMNS = ["image1", "image2", "image3", "type", "label", "agreement", "split"]


@dataclass(frozen=True)
class Cleaned:
    """What is left after cleaning.

    faces: image (path below config.DATA), kind (human or cartoon), identity (str), split (train, val, test: by
    identity), source (fec, detection, recognition), truth (row of the mini world's truth.csv; -1 for real faces);
    triplets: image1..3, type, label (1..3, the odd one out), agreement, split; all three faces are of that split;
    stages: how many triplets of each type were left after each step.
    """

    faces: pd.DataFrame
    triplets: pd.DataFrame
    stages: pd.DataFrame


def fetch(where: Source, faces: pd.DataFrame) -> pd.DataFrame:
    """Download the photos of these FEC faces; return the ledger's rows (see `download.download`)."""
    with photo_host(where) as options:
        return download(sorted(set(faces["url"])), where.folder, options)


def crop_people(where: Source, faces: pd.DataFrame, fetched: pd.DataFrame) -> pd.DataFrame:
    """Crop FEC faces whose photo is there.

    Args:
        faces: rows of `fec.Fec.faces`; fetched: what `fetch` returned.
    Returns:
        the faces, with image ("" where there is none) and reason ("" where there is one).
    """
    why = dict(zip(fetched["url"], fetched["reason"].where(fetched["state"] != "ok", "")))
    faces = faces.assign(reason=faces["url"].map(why))
    there = faces[faces["reason"] == ""]
    boxes = there[fec.BOX].to_numpy()
    there = there.assign(
        photo=[photo_path(where.folder, url) for url in there["url"]],
        key=[crops.key(url, box) for url, box in zip(there["url"], boxes)],
    )
    return _cropped(where, faces, there, "fraction")


def crop_cartoons(where: Source, faces: pd.DataFrame) -> pd.DataFrame:
    """Crop iCartoonFace faces, of both tracks; return them with image and reason as `crop_people` does."""
    there = faces.assign(
        photo=[where.root / "icartoonface" / image for image in faces["image"]],
        key=[crops.key(image, box) for image, box in zip(faces["image"], faces[fec.BOX].to_numpy())],
    )
    return _cropped(where, faces.assign(picture=faces["image"]), there, "pixel")


def _cropped(where: Source, faces: pd.DataFrame, there: pd.DataFrame, unit: str) -> pd.DataFrame:
    folder = where.folder / f"crops{where.size}"
    reasons = crops.crop_faces(there, folder, where.size, unit)
    good = there.loc[reasons == "", "key"]
    images = good.map(lambda name: crops.crop_path(folder, name).relative_to(config.DATA).as_posix())
    return faces.assign(
        image=images.reindex(faces.index, fill_value=""),
        reason=reasons.reindex(faces.index).fillna(faces["reason"] if "reason" in faces else ""),
    )


def keep_whole(triplets: pd.DataFrame, faces: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep triplets whose three faces are there, and of these the ones whose faces share a split.

    Args:
        triplets: rows of `fec.Fec.triplets`; faces: `sources.people_of`, indexed like `fec.Fec.faces`.
    Returns:
        the whole ones, as `Cleaned.triplets` but with split None where it is not shared; and `Cleaned.triplets`.
    """
    whole = triplets[triplets[fec.FACES].isin(faces.index).all(axis=1)]
    images = {f"image{n}": faces["image"].loc[whole[f"face{n}"]].to_numpy() for n in (1, 2, 3)}
    splits = [faces["split"].loc[whole[face]].to_numpy() for face in fec.FACES]
    shared = pd.Series(splits[0], index=whole.index, dtype=object)
    shared = shared.where((splits[0] == splits[1]) & (splits[0] == splits[2]), None)
    whole = whole.assign(**images, split=shared)[TRIPLET_COLUMNS]
    return whole, whole[whole["split"].notna()].reset_index(drop=True)


def ensure() -> Cleaned:
    """Return the cleaned faces and triplets; clean on the first call, or when the source or the crop size changes.

    Raises:
        FileNotFoundError: a file of the real data sets is missing; the message says where it belongs.
    """
    where = chosen()
    done, stamp = where.folder / "done.json", json.dumps(_stamp(where))
    if done.exists() and done.read_text() == stamp:
        return _read(where)
    done.unlink(missing_ok=True)
    cleaned = clean(where)
    for name in ("faces", "triplets", "stages"):
        table = getattr(cleaned, name)
        _write(where.folder / f"{name}.csv", table.to_csv(index=name == "stages"))
    _write(done, stamp)
    return _read(where)


def clean(where: Source) -> Cleaned:
    """Do all steps on a source: read, filter on agreement, download, crop, discard, and the cartoons."""
    rows = fec.read(where.root / "fec")
    agreed = rows.triplets[fec.strongly_agreed(rows.triplets)]
    wanted = rows.faces.loc[sorted(set(agreed[fec.FACES].to_numpy().ravel()))]
    cropped = crop_people(where, wanted, fetch(where, wanted))
    tests = agreed.loc[agreed["part"] == "test", fec.FACES].to_numpy().ravel()
    people = people_of(where, cropped, set(rows.faces["url"].loc[tests]))
    whole, triplets = keep_whole(agreed, people)
    drawn = icartoonface.read(where.root / "icartoonface")
    cartoons = cartoons_of(where, crop_cartoons(where, drawn.faces))
    stages = fec.count_types(read=rows.triplets, agreed=agreed, downloaded=whole, inside_one_split=triplets)
    return Cleaned(pd.concat([people, cartoons], ignore_index=True), triplets, stages)


def _stamp(where: Source) -> dict:
    """What the result depends on: the crop size and the annotation files, by size and time."""
    names = [f"fec/{name}" for name in fec.FILES.values()]
    names += [f"icartoonface/{annotations}" for annotations, _, _ in icartoonface.TRACKS.values()]
    files = {name: os.stat(where.root / name) for name in names if (where.root / name).exists()}
    return {"size": where.size, "files": {name: [at.st_size, at.st_mtime_ns] for name, at in files.items()}}


def _read(where: Source) -> Cleaned:
    faces = pd.read_csv(where.folder / "faces.csv", dtype={"identity": str})
    triplets = pd.read_csv(where.folder / "triplets.csv")
    return Cleaned(faces, triplets, pd.read_csv(where.folder / "stages.csv", index_col=0))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    os.replace(part, path)
