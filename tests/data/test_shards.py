"""Crops in WebDataset shards: the same bytes, by this project's readers and by others'."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from samples import smooth

from mirrorme_utils import config
from mirrorme_utils.data import shards, triplets
from mirrorme_utils.experiments import report_gan
from mirrorme_utils.profiles import ReportConfig

SPLITS = ["train"] * 7 + ["val"] * 2 + ["test"]


@pytest.fixture
def faces(tmp_path, monkeypatch):
    """A table of ten crops that lie on the disk."""
    monkeypatch.setattr(config, "DATA", tmp_path / "data")
    rows = []
    for n, split in enumerate(SPLITS):
        image = f"clean/crops128/{n:02x}/{n:02x}{'0' * 22}.jpg"
        (config.DATA / image).parent.mkdir(parents=True)
        smooth(128, 128, seed=n).save(config.DATA / image, quality=95)
        rows.append([image, "human", str(n), split, "fec", n])
    shards._places.cache_clear()
    return pd.DataFrame(rows, columns=["image", "kind", "identity", "split", "source", "truth"])


def test_a_crop_is_read_from_its_shard_to_the_byte(faces, tmp_path, monkeypatch):
    written = shards.write(faces, tmp_path / "shards", samples=3)
    names = [f"{part}-{n:06d}.tar" for part, count in (("train", 3), ("val", 1), ("test", 1)) for n in range(count)]
    assert [path.name for path in written] == names
    paths = [config.DATA / image for image in faces["image"]]
    bytes_of = [path.read_bytes() for path in paths]
    images = triplets.load_images(paths, 64)
    assert [shards.source(path) for path in paths] == paths, "without MIRRORME_SHARDS the files are read"
    monkeypatch.setattr(config, "SHARDS", tmp_path / "shards")
    for path in paths:
        path.unlink()
    assert [shards.source(path) for path in paths] == bytes_of
    assert np.array_equal(triplets.load_images(paths, 64), images)
    assert shards.source(tmp_path / "other.jpg") == tmp_path / "other.jpg"


def test_training_reads_the_same_batches_from_shards(faces, tmp_path, monkeypatch):
    settings = ReportConfig(steps=3, batch=4, width=4)
    paths = [config.DATA / image for image in faces["image"]]
    from_files = list(report_gan.batches(paths, settings))
    shards.write(faces, tmp_path / "shards", samples=4)
    monkeypatch.setattr(config, "SHARDS", tmp_path / "shards")
    for path in paths:
        path.unlink()
    for a, b in zip(from_files, report_gan.batches(paths, settings), strict=True):
        assert all(map(torch.equal, a, b))


def test_the_same_crops_make_the_same_bytes_and_old_shards_go(faces, tmp_path):
    first = {path.name: path.read_bytes() for path in shards.write(faces, tmp_path / "a", samples=3)}
    shards.write(faces, tmp_path / "b", samples=1)
    again = shards.write(faces.sample(frac=1, random_state=0), tmp_path / "b", samples=3)
    assert {path.name: path.read_bytes() for path in again} == first
    assert {path.name for path in (tmp_path / "b").iterdir()} == {*first, shards.INDEX}


def test_webdataset_reads_them(faces, tmp_path):
    web = pytest.importorskip("webdataset", reason="webdataset is not installed: pip install webdataset")
    shards.write(faces, tmp_path, samples=3)
    found = {}
    for sample in web.WebDataset(str(tmp_path / "train-{000000..000002}.tar"), shardshuffle=False):
        found[sample["__key__"]] = sample["jpg"], json.loads(sample["json"])
    assert len(found) == SPLITS.count("train")
    for row in faces[faces["split"] == "train"].to_dict("records"):
        data, told = found[row["image"].split("/")[-1][:-4]]
        assert data == (config.DATA / row["image"]).read_bytes() and told == row


def test_a_folder_without_shards_is_named(faces, tmp_path, monkeypatch):
    monkeypatch.setattr(config, "SHARDS", tmp_path)
    with pytest.raises(FileNotFoundError, match="MIRRORME_SHARDS"):
        shards.source(config.DATA / faces["image"][0])
