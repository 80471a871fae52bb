"""The fault matrix: each way in which a link is known to fail, what the ledger says of it, and what is kept."""

import time

import cv2
import numpy as np
import pytest
from PIL import Image
from rude_server import HOST, Server, jpeg
from samples import encoded, oval, png

from mirrorme_utils.data import crops
from mirrorme_utils.data.download import Options, download, photo_path
from mirrorme_utils.data.fetch import BROWSER
from mirrorme_utils.data.ledger import LEDGER, Ledger

BOX = (0, 0.5, 0, 0.5)  # the upper left quarter, which is red
PLACEHOLDER = "placeholder: one picture under many links"


def proof(width=96, height=64):
    """A photo whose upper left quarter is red, so that a crop of it shows whether the photo was read right."""
    pixels = np.full((height, width, 3), 60, np.uint8)
    pixels[: height // 2, : width // 2] = 200, 0, 0
    return Image.fromarray(pixels)


def red(name):
    """Such a photo, with bytes of its own: one that many links share would be taken for a placeholder."""
    return encoded(proof(), quality=95, comment=name.encode())


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


def busy(status, times, **headers):
    return lambda handler, n: handler.say(status if n <= times else 200, red(handler.path), **headers)


def to(place, status=302):
    return lambda handler, n: handler.say(status, Location=place)


def in_a_circle(handler, n):
    handler.say(302, Location=handler.path.split("?")[0] + "?again")


NOT_PUBLIC = "address is not public"
FAULTS = {  # answer, and what the ledger says: state, HTTP status, reason; questions asked
    "not found": (lambda h, n: h.say(404, b"gone"), "dead", 404, "HTTP 404", 1),
    "gone": (lambda h, n: h.say(410), "dead", 410, "HTTP 410", 1),
    "forbidden": (lambda h, n: h.say(403), "dead", 403, "HTTP 403", 1),
    "no content": (lambda h, n: h.say(204), "dead", 204, "HTTP 204", 1),
    "busy for a while": (busy(503, 2), "ok", 200, "", 3),
    "busy for good": (lambda h, n: h.say(503), "later", 503, "HTTP 503", 3),
    "too many, wait": (busy(429, 1, Retry_After="0"), "ok", 200, "", 2),
    "too many for good": (lambda h, n: h.say(429, Retry_After="0"), "later", 429, "HTTP 429", 3),
    "hangs up": (unfinished, "later", 0, "connection failed: ProtocolError", 3),
    "never answers": (silent, "later", 0, "timeout", 3),
    "a byte now and then": (drip, "later", 200, "too slow", 3),
    "larger than allowed": (shown(b"\xff" * 60_000), "dead", 200, "larger than 0.05 MB", 1),
    "an endless stream": (endless, "dead", 200, "larger than 0.05 MB", 1),
    "moved": (to("/other.jpg"), "ok", 200, "", 1),
    "moved in a circle": (in_a_circle, "dead", 0, "too many redirects", 1),
    "moved to a file": (to("file:///etc/passwd"), "dead", 0, "scheme 'file' is not http(s)", 1),
    "moved to FTP": (to("ftp://a.test/x"), "dead", 0, "scheme 'ftp' is not http(s)", 1),
    "moved to nowhere": (to("http://a.test:port/x"), "dead", 0, "no valid link", 1),
    "moved to loopback": (to("http://127.0.0.1:8080/x", 301), "dead", 0, NOT_PUBLIC, 1),
    "moved to localhost": (to("http://localhost/x", 301), "dead", 0, NOT_PUBLIC, 1),
    "moved to a private net": (to("http://192.168.1.1/x", 307), "dead", 0, NOT_PUBLIC, 1),
    "moved to link-local": (to("http://169.254.169.254/latest", 301), "dead", 0, NOT_PUBLIC, 1),
    "moved to IPv6 private": (to("http://[::ffff:10.0.0.1]/x", 308), "dead", 0, NOT_PUBLIC, 1),
    "nothing": (shown(b""), "dead", 200, "empty", 1),
    "HTML": (shown(b"<html>log in</html>", Content_Type="image/jpeg"), "dead", 200, "not a picture", 1),
    "truncated JPEG": (shown(jpeg("x")[:-900]), "dead", 200, "cut off", 1),
    "truncated PNG": (shown(encoded(oval("x"), "PNG")[:-900]), "dead", 200, "cut off", 1),
    "animated GIF": (shown(animated("GIF")), "dead", 200, "animated", 1),
    "animated WebP": (shown(animated("WEBP")), "dead", 200, "animated", 1),
    "animated PNG": (shown(animated("PNG")), "dead", 200, "animated", 1),
    "huge": (shown(png(9_000, 9_000)), "dead", 200, "too large: 9000 x 9000 pixels", 1),
    "decompression bomb": (shown(png(30_000, 30_000)), "dead", 200, "too large: a decompression bomb", 1),
    "one pixel": (shown(encoded(Image.new("RGB", (1, 1)), "PNG")), "dead", 200, "too small: 1 x 1", 1),
    "placeholder": (shown(encoded(Image.new("RGB", (96, 64)), "PNG")), "dead", 200, PLACEHOLDER, 1),
    "CMYK": (shown(encoded(proof().convert("CMYK"), quality=95)), "ok", 200, "", 1),
    "16 bits": (shown(deep(np.asarray(proof()))), "ok", 200, "", 1),
    "16 bits of grey": (shown(deep(np.asarray(proof().convert("L"))[..., None])), "ok", 200, "", 1),
    "lying down (EXIF)": (shown(lying_down()), "ok", 200, "", 1),
    "two pictures in one (MPO)": (shown(animated("MPO", quality=95)), "ok", 200, "", 1),
    "a PNG that claims to be HTML": (shown(encoded(proof(), "PNG"), Content_Type="text/html"), "ok", 200, "", 1),
}


LIMITS = {"never answers": dict(timeout=0.2), "a byte now and then": dict(deadline=0.3)}  # of these links alone


@pytest.fixture(scope="module")
def asked_twice(tmp_path_factory):
    """Download all links, and a good one, twice; return the folder, the ledger, and what the server saw."""
    folder, server = tmp_path_factory.mktemp("faults"), Server()
    server.answers = {f"/{name}": FAULTS[fault][0] for fault in FAULTS for name in names_of(fault)}
    server.answers |= {"/other.jpg": shown(red("other"))}
    boxes = {url_of(name): [(key_of(name), BOX)] for fault in (*FAULTS, "fine") for name in names_of(fault)}
    crops.make_folders(folder / "crops")

    def ask(number):
        for faults in (["fine", *(fault for fault in FAULTS if fault not in LIMITS)], *([fault] for fault in LIMITS)):
            limits = dict(max_bytes=50_000, timeout=60, pause=0.01, tries=3, workers=8) | LIMITS.get(faults[0], {})
            urls = [url_of(name) for fault in faults for name in names_of(fault)]
            options = Options(hosts={HOST: server.address}, **limits)
            download(urls, folder, options, crops.Wanted(boxes, folder / "crops", 16))
        (silent,), patience = names_of("never answers"), time.monotonic() + 60
        while server.asked[f"/{silent}"] < 3 * number and time.monotonic() < patience:
            time.sleep(0.01)  # whoever asked that is gone, maybe before the server has read the question
        with Ledger(folder / LEDGER) as book:
            return book.table().set_index("url"), server.asked.copy()

    (rows, once), (_, twice) = ask(1), ask(2)
    server.close()
    return folder, rows, once, twice, server.agents


def names_of(fault):
    number = [*FAULTS, "fine"].index(fault)
    return [f"{number}-{twin}.jpg" for twin in range(3 if fault == "placeholder" else 1)]


def url_of(name):
    return f"http://{HOST}/{name}"


def key_of(name):
    return crops.key(url_of(name), BOX)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_state_its_reason_and_what_is_kept(asked_twice, fault):
    _, state, status, reason, questions = FAULTS[fault]
    folder, rows, once, twice, _ = asked_twice
    for name in names_of(fault):
        row = rows.loc[url_of(name)]
        assert (row["state"], row["status"], row["reason"]) == (state, status, reason)
        assert once[f"/{name}"] == questions
        # What is there or dead is not asked again; what may pass is.
        assert twice[f"/{name}"] - once[f"/{name}"] == (questions if state == "later" else 0)
        if state == "ok":
            crop = np.asarray(Image.open(crops.crop_path(folder / "crops", key_of(name))), float)
            colour = (60, 60, 60) if "grey" in fault else (200, 0, 0)
            assert crop.shape == (16, 16, 3) and np.abs(crop[2:-2, 2:-2].mean((0, 1)) - colour).max() < 12, fault
            assert row["bytes"] == photo_path(folder, url_of(name)).stat().st_size


def test_beside_the_faulty_ones_a_good_link_is_kept_and_nothing_half(asked_twice):
    folder, rows, _, _, agents = asked_twice
    fine = url_of(*names_of("fine"))
    assert rows.loc[fine, "state"] == "ok" and agents == {BROWSER}
    assert crops.crop_path(folder / "crops", key_of(*names_of("fine"))).exists()
    good = {photo_path(folder, url) for url in rows.index[rows["state"] == "ok"]}
    assert good == {path for path in (folder / "photos").rglob("*") if path.is_file()}, "photos, and no half ones"
