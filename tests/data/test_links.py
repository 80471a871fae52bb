"""Links as they are written and redirected to, the statuses they give, proxies, and what hosts forbid."""

import select
import socket
import threading
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from PIL import Image
from rude_server import HOST, QUICK, jpeg
from samples import encoded

from mirrorme_utils.data import crops, links
from mirrorme_utils.data.download import Options, download
from mirrorme_utils.data.ledger import LEDGER, Ledger

PASSING = [202, 407, 408, 409, 420, 421, 423, 424, 425, 429, 430, 440, 444, 449, 460, 498, 499,
           *range(500, 512), *range(520, 531), 561, 598, 599, 999]  # fmt: skip
FINAL = [204, 300, 304, 400, 401, 402, 403, 404, 405, 406, 410, 411, 412, 413, 414, 415, 416, 418, 422, 426, 451]


def test_what_may_pass_is_asked_again_and_what_is_final_is_not(server, tmp_path):
    for status in PASSING:
        server.answers[f"/{status}.jpg"] = lambda h, n, status=status: h.say(status if n == 1 else 200, jpeg(h.path))
        server.answers[f"/{status}-stays.jpg"] = lambda h, n, status=status: h.say(status)
    for status in FINAL:
        server.answers[f"/{status}-stays.jpg"] = lambda h, n, status=status: h.say(status)
    names = [f"{status}.jpg" for status in PASSING] + [f"{status}-stays.jpg" for status in (*PASSING, *FINAL)]
    rows = server.get(names, tmp_path, tries=2)
    assert (rows.loc[[f"{s}.jpg" for s in PASSING], ["state", "tries"]] == ["ok", 2]).all(axis=None)
    assert (rows.loc[[f"{s}-stays.jpg" for s in PASSING], "state"] == "later").all()
    assert (rows.loc[[f"{s}-stays.jpg" for s in FINAL], ["state", "tries"]] == ["dead", 1]).all(axis=None)
    assert rows.loc["498-stays.jpg", "reason"] == "HTTP 498" and rows.loc["410-stays.jpg", "reason"] == "HTTP 410"
    for status in (*PASSING, *FINAL):
        server.answers.pop(f"/{status}-stays.jpg")
    again = server.get(names, tmp_path, tries=2)["state"]
    assert (again == "ok").sum() == 2 * len(PASSING) and (again == "dead").sum() == len(FINAL)


ODD = [
    "narrow\u202fspace.jpg", "wide\u3000space.jpg", "no-break\xa0space.jpg", "thin\u2009space.jpg", "plain space.jpg",
    "zero\u200bwidth.jpg", "joiner\u200d.jpg", "byte\ufefforder.jpg", "soft\xadhyphen.jpg", "line\u2028end.jpg",
    "left\u200eto\u202dright.jpg", "👨\u200d👩\u200d👧.jpg", "写真.jpg", "schön.jpg", "decomposed-scho\u0308n.jpg",
    "private\ue000.jpg", "unassigned\u0378.jpg", "quote\".jpg", "brackets[1]{2}.jpg", "pipe|caret^.jpg", "100%.jpg",
    "a%20b and 50%.jpg", "escaped%20%e5%86%99.jpg",
]  # fmt: skip


def test_odd_links_are_encoded_as_browsers_do(server, tmp_path):
    urls = [f"http://{HOST}/{name}" for name in ODD]
    rows = download(urls, tmp_path, Options(hosts={HOST: server.address}, **QUICK))
    assert (rows["state"] == "ok").all(), rows[["url", "reason"]]
    assert {unquote(path) for path in server.asked} == {unquote(f"/{name}") for name in ODD}
    assert all(path.isascii() for path in server.asked)


@pytest.mark.parametrize(
    "url, read",
    [
        ("HTTP://A.Test:80/x", "http://a.test/x"),
        ("http://a.test\\x\\y", "http://a.test/x/y"),
        ("http://a.test\\@10.0.0.1/x", "http://a.test/@10.0.0.1/x"),
        ("  http://a.test/x#part ", "http://a.test/x"),
        ("http://bü\xadcher.test/", "http://xn--bcher-kva.test/"),
        ("http://a.test/../../x?q=ä", "http://a.test/x?q=%C3%A4"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://１２７.0.0.1/", "http://127.0.0.1/"),
    ],
)
def test_a_link_is_read_as_browsers_read_it(url, read):
    assert links.check_link(url).href == read


@pytest.mark.parametrize("sign", ["\r\n", "\t", "\0", "\x1b", "\x7f", "\x85", "\x9f"])
def test_control_characters_make_it_no_link(server, tmp_path, sign):
    with pytest.raises(links.Refused, match="no valid link"):
        links.check_link(f"http://{HOST}/x{sign}y.jpg")


PLACES = {
    "umlauts": "/schön/straße.jpg", "写真": "/写真.jpg", "bytes that end lines": "/Å…\u2028.jpg", "absolute": f"http://{HOST}/ñ.jpg",
    "relative": "ß.jpg", "escaped": "/sch%C3%B6n-2.jpg", "query": "/x.jpg?name=写真", "space": "/a b.jpg", "emoji": "/🙂\u200d.jpg",
    "host": "http://bücher.test/b.jpg",
}  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_redirect_in_raw_bytes_is_followed(server, tmp_path, encoding):
    """Of any encoding: the server that sent the bytes knows what they mean."""
    told = {
        name: place
        for name, place in PLACES.items()
        if encoding == "utf-8" or name in ("umlauts", "absolute", "relative")
    }
    for n, place in enumerate(told.values()):
        raw = place.encode(encoding).decode("latin-1")  # as the server writes headers
        server.answers[f"/{n}"] = lambda h, _, raw=raw: h.say(302, Location=raw)
    hosts = {HOST: server.address, "xn--bcher-kva.test": server.address}
    rows = server.get([str(n) for n in range(len(told))], tmp_path, hosts=hosts)
    assert (rows["state"] == "ok").all(), rows["reason"]
    paths = [urlsplit(place).path if "//" in place else place for place in told.values()]
    expected = {"/" + unquote(path).lstrip("/") for path in paths}
    asked = {unquote(path, encoding) for path in server.asked if not path.strip("/").isdigit()}
    assert asked == expected


SAID = {
    "noai": False, "noimageai": False, "NoAI": False, "noindex, noai": False, "noai, max-image-preview:large": False,
    "max-image-preview: large, noimageai": False, "none": False, "noindex": False, "mirrorme: noai": False, "*: noai": False,
    "unavailable_after: 25 Jun 2030 15:00:00 PST, noai": False, "all": True, "nofollow, noarchive": True,
    "googlebot: noai": True, "googlebot: noindex, noai": True, "max-snippet:-1": True, "notnoai": True,
}  # fmt: skip


def test_what_a_host_keeps_out_of_data_sets_is_left_there(server, tmp_path):
    for n, said in enumerate(SAID):
        server.answers[f"/{n}.jpg"] = lambda h, _, said=said: h.say(body=jpeg(h.path), X_Robots_Tag=said)

    def twice(handler, n):
        handler.send_response(200)
        handler.send_header("X-Robots-Tag", "noarchive")
        handler.send_header("x-robots-tag", "noai")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.answers["/twice.jpg"] = twice
    names = [f"{n}.jpg" for n in range(len(SAID))]
    rows = server.get([*names, "twice.jpg"], tmp_path)
    assert (rows.loc[names, "state"] == "ok").tolist() == list(SAID.values())
    assert rows.loc["0.jpg", "reason"] == rows.loc["twice.jpg", "reason"] == "the host says noai"
    assert rows.loc["0.jpg", ["state", "tries"]].tolist() == ["dead", 1]
    with Ledger(tmp_path / LEDGER) as ledger:
        ledger.ask_again(links.FORBIDDEN)
    assert (server.get(names, tmp_path, ignore_noai=True)["state"] == "ok").all()
    assert set(server.asked.values()) == {1, 2}, "only what was forbidden is asked again"


def transparent(mode):
    """A drawing: a red square, and transparent noise around it."""
    rgba = np.random.default_rng(0).integers(0, 255, (64, 64, 4), np.uint8)
    rgba[..., 3] = 0
    rgba[16:48, 16:48] = 200, 0, 0, 255
    drawing = Image.fromarray(rgba)
    return drawing.quantize(32) if mode == "P" else drawing.convert(mode)


DRAWINGS = {"RGBA.png": "RGBA", "RGBA.webp": "RGBA", "LA.png": "LA", "P.png": "P", "RGBA.gif": "RGBA"}


def test_transparent_drawings_are_cut_on_white(server, tmp_path):
    for name, mode in DRAWINGS.items():
        options = dict(lossless=True, exact=True) if name.endswith("webp") else {}
        data = encoded(transparent(mode), name.split(".")[1].upper(), **options)
        server.answers[f"/{name}"] = lambda h, n, data=data: h.say(body=data)
    crops.make_folders(tmp_path / "crops")
    urls = [f"http://{HOST}/{name}" for name in DRAWINGS]
    faces = {url: [(crops.key(url, (0, 1, 0, 1)), (0, 1, 0, 1))] for url in urls}
    options = Options(hosts={HOST: server.address}, **QUICK)
    assert (download(urls, tmp_path, options, crops.Wanted(faces, tmp_path / "crops", 64))["state"] == "ok").all()
    for url, ((key, _),) in faces.items():
        with Image.open(crops.crop_path(tmp_path / "crops", key)) as crop:
            pixels = np.asarray(crop, int)
        assert crop.size == (64, 64) and pixels[:12].min() > 240 and pixels[:, :12].min() > 240, url
        assert np.abs(pixels[24:40, 24:40].mean((0, 1)) - ((60, 60, 60) if "LA" in url else (200, 0, 0))).max() < 12, (
            url
        )


@pytest.fixture
def proxy(monkeypatch):
    """Return a function that sets variables of the environment, after all that speak of proxies are gone."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return lambda **names: [monkeypatch.setenv(name, value) for name, value in names.items()]


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_a_proxy_is_used_and_resolves_the_names(server, tmp_path, proxy, name):
    proxy(**{name: f"http://me:secret@{server.address}" if name == "http_proxy" else server.address})
    server.answers["http://only-there.test/moved"] = lambda h, n: h.say(301, Location="http://and-there.test/b.jpg")
    seen = []
    server.answers["http://only-there.test/a.jpg"] = lambda h, n: (
        seen.append(h.headers["Proxy-Authorization"]),
        truth(h, n),
    )
    truth = server.usual
    rows = download([f"http://only-there.test/{path}" for path in ("a.jpg", "moved")], tmp_path, Options(**QUICK))
    assert (rows["state"] == "ok").all()
    assert set(server.asked) == {
        f"http://{at}" for at in ("only-there.test/a.jpg", "only-there.test/moved", "and-there.test/b.jpg")
    }
    assert seen == ["Basic bWU6c2VjcmV0" if name == "http_proxy" else None]


def test_behind_a_proxy_private_addresses_stay_refused_and_some_hosts_are_asked_directly(server, tmp_path, proxy):
    other = "http://127.0.0.1:9"  # nobody listens there
    proxy(http_proxy=other, no_proxy="elsewhere.test,.inside.test")
    hosts = {HOST: server.address}
    urls = ["http://10.0.0.1/x.jpg", "http://2130706433/x.jpg", "http://localhost/x.jpg", "http://[::1]/x.jpg"]
    rows = download(urls, tmp_path, Options(**QUICK))
    assert (rows["state"] == "dead").all() and (rows["reason"] == "address is not public").all() and not server.asked
    urls = [f"http://{HOST}/x.jpg", "http://outside.test/x.jpg", "http://photos.inside.test/x.jpg"]
    rows = download(urls, tmp_path, Options(hosts=hosts, **QUICK))
    assert rows["state"].tolist() == ["ok", "later", "later"] and "Proxy" in rows["reason"].iloc[1]
    assert rows["reason"].iloc[2] == "host not found", "which this machine looks up itself"
    assert links.address_of(links.check_link("http://other.test/"), {}) == other
    proxy(no_proxy="", http_proxy=f"http://{server.address}")
    server.answers["http://a.test/x.jpg"] = lambda h, n: h.say(302, Location="http://192.168.0.1/x.jpg")
    assert download(["http://a.test/x.jpg"], tmp_path, Options(**QUICK))["reason"].tolist() == ["address is not public"]


def test_https_goes_through_a_tunnel(tmp_path, proxy):
    """Which the proxy opens to a name; it is the proxy who resolves it, and the certificate is still looked at."""
    asked = []

    def serve():
        with listening:
            while select.select([listening], [], [], 20)[0]:
                with listening.accept()[0] as client:
                    asked.append(client.recv(4096).split(b" HTTP")[0])
                    client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                if len(asked) == 2:
                    return

    listening = socket.create_server(("127.0.0.1", 0))
    proxy(https_proxy=f"http://127.0.0.1:{listening.getsockname()[1]}")
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    row = download(["https://only-there.test/a.jpg"], tmp_path, Options(**QUICK | dict(tries=2))).iloc[0]
    thread.join()
    assert asked == [b"CONNECT only-there.test:443"] * 2
    assert row["state"] == "later" and row["reason"] == "connection failed: ProxyError"
