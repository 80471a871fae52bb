"""Reading colours and ends of files right, by the definitions of the spaces and with every kind of JPEG and PNG text."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin
from samples import encoded, smooth

from mirrorme_utils import pictures

DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.3127, 0.3290))  # x, y of red, green, blue and white
ADOBE_RGB = ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060), (0.3127, 0.3290))
SRGB = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), (0.3127, 0.3290))
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
D50 = np.array([0.9642, 1.0, 0.8249])


def xyz_of(chromaticities):
    """The matrix from linear RGB to XYZ under the space's own white, and that white."""
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in chromaticities]).T
    white = columns[:, 3]
    return columns[:, :3] * np.linalg.solve(columns[:, :3], white), white


def profile(chromaticities, gamma: float) -> bytes:
    """An ICC profile of three primaries and one gamma, as a camera writes it."""
    matrix, white = xyz_of(chromaticities)
    scale = np.diag((BRADFORD @ D50) / (BRADFORD @ white))
    columns = (np.linalg.inv(BRADFORD) @ scale @ BRADFORD @ matrix).T
    s15 = lambda values: b"".join(struct.pack(">i", round(v * 65536)) for v in values)  # noqa: E731
    tags = {b"rXYZ": b"XYZ \0\0\0\0" + s15(columns[0]), b"gXYZ": b"XYZ \0\0\0\0" + s15(columns[1])}
    tags |= {b"bXYZ": b"XYZ \0\0\0\0" + s15(columns[2]), b"wtpt": b"XYZ \0\0\0\0" + s15(D50)}
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    tags |= {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    text = b"desc\0\0\0\0" + struct.pack(">I", 9) + b"A camera\0" + bytes(78)
    tags |= {b"desc": text + bytes(-len(text) % 4), b"cprt": b"text\0\0\0\0none\0\0\0\0"}
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data
    size = at + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ") + bytes(12) + b"acsp"
    head += bytes(28) + s15(D50)
    return head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + table + body


def coded(linear):
    """The sRGB code, 0 to 255, of linear light in [0, 1]."""
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.clip(linear, 0, 1) ** (1 / 2.4) - 0.055)


def expected(rgb, chromaticities, gamma):
    """What a colour written in another space is in sRGB, by the definitions of both."""
    theirs, ours = xyz_of(chromaticities)[0], xyz_of(SRGB)[0]
    return coded(np.clip(np.linalg.solve(ours, theirs @ (np.array(rgb) / 255) ** gamma), 0, 1))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("space", [DISPLAY_P3, ADOBE_RGB])
@pytest.mark.parametrize("rgb", [(200, 150, 130), (90, 60, 50), (180, 60, 50), (128, 128, 128)])
def test_a_colour_profile_is_converted_to_srgb_and_dropped(kind, space, rgb):
    options = {"quality": 100} | ({"subsampling": 0} if kind == "JPEG" else {})
    data = encoded(Image.new("RGB", (40, 40), rgb), kind, icc_profile=profile(space, 2.2), **options)
    picture = pictures.read(data)
    assert np.abs(np.asarray(picture)[20, 20] - expected(rgb, space, 2.2)).max() <= 3
    assert picture.mode == "RGB" and not picture.info and not picture.getexif()


def test_metadata_with_names_and_places_does_not_come_along():
    exif = Image.Exif()
    exif[0x010E], exif[0x0110] = "me at home", "my camera"
    picture = pictures.read(encoded(smooth(), "JPEG", exif=exif, comment=b"mine"))
    assert not picture.info and not dict(picture.getexif())
    again = io.BytesIO()
    picture.save(again, "PNG")
    assert b"home" not in again.getvalue() and b"mine" not in again.getvalue()


@pytest.mark.parametrize("share", [1.0, 0.61, 0.31, 0.08])
def test_sixteen_bits_of_grey_stay_as_dark_as_they_are(share):
    ramp = np.tile(np.linspace(0, 65535 * share, 64).astype(np.uint16), (32, 1))
    picture = np.asarray(pictures.read(encoded(Image.fromarray(ramp), "PNG")))
    assert abs(int(picture.max()) - 255 * share) <= 1 and (np.diff(picture[0, :, 0].astype(int)) >= 0).all()


@pytest.mark.parametrize("kind", ["zTXt", "iTXt", "tEXt"])
def test_megabytes_of_text_in_a_png_are_passed_over(kind):
    info = PngImagePlugin.PngInfo()
    prompt = "a portrait, " * 300_000
    info.add_itxt("parameters", prompt, zip=True) if kind == "iTXt" else info.add_text("parameters", prompt, zip=kind == "zTXt")
    assert pictures.read(encoded(smooth(), "PNG", pnginfo=info)).tobytes() == smooth().tobytes()


def test_a_profile_of_two_megabytes_in_a_png_is_read_and_one_that_unpacks_without_end_is_left_out():
    large = encoded(smooth(), "PNG", icc_profile=profile(ADOBE_RGB, 2.2) + bytes(2**21))
    assert pictures.read(large).size == (64, 64)
    bomb = b"icc\0\0" + zlib.compress(bytes(2**26), 9)
    chunk = struct.pack(">I", len(bomb)) + b"iCCP" + bomb + struct.pack(">I", zlib.crc32(b"iCCP" + bomb))
    plain = encoded(smooth(), "PNG")
    assert pictures.read(plain[:33] + chunk + plain[33:]).tobytes() == smooth().tobytes()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_without_its_end_mark_is_whole(mode, progressive):
    data = encoded(smooth().convert(mode), "JPEG", progressive=progressive)
    assert data.endswith(b"\xff\xd9")
    assert pictures.read(data[:-2]).tobytes() == pictures.read(data).tobytes()


@pytest.mark.parametrize("share", [0.5, 0.9, 0.97])
def test_a_jpeg_that_lacks_a_row_is_cut_off(share):
    data = encoded(smooth(200, 200), "JPEG", quality=95)
    with pytest.raises(pictures.PictureError) as refused:
        pictures.read(data[: int(share * len(data))])
    assert refused.value.reason == "cut off"


@pytest.mark.parametrize("broken", [b"no profile", profile(DISPLAY_P3, 2.2)[:200]])
def test_a_broken_profile_is_ignored(broken):
    red = Image.new("RGB", (40, 40), "red")
    assert pictures.read(encoded(red, "PNG", icc_profile=broken)).getpixel((20, 20)) == (255, 0, 0)


def test_a_profile_of_another_kind_than_the_picture_is_ignored():
    grey = encoded(Image.new("L", (40, 40), 100), "PNG", icc_profile=profile(DISPLAY_P3, 2.2))
    assert pictures.read(grey).getpixel((20, 20)) == (100, 100, 100)


def test_a_picture_that_is_srgb_already_stays_as_it_is():
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    red = Image.new("RGB", (40, 40), "red")
    assert pictures.read(encoded(red, "PNG", icc_profile=own)).getpixel((0, 0)) == (255, 0, 0)
