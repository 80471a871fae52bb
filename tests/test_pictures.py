"""Pictures are judged by their bytes; what is read is upright, RGB in sRGB, on white, without metadata; what is saved
says what it is."""

import threading

import numpy as np
import pytest
from PIL import Image
from samples import encoded, noise, png, smooth

from mirrorme_utils import files, pictures
from mirrorme_utils.pictures import PictureError

RED = Image.new("RGB", (40, 40), "red")


def near(a, b, tolerance):
    return np.abs(np.asarray(a, float) - np.asarray(b, float)).max() <= tolerance


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_known_formats_open_whatever_their_name(tmp_path, kind):
    path = tmp_path / "picture.txt"
    path.write_bytes(encoded(noise(), kind))
    for source in (path, str(path), path.read_bytes()):
        picture = pictures.read(source)
        assert picture.size == (60, 40) and picture.mode == "RGB" and picture.info == {}


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "empty"),
        (b"<html>Please log in</html>", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
        (encoded(noise(), "TIFF"), "not a picture"),
        (encoded(noise(200, 200))[:-2000], "cut off"),
        (encoded(noise(200, 200), "PNG")[:-2000], "cut off"),
        (png(8_000, 8_000), "too large: 8000 x 8000 pixels"),
        (png(60_000, 60_000), "too large: a decompression bomb"),
        (png(20, 20), "cut off|broken"),
        (encoded(noise(), "PNG")[:40] + b"\x00" * 400, "cut off|broken|not a picture"),
        (encoded(Image.new("RGB", (3, 300)), "PNG"), "too small: 3 x 300"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_reason_and_an_advice(data, reason):
    with pytest.raises(PictureError, match=f"^({reason}).*; ") as caught:
        pictures.read(data)
    assert str(caught.value).startswith(caught.value.reason)


def test_a_file_that_is_too_large_is_not_opened_and_a_missing_one_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_BYTES", 1_000)
    (tmp_path / "large.png").write_bytes(encoded(noise(100, 100), "PNG"))
    for source in (tmp_path / "large.png", encoded(noise(100, 100), "PNG")):
        with pytest.raises(PictureError, match="too large"):
            pictures.read(source)
    with pytest.raises(FileNotFoundError):
        pictures.read(tmp_path / "none.png")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied(orientation):
    image = Image.new("RGB", (60, 40), "blue")
    image.paste("red", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = orientation
    shown = pictures.read(encoded(image, "PNG", exif=exif))
    assert shown.size == ((60, 40) if orientation < 5 else (40, 60))
    corner = {1: (5, 5), 2: (55, 5), 3: (55, 35), 4: (5, 35), 5: (5, 5), 6: (35, 5), 7: (35, 55), 8: (5, 55)}
    assert shown.getpixel(corner[orientation]) == (255, 0, 0) and not shown.getexif()


HALF, CLEAR = Image.new("RGBA", (40, 40), (255, 0, 0, 128)), Image.new("P", (40, 40))
GREY_16 = Image.fromarray(np.full((40, 40), 32768, np.uint16))


@pytest.mark.parametrize(
    "data, colour",
    [
        (encoded(RED.convert("CMYK"), "JPEG"), (254, 0, 0)),
        (encoded(HALF, "PNG"), (255, 127, 127)),
        (encoded(HALF, "WEBP", lossless=True), (255, 127, 127)),
        (encoded(Image.new("LA", (40, 40), (0, 0)), "PNG"), (255, 255, 255)),
        (encoded(CLEAR, "PNG", transparency=0), (255, 255, 255)),
        (encoded(GREY_16, "PNG"), (128, 128, 128)),
        (encoded(RED.convert("P"), "GIF"), (255, 0, 0)),
        (encoded(RED.convert("P"), "PNG"), (255, 0, 0)),
        (encoded(RED.convert("L"), "PNG"), (76, 76, 76)),
        (encoded(RED.convert("1"), "PNG"), None),
        (encoded(RED, "BMP"), (255, 0, 0)),
    ],
)
def test_every_mode_becomes_rgb_on_white(data, colour):
    shown = pictures.read(data)
    assert shown.mode == "RGB" and (colour is None or near(shown.getpixel((20, 20)), colour, 2))


def test_of_an_animation_the_first_frame_is_taken_or_it_is_refused():
    frames = [RED, Image.new("RGB", (40, 40), "blue")]
    for kind in ("GIF", "WEBP", "PNG"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
        assert near(pictures.read(data).getpixel((20, 20)), (255, 0, 0), 3)
        with pytest.raises(PictureError, match="animated") as caught:
            pictures.read(data, animated=False)
        assert caught.value.reason == "animated"
    preview = encoded(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert pictures.read(preview, animated=False).size == (40, 40), "a photo with its preview is no animation"


@pytest.mark.parametrize("suffix", pictures.SAVED_AS)
def test_a_saved_picture_says_that_it_is_synthetic_in_every_format(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    pictures.save(smooth(), path, 0.75)
    with Image.open(path) as saved:
        data = path.read_bytes()
        said = saved.text["Description"] if suffix == ".png" else saved.getexif()[0x010E]
        assert near(saved.convert("RGB"), smooth(), 0 if suffix == ".png" else 40)
    assert "Synthetic" in said and "strength 0.75" in said and pictures.SYNTHETIC.encode() in data
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_another_suffix_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(PictureError, match="out.tiff names no format.*png, .jpg"):
        pictures.save(smooth(), tmp_path / "out.tiff", 1.0)
    assert not list(tmp_path.iterdir())


def test_saving_at_once_under_one_name_keeps_every_picture(tmp_path):
    saved, picture = [], smooth(32, 32)
    work = [
        threading.Thread(target=lambda: saved.append(pictures.save_new(picture, tmp_path, "a", 1.0))) for _ in range(8)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert len(set(saved)) == 8 and sorted(tmp_path.iterdir()) == sorted(saved)
    for path in saved:
        with Image.open(path) as kept:
            assert kept.size == (32, 32)


def test_a_failed_save_frees_its_name(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(OSError, match="space"):
        pictures.save_new(smooth(), tmp_path, "a", 1.0)
    assert not list(tmp_path.iterdir())


def test_the_label_is_written_in_the_lower_right_corner():
    plain = smooth(200, 160)
    changed = np.abs(np.asarray(pictures.label(plain), int) - np.asarray(plain)).sum(-1) > 0
    assert changed[150:, 120:].any() and not changed[:130].any() and not changed[:, :60].any()
    assert plain.tobytes() == smooth(200, 160).tobytes(), "the picture itself is left as it was"
