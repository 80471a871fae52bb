"""Whoever fetches and crops, the result is the same: this machine's processes, or Ray's workers, of which some die."""

import hashlib
import os
import random
import threading
import time

import psutil
import pytest
import tiny_world
from rude_server import jpeg

from mirrorme_utils import cli, config
from mirrorme_utils.data import clean, crops, engine, sources
from mirrorme_utils.data.download import Options, download
from mirrorme_utils.data.ledger import Ledger
from mirrorme_utils.data.photo_server import PhotoServer
from mirrorme_utils.data.sources import Source

HOSTS = tuple(f"farm{n}.example.test" for n in range(4))
BOX = (0.1, 0.6, 0.1, 0.9)


@pytest.fixture(scope="module")
def ray():
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "300")  # on a busy machine
    return pytest.importorskip("ray", reason='Ray is not installed: pip install -e ".[cluster]"')


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Return a function that makes a fresh home with one and the same world, whose photos lie at four hosts."""
    asked = []

    class Counting(PhotoServer):
        def answer(self, name, user_agent):
            asked.append(name)
            return super().answer(name, user_agent)

    def host(where, **options):
        with Counting(where.root / "fec" / "photos", sources.faults(where)) as server:
            yield Options(hosts=dict.fromkeys(HOSTS, server.address), **options)

    monkeypatch.setattr(clean, "photo_host", sources.contextmanager(host))
    monkeypatch.setattr(engine, "PART", 4)

    def go_to(name):
        monkeypatch.setattr(config, "DATA", tmp_path / name)
        where = Source("mini", tiny_world.build(tmp_path / name / "mini", HOSTS))
        for module in (clean, sources):
            monkeypatch.setattr(module, "chosen", lambda: where)
        return where

    go_to.asked = asked
    return go_to


def result(where):
    """A hash of the names and bytes of all that cleaning keeps, and what the ledger says of each link."""
    kept = [path for path in where.folder.rglob("*") if path.is_file() and "ledger" not in path.name]
    kept = sorted(path for path in kept if path.name != "done.json")
    assert {"faces.csv", "triplets.csv", "stages.csv"} < {path.name for path in kept}
    parts = (str(path.relative_to(where.folder)).encode() + path.read_bytes() for path in kept)
    with Ledger(where.folder / "ledger.sqlite") as ledger:
        rows = ledger.table()[["url", "state", "status", "reason", "bytes", "sha256"]]
    return hashlib.sha256(b"".join(parts)).hexdigest(), rows.to_csv(index=False)


def test_cleaning_gives_the_same_bytes_and_reasons_by_one_two_and_four_workers(ray, world):
    where = world("here")
    assert len(clean.ensure().triplets)
    expected, asked = result(where), sorted(world.asked)
    assert "placeholder" in expected[1] and "HTTP 404" in expected[1]
    for workers in (1, 2, 4):
        world.asked.clear()
        where = world(f"ray{workers}")
        with engine.on_ray(workers) as by:
            assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
            clean.ensure(engine=by)
        assert result(where) == expected and sorted(world.asked) == asked


def test_the_command_line_lets_ray_clean(ray, world, capsys, tmp_path):
    where = world("command")
    assert cli.main(["clean", "--ray", "2", "--shards", str(tmp_path / "shards")]) == 0
    printed = capsys.readouterr().out
    assert "downloaded" in printed and "3 shards" in printed and (where.folder / "done.json").exists()


@pytest.fixture
def photos(server, tmp_path, monkeypatch):
    """Serve photos at four hosts; return their links, and a function that downloads them into a folder of a name."""
    names = [f"/{n}.jpg" for n in range(160)]
    pictures = {name: jpeg(name) for name in names}
    server.answers = {name: lambda h, n: h.say(body=pictures[h.path]) for name in names}
    server.answers["/7.jpg"] = lambda h, n: h.say(404)
    urls = [f"http://{HOSTS[n % 4]}{name}" for n, name in enumerate(names)]
    monkeypatch.setattr(engine, "PART", 20)

    def fetch(name, by=engine.HERE):
        folder = tmp_path / name
        crops.make_folders(folder / "crops")
        wanted = crops.Wanted({url: [(crops.key(url, BOX), BOX)] for url in urls}, folder / "crops", 64)
        how = Options(hosts=dict.fromkeys(HOSTS, server.address), workers=4, per_host=4, pause=0.01, timeout=60)
        return download(urls, folder, how, wanted, by)

    fetch.pictures = pictures
    return fetch


def kept(folder):
    """Names and hashes of all photos and crops; what a kill leaves behind is hidden, and nobody reads it."""
    files = (path for kind in ("photos", "crops") for path in (folder / kind).rglob("*") if path.is_file())
    files = (path for path in files if not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def workers():
    """The processes of Ray that fetch."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            found += [process] if process.name().startswith("ray::_fetch") else []
        except psutil.NoSuchProcess:
            continue
    return found


def test_a_worker_that_is_killed_at_ten_moments_costs_nothing(ray, server, photos, tmp_path):
    photos("calm")
    expected = kept(tmp_path / "calm")
    assert len(expected) == 2 * 159
    server.asked.clear()
    chance, stored, before = random.Random(0), set(), {}
    with engine.on_ray(2) as by:
        server.hold_after(chance.randint(2, 12))
        download_of = threading.Thread(target=photos, args=("killed", by))
        download_of.start()
        for _ in range(10):
            while not server.held.wait(0.05):
                assert download_of.is_alive()
            process = chance.choice(workers())
            process.kill()
            process.wait()
            assert not [name for name in stored if server.asked[name] > before[name]], "stored, and asked again"
            there = set(kept(tmp_path / "killed").values())
            stored = {name for name, data in photos.pictures.items() if hashlib.sha256(data).hexdigest() in there}
            before = dict(server.asked)
            server.release()
            server.hold_after(chance.randint(2, 12))
        server.release()
        download_of.join()
    assert kept(tmp_path / "killed") == expected
    assert not [name for name in stored if server.asked[name] > before[name]]
    assert sum(server.asked.values()) <= 160 + 10 * (4 + 1), "only what was in flight is asked again, and a dead link"


def test_a_host_is_asked_by_one_worker_at_a_time(ray, server, photos):
    now, most, lock = dict.fromkeys(HOSTS, 0), dict.fromkeys(HOSTS, 0), threading.Lock()

    def slowly(handler, n):
        host = handler.headers["Host"]
        with lock:
            now[host] += 1
            most[host] = max(most[host], now[host])
        time.sleep(0.02)
        with lock:
            now[host] -= 1
        handler.say(body=photos.pictures[handler.path])

    server.answers = dict.fromkeys(photos.pictures, slowly)
    with engine.on_ray(4) as by:
        assert (photos("polite", by)["state"] == "ok").all()
    assert max(most.values()) <= 4 and sum(most.values()) > 4, most


def test_an_error_on_a_worker_reaches_the_caller(ray, server, tmp_path):
    (tmp_path / "file").write_text("no folder")
    how = Options(hosts=dict.fromkeys(HOSTS, server.address))
    with engine.on_ray(1) as by, pytest.raises(NotADirectoryError):
        list(by.fetch([f"http://{HOSTS[0]}/1.jpg"], tmp_path / "file", how, crops.Wanted({}, tmp_path, 64)))


def test_links_of_one_host_stay_together_and_in_order():
    urls = [f"http://{host}/{n}.jpg" for n in range(5) for host in (*HOSTS, "FARM0.example.test")] + ["no link", "http://["]
    groups = engine.by_host(urls)
    assert sorted(sum(groups, [])) == sorted(urls)
    for host in HOSTS:
        (group,) = (group for group in groups if any(host in url for url in group))
        assert [url for url in urls if f"//{host}/" in url.lower()] == [url for url in group if f"//{host}/" in url.lower()]


def test_a_part_ends_after_the_rest_that_its_hosts_asked_for(monkeypatch, tmp_path):
    def busy(urls, folder, options, wanted, rests, tell):
        rests[3] = time.monotonic() + 0.3

    monkeypatch.setattr(engine, "fetch_all", busy)
    started = time.monotonic()
    assert engine._fetch_part(["http://a.test/"], tmp_path, Options(), crops.Wanted({}, tmp_path, 64), None) == []
    assert time.monotonic() - started >= 0.3


def test_without_ray_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(RuntimeError, match="cluster"), engine.on_ray(1):
        pass


def test_without_a_cluster_it_is_said_how_to_name_one(ray, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(ConnectionError, match="RAY_ADDRESS"), engine.on_ray():
        pass
