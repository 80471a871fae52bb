"""Where the two data sets come from, and who is in them: the mini world, or the reader's own files.

    data/real/fec/faceexp-comparison-data-{train,test}-public.csv      your copy of FEC
    data/real/icartoonface/…                                           your copy of iCartoonFace, as it unpacks

Both have the same files, so all other modules treat them alike. They differ in two things only: who answers for the
photos, and whether anybody knows who is in them.

Taught in: notebook 01.
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .. import config, files
from ..world.formats import PHOTO_HOST
from .download import Options
from .photo_server import PhotoServer, choose_faults

FACE_COLUMNS = ["image", "kind", "identity", "split", "source", "truth"]


@dataclass(frozen=True)
class Source:
    """Where the two data sets lie: `mini`, which we rendered, or `real`, which the reader brings."""

    name: str
    root: Path

    @property
    def folder(self) -> Path:
        """The folder of everything that cleaning makes of it."""
        return config.DATA / "clean" if self.name == "mini" else self.root / "clean"

    @property
    def size(self) -> int:
        """Pixels of a crop's side."""
        return max(128, config.profile().world.size)


def chosen() -> Source:
    """Return the mini world, built if need be, or the reader's own files with the profile `report`."""
    if config.profile().name == "report":
        return Source("real", config.DATA / "real")
    from ..world import build

    mini = Source("mini", build.ensure())
    _forget_other_world(mini)
    return mini


def _forget_other_world(mini: Source) -> None:
    """Photos of another mini world can have the same names: start again from nothing when the world changes."""
    world, seen = (mini.root / "world.json").read_text(), mini.folder / "world.json"
    if not seen.exists() or seen.read_text() != world:
        shutil.rmtree(mini.folder, ignore_errors=True)
        mini.folder.mkdir(parents=True)
        files.write(seen, world)


def faults(where: Source) -> dict[str, str]:
    """Say which photos of the mini world misbehave, and how: photo name to fault; the real host keeps its own."""
    if where.name == "real":
        return {}
    names = (path.name for path in _photos(where).iterdir() if not path.name.startswith("."))
    return choose_faults(names, config.profile().world.seed)


@contextmanager
def photo_host(where: Source, **options: object) -> Iterator[Options]:
    """Yield the download options of a source; while it is open, the mini world's photo host answers on this machine.

    Args:
        options: of `fetch.Options`, for both sources.
    """
    if where.name == "real":
        yield Options(**options)
        return
    with PhotoServer(_photos(where), faults(where)) as server:
        yield Options(hosts={PHOTO_HOST: server.address}, **options)


def _photos(where: Source) -> Path:
    return where.root / "fec" / "photos"


def people_of(where: Source, faces: pd.DataFrame, test_urls: set[str]) -> pd.DataFrame:
    """Say who each FEC face is and in which split.

    Args:
        faces: rows of `fec.Fec.faces`; test_urls: links that FEC's test file names.
    Returns:
        the faces with kind, identity, split, source and truth, as in `clean.Cleaned.faces`.
    """
    faces = faces.assign(kind="human", source="fec")
    if where.name == "mini":
        return _with_mini_identity(where, faces, "fec/photos/" + faces["url"].str.rsplit("/", n=1).str[-1])
    splits = [("test" if url in test_urls else _split_of(url, ("train", "val"))) for url in faces["url"]]
    return faces.assign(identity=faces["url"], split=splits, truth=-1)


def cartoons_of(where: Source, cropped: pd.DataFrame) -> pd.DataFrame:
    """Say which character each cropped iCartoonFace face is and in which split: the table `clean.Cleaned.faces`."""
    good = cropped[cropped["image"] != ""]
    good = good.assign(kind="cartoon", source=good["track"])
    if where.name == "mini":
        return _with_mini_identity(where, good, "icartoonface/" + good["picture"])[FACE_COLUMNS]
    splits = [_split_of(name, tuple(config.SPLITS)) for name in good["character"]]
    return good.assign(identity=good["character"], split=splits, truth=-1)[FACE_COLUMNS]


def _with_mini_identity(where: Source, faces: pd.DataFrame, photos: pd.Series) -> pd.DataFrame:
    """Look identities up in the mini world's index, which names a face by photo and, among people, by its left side."""
    columns = ["photo", "left", "identity", "split", "kind"]
    index = pd.read_csv(where.root / "truth.csv", usecols=columns)
    human = index["kind"] == "human"
    names = index["photo"] + (" " + index["left"].map("{:.6f}".format)).where(human, "")
    rows = pd.Series(index.index, index=names)
    wanted = photos + (" " + faces["left"].map("{:.6f}".format)).where(faces["kind"] == "human", "")
    truth = rows.loc[wanted].to_numpy()
    identity, split = (index.loc[truth, column].to_numpy() for column in ("identity", "split"))
    return faces.assign(identity=identity.astype(str), split=split, truth=truth)


def _split_of(name: str, parts: tuple[str, ...]) -> str:
    """Draw a split by the hash of a name, so that it stays the same when the data grow."""
    at = int(hashlib.sha256(name.encode()).hexdigest()[:12], 16) / 16**12 * sum(config.SPLITS[part] for part in parts)
    for part in parts:
        at -= config.SPLITS[part]
        if at < 0:
            return part
    return parts[-1]


def with_truth(faces: pd.DataFrame) -> pd.DataFrame:
    """Add the mini world's ground truth (expression name and 52 blendshape weights) to rows of
    `clean.Cleaned.faces`.

    For scoring and for simulated raters; the report's track never reads it.

    Raises:
        ValueError: the faces are real, and nobody knows the truth.
    """
    if (faces["truth"] < 0).any():
        raise ValueError("real faces come without a truth: with_truth is for the mini world only")
    from ..world import build, expressions

    known = build.truth()[["expression", *expressions.BLENDSHAPES]].iloc[faces["truth"]].set_index(faces.index)
    return faces.join(known)


def in_new_style(rows: pd.DataFrame) -> pd.Series:
    """Tell which rows of `clean.Cleaned.faces` are drawn in a style that is never trained on: bool.

    The mini world has such ones among its test identities; of real cartoons nobody knows.
    """
    from ..world.cartoons.drawing import STYLES_HELD_OUT
    from ..world.faces import cartoon_of

    known = (rows["kind"] == "cartoon") & (rows["split"] == "test") & (rows["truth"] >= 0)
    seeds = {name: int(name) for name in rows.loc[known, "identity"].unique()}
    styles = {name: cartoon_of(seed // 20_000_000, seed % 10_000_000).style for name, seed in seeds.items()}
    return known & rows["identity"].map(styles).isin(STYLES_HELD_OUT)
