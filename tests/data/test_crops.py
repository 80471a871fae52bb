"""Crops on disk: each is named by its link and box, cut once, and never half-written."""

import numpy as np
import pytest
from PIL import Image
from samples import noise

from mirrorme_utils.data import crops


def test_a_face_is_named_by_its_link_and_its_box():
    names = {crops.key(url, box) for url in "ab" for box in ((0, 1, 0, 1), (0, 1, 0, 0.5))}
    assert len(names) == 4 and all(name.isalnum() and len(name) == 24 for name in names)
    assert crops.key("a", (0, 1, 0, 1)) == crops.key("a", np.array([0.0, 1.0, 0.0, 1.0]))


@pytest.fixture
def faces(tmp_path):
    noise(200, 100).save(tmp_path / "two.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"<html>")
    rows = [("two.jpg", 0, 0.4, 0, 0.9), ("two.jpg", 0.5, 0.9, 0, 0.9), ("broken.jpg", 0, 1, 0, 1),
            ("gone.jpg", 0, 1, 0, 1), ("two.jpg", 1.2, 1.4, 0, 1)]  # fmt: skip
    photos = {}
    for photo, *box in rows:
        photos.setdefault(tmp_path / photo, []).append((crops.key(photo, box), box))
    return photos


def test_many_crops_and_the_reasons_of_those_that_fail(faces, tmp_path):
    reasons = crops.crop_faces(faces, tmp_path / "crops", 32, "fraction")
    assert list(reasons) == [name for found in faces.values() for name, _ in found]
    assert list(reasons.values()) == ["", "", "box outside the picture", "not a picture", "photo is missing"]
    written = sorted((tmp_path / "crops").rglob("*.*"))
    assert written == sorted(crops.crop_path(tmp_path / "crops", name) for name in list(reasons)[:2])
    first, second = (np.asarray(Image.open(path)) for path in written)
    assert first.shape == (32, 32, 3) and not np.array_equal(first, second)
    with pytest.raises(ValueError, match="unit"):
        crops.crop_faces(faces, tmp_path / "crops", 32, "percent")


def test_crops_that_exist_are_kept_and_none_is_half_written(faces, tmp_path, monkeypatch):
    folder, names = tmp_path / "crops", [name for found in faces.values() for name, _ in found]
    saved, save = [], Image.Image.save

    def dies_midway(self, path, *args, **options):
        saved.append(path)
        if len(saved) == 2:
            path.write_bytes(b"half a crop")
            raise OSError("No space left on device")
        save(self, path, *args, **options)

    monkeypatch.setattr(Image.Image, "save", dies_midway)
    with pytest.raises(OSError, match="space"):
        crops.crop_faces(faces, folder, 32, "fraction", workers=1)
    done = crops.crop_path(folder, names[0])
    assert [path for path in folder.rglob("*.jpg")] == [done]
    before = done.stat().st_mtime_ns
    assert list(crops.crop_faces(faces, folder, 32, "fraction").values()).count("") == 2
    assert done.stat().st_mtime_ns == before
    assert Image.open(crops.crop_path(folder, names[1])).size == (32, 32)
