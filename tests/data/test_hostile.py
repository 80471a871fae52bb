"""Inputs made to harm: each is refused with a message that says why, and nothing lands outside the data folder."""

import shutil
import ssl
import subprocess
import zlib

import pytest
from PIL import Image
from rude_server import HOST, QUICK, Server
from samples import encoded, png

from mirrorme_utils.data import fec, icartoonface
from mirrorme_utils.data.download import Options, download
from mirrorme_utils.framing import crop_square
from mirrorme_utils.world import formats

GOOD = '"http://a.test/a.jpg",0.1,0.4,0.2,0.6'
ROW = f"{GOOD},{GOOD.replace('a.jpg', 'b.jpg')},{GOOD.replace('a.jpg', 'c.jpg')},TWO_CLASS_TRIPLET,r1,2,r2,2"


sent = []  # bytes of `stream`


def stream(handler, n):
    """Send two gigabytes, or as much of it as the other side takes."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(2 * 10**9))
    handler.end_headers()
    for _ in range(2_000):
        handler.wfile.write(b"\xff" * 10**6)
        sent.append(10**6)


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


PICTURE = Image.new("RGB", (40, 40))
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
    "a PNG of 30,000 x 30,000": (body(png(30_000, 30_000)), "decompression bomb"),
    "a PNG whose rows never come": (body(png(4_000, 4_000, bytes(100))), "broken|cut off"),
    "a script called jpg": (body(b"#!/bin/sh\nrm -rf /\n"), "not a picture"),
    "an SVG called jpg": (body(b'<svg xmlns="http://www.w3.org/2000/svg"><a href="file:///"/></svg>'), "not a picture"),
    "PostScript called jpg": (body(encoded(PICTURE, "EPS")), "not a picture"),
    "a TIFF called jpg": (body(encoded(PICTURE, "TIFF")), "not a picture"),
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """Download all of these and a good picture; return the folder that holds the data folder, and the rows."""
    home, server = tmp_path_factory.mktemp("hostile"), Server()
    server.answers = {f"/{number}.jpg": answer for number, (answer, _) in enumerate(ANSWERS.values())}
    names = [f"{number}.jpg" for number in range(len(ANSWERS))] + ["fine.jpg"]
    rows = server.get(names, home / "data", max_bytes=5_000_000, tries=1)
    server.close()
    return home, rows


@pytest.mark.parametrize("what", ANSWERS)
def test_a_hostile_answer_is_refused(refused, what):
    row = refused[1].loc[f"{[*ANSWERS].index(what)}.jpg"]
    assert row["state"] != "ok" and row["bytes"] == 0
    assert any(word in row["reason"] for word in ANSWERS[what][1].split("|")), row["reason"]


def test_hostile_answers_leave_nothing_and_are_not_heard_to_the_end(refused):
    home, rows = refused
    assert rows.loc["fine.jpg", "state"] == "ok"
    assert [path.name for path in home.iterdir()] == ["data"]
    assert len([path for path in (home / "data" / "photos").rglob("*") if path.is_file()]) == 1
    assert sum(sent) < 100 * 10**6


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
    (tmp_path / formats.FEC_FILES["train"]).write_bytes(b"\n".join([ROW.encode(), raw, ROW.encode()]) + b"\n")
    rows = fec.read(tmp_path, ("train",))
    assert rows.triplets["line"].tolist() == [1, 3] and rows.malformed["line"].tolist() == [2]
    assert any(word in rows.malformed["reason"].item() for word in reason.split("|")), rows.malformed["reason"].item()
    assert len(rows.malformed["text"].item()) <= 120


OUTSIDE = ("../../etc/passwd", "/etc/passwd", "..\\..\\boot.ini", "C:\\boot.ini", "a/../../b.jpg")


@pytest.mark.parametrize("path", OUTSIDE)
def test_an_annotation_cannot_name_a_file_outside(tmp_path, path):
    annotations = formats.TRACKS["detection"][0]
    (tmp_path / annotations).write_text(f"d1.jpg,1,2,30,40\n{path},1,2,30,40\n")
    data = icartoonface.read(tmp_path)
    assert len(data.faces) == 1 and "leaves its folder" in data.malformed["reason"].item()


def test_a_link_with_line_breaks_cannot_add_a_header(server, tmp_path):
    url = f"http://{HOST}/x.jpg\r\nX-Evil: 1"
    row = download([url], tmp_path, Options(hosts={HOST: server.address}, **QUICK)).iloc[0]
    assert row["state"] == "dead" and not server.asked


def test_a_gigantic_box_costs_no_memory():
    assert crop_square(Image.new("RGB", (50, 40)), (-1e12, 1e12, -1e12, 1e12), 16).size == (16, 16)


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
def test_an_https_host_must_prove_its_name(server, tmp_path, monkeypatch, shown, trusted, state):
    """By a trusted certificate for that name: the connection itself goes to an address."""
    pairs = {name: certificate(tmp_path, name) for name in {shown, trusted}}
    pair = pairs[shown]
    monkeypatch.setenv("SSL_CERT_FILE", str(pairs[trusted][0]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    row = download([f"https://{HOST}/x.jpg"], tmp_path / "data", Options(hosts={HOST: server.address}, **QUICK)).iloc[0]
    assert (row["state"], row["reason"]) == (state, "" if state == "ok" else "connection failed: SSLError")
