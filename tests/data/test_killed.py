"""Cleaning that is killed at ten moments ends as one that was left alone, and asks for nothing twice.

No kill hangs on how fast the machine is: the server holds its answers back from a question on, and the process that
crops waits with half a crop written, until they are killed.
"""

import hashlib
import random
import signal
import subprocess
import sys
import textwrap

import pytest
from rude_server import HOST, jpeg

from mirrorme_utils import config

PHOTOS, KILLS_WHILE_FETCHING, KILLS_WHILE_CROPPING = 240, 7, 3
CLEAN = f"""
    import sys, threading
    from pathlib import Path
    from PIL import Image
    from mirrorme_utils.data import crops, download as d
    d.BATCH = 10
    folder, address, left = Path(sys.argv[1]), sys.argv[2], [int(sys.argv[3])]
    urls = [f"http://{HOST}/{{n}}.jpg" for n in range({PHOTOS})]
    boxes = ((0.1, 0.5, 0.1, 0.9), (0.5, 0.9, 0, 1))
    crops.make_folders(folder / "crops")
    # the first face while the photo is open, the second when all photos are there
    wanted = crops.Wanted({{url: [(crops.key(url, boxes[0]), boxes[0])] for url in urls}}, folder / "crops", 96)
    options = d.Options(hosts={{"{HOST}": address}}, workers=4, per_host=4, pause=0.01)
    ledger = d.download(urls, folder, options, wanted)
    save, turn = Image.Image.save, threading.Lock()

    def held(picture, path, *args, **kinds):
        save(picture, path, *args, **kinds)
        with turn:
            left[0] -= 1
            if left[0] == 0:
                path.write_bytes(path.read_bytes()[:500])
                print("half a crop", flush=True)
                threading.Event().wait()  # for the kill

    Image.Image.save = held
    good = ledger.loc[ledger["state"] == "ok", "url"]
    photos = {{d.photo_path(folder, u): [(crops.key(u, box), box) for box in boxes] for u in good}}
    print(list(crops.crop_faces(photos, folder / "crops", 96, "fraction").values()).count(""))
"""


def start(folder, address, crops=0):
    """Start cleaning; it waits for a kill with its crop of this number half written."""
    command = [sys.executable, "-c", textwrap.dedent(CLEAN), str(folder), address, str(crops)]
    return subprocess.Popen(command, cwd=config.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def digest(folder):
    """One hash of all photos and crops; a kill leaves hidden files behind, which nobody reads."""
    kept = sorted(path for kind in ("photos", "crops") for path in (folder / kind).rglob("*") if path.is_file())
    kept = [path for path in kept if not path.name.startswith(".")]
    return hashlib.sha256(b"".join(str(p.relative_to(folder)).encode() + p.read_bytes() for p in kept)).hexdigest()


def kill(process):
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()  # until its workers, who hold the same pipes, have ended as well
    assert process.returncode == -signal.SIGKILL


@pytest.fixture
def pictures(server):
    """Have the server show a picture for each link but two; return the bytes of each by path."""
    pictures = {f"/{n}.jpg": jpeg(f"/{n}.jpg") for n in range(PHOTOS)}
    server.answers = {path: lambda h, n: h.say(body=pictures[h.path]) for path in pictures}
    server.answers["/3.jpg"], server.answers["/5.jpg"] = lambda h, n: h.say(404), lambda h, n: h.say(body=b"<html>")
    return pictures


def test_ten_kills_change_nothing(server, pictures, tmp_path):
    undisturbed = start(tmp_path / "a", server.address)
    assert undisturbed.communicate()[0].strip() == str(2 * (PHOTOS - 2))
    server.asked.clear()
    killed, chance = tmp_path / "b", random.Random(0)
    stored, asked_before = set(), {}
    for number in range(KILLS_WHILE_FETCHING + KILLS_WHILE_CROPPING):
        if number < KILLS_WHILE_FETCHING:
            server.hold_after(chance.randint(5, 32))
            process = start(killed, server.address)
            while not server.held.wait(0.05):
                assert process.poll() is None, process.stderr.read()
        else:
            process = start(killed, server.address, crops=chance.randint(1, 60))
            assert process.stdout.readline() == "half a crop\n"
        kill(process)
        server.release()
        again = {url for url in stored if server.asked[url] > asked_before[url]}
        assert not again, f"stored and asked again: {sorted(again)}"
        there = {
            hashlib.sha256(path.read_bytes()).hexdigest() for path in (killed / "photos").rglob("*") if path.is_file()
        }
        stored = {path for path, data in pictures.items() if hashlib.sha256(data).hexdigest() in there}
        asked_before = dict(server.asked)
    assert start(killed, server.address).communicate()[0].strip() == str(2 * (PHOTOS - 2))
    assert digest(killed) == digest(tmp_path / "a")
    assert sum(server.asked.values()) <= PHOTOS + 4 * KILLS_WHILE_FETCHING, "only what was in flight is asked again"
