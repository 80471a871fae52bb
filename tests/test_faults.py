"""The fault matrix: each way in which a link is known to fail, what the ledger says of it, and what is kept."""

import io
import time

import cv2
import numpy as np
import pytest
from PIL import Image
from test_download import HOST, jpeg, server  # noqa: F401 (a fixture)
from test_hostile import png

from mirrorme_utils import crops
from mirrorme_utils.download import Options, download, photo_path
from mirrorme_utils.fetcher import BROWSER

BOX = (0, 0.5, 0, 0.5)  # the upper left quarter, which is red
PLACEHOLDER = "placeholder: one picture under many links"


def proof(width=96, height=64):
    """A photo whose upper left quarter is red, so that a crop of it shows whether the photo was read right."""
    pixels = np.full((height, width, 3), 60, np.uint8)
    pixels[: height // 2, : width // 2] = 200, 0, 0
    return Image.fromarray(pixels)


def encoded(picture, kind="JPEG", **options):
    data = io.BytesIO()
    picture.save(data, kind, **options)
    return data.getvalue()


def animated(kind, **options):
    frames = [proof(), Image.new("RGB", (96, 64), "blue")]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, **options)


def deep(pixels):
    """Encode 16 bits a channel."""
    return cv2.imencode(".png", np.ascontiguousarray(pixels[..., ::-1]).astype(np.uint16) * 257)[1].tobytes()


def lying_down():
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter to the right
    return encoded(proof().transpose(Image.Transpose.ROTATE_90), exif=exif, quality=95)


def unfinished(handler, n):
    handler.say(body=jpeg("x")[:300], length=4000)
    handler.close_connection = True


def drip(handler, n):
    handler.say(body=b"", length=4000)
    for _ in range(40):
        handler.wfile.write(b"x")
        time.sleep(0.05)


def silent(handler, n):
    time.sleep(1)


def endless(handler, n):
    handler.say(body=b"\xff" * 60_000, length=2 * 10**9)


def shown(data, **headers):
    return lambda handler, n: handler.say(body=data, **headers)


def to(place, status=302):
    return lambda handler, n: handler.say(status, Location=place)


RED = encoded(proof(), quality=95)
NOT_PUBLIC = "address is not public"
FAULTS = {  # answer, and what the ledger says: state, HTTP status, reason; questions asked
    "not found": (lambda h, n: h.say(404, b"gone"), "dead", 404, "HTTP 404", 1),
    "gone": (lambda h, n: h.say(410), "dead", 410, "HTTP 410", 1),
    "forbidden": (lambda h, n: h.say(403), "dead", 403, "HTTP 403", 1),
    "no content": (lambda h, n: h.say(204), "dead", 204, "HTTP 204", 1),
    "busy for a while": (lambda h, n: h.say(503 if n < 3 else 200, RED), "ok", 200, "", 3),
    "busy for good": (lambda h, n: h.say(503), "later", 503, "HTTP 503", 3),
    "too many, wait": (lambda h, n: h.say(429 if n < 2 else 200, RED, Retry_After="0"), "ok", 200, "", 2),
    "too many for good": (lambda h, n: h.say(429, Retry_After="0"), "later", 429, "HTTP 429", 3),
    "hangs up": (unfinished, "later", 0, "connection failed: ProtocolError", 3),
    "never answers": (silent, "later", 0, "timeout", 3),
    "a byte now and then": (drip, "later", 200, "too slow", 3),
    "larger than allowed": (shown(b"\xff" * 60_000), "dead", 200, "larger than 0.05 MB", 1),
    "an endless stream": (endless, "dead", 200, "larger than 0.05 MB", 1),
    "moved": (to("/other.jpg"), "ok", 200, "", 1),
    "moved in a circle": (to("/0.jpg?again"), "dead", 0, "too many redirects", 1),
    "moved to a file": (to("file:///etc/passwd"), "dead", 0, "scheme 'file' is not http(s)", 1),
    "moved to FTP": (to("ftp://a.test/x"), "dead", 0, "scheme 'ftp' is not http(s)", 1),
    "moved to nowhere": (to("http://a.test:port/x"), "dead", 0, "no valid link", 1),
    "moved to loopback": (to("http://127.0.0.1:8080/x", 301), "dead", 0, NOT_PUBLIC, 1),
    "moved to localhost": (to("http://localhost/x", 301), "dead", 0, NOT_PUBLIC, 1),
    "moved to a private net": (to("http://192.168.1.1/x", 307), "dead", 0, NOT_PUBLIC, 1),
    "moved to link-local": (to("http://169.254.169.254/latest", 301), "dead", 0, NOT_PUBLIC, 1),
    "moved to IPv6 private": (to("http://[::ffff:10.0.0.1]/x", 308), "dead", 0, NOT_PUBLIC, 1),
    "nothing": (shown(b""), "dead", 200, "not a picture", 1),
    "HTML": (shown(b"<html>log in</html>", Content_Type="image/jpeg"), "dead", 200, "not a picture", 1),
    "truncated JPEG": (shown(jpeg("x")[:-900]), "dead", 200, "cut off", 1),
    "truncated PNG": (shown(encoded(Image.open(io.BytesIO(jpeg("x"))), "PNG")[:-900]), "dead", 200, "cut off", 1),
    "animated GIF": (shown(animated("GIF")), "dead", 200, "not a picture", 1),
    "animated WebP": (shown(animated("WEBP")), "dead", 200, "animated", 1),
    "animated PNG": (shown(animated("PNG")), "dead", 200, "animated", 1),
    "huge": (shown(png(9_000, 9_000)), "dead", 200, "too many pixels: 9000 x 9000", 1),
    "decompression bomb": (shown(png(30_000, 30_000)), "dead", 200, "too many pixels", 1),
    "one pixel": (shown(encoded(Image.new("RGB", (1, 1)), "PNG")), "dead", 200, "too small: 1 x 1", 1),
    "placeholder": (shown(encoded(Image.new("RGB", (96, 64)), "PNG")), "dead", 200, PLACEHOLDER, 1),
    "CMYK": (shown(encoded(proof().convert("CMYK"), quality=95)), "ok", 200, "", 1),
    "16 bits": (shown(deep(np.asarray(proof()))), "ok", 200, "", 1),
    "16 bits of grey": (shown(deep(np.asarray(proof().convert("L"))[..., None])), "ok", 200, "", 1),
    "lying down (EXIF)": (shown(lying_down()), "ok", 200, "", 1),
    "two pictures in one (MPO)": (shown(animated("MPO", quality=95)), "ok", 200, "", 1),
    "a PNG that claims to be HTML": (shown(encoded(proof(), "PNG"), Content_Type="text/html"), "ok", 200, "", 1),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_state_its_reason_and_what_is_kept(server, tmp_path, fault):  # noqa: F811
    answer, state, status, reason, questions = FAULTS[fault]
    names = ["0.jpg", "1.jpg", "2.jpg"][: 3 if fault == "placeholder" else 1] + ["fine.jpg"]
    server.answers = {f"/{name}": answer for name in names[:-1]} | {"/other.jpg": shown(RED)}
    crops.make_folders(tmp_path / "crops")
    limits = dict(max_bytes=50_000, timeout=0.2, deadline=0.3, pause=0.01, tries=3, workers=4)

    urls = [f"http://{HOST}/{name}" for name in names]
    wanted = crops.Wanted({url: [(crops.key(url, BOX), BOX)] for url in urls}, tmp_path / "crops", 16)

    def get():
        return download(urls, tmp_path, Options(hosts={HOST: server.address}, **limits), wanted)

    rows = get()
    assert rows["state"].tolist() == [state] * (len(names) - 1) + ["ok"]
    row, fine = rows.iloc[0], rows.iloc[-1]
    assert (row["state"], row["status"], row["reason"]) == (state, status, reason)
    assert server.asked["/0.jpg"] == questions and server.agents == {BROWSER}
    kept = {photo_path(tmp_path, r["url"]) for _, r in rows.iterrows() if r["state"] == "ok"}
    assert kept == {path for path in (tmp_path / "photos").rglob("*") if path.is_file()}, "photos, and no half ones"
    assert crops.crop_path(tmp_path / "crops", crops.key(fine["url"], BOX)).exists()
    if state == "ok":
        crop = np.asarray(Image.open(crops.crop_path(tmp_path / "crops", crops.key(row["url"], BOX))), float)
        colour = (60, 60, 60) if "grey" in fault else (200, 0, 0)
        assert crop.shape == (16, 16, 3) and np.abs(crop[2:-2, 2:-2].mean((0, 1)) - colour).max() < 12, fault
        assert row["bytes"] == photo_path(tmp_path, row["url"]).stat().st_size
    before = server.asked["/0.jpg"]
    get()  # what is there or dead is not asked again; what may pass is
    assert server.asked["/0.jpg"] - before == (questions if state == "later" else 0)
