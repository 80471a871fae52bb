"""Inputs made to harm: each is refused with a message that says why, and nothing lands outside the data folder."""

import io
import shutil
import ssl
import struct
import subprocess
import time
import zlib

import pytest
from PIL import Image
from test_download import HOST, QUICK, jpeg, server  # noqa: F401 (a fixture)

from mirrorme_utils import crops, fec, icartoonface
from mirrorme_utils.download import Options, download

GOOD = '"http://a.test/a.jpg",0.1,0.4,0.2,0.6'
ROW = f'{GOOD},{GOOD.replace("a.jpg", "b.jpg")},{GOOD.replace("a.jpg", "c.jpg")},TWO_CLASS_TRIPLET,r1,2,r2,2'


def png(width, height, rows=b""):
    """A PNG that claims a size and holds what it likes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def stream(handler, n):
    """Send two gigabytes, or as much of it as the other side takes."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(2 * 10**9))
    handler.end_headers()
    for _ in range(2_000):
        handler.wfile.write(b"\xff" * 10**6)


def gzipped_zeros(handler, n):
    squeezed = zlib.compressobj(9, wbits=31)
    body = b"".join(squeezed.compress(bytes(10**6)) for _ in range(200)) + squeezed.flush()
    handler.say(body=body, Content_Encoding="gzip")


def many_headers(handler, n):
    handler.send_response(200)
    for i in range(3_000):
        handler.send_header(f"X-{i}", "x" * 1_000)
    handler.end_headers()


def redirect(place):
    return lambda handler, n: handler.say(302, Location=place)


def body(data):
    return lambda handler, n: handler.say(body=data, Content_Type="image/jpeg")


def saved(kind, picture=Image.new("RGB", (40, 40))):
    data = io.BytesIO()
    picture.save(data, kind)
    return data.getvalue()


ANSWERS = {
    "redirect to loopback": (redirect("http://127.0.0.1:22/"), "not public"),
    "redirect to loopback in one number": (redirect("http://2130706433/"), "not public"),
    "redirect to IPv6 loopback": (redirect("http://[::1]/"), "not public"),
    "redirect to a cloud's metadata": (redirect("http://169.254.169.254/latest/meta-data"), "not public"),
    "redirect to a file": (redirect("file:///etc/passwd"), "scheme 'file'"),
    "redirect with a password": (redirect("http://me:secret@a.test/"), "name and password"),
    "a stream of two gigabytes": (stream, "larger than"),
    "200 MB of zeros in 200 kB": (gzipped_zeros, "larger than"),
    "three megabytes of headers": (many_headers, "connection failed"),
    "a PNG of 30,000 x 30,000": (body(png(30_000, 30_000)), "too many pixels"),
    "a PNG whose rows never come": (body(png(4_000, 4_000, bytes(100))), "broken|cut off"),
    "a script called jpg": (body(b"#!/bin/sh\nrm -rf /\n"), "not a picture"),
    "an SVG called jpg": (body(b'<svg xmlns="http://www.w3.org/2000/svg"><a href="file:///"/></svg>'), "not a picture"),
    "PostScript called jpg": (body(saved("EPS")), "not a picture"),
    "a TIFF called jpg": (body(saved("TIFF")), "not a picture"),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_a_hostile_answer_is_refused_and_leaves_nothing(server, tmp_path, what):
    answer, reason = ANSWERS[what]
    server.answers["/x.jpg"] = answer
    folder, start = tmp_path / "data", time.monotonic()
    rows = server.get(["x.jpg", "fine.jpg"], folder, max_bytes=5_000_000, tries=1, timeout=10)
    assert rows.loc["x.jpg", "state"] != "ok" and rows.loc["fine.jpg", "state"] == "ok"
    assert any(word in rows.loc["x.jpg", "reason"] for word in reason.split("|")), rows.loc["x.jpg", "reason"]
    assert time.monotonic() - start < 15
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert len([path for path in (folder / "photos").rglob("*") if path.is_file()]) == 1


def test_a_server_cannot_ask_for_a_pause_of_years(server, tmp_path):
    server.answers["/x.jpg"] = lambda h, n: h.say(429 if n == 1 else 200, jpeg("x"), Retry_After=str(10**9))
    start = time.monotonic()
    assert server.get(["x.jpg"], tmp_path, longest_pause=0.2).loc["x.jpg", "state"] == "ok"
    assert time.monotonic() - start < 5


ROWS = {
    "a field of 10 MB": (ROW.replace("a.test/a", "a.test/" + "a" * 10_000_000).encode(), "field larger than|columns"),
    "NUL bytes": (ROW.replace("TWO", "T\0WO").encode(), "NUL|unknown type"),
    "a quote that never ends": (b'"' + ROW.encode(), "not CSV"),
    "another encoding": (ROW.replace("r1", "é").encode("latin-1"), "not UTF-8"),
    "a link to a file": (ROW.replace("http://a.test/b", "file:///etc/b").encode(), "link 2 is not http"),
    "a box beyond all numbers": (ROW.replace("0.4", "1e999", 1).encode(), "not finite"),
    "a line of 3,000 columns": ((ROW + ",r3,7" * 1_500).encode(), "vote '7'"),
}


@pytest.mark.parametrize("what", ROWS)
def test_a_hostile_row_is_listed_with_its_reason(tmp_path, what):
    raw, reason = ROWS[what]
    (tmp_path / fec.FILES["train"]).write_bytes(b"\n".join([ROW.encode(), raw, ROW.encode()]) + b"\n")
    rows = fec.read(tmp_path, ("train",))
    assert rows.triplets["line"].tolist() == [1, 3] and rows.malformed["line"].tolist() == [2]
    assert any(word in rows.malformed["reason"].item() for word in reason.split("|")), rows.malformed["reason"].item()
    assert len(rows.malformed["text"].item()) <= 120


OUTSIDE = ("../../etc/passwd", "/etc/passwd", "..\\..\\boot.ini", "C:\\boot.ini", "a/../../b.jpg")


@pytest.mark.parametrize("path", OUTSIDE)
def test_an_annotation_cannot_name_a_file_outside(tmp_path, path):
    annotations = icartoonface.TRACKS["detection"][0]
    (tmp_path / annotations).write_text(f"d1.jpg,1,2,30,40\n{path},1,2,30,40\n")
    data = icartoonface.read(tmp_path)
    assert len(data.faces) == 1 and "leaves its folder" in data.malformed["reason"].item()


def test_a_link_with_line_breaks_cannot_add_a_header(server, tmp_path):
    url = f"http://{HOST}/x.jpg\r\nX-Evil: 1"
    row = download([url], tmp_path, Options(hosts={HOST: server.address}, **QUICK)).iloc[0]
    assert row["state"] == "dead" and not server.asked


def test_a_gigantic_box_costs_no_memory():
    picture = Image.new("RGB", (50, 40))
    face = crops.crop_square(picture, (-1e12, 1e12, -1e12, 1e12), 16)
    assert face.size == (16, 16)


def certificate(folder, name):
    """Make a certificate for a name, signed by itself; return its file and its key's."""
    files = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
         "-addext", f"subjectAltName=DNS:{name}", "-out", files[0], "-keyout", files[1]],
        check=True, capture_output=True,
    )  # fmt: skip
    return files


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make certificates")
@pytest.mark.parametrize(
    "shown, trusted, state", [(HOST, HOST, "ok"), ("other.test", "other.test", "later"), (HOST, "other.test", "later")]
)
def test_an_https_host_must_prove_its_name(server, tmp_path, monkeypatch, shown, trusted, state):  # noqa: F811
    """By a trusted certificate for that name: the connection itself goes to an address."""
    pairs = {name: certificate(tmp_path, name) for name in {shown, trusted}}
    pair = pairs[shown]
    monkeypatch.setenv("SSL_CERT_FILE", str(pairs[trusted][0]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    row = download([f"https://{HOST}/x.jpg"], tmp_path / "data", Options(hosts={HOST: server.address}, **QUICK)).iloc[0]
    assert (row["state"], row["reason"]) == (state, "" if state == "ok" else "connection failed: SSLError")
