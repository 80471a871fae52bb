"""Picture files: read one right, from anywhere, and save a result that says what it is.

A file is what its bytes say, not what its name says. What comes out of `read` is always the same: upright, 8-bit RGB in
sRGB, transparency on white, without metadata. The app, the downloader, the labeller, the scores on photographs and the
command line all read through here.
"""

import io
import os
import struct
import warnings
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageDraw, ImageFont, ImageOps, PngImagePlugin, UnidentifiedImageError

from . import files

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
MAX_BYTES = 200 * 2**20
MAX_PIXELS = 50_000_000
MIN_SIDE = 16  # px; smaller pictures, such as those of one pixel that count visitors, show no face
MAX_PROFILE = 8 * 2**20  # bytes of a colour profile; a larger one is left out
SAVED_AS = (".png", ".jpg", ".jpeg", ".webp")
EXPORT = "export or copy it again"
SYNTHETIC = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"  # IPTC's term
XMP = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 Iptc4xmpExt:DigitalSourceType="{SYNTHETIC}"/></rdf:RDF></x:xmpmeta>"""

warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # MAX_PIXELS refuses earlier than it warns
PngImagePlugin.MAX_TEXT_CHUNK = MAX_PROFILE  # Pillow refuses a whole PNG for a profile of more than 1 MiB


class PictureError(ValueError):
    """A file that is no usable picture. `reason` says why in a few words; the message adds what to do."""

    def __init__(self, reason: str, advice: str = EXPORT):
        super().__init__(f"{reason}; {advice}")
        self.reason = reason


def read(source: bytes | Path | str, animated: bool = True) -> Image.Image:
    """Decode a picture completely: upright (EXIF), RGB in sRGB, transparency on white, without metadata.

    A colour profile (Display P3, Adobe RGB, CMYK, grey) is converted; a broken one is ignored. 16-bit grey keeps its
    upper 8 bits. A JPEG that lacks only its end mark is whole; one that lacks a row is not.

    Args:
        source: the bytes, or the path of the file. animated: take the first frame of an animation, else refuse it.
    Returns:
        a PIL picture in mode RGB whose `info` is empty.
    Raises:
        PictureError: empty, not a picture of a known format, too large or too small, broken or cut off.
        FileNotFoundError: there is no such file.
    """
    size = len(source) if isinstance(source, bytes) else os.stat(source).st_size
    if size > MAX_BYTES:
        raise PictureError(f"too large: {size / 2**20:.0f} MB", f"at most {MAX_BYTES >> 20} MB can be read")
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    if not data:
        raise PictureError("empty", "choose another file")
    try:
        with Image.open(io.BytesIO(_without_text(data)), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise PictureError(f"too large: {width} x {height} pixels", f"at most {MAX_PIXELS:,} can be read")
            if min(width, height) < MIN_SIDE:
                raise PictureError(f"too small: {width} x {height}", f"it takes at least {MIN_SIDE} pixels each way")
            if not animated and picture.format != "MPO" and getattr(picture, "is_animated", False):
                raise PictureError("animated", "a still picture is needed")  # MPO: a photo and its preview
            whole = _decoded(picture, data)
            return plain(whole)
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError("not a picture", f"it takes {', '.join(FORMATS)}") from None
    except Image.DecompressionBombError:
        raise PictureError("too large: a decompression bomb", f"at most {MAX_PIXELS:,} pixels can be read") from None
    except Exception as error:  # Pillow's decoders raise whatever they stumble over
        raise PictureError("cut off" if "truncated" in str(error) else f"broken: {type(error).__name__}") from error


def _without_text(data: bytes) -> bytes:
    """Leave out a PNG's text, of which Pillow reads no more than a limit, and a profile too large to be one."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data
    kept, at = [data[:8]], 8
    while at + 8 <= len(data):
        (length,), kind = struct.unpack(">I", data[at : at + 4]), data[at + 4 : at + 8]
        end = at + 12 + length
        if kind not in (b"tEXt", b"zTXt", b"iTXt") and not (kind == b"iCCP" and _too_large(data[at + 8 : end - 4])):
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def _too_large(profile: bytes) -> bool:
    _, _, packed = profile.partition(b"\0")
    unpack = zlib.decompressobj()
    try:
        unpack.decompress(packed[1:], MAX_PROFILE)
    except zlib.error:
        return True
    return bool(unpack.unconsumed_tail)


def _decoded(picture: Image.Image, data: bytes) -> Image.Image:
    try:
        picture.load()
        return picture
    except OSError as error:
        if picture.format not in ("JPEG", "MPO") or "truncated" not in str(error):
            raise
        # Two different endings decode to the same pixels only if no pixel depends on what is missing.
        ends = [Image.open(io.BytesIO(data + 64 * byte + b"\xff\xd9")) for byte in (b"\x2a", b"\xd5")]
        if ends[0].tobytes() != ends[1].tobytes():
            raise
        return ends[0]


def plain(picture: Image.Image) -> Image.Image:
    """Return an opened picture as `read` does: upright, RGB in sRGB, on white, without metadata."""
    profile = picture.info.get("icc_profile")
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):  # 16 bits of grey, which `convert` would cut off at 255
        picture = Image.fromarray((np.asarray(picture) >> 8).clip(0, 255).astype(np.uint8))
    clear = picture.has_transparency_data
    if picture.mode not in ("RGB", "RGBA", "CMYK", "L"):
        picture = picture.convert("RGBA" if clear else "L" if picture.mode in ("1", "LA") else "RGB")
    elif clear:
        picture = picture.convert("RGBA")
    alpha = picture.getchannel("A") if clear else None
    if clear:
        picture = picture.convert("RGB")
    picture = _in_srgb(picture, profile)
    if clear:
        picture = Image.composite(picture, Image.new("RGB", picture.size, "white"), alpha)
    picture.info = {}
    return picture


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    try:
        transform = _to_srgb(profile, picture.mode) if profile else None
    except (ImageCms.PyCMSError, OSError):  # broken, or of another kind than the picture
        transform = None
    return picture.convert("RGB") if transform is None else ImageCms.applyTransform(picture, transform)


@lru_cache(maxsize=16)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform to sRGB, or None where the profile is sRGB already."""
    theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(theirs):
        return None
    return ImageCms.buildTransform(
        theirs, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )  # fmt: skip


def jpeg(picture: Image.Image, quality: int = 90) -> bytes:
    """Pack a picture, for a screen or a file."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def label(picture: Image.Image, text: str = "synthetic · MirrorMe") -> Image.Image:
    """Return the picture with a small line of text on a dark ground in its lower right corner."""
    size = max(9, round(0.03 * min(picture.size)))
    font = ImageFont.load_default(size)
    shown = picture.copy()
    draw = ImageDraw.Draw(shown, "RGBA")
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    pad, (width, height) = size // 2, picture.size
    corner = width - (right - left) - 2 * pad, height - (bottom - top) - 2 * pad
    draw.rectangle([*corner, width, height], fill=(0, 0, 0, 150))
    draw.text((corner[0] + pad - left, corner[1] + pad - top), text, font=font, fill="white")
    return shown


def save(picture: Image.Image, path: Path, strength: float) -> None:
    """Save a result with metadata that says how it was made; the suffix names the format: png, jpg or webp.

    The metadata (text, and IPTC's digital source type as XMP) holds nothing of the pictures that went in. The file is
    written whole or not at all.

    Raises:
        PictureError: the suffix names no such format. OSError: the folder cannot be written.
    """
    said = f"Synthetic: a neural network changed the facial expression (strength {strength:.2f})."
    kind = Path(path).suffix.lower()
    if kind == ".png":
        info = PngImagePlugin.PngInfo()
        info.add_text("Software", "MirrorMe")
        info.add_text("Description", said)
        info.add_itxt("XML:com.adobe.xmp", XMP)
        options = dict(format="PNG", pnginfo=info)
    elif kind in SAVED_AS:
        exif = Image.Exif()
        exif[0x010E], exif[0x0131] = said, "MirrorMe"  # ImageDescription, Software
        options = dict(format="WEBP" if kind == ".webp" else "JPEG", quality=95, exif=exif, xmp=XMP.encode())
    else:
        raise PictureError(f"{path} names no format to save in", f"end the name in {', '.join(SAVED_AS)}")
    with files.whole(path) as part:
        picture.save(part, **options)


def save_new(picture: Image.Image, folder: Path, stem: str, strength: float) -> Path:
    """Save a result as PNG under a name that nothing has yet, also when several are saved at once; return its path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = folder / f"{stem}{f'-{number}' if number > 1 else ''}.png"
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))  # the name is taken from here on
            break
        except FileExistsError:
            number += 1
    try:
        save(picture, path, strength)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path
