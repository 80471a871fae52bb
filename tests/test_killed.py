"""Cleaning that is killed at ten random moments ends as one that was left alone, and asks for nothing twice."""

import hashlib
import random
import signal
import subprocess
import sys
import textwrap
import time

from test_download import HOST, jpeg, server  # noqa: F401 (a fixture)

from mirrorme_utils import config

PHOTOS, KILLS_WHILE_FETCHING, KILLS_WHILE_CROPPING = 240, 7, 3
CLEAN = f"""
    import sys
    from pathlib import Path
    from mirrorme_utils import crops, download as d
    d.BATCH = 10
    folder, address = Path(sys.argv[1]), sys.argv[2]
    urls = [f"http://{HOST}/{{n}}.jpg" for n in range({PHOTOS})]
    boxes = ((0.1, 0.5, 0.1, 0.9), (0.5, 0.9, 0, 1))
    crops.make_folders(folder / "crops")
    # the first face while the photo is open, the second when all photos are there
    wanted = crops.Wanted({{url: [(crops.key(url, boxes[0]), boxes[0])] for url in urls}}, folder / "crops", 96)
    ledger = d.download(urls, folder, d.Options(hosts={{"{HOST}": address}}, workers=4, pause=0.01), wanted)
    good = ledger.loc[ledger["state"] == "ok", "url"]
    photos = {{d.photo_path(folder, u): [(crops.key(u, box), box) for box in boxes] for u in good}}
    print(list(crops.crop_faces(photos, folder / "crops", 96, "fraction").values()).count(""))
"""


def start(folder, address):
    command = [sys.executable, "-c", textwrap.dedent(CLEAN), str(folder), address]
    return subprocess.Popen(command, cwd=config.ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def files(folder, kind):
    return {path for path in (folder / kind).rglob("*") if path.is_file() and path.suffix != ".part"}


def digest(folder):
    kept = sorted(files(folder, "photos") | files(folder, "crops"))
    return hashlib.sha256(b"".join(str(p.relative_to(folder)).encode() + p.read_bytes() for p in kept)).hexdigest()


def kill_when(process, ready):
    while process.poll() is None and not ready():
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_ten_kills_change_nothing(server, tmp_path):  # noqa: F811
    pictures = {f"/{n}.jpg": jpeg(f"/{n}.jpg") for n in range(PHOTOS)}
    for path in pictures:
        server.answers[path] = lambda h, n: (time.sleep(0.01), h.say(body=pictures[h.path]))
    server.answers["/3.jpg"], server.answers["/5.jpg"] = lambda h, n: h.say(404), lambda h, n: h.say(body=b"<html>")
    undisturbed = start(tmp_path / "a", server.address)
    assert undisturbed.communicate()[0].strip() == str(2 * (PHOTOS - 2))
    server.asked.clear()
    killed, chance, done = tmp_path / "b", random.Random(0), 0
    stored, asked_before = set(), {}
    for kill in range(KILLS_WHILE_FETCHING + KILLS_WHILE_CROPPING):
        process = start(killed, server.address)
        if kill < KILLS_WHILE_FETCHING:
            goal = sum(server.asked.values()) + chance.randint(5, 32)
            kill_when(process, lambda: sum(server.asked.values()) >= goal)
        else:
            goal = max(len(files(killed, "crops")), PHOTOS - 2) + chance.randint(1, 60)
            kill_when(process, lambda: len(files(killed, "crops")) >= goal)
        done += process.returncode == -signal.SIGKILL
        again = {url for url in stored if server.asked[url] > asked_before[url]}
        assert not again, f"stored and asked again: {sorted(again)}"
        there = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files(killed, "photos")}
        stored = {path for path, data in pictures.items() if hashlib.sha256(data).hexdigest() in there}
        asked_before = dict(server.asked)
    assert done >= 9, "the kills came too late to prove anything"
    assert start(killed, server.address).communicate()[0].strip() == str(2 * (PHOTOS - 2))
    assert digest(killed) == digest(tmp_path / "a")
    assert sum(server.asked.values()) <= PHOTOS + 4 * KILLS_WHILE_FETCHING, "only what was in flight is asked again"
