"""Cleaning from end to end: from links and boxes to face crops and triplets that all notebooks after the first use.

    data/clean/photos, ledger.sqlite                        what the links gave, as far as a triplet may use it
    data/clean/crops128                                     one square picture a face, 128 pixels or the profile's
    data/clean/{faces,triplets,stages,cartoons,malformed}.csv, done.json       the result

For the reader's own files the folder is data/real/clean. Every step keeps what it did, so a stopped run goes on.
`mirrorme clean` does it without a notebook, and on several machines at once (see `engine`).

Taught in: notebook 01.
"""

import errno
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from sqlite3 import OperationalError

import pandas as pd

from .. import config, files
from ..world import formats
from . import crops, fec, icartoonface
from .discard import hopeful_links, let_go, sweep
from .download import download, photo_path
from .engine import HERE, Engine
from .ledger import LEDGER, Ledger
from .links import FORBIDDEN
from .rows import chunks
from .sources import FACE_COLUMNS, Source, cartoons_of, chosen, people_of, photo_host
from .unpacked import find

TRIPLET_COLUMNS = ["image1", "image2", "image3", "type", "label", "agreement", "split"]
IMAGES = TRIPLET_COLUMNS[:3]
INDEXED = ("stages", "cartoons")  # tables whose rows have names


@dataclass(frozen=True)
class Cleaned:
    """What is left after cleaning.

    faces: image (path below config.DATA), kind (human or cartoon), identity (str), split (train, val, test: by
    identity), source (fec, detection, recognition), truth (row of the mini world's truth.csv; -1 for real faces);
    people are here when one of the triplets shows them, cartoons all;
    triplets: image1..3, type, label (1..3, the odd one out), agreement, split; all three faces are of that split;
    stages: how many triplets of each type were left after each step;
    cartoons: how many boxes of each track became a crop, and why others did not; a track that is missing has none;
    malformed: the lines that could not be read: file, line, reason and text.
    """

    faces: pd.DataFrame
    triplets: pd.DataFrame
    stages: pd.DataFrame
    cartoons: pd.DataFrame = field(default_factory=pd.DataFrame)
    malformed: pd.DataFrame = field(default_factory=pd.DataFrame)


TABLES = [table.name for table in fields(Cleaned)]


def in_one_split(where: Source, rows: fec.Fec, agreed: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep triplets whose three faces share a split, and say who their faces are.

    Args:
        rows: what `fec.read` returned; agreed: the rows of its triplets to keep from.
    Returns:
        these triplets, with their split; and their faces, as `sources.people_of` gives them.
    """
    tests = agreed.loc[agreed["part"] == "test", fec.FACES]
    faces = people_of(where, rows.faces.loc[_all_faces(agreed)], set(rows.faces["url"].loc[_all_faces(tests)]))
    splits = [faces["split"].loc[agreed[face]].to_numpy() for face in fec.FACES]
    inside = agreed.assign(split=splits[0])[(splits[0] == splits[1]) & (splits[0] == splits[2])]
    return inside, faces.loc[_all_faces(inside)]


def _all_faces(triplets: pd.DataFrame) -> list[int]:
    return sorted(pd.unique(triplets[fec.FACES].to_numpy().ravel()))


def fetch(where: Source, faces: pd.DataFrame, engine: Engine = HERE, **options: object) -> pd.DataFrame:
    """Download the photos of these FEC faces, and crop each photo while it is open.

    Args:
        engine: who fetches and crops; options: of `fetch.Options`.
    Returns:
        the ledger's rows (see `download.download`).
    Raises:
        ConnectionError: see `download.download`.
    """
    boxes = {}
    for url, *box in faces[["url", *fec.BOX]].itertuples(index=False):
        boxes.setdefault(url, []).append((crops.key(url, box), box))
    crops.make_folders(_crops(where))
    wanted = crops.Wanted(boxes, _crops(where), where.size)
    links = random.Random(0).sample(sorted(boxes), len(boxes))  # mixed, so that no host's links come in a row
    with photo_host(where, **options) as how:
        return download(links, where.folder, how, wanted, engine)


def crop_people(
    where: Source, faces: pd.DataFrame, fetched: pd.DataFrame, engine: Engine = HERE
) -> pd.DataFrame:  # fmt: skip
    """Crop FEC faces whose photo is there.

    Args:
        faces: with url and box, indexed like `fec.Fec.faces`; fetched: what `fetch` returned; engine: who crops.
    Returns:
        the faces, with image ("" where there is none) and reason ("" where there is one).
    """
    faces = faces.assign(reason=faces["url"].map(dict(zip(fetched["url"], fetched["reason"]))))
    there = faces[faces["reason"] == ""]
    cropped = _cropped(where, there, "url", "fraction", lambda url: photo_path(where.folder, url), engine)
    images = cropped["image"].reindex(faces.index, fill_value="")
    return faces.assign(image=images, reason=cropped["reason"].reindex(faces.index).fillna(faces["reason"]))


def crop_cartoons(where: Source, faces: pd.DataFrame, engine: Engine = HERE) -> pd.DataFrame:
    """Crop iCartoonFace faces, of both tracks; return them with image and reason as `crop_people` does.

    Args:
        engine: who crops.
    Raises:
        FileNotFoundError: the pictures of a track are missing; the message says where they belong.
    """
    icartoonface.require_pictures(where.root / "icartoonface", faces)
    faces = faces.rename(columns={"image": "picture"})
    folder = where.root / "icartoonface"
    return _cropped(where, faces, "picture", "pixel", lambda picture: folder / picture, engine)


def _crops(where: Source) -> Path:
    return where.folder / f"crops{where.size}"


def _cropped(
    where: Source, faces: pd.DataFrame, name: str, unit: str, photo_of: Callable[[str], Path], engine: Engine
) -> pd.DataFrame:  # fmt: skip
    """Crop faces whose photo's name is a column, and `photo_of` of it a file; add image and reason."""
    folder, images, reasons = _crops(where), [], []
    for part in chunks(faces):
        keys = [crops.key(photo, box) for photo, box in zip(part[name], part[fec.BOX].to_numpy())]
        photos = {}
        for key, photo, box in zip(keys, part[name], part[fec.BOX].to_numpy()):
            photos.setdefault(photo_of(photo), []).append((key, box))
        found = engine.crop(photos, folder, where.size, unit)
        why = [found[key] for key in keys]
        paths = (crops.crop_path(folder, key).relative_to(config.DATA).as_posix() for key in keys)
        images += ["" if reason else path for path, reason in zip(paths, why)]
        reasons += why
    return faces.assign(image=pd.Series(images, faces.index, str), reason=pd.Series(reasons, faces.index, str))


def keep_whole(triplets: pd.DataFrame, cropped: pd.DataFrame) -> pd.DataFrame:
    """Keep triplets whose three faces are there.

    Args:
        triplets: what `in_one_split` returned; cropped: what `crop_people` returned for their faces.
    Returns:
        the table `Cleaned.triplets`.
    """
    image = cropped["image"]
    whole = triplets[triplets[fec.FACES].isin(image.index[image != ""]).all(axis=1)]
    images = {name: image.loc[whole[face]].to_numpy() for name, face in zip(IMAGES, fec.FACES)}
    return whole.assign(**images)[TRIPLET_COLUMNS].reset_index(drop=True)


def used_faces(cropped: pd.DataFrame, triplets: pd.DataFrame) -> pd.DataFrame:
    """Return the cropped FEC faces that a triplet shows: of `Cleaned.faces` the part that is people."""
    return cropped.loc[cropped["image"].isin(pd.unique(triplets[IMAGES].to_numpy().ravel())), FACE_COLUMNS]


def ensure(ask: bool = False, again: bool = False, engine: Engine = HERE, **options: object) -> Cleaned:
    """Return the cleaned faces and triplets; clean on the first call, or when the source or the crop size changes.

    Args:
        ask: also when all is done, ask links that wait; again: and those that are dead; engine: who fetches and crops;
        options: of `fetch.Options`, by which links are asked as well.
    Raises:
        FileNotFoundError: a file of the real data sets is missing; the message says where it belongs;
        ValueError: a file is spoilt; the message names its first bad line;
        ConnectionError: this machine is offline, or its network answers in the hosts' place (see `doubt`);
        OSError: the disk is full; the message says how to go on.
    """
    where = chosen()
    done, waiting = where.folder / "done.json", 0
    if ask or again or options:
        with Ledger(where.folder / LEDGER) as ledger:
            if again or options.get("ignore_noai"):
                ledger.ask_again("" if again else FORBIDDEN)
            waiting = ledger.count("later")
    if done.exists() and done.read_text() == json.dumps(_stamp(where)) and not waiting:
        return _read(where)
    with _full_disk_explained(where.folder):
        cleaned = clean(where, engine, **options)
        for name in TABLES:
            table = getattr(cleaned, name)
            files.write(where.folder / f"{name}.csv", table.to_csv(index=name in INDEXED))
        files.write(done, json.dumps(_stamp(where)))
    return _read(where)


def clean(where: Source, engine: Engine = HERE, **options: object) -> Cleaned:
    """Do all steps on a source: read, filter, download, crop, discard, and the cartoons.

    Args:
        engine: who fetches and crops; options: of `fetch.Options`.
    """
    drawn = icartoonface.read(where.root / "icartoonface")  # before a download of days
    icartoonface.require_pictures(where.root / "icartoonface", drawn.faces)
    rows, agreed, inside, wanted = _wanted(where)
    with Ledger(where.folder / LEDGER) as ledger:
        ledger.want_back(_hopeful(ledger, inside, wanted))
    cropped = crop_people(where, wanted, fetch(where, wanted, engine, **options), engine)
    triplets = keep_whole(inside, cropped)
    (where.folder / "done.json").unlink(missing_ok=True)  # from here on files go that an earlier result may hold
    with Ledger(where.folder / LEDGER) as ledger:
        let_go(where.folder, ledger, _hopeful(ledger, inside, wanted))
    stages = fec.count_types(read=rows.triplets, agreed=agreed, inside_one_split=inside, downloaded=triplets)
    boxes = crop_cartoons(where, drawn.faces, engine)
    faces = pd.concat([used_faces(cropped, triplets), cartoons_of(where, boxes)], ignore_index=True)
    sweep(_crops(where), {Path(image).name for image in faces["image"]})
    cartoons = pd.crosstab(boxes["track"], boxes["reason"].replace("", "cropped")).reindex(
        list(formats.TRACKS), fill_value=0
    )
    return Cleaned(faces, triplets, stages, cartoons, pd.concat([rows.malformed, drawn.malformed], ignore_index=True))


def account(where: Source) -> str:
    """Say in a table and a sentence what became of the links, and how to ask again."""
    with Ledger(where.folder / LEDGER) as ledger:
        table, waiting, dead = ledger.account(), ledger.count("later"), ledger.count("dead")
    return (
        f"{table.to_string(index=False)}\n{waiting:,} links wait, and the next `mirrorme clean` asks them; {dead:,} are "
        "dead, and only `mirrorme clean --again` asks them."
    )


def _wanted(where: Source) -> tuple[fec.Fec, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return what FEC's files say, the triplets that raters agree on, those inside one split, and their faces."""
    rows = fec.read(where.root / "fec")
    agreed = rows.triplets[fec.strongly_agreed(rows.triplets)]
    return rows, agreed, *in_one_split(where, rows, agreed)


def _hopeful(ledger: Ledger, triplets: pd.DataFrame, faces: pd.DataFrame) -> set[str]:
    """Return the links of triplets that may still become whole (see `discard`)."""
    dead = {url for url, (state, _, _) in ledger.known().items() if state == "dead"}
    return hopeful_links(triplets, faces, dead)


@contextmanager
def _full_disk_explained(folder: Path) -> Iterator[None]:
    """Say of a full disk where it is and how to go on."""
    try:
        yield
    except (OSError, OperationalError) as error:
        if getattr(error, "errno", None) != errno.ENOSPC and "disk is full" not in str(error):
            raise
        advice = f"The disk of {folder} is full. Nothing that was stored is lost: make room, and run again to go on"
        raise OSError(errno.ENOSPC, advice) from error


def _stamp(where: Source) -> dict:
    """Say what the result depends on: crop size, annotation files by size and time, and how many photos came."""
    names = [("fec", name) for name in formats.FEC_FILES.values()]
    names += [("icartoonface", annotations) for annotations, _, _ in formats.TRACKS.values()]
    found = [find(where.root / folder, name) for folder, name in names]
    with Ledger(where.folder / LEDGER) as ledger:
        photos = ledger.count("ok")
    return {
        "size": where.size,
        "files": {
            path.relative_to(where.root).as_posix(): [path.stat().st_size, path.stat().st_mtime_ns]
            for path in found if path
        },
        "photos": photos,
        "tables": TABLES,
    }  # fmt: skip


def _read(where: Source) -> Cleaned:
    tables = {
        name: pd.read_csv(
            where.folder / f"{name}.csv", index_col=0 if name in INDEXED else None, dtype={"identity": str}
        )
        for name in TABLES
    }
    return Cleaned(**tables)
