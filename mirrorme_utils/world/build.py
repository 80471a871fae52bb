"""The mini world on disk: our own faces in the file formats of FEC and iCartoonFace.

    mini/fec/photos/*.jpg                                    photos with one or two faces somewhere in them
    mini/fec/faceexp-comparison-data-{train,test}-public.csv triplets and votes, as in FEC
    mini/icartoonface/…                                      detection and recognition track, as in iCartoonFace
    mini/truth.csv                                           the ground truth: read for scoring, not for FECNet
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from .. import config, files, parallel, pictures
from ..profiles import WorldConfig
from . import expressions, faces, raters
from .capture import sample_capture
from .cartoons import drawing
from .formats import FEC_FILES, PHOTO_HOST, TRACKS, TRIPLET_TYPES
from .people import human

FEC = "fec"
(DETECTION_CSV, DETECTION, _), (RECOGNITION_TXT, RECOGNITION, _) = (
    (f"icartoonface/{annotations}", f"icartoonface/{pictures}", separator)
    for annotations, pictures, separator in (TRACKS["detection"], TRACKS["recognition"])
)
TRUTH = ["photo", "left", "right", "top", "bottom", "kind", "identity", "split", "expression", *expressions.BLENDSHAPES]
TWO_FACES = 0.25  # of the photos of two identities that share a split


def root() -> Path:
    """Return the folder of the mini world, built or not."""
    return config.DATA / "mini"


def ensure(world: WorldConfig | None = None, workers: int | None = None) -> Path:
    """Build the mini world unless it stands, going on where a stopped build left off.

    Args:
        world: its size; the profile's if not given.
        workers: processes; all cores if not given.
    Returns:
        The folder that holds it.
    """
    world = world or config.profile().world
    done, wanted = root() / "world.json", {**asdict(world), "renderer": faces.renderer("build", "raters")}
    if done.exists() and json.loads(done.read_text()) == wanted:
        return root()
    parts = root() / "parts"
    stamp = parts / "world.json"
    if not stamp.exists() or json.loads(stamp.read_text()) != wanted:
        _clear(root())
        parts.mkdir(parents=True)
        files.write(stamp, json.dumps(wanted))
    for folder in (f"{FEC}/photos", DETECTION, RECOGNITION):
        (root() / folder).mkdir(parents=True, exist_ok=True)
    human.prepare()
    jobs = [(world, i) for i in range(0, world.humans, 2)]
    parallel.gather(_human_job, jobs, workers, "photos of people")
    parallel.gather(_cartoon_job, [(world, i) for i in range(world.cartoons)], workers, "pictures of cartoons")
    write_tables(world)
    files.write(done, json.dumps(wanted))
    return root()


def write_tables(world: WorldConfig) -> None:
    """Write the truth, FEC's files and both of iCartoonFace's from the parts that the jobs left."""
    people, drawn = (sorted((root() / "parts").glob(f"{kind}-*.csv")) for kind in ("human", "cartoon"))
    _join([*drawn, *people], root() / "truth.csv")
    _write_fec(pd.concat([pd.read_csv(path) for path in people], ignore_index=True), world)
    _write_icartoonface(drawn, world)


def truth() -> pd.DataFrame:
    """Read the ground-truth index: one row a face, with its box (fractions), identity, split and 52 blendshape weights.

    Raises:
        FileNotFoundError: the mini world is not built.
    """
    path = root() / "truth.csv"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: build the mini world with `mirrorme world`")
    return pd.read_csv(path)


def _clear(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True) if folder.exists() else []:
        path.rmdir() if path.is_dir() else path.unlink()


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    with files.whole(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines)


def _join(tables: list[Path], path: Path) -> None:
    """Write CSV files with the same header as one, a table at a time: no world is too large for it."""

    def lines() -> Iterator[str]:
        for number, table in enumerate(tables):
            with table.open(encoding="utf-8", newline="") as rows:
                yield from islice(rows, number > 0, None)

    _write_lines(path, lines())


def _write_jpeg(path: Path, image: np.ndarray, quality: int) -> None:
    files.write(path, pictures.jpeg(Image.fromarray(image), quality))


def _name(*key: object) -> str:
    """Name a photo by the hash of what it shows, as links name photos: without a meaning."""
    return hashlib.sha1("/".join(map(str, key)).encode()).hexdigest()[:12] + ".jpg"


def _row(
    photo: str, box: tuple[float, float, float, float], size: tuple[int, int], kind: str, identity: int, split: str,
    name: str, blendshapes: np.ndarray,
) -> list:  # fmt: skip
    """Return a row of `TRUTH`; the box is left, top, right, bottom in pixels, and its columns are fractions."""
    (left, top, right, bottom), (width, height) = box, size
    fractions = [left / width, right / width, top / height, bottom / height]
    weights = [f"{w:.4f}" for w in blendshapes]
    return [photo, *(f"{f:.6f}" for f in fractions), kind, identity, split, name, *weights]


def _write_rows(path: Path, rows: list[list]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([TRUTH, *rows])
    files.write(path, buffer.getvalue())


def _human_job(job: tuple[WorldConfig, int]) -> None:
    """Write all photos of two neighbouring identities; those that share a split sometimes share a photo."""
    world, first = job
    part = root() / "parts" / f"human-{first:06d}.csv"
    if part.exists():
        return
    couple = [i for i in (first, first + 1) if i < world.humans]
    shows = [faces.cast(world, "human", i, bank=False) for i in couple]
    together = len(couple) == 2 and faces.split_of(couple[0]) == faces.split_of(couple[1])
    rng, rows = config.rng(world.seed, "photos", first), []
    for k in range(world.expressions):
        shared = together and rng.random() < TWO_FACES
        for group in [couple] if shared else [[i] for i in couple]:
            shown = [shows[i - first][k] for i in group]
            rows += _photo(world, group, shown, k, rng)
    _write_rows(part, rows)


def _photo(world: WorldConfig, group: list[int], shown: list, k: int, rng: np.random.Generator) -> list[list]:
    """Write one photo of a group of identities side by side; return their rows of `TRUTH`."""
    face_px = int(rng.integers(96, 129))
    width, height = int(face_px * (1.4 + 0.7 * len(group) * rng.random())) + 30, int(face_px * rng.uniform(1.35, 1.65))
    width = max(width, int(face_px * 1.35 * len(group)))
    image, rows, photo = None, [], f"{FEC}/photos/" + _name(world.seed, group, k)
    together = sample_capture(rng)
    for place, (i, (name, face)) in enumerate(zip(group, shown)):
        column = (place + 0.5) / len(group) * width
        slack = max(width / len(group) - face_px, 0) / 2
        centre = (column + rng.uniform(-0.7, 0.7) * slack, height / 2 + rng.uniform(-0.6, 0.6) * (height - face_px) / 2)
        drawn, alpha, box = human.render_human_photo(
            human.captured_again(human.sample_human(face.seed), rng, together), face.blendshapes, width, height, centre,
            face_px,
        )
        mix = alpha[..., None] / np.float32(255)
        image = drawn if image is None else np.uint8(np.rint(mix * drawn + (1 - mix) * image))
        trim = rng.uniform(0.04, 0.14) * (box[2] - box[0])  # as in FEC, boxes are higher than wide
        box = (box[0] + trim, box[1], box[2] - trim, box[3])
        split = faces.split_of(i)
        rows.append(_row(photo, box, (width, height), "human", face.seed, split, name, face.blendshapes))
    _write_jpeg(root() / photo, image, quality=int(rng.integers(45, 96)))
    return rows


def _cartoon_job(job: tuple[WorldConfig, int]) -> None:
    """Write one character: a recognition folder with all its expressions, and one of them again for detection."""
    world, i = job
    part = root() / "parts" / f"cartoon-{i:06d}.csv"
    if part.exists():
        return
    rng, rows = config.rng(world.seed, "pictures", i), []
    identity, shown = faces.cartoon_of(world.seed, i), faces.cast(world, "cartoon", i, bank=False)
    folder = f"{RECOGNITION}/personai_icartoonface_rectrain_{i:05d}"
    (root() / folder).mkdir(exist_ok=True)
    again = int(rng.integers(len(shown)))
    for k, (name, face) in enumerate(shown):
        tracks = [f"{folder}/personai_icartoonface_rectrain_{i:05d}_{k:07d}.jpg"]
        tracks += [f"{DETECTION}/personai_icartoonface_dettrain_{i:05d}.jpg"] if k == again else []
        for photo in tracks:
            height = int(rng.integers(150, 190))
            width = int(height * rng.uniform(1.0, 1.4))
            image, box = drawing.render_cartoon_photo(identity, face.blendshapes, width, height)
            _write_jpeg(root() / photo, image, quality=int(rng.integers(60, 96)))
            split = faces.split_of(i)
            rows.append(_row(photo, box, (width, height), "cartoon", face.seed, split, name, face.blendshapes))
    _write_rows(part, rows)


def draw_triplets(names: np.ndarray, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw triplets of faces as FEC does: one-, two- and three-class in equal parts (arXiv 1811.11283, section 3).

    A type that the faces cannot fill, since too few share a name, is left out.

    Args:
        names: (N,) expression names of the faces to draw from. n: how many triplets.
    Returns:
        (n, 3) int64 indices in random order within a triplet, and (n,) int types, 0 one-class to 2 three-class.
    Raises:
        ValueError: the faces fill no type at all.
    """
    members = {name: np.flatnonzero(names == name) for name in np.unique(names)}
    usable = [[name for name, who in members.items() if len(who) >= least] for least in (3, 2, 1)]
    possible = np.array([kind for kind in range(3) if len(usable[kind]) > kind])
    if not len(possible):
        raise ValueError(f"no triplets can be drawn from {len(names)} faces of {len(members)} names")
    types, index = possible[rng.integers(0, len(possible), n)], np.empty((n, 3), np.int64)
    for row, kind in enumerate(types):
        chosen = rng.choice(len(usable[kind]), kind + 1, replace=False)
        counts = ((3,), (2, 1), (1, 1, 1))[kind]
        drawn = [rng.choice(members[usable[kind][c]], count, replace=False) for c, count in zip(chosen, counts)]
        index[row] = rng.permutation(np.concatenate(drawn))
    return index, types


def _write_fec(truth: pd.DataFrame, world: WorldConfig) -> None:
    """Write FEC's two files, test identities in the test file, with votes of raters as careful as FEC's."""
    rng = config.rng(world.seed, "triplets")
    blendshapes, names = truth[list(expressions.BLENDSHAPES)].to_numpy(np.float32), truth.expression.to_numpy()
    draws = []
    for split, share in config.SPLITS.items():
        pool = np.flatnonzero(truth.split == split)
        index, types = draw_triplets(names[pool], round(world.triplets * share), rng)
        draws.append((pool[index], types))
    every = np.concatenate([index for index, _ in draws])
    noise = raters.calibrate_noise(blendshapes[rng.permutation(every)[:3000]])
    cells = [
        [f'"http://{PHOTO_HOST}/{Path(photo).name}"', *(f"{f:.6f}" for f in box)]
        for photo, *box in truth[TRUTH[:5]].itertuples(index=False)
    ]
    for file, parts in (("train", draws[:2]), ("test", draws[2:])):
        index, types = (np.concatenate(column) for column in zip(*parts))
        votes = raters.rate(blendshapes[index], 8, noise, rng)
        order = rng.permutation(len(index))
        lines = (_fec_line(cells, index[i], TRIPLET_TYPES[types[i]], votes[i], rng) for i in order)
        _write_lines(root() / FEC / FEC_FILES[file], lines)
    files.write(root() / "raters.json", json.dumps({"noise": noise, "target_agreement": raters.FEC_HUMAN_AGREEMENT}))


def _fec_line(faces_cells: list, index: np.ndarray, kind: str, votes: np.ndarray, rng: np.random.Generator) -> str:
    cells = [cell for face in index for cell in faces_cells[face]]
    count = rng.choice([5, 6, 7, 8], p=[0.02, 0.94, 0.02, 0.02])
    for annotator, vote in zip(rng.choice(40, count, replace=False), votes):
        cells += [f"annotator{annotator:02d}", str(vote)]
    cells.insert(15, kind)  # after three faces of five columns
    blank = " " if rng.random() < 0.05 else ""
    return f",{blank}".join(cells) + "\n"


def _write_icartoonface(tables: list[Path], world: WorldConfig) -> None:
    """Write both annotation files; a few detection boxes leave their picture or are empty, as in the original."""
    detection, recognition = [], []
    rng = config.rng(world.seed, "boxes")
    rows = (row for table in tables for row in pd.read_csv(table, usecols=TRUTH[:5]).itertuples(index=False))
    for photo, left, right, top, bottom in rows:
        with Image.open(root() / photo) as picture:
            width, height = picture.size
        box = [round(left * width), round(top * height), round(right * width), round(bottom * height)]
        if photo.startswith(RECOGNITION):
            recognition.append("\t".join(map(str, [photo.removeprefix(RECOGNITION + "/"), *box])))
            continue
        detection.append(",".join(map(str, [Path(photo).name, *box])))
        if rng.random() < 0.03:
            detection.append(",".join(map(str, [Path(photo).name, box[0], box[1], box[0], box[3]])))
        elif rng.random() < 0.03:
            detection.append(",".join(map(str, [Path(photo).name, width + 5, 10, width + 60, 70])))
    files.write(root() / DETECTION_CSV, "\n".join(detection) + "\n")
    files.write(root() / RECOGNITION_TXT, "\n".join(recognition) + "\n")
