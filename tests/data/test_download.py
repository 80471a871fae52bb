"""The downloader against a server that misbehaves in every way known: what is kept, asked again, and never asked."""

import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from types import SimpleNamespace

import pytest
from rude_server import HOST, QUICK, jpeg

from mirrorme_utils import config
from mirrorme_utils.data import crops, fetch, links
from mirrorme_utils.data.download import Options, download, photo_path
from mirrorme_utils.data.ledger import Ledger


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
    crowd = threading.Event()

    def answer(handler, n):
        if server.now >= 3:
            crowd.set()
        crowd.wait()  # the first ones, until there are three
        time.sleep(0.02)
        handler.say(body=jpeg("x" + handler.path))

    server.answers = {f"/{n}.jpg": answer for n in range(30)}
    rows = server.get([f"{n}.jpg" for n in range(30)], tmp_path, workers=12, per_host=3)
    assert (rows["state"] == "ok").all() and server.most == 3


@pytest.fixture
def asking(server, tmp_path, monkeypatch):
    """Return a function that asks for x.jpg in this process, and the seconds that it pauses before it asks again."""
    pauses = []
    clock = SimpleNamespace(sleep=pauses.append, monotonic=lambda: 0.0)  # a rest lasts as long as it is asked for
    monkeypatch.setattr(fetch, "time", clock)

    def ask(**options):
        chosen = Options(hosts={HOST: server.address}, **QUICK | options)
        fetcher = fetch.Fetcher(tmp_path, chosen, crops.Wanted({}, tmp_path, 0), [0.0] * fetch.RESTS)
        return fetcher.fetch(f"http://{HOST}/x.jpg"), [seconds for seconds in pauses if seconds]

    return ask


def test_a_server_that_asks_for_patience_gets_it(server, asking):
    server.answers["/x.jpg"] = lambda h, n: h.say(429 if n == 1 else 200, jpeg("x"), Retry_After="7")
    entry, pauses = asking()
    assert (entry.state, entry.tries) == ("ok", 2)
    assert pauses == [7, 7], "this link waits, and so does whatever asks the same host next"
    assert links.seconds_to_wait("7") == 7 and links.seconds_to_wait("soon") is None
    assert links.seconds_to_wait("Wed, 21 Oct 2015 07:28:00 GMT") == 0 and links.seconds_to_wait(None) is None


def test_a_server_cannot_ask_for_a_pause_of_years(server, asking):
    server.answers["/x.jpg"] = lambda h, n: h.say(429 if n == 1 else 200, jpeg("x"), Retry_After=str(10**9))
    entry, pauses = asking(longest_pause=60)
    assert entry.state == "ok" and pauses == [60, 60]


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
        from mirrorme_utils.data import download as d
        d.BATCH = 10
        urls = [f"http://{HOST}/{{n}}.jpg" for n in range(300)]
        options = d.Options(hosts={{"{HOST}": "{server.address}"}}, workers=4, per_host=4)
        d.download(urls, Path({str(tmp_path)!r}), options)
    """
    server.hold_after(100)
    command = [sys.executable, "-c", textwrap.dedent(script)]
    process = subprocess.Popen(command, cwd=config.ROOT, stderr=subprocess.PIPE)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        while not server.held.is_set() or len(ledger.known()) < 90:
            assert process.poll() is None, process.stderr.read().decode()
            time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()  # until its workers have ended as well
    server.release()
    there = [path for path in (tmp_path / "photos").rglob("*") if path.is_file() and not path.name.startswith(".")]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        known = ledger.known()
    assert 90 <= len(known) < 300 and known[f"http://{HOST}/1.jpg"][0] == "dead"
    before = server.asked.copy()
    rows = server.get(names, tmp_path, tries=1)
    assert (rows["state"] == "ok").sum() == 299
    again = [name for name in names if server.asked[f"/{name}"] > before[f"/{name}"] > 0]
    assert len(again) <= 4 and len(there) >= 90  # the four links that were in flight
    assert sum(server.asked.values()) <= 304


def test_a_disk_that_refuses_and_a_machine_that_is_offline_are_said(server, tmp_path):
    in_the_way = photo_path(tmp_path, f"http://{HOST}/a.jpg")
    in_the_way.mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        server.get(["a.jpg", "b.jpg"], tmp_path)
    in_the_way.rmdir()
    with pytest.raises(ConnectionError, match="online"):
        server.get([f"{n}.jpg" for n in range(120)], tmp_path, hosts={HOST: "127.0.0.1:1"}, tries=1)
    assert (server.get([f"{n}.jpg" for n in range(120)], tmp_path)["state"] == "ok").all()
