"""Pictures are judged by their bytes; crops keep the aspect, are pad at the edge, and are never half-written."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from mirrorme_utils import crops


def encoded(image, kind="JPEG", **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def noise(width=60, height=40):
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8))


def png_header(width, height):
    """A PNG that claims a size and holds nothing."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_known_formats_open_whatever_their_name(tmp_path, kind):
    path = tmp_path / "picture.txt"
    path.write_bytes(encoded(noise(), kind))
    for source in (path, path.read_bytes()):
        picture = crops.open_picture(source)
        assert picture.size == (60, 40) and picture.mode == "RGB"


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "not a picture"),
        (b"<html>Please log in</html>", "not a picture"),
        (encoded(noise(), "GIF"), "not a picture"),
        (encoded(noise(), "TIFF"), "not a picture"),
        (encoded(noise(200, 200))[:-2000], "cut off"),
        (encoded(noise(200, 200), "PNG")[:-2000], "cut off"),
        (png_header(8_000, 8_000), "too many pixels"),
        (png_header(60_000, 60_000), "too many pixels"),
        (png_header(20, 20), "cut off|broken"),
        (encoded(noise(), "PNG")[:40] + b"\x00" * 400, "cut off|broken|not a picture"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_reason(data, reason):
    with pytest.raises(crops.BadPicture, match=reason):
        crops.open_picture(data)


def test_a_picture_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    assert crops.open_picture(encoded(noise(), exif=exif)).size == (40, 60)


def test_grey_and_palette_pictures_become_rgb():
    for mode in ("L", "P", "RGBA", "LA"):
        assert crops.open_picture(encoded(noise().convert("RGB").convert(mode), "PNG")).mode == "RGB"


def test_the_shorter_side_grows_about_the_centre():
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[20:80, 40:60] = 255  # a tall face, 20 x 60
    face = np.asarray(crops.crop_square(Image.fromarray(pixels), (40, 60, 20, 80), 60))
    assert face.shape == (60, 60, 3)
    assert face[:, 20:40].min() == 255 and face[:, :19].max() == 0 and face[:, 41:].max() == 0


def test_a_square_that_leaves_the_picture_repeats_its_edge():
    pixels = np.full((100, 40, 3), 50, np.uint8)
    pixels[:, 0], pixels[:, -1] = 10, 200
    face = np.asarray(crops.crop_square(Image.fromarray(pixels), (0, 40, 10, 90), 80))
    assert (face[:, :19] == 10).all() and (face[:, 61:] == 200).all()


def test_a_box_is_clipped_and_an_empty_one_refused():
    picture = noise(100, 100)
    clipped = crops.crop_square(picture, (-50, 40, -50, 40), 40)
    assert np.array_equal(clipped, crops.crop_square(picture, (0, 40, 0, 40), 40))
    for box, reason in (((10, 10, 5, 50), "empty"), ((50, 10, 5, 50), "empty"), ((100, 150, 0, 50), "outside")):
        with pytest.raises(crops.BadBox, match=reason):
            crops.crop_square(picture, box, 40)


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
