"""A tiny world of painted ovals in the data sets' formats, for tests that need files and not faces."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from samples import oval

from mirrorme_utils.world import formats
from mirrorme_utils.world.formats import PHOTO_HOST as HOST

PEOPLE, PHOTOS, CARTOONS = 10, 4, 6
SPLIT = ["train"] * 6 + ["val"] * 2 + ["test"] * 2


def build(root: Path, hosts: tuple[str, ...] = (HOST,)) -> Path:
    """Write the world: photos (each tenth with two faces), both CSV files, both tracks, and the index.

    Args:
        hosts: that the links point to, by turns of the photo's number.
    """
    photos, truth = root / "fec" / "photos", []
    photos.mkdir(parents=True)
    for person in range(PEOPLE):
        for number in range(PHOTOS):
            boxes = [(20, 80, 30, 110)] + ([(90, 150, 30, 110)] if number == 0 else [])
            name = f"p{person}n{number}.jpg"
            oval(name, boxes=boxes).save(photos / name, quality=90)
            for left, right, top, bottom in boxes:
                sides = [left / 160, right / 160, top / 120, bottom / 120]
                truth.append([f"fec/photos/{name}", *sides, "human", person, SPLIT[person]])
    columns = ["photo", "left", "right", "top", "bottom", "kind", "identity", "split"]
    people = pd.DataFrame(truth, columns=columns)
    rng = np.random.default_rng(0)
    for part, splits in (("train", ("train", "val")), ("test", ("test",))):
        lines = []
        for n in range(60 if part == "train" else 12):
            pool = people[people["split"] == splits[n % len(splits)]]
            faces = pool.iloc[rng.choice(len(pool), 3, replace=False)]
            links = [f"{hosts[int(f.photo[-5]) % len(hosts)]}/{Path(f.photo).name}" for f in faces.itertuples()]
            cells = [f'"http://{link}",{f.left:.6f},{f.right:.6f},{f.top:.6f},{f.bottom:.6f}'
                     for link, f in zip(links, faces.itertuples())]  # fmt: skip
            votes = ",".join(f"rater{r}, {v}" for r, v in enumerate([2, 2, 2, 2, 1, 3] if n % 4 else [1, 2, 3]))
            lines.append(",".join(cells) + f",{formats.TRIPLET_TYPES[n % 3]},{votes}\n")
        (root / "fec" / formats.FEC_FILES[part]).write_text("".join(lines))
    drawn = _write_cartoons(root / "icartoonface")
    pd.concat([people, pd.DataFrame(drawn, columns=columns)]).to_csv(root / "truth.csv", index=False)
    (root / "world.json").write_text(json.dumps({"tiny": 0}))
    return root


def _write_cartoons(root: Path) -> list[list]:
    truth, lines = [], {"recognition": [], "detection": []}
    for number in range(CARTOONS):
        for track, name in (
            ("recognition", f"personai_icartoonface_rectrain_{number:05d}/c{number}.jpg"),
            ("detection", f"personai_icartoonface_dettrain_{number:05d}.jpg"),
        ):
            folder = formats.TRACKS[track][1]
            path = root / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            oval(name, boxes=[(30, 90, 20, 100)]).save(path, quality=92)
            lines[track].append([name, 30, 20, 90, 100])
            sides = [30 / 160, 90 / 160, 20 / 120, 100 / 120]
            truth.append([f"icartoonface/{folder}/{name}", *sides, "cartoon", 100 + number, SPLIT[number]])
    lines["detection"] += [[lines["detection"][0][0], 30, 20, 30, 100], [lines["detection"][1][0], 170, 10, 220, 70]]
    for track, (annotations, _, separator) in formats.TRACKS.items():
        (root / annotations).write_text("".join(separator.join(map(str, row)) + "\n" for row in lines[track]))
    return truth
