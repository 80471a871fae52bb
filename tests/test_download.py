"""The downloader against a server that misbehaves in every way known: what is kept, asked again, and never asked."""

import io
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import tiny_world

from mirrorme_utils import config, links
from mirrorme_utils.download import Options, download, photo_path
from mirrorme_utils.ledger import Ledger
from mirrorme_utils.photo_server import PhotoServer, choose_faults

HOST = "photos.example.test"
QUICK = dict(pause=0.01, timeout=2, tries=3, workers=8)


def jpeg(name):
    data = io.BytesIO()
    tiny_world.picture(name).save(data, "JPEG")
    return data.getvalue()


class Server:
    """Answers each path by a function of (handler, how often it was asked); counts questions and crowding."""

    def __init__(self):
        self.asked, self.now, self.most, self.answers, self.agents = Counter(), 0, 0, {}, set()
        lock, outer = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # noqa: N802
                with lock:
                    outer.asked[self.path] += 1
                    outer.now += 1
                    outer.most = max(outer.most, outer.now)
                    outer.agents.add(self.headers["User-Agent"])
                usual = lambda handler, n: handler.say(body=jpeg(self.path))  # noqa: E731
                answer = outer.answers.get(self.path.split("?")[0], usual)
                try:
                    answer(self, outer.asked[self.path])
                except ConnectionError:
                    pass
                finally:
                    with lock:
                        outer.now -= 1

            def say(self, status=200, body=b"", length=None, **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def get(self, names, folder, **options):
        hosts = options.pop("hosts", {HOST: self.address})
        rows = download([f"http://{HOST}/{name}" for name in names], folder, Options(hosts=hosts, **QUICK | options))
        return rows.set_index(rows["url"].str.rsplit("/", n=1).str[-1])


@pytest.fixture
def server():
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


@pytest.mark.parametrize(
    "url, reason",
    [
        ("file:///etc/passwd", "scheme"),
        ("ftp://a.test/x.jpg", "scheme"),
        ("data:image/png;base64,xx", "scheme"),
        ("/etc/passwd", "scheme"),
        ("http://", "scheme|no valid link"),
        ("http://user:secret@a.test/x.jpg", "name and password"),
        ("http://127.0.0.1/x.jpg", "not public"),
        ("http://2130706433/x.jpg", "not public"),
        ("http://10.1.2.3/x.jpg", "not public"),
        ("http://[::1]/x.jpg", "not public"),
        ("https://localhost/x.jpg", "not public"),
        ("http://0.0.0.0/x.jpg", "not public"),
    ],
)
def test_only_http_and_never_a_private_address(tmp_path, url, reason):
    row = download([url], tmp_path, Options(**QUICK)).iloc[0]
    assert row["state"] == "dead" and row["status"] == 0
    with pytest.raises(links.Refused, match=reason):
        links.address_of(links.check_link(url), {})


def test_the_address_that_was_checked_is_the_one_that_is_asked(monkeypatch):
    """A name with one public and one private address is refused, not tried in turn."""
    found = [(2, 1, 6, "", (ip, 80)) for ip in ("93.184.215.14", "192.168.1.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(links.Refused, match="not public"):
        links.address_of(links.check_link("http://two-faced.test/"), {})
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found[:1])
    assert links.address_of(links.check_link("https://one-faced.test/"), {}) == ("93.184.215.14", 443)


def test_links_cannot_leave_the_folder(server, tmp_path):
    folder = tmp_path / "inside"
    server.get(["..%2f..%2fescaped.jpg", "../../escaped.jpg", "a" * 3000 + ".jpg", "x.jpg?a=../../b"], folder)
    assert {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*")} == {"inside"}
    assert len([path for path in folder.rglob("*") if path.is_file() and path.parent.parent.name == "photos"]) == 4


def test_few_questions_at_once_at_one_host(server, tmp_path):
    server.answers = {f"/{n}.jpg": lambda h, n: (time.sleep(0.02), h.say(body=jpeg("x" + h.path))) for n in range(30)}
    rows = server.get([f"{n}.jpg" for n in range(30)], tmp_path, workers=12, per_host=3)
    assert (rows["state"] == "ok").all() and 2 <= server.most <= 3


def test_a_server_that_asks_for_patience_gets_it(server, tmp_path):
    times = []

    def busy(handler, n):
        times.append(time.monotonic())
        handler.say(429 if n == 1 else 200, jpeg("x"), Retry_After="1")

    server.answers["/x.jpg"] = busy
    assert server.get(["x.jpg"], tmp_path).loc["x.jpg", "tries"] == 2
    assert 0.95 <= times[1] - times[0] < 3
    assert links.seconds_to_wait("7") == 7 and links.seconds_to_wait("soon") is None
    assert links.seconds_to_wait("Wed, 21 Oct 2015 07:28:00 GMT") == 0 and links.seconds_to_wait(None) is None


def test_one_picture_under_many_links_is_a_placeholder(server, tmp_path):
    server.answers = {f"/{n}.jpg": lambda h, n: h.say(body=jpeg("unavailable")) for n in range(3)}
    server.answers |= {f"/twin{n}.jpg": lambda h, n: h.say(body=jpeg("posted twice")) for n in range(2)}
    rows = server.get(["0.jpg", "1.jpg", "2.jpg", "twin0.jpg", "twin1.jpg"], tmp_path)
    assert rows["state"].tolist() == ["dead"] * 3 + ["ok"] * 2
    assert "placeholder" in rows.loc["0.jpg", "reason"]
    assert [photo_path(tmp_path, url).exists() for url in rows["url"]] == [False] * 3 + [True] * 2
    server.get(["0.jpg"], tmp_path)
    assert server.asked["/0.jpg"] == 1


def test_a_lost_file_is_fetched_again_and_a_lost_ledger_costs_no_question(server, tmp_path):
    url = server.get(["a.jpg", "b.jpg"], tmp_path).loc["a.jpg", "url"]
    photo_path(tmp_path, url).unlink()
    server.get(["a.jpg", "b.jpg"], tmp_path)
    assert server.asked == {"/a.jpg": 2, "/b.jpg": 1}
    for path in tmp_path.glob("ledger.sqlite*"):
        path.unlink()
    photo_path(tmp_path, url).write_bytes(b"half a photo")  # as a power cut may leave it
    rows = server.get(["a.jpg", "b.jpg"], tmp_path)
    assert (rows["state"] == "ok").all() and server.asked == {"/a.jpg": 3, "/b.jpg": 1}


def test_a_killed_run_goes_on_where_it_was(server, tmp_path):
    names = [f"{n}.jpg" for n in range(300)]
    server.answers["/1.jpg"] = lambda h, n: h.say(404)
    script = f"""
        from pathlib import Path
        from mirrorme_utils import download as d
        d.BATCH = 10
        urls = [f"http://{HOST}/{{n}}.jpg" for n in range(300)]
        d.download(urls, Path({str(tmp_path)!r}), d.Options(hosts={{"{HOST}": "{server.address}"}}, workers=4))
    """
    for n in range(60, 300):
        server.answers[f"/{n}.jpg"] = lambda h, n: (time.sleep(0.05), h.say(body=jpeg(h.path)))
    command = [sys.executable, "-c", textwrap.dedent(script)]
    process = subprocess.Popen(command, cwd=config.ROOT, stderr=subprocess.DEVNULL)
    while len(server.asked) < 100:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = [path for path in (tmp_path / "photos").rglob("*") if path.is_file() and path.suffix != ".part"]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        known = ledger.known()
    assert 50 <= len(known) < 300 and known[f"http://{HOST}/1.jpg"][0] == "dead"
    before = server.asked.copy()
    server.answers = {}
    rows = server.get(names, tmp_path, tries=1)
    assert (rows["state"] == "ok").sum() == 299
    again = [name for name in names if server.asked[f"/{name}"] > before[f"/{name}"] > 0]
    assert len(again) <= 4 and len(there) >= 50  # the four links that were in flight
    assert sum(server.asked.values()) <= 304


def test_a_disk_that_refuses_and_a_machine_that_is_offline_are_said(server, tmp_path):
    part = photo_path(tmp_path, f"http://{HOST}/a.jpg").with_suffix(".part")
    part.mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        server.get(["a.jpg", "b.jpg"], tmp_path)
    part.rmdir()
    with pytest.raises(ConnectionError, match="online"):
        server.get([f"{n}.jpg" for n in range(120)], tmp_path, hosts={HOST: "127.0.0.1:1"}, tries=1)
    assert (server.get([f"{n}.jpg" for n in range(120)], tmp_path)["state"] == "ok").all()


def test_the_mini_worlds_host_misbehaves_as_it_says(tmp_path):
    photos = tiny_world.build(tmp_path / "world") / "fec" / "photos"
    names = [path.name for path in photos.iterdir()]
    faults = choose_faults(names, seed=1)
    assert faults == choose_faults(reversed(names), seed=1) != choose_faults(names, seed=2)
    assert Counter(faults.values()) == {"404": 1, "410": 1, "browsers only": 1, "truncated": 1, "html": 1,
                                        "placeholder": 5, "503 once": 1, "slow": 1}  # fmt: skip
    urls = {name: f"http://{HOST}/{name}" for name in names}
    with PhotoServer(photos, faults) as server:
        options = Options(hosts={HOST: server.address}, **QUICK)
        rows = download(urls.values(), tmp_path / "a", options).set_index("url")
        picky = [urls[name] for name, fault in faults.items() if fault == "browsers only"]
        plain = Options(hosts=options.hosts, user_agent="python", **QUICK)
        assert download(picky, tmp_path / "b", plain)["reason"].tolist() == ["HTTP 403"]
    reasons = {fault: rows.loc[urls[name], "reason"] for name, fault in faults.items()}
    assert reasons == {"404": "HTTP 404", "410": "HTTP 410", "browsers only": "", "truncated": "cut off",
                       "html": "not a picture", "placeholder": "placeholder: one picture under many links",
                       "503 once": "", "slow": ""}  # fmt: skip
    assert (rows["state"] == "ok").sum() == len(names) - 9
    with pytest.raises(ConnectionError):  # closed: nobody listens any more
        socket.create_connection(("127.0.0.1", int(server.address.split(":")[1])), timeout=1)
