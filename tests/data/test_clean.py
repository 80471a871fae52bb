"""Cleaning from end to end on a tiny world: what is kept, what is discarded and why, and that it goes on."""

import errno
import shutil
import subprocess
from collections import Counter

import pandas as pd
import pytest
import tiny_world
from PIL import Image

from mirrorme_utils import cli, config
from mirrorme_utils.data import clean, icartoonface, sources
from mirrorme_utils.data.download import Options, download, photo_path
from mirrorme_utils.data.ledger import LET_GO, Ledger
from mirrorme_utils.data.photo_server import PhotoServer
from mirrorme_utils.data.sources import Source
from mirrorme_utils.world import faces, formats
from mirrorme_utils.world.cartoons import drawing
from mirrorme_utils.world.formats import PHOTO_HOST as HOST


@pytest.fixture
def mini(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "DATA", tmp_path)
    where = Source("mini", tiny_world.build(tmp_path / "mini"))
    monkeypatch.setattr(clean, "chosen", lambda: where)
    return where


def test_a_face_is_kept_with_its_picture_its_name_and_its_split(mini):
    cleaned = clean.ensure()
    assert list(cleaned.faces.columns) == sources.FACE_COLUMNS
    for image in cleaned.faces["image"]:
        with Image.open(config.DATA / image) as picture:
            assert picture.size == (128, 128)
    assert cleaned.faces["image"].is_unique and "\\" not in "".join(cleaned.faces["image"])
    assert (cleaned.faces.groupby("identity")["split"].nunique() == 1).all()
    drawn = cleaned.faces[cleaned.faces["kind"] == "cartoon"]
    assert drawn["source"].value_counts().to_dict() == {"detection": 6, "recognition": 6}
    truth = pd.read_csv(mini.root / "truth.csv").loc[cleaned.faces["truth"]]
    assert (truth["identity"].astype(str).to_numpy() == cleaned.faces["identity"]).all()
    assert (truth["kind"].to_numpy() == cleaned.faces["kind"]).all()


def test_triplets_are_agreed_whole_and_inside_one_split(mini):
    cleaned = clean.ensure()
    assert list(cleaned.triplets.columns) == clean.TRIPLET_COLUMNS and len(cleaned.triplets)
    split = cleaned.faces.set_index("image")["split"]
    for column in ("image1", "image2", "image3"):
        assert (split.loc[cleaned.triplets[column]].to_numpy() == cleaned.triplets["split"]).all()
    assert (cleaned.triplets["label"] == 2).all() and (cleaned.triplets["agreement"] >= 2 / 3).all()
    total = cleaned.stages["Total"]
    assert total["read"] == 72 and total["agreed"] == 54
    assert total["agreed"] > total["downloaded"] == len(cleaned.triplets)


def test_the_second_call_reads_and_an_interrupted_one_goes_on(mini, monkeypatch):
    first = clean.ensure()
    before = {path: path.stat().st_mtime_ns for path in mini.folder.rglob("*.jpg")}
    (mini.folder / "done.json").unlink()
    monkeypatch.setattr(clean, "download", _no_server)
    again = clean.ensure()
    assert again.faces.equals(first.faces) and again.triplets.equals(first.triplets)
    assert {path: path.stat().st_mtime_ns for path in mini.folder.rglob("*.jpg")} == before
    monkeypatch.setattr(clean, "clean", lambda where: pytest.fail("cleaned again"))
    assert clean.ensure().faces.equals(first.faces)


def _no_server(urls, folder, options, wanted, engine):
    """Download without the mini world's host: a photo that is asked for again fails."""
    return download(urls, folder, Options(hosts={}, tries=1), wanted, engine)


def _link(mini, person, number):
    return f"http://{HOST}/p{person}n{number}.jpg"


def _files(folder):
    return {path.name for path in folder.rglob("*") if path.is_file()}


def _write_triplets(mini, triplets):
    """Write a list of agreed triplets of the training people; a face is (person, photo), its box the left one."""
    box = f"{20 / 160:.6f},{80 / 160:.6f},{30 / 120:.6f},{110 / 120:.6f}"
    rows = [",".join(f'"{_link(mini, *face)}",{box}' for face in faces) for faces in triplets]
    lines = "".join(f"{row},{formats.TRIPLET_TYPES[n % 3]},r1,2,r2,2\n" for n, row in enumerate(rows))
    (mini.root / "fec" / formats.FEC_FILES["train"]).write_text(lines)
    (mini.root / "fec" / formats.FEC_FILES["test"]).write_text("")


def _kept(mini, cleaned):
    """Check that what is on disk is what the result uses; return the names (person, photo) of the photos."""
    assert _files(mini.folder / "crops128") == {image.rsplit("/", 1)[1] for image in cleaned.faces["image"]}
    shown = set(cleaned.triplets[clean.IMAGES].to_numpy().ravel())
    assert set(cleaned.faces.loc[cleaned.faces["kind"] == "human", "image"]) == shown
    photos = {photo_path(mini.folder, _link(mini, p, n)).name: (p, n) for p in range(6) for n in range(1, 4)}
    return {photos[name] for name in _files(mini.folder / "photos")}


@pytest.fixture
def asked(monkeypatch):
    """Serve photos as the test says, by `asked.faults`; count the questions."""
    counts, faults = Counter(), {}

    class Counting(PhotoServer):
        def answer(self, name, user_agent):
            counts[name] += 1
            told = faults.get(name) or faults.get("all of them")
            if told == "portal":
                return 302, {"Location": f"http://10.0.0.1/login?for={name}"}, b""
            busy = told in ("503", "429")
            return (int(told), {"Retry-After": "0"}, b"") if busy else super().answer(name, user_agent)

    monkeypatch.setattr(sources, "PhotoServer", Counting)
    monkeypatch.setattr(sources, "faults", lambda where: faults)
    counts.faults = faults
    return counts


def test_what_no_triplet_uses_is_let_go_and_not_asked_again(mini, asked):
    _write_triplets(mini, [((0, 1), (1, 1), (2, 1)), ((0, 2), (1, 2), (2, 2)), ((0, 1), (3, 1), (4, 1))])
    asked.faults["p2n2.jpg"] = "410"
    cleaned = clean.ensure()
    assert len(cleaned.triplets) == 2 and _kept(mini, cleaned) == {(0, 1), (1, 1), (2, 1), (3, 1), (4, 1)}
    assert sum(asked.values()) == 8
    with Ledger(mini.folder / "ledger.sqlite") as ledger:
        gone = {url: reason for url, (state, _, reason) in ledger.known().items() if state == "ok" and reason}
    assert gone == dict.fromkeys((_link(mini, 0, 2), _link(mini, 1, 2)), LET_GO)
    (mini.folder / "done.json").unlink()
    again = clean.ensure()
    assert again.faces.equals(cleaned.faces) and sum(asked.values()) == 8
    _write_triplets(mini, [((0, 2), (1, 2), (3, 1))])  # another list: two photos are wanted back, others are not
    cleaned = clean.ensure()
    assert len(cleaned.triplets) == 1 and _kept(mini, cleaned) == {(0, 2), (1, 2), (3, 1)}
    assert sum(asked.values()) == 10 and asked["p0n2.jpg"] == asked["p1n2.jpg"] == 2


def test_a_photo_waits_while_its_companion_may_still_come(mini, asked):
    _write_triplets(mini, [((0, 1), (1, 1), (2, 1)), ((3, 1), (4, 1), (5, 1))])
    asked.faults["p2n1.jpg"] = "503"
    cleaned = clean.ensure()
    assert len(cleaned.triplets) == 1 and len(cleaned.faces[cleaned.faces["kind"] == "human"]) == 3
    assert _kept(mini, cleaned) == {(p, 1) for p in (0, 1, 3, 4, 5)}
    del asked.faults["p2n1.jpg"]
    before = sum(asked.values())
    fetched = clean.fetch(mini, clean._wanted(mini)[-1])  # as notebook 01 does
    assert (fetched["state"] == "ok").all() and sum(asked.values()) == before + 1
    assert len(clean.ensure().triplets) == 2, "a photo that came later is part of the next result"
    assert sum(asked.values()) == before + 1


@pytest.fixture
def command(mini, asked, monkeypatch, capsys):
    """Return a function that runs `mirrorme clean` and returns its exit status, what it printed and how many links it
    asked; photos that fail do so without long pauses."""
    monkeypatch.setattr(sources, "chosen", lambda: mini)
    host = sources.photo_host
    monkeypatch.setattr(clean, "photo_host", lambda where, **options: host(where, pause=0.01, tries=2, **options))

    def run(*options):
        before = dict(asked)
        status = cli.main(["clean", *options])
        printed = capsys.readouterr()
        return status, printed.out + printed.err, sum(n > before.get(name, 0) for name, n in asked.items())

    return run


def test_links_that_wait_are_asked_by_the_next_run_also_when_all_is_done(mini, asked, command):
    links = sorted(clean._wanted(mini)[-1]["url"].unique())
    for n, url in enumerate(links):
        if n % 3 == 0:
            asked.faults[url.rsplit("/", 1)[1]] = "429" if n % 2 else "503"
    asked.faults[links[1].rsplit("/", 1)[1]] = "404"
    waiting = len(asked.faults) - 1
    status, said, n = command()
    assert (status, n) == (0, len(links)) and f"{waiting} links wait" in said and "1 are dead" in said
    rows = [line.split() for line in said.splitlines()]
    assert ["dead", "HTTP", "404", "1"] in rows and {"429", "503"} == {row[2] for row in rows if row[:1] == ["later"]}
    triplets = len(clean.ensure().triplets)
    status, said, n = command()
    assert (status, n) == (0, waiting) and f"{waiting} links wait" in said, "asked again, and they wait again"
    for name in [name for name, fault in asked.faults.items() if fault != "404"]:
        del asked.faults[name]
    status, said, n = command()
    assert (status, n) == (0, waiting) and "0 links wait" in said and "1 are dead" in said
    assert len(clean.ensure().triplets) > triplets
    assert command()[2] == 0, "nothing is left to ask"
    asked.faults.clear()
    status, said, n = command("--again")
    assert (status, n) == (0, 1) and "0 are dead" in said


def test_a_network_that_wants_a_sign_in_costs_nothing(mini, asked, command):
    links = len(clean._wanted(mini)[-1]["url"].unique())
    asked.faults["all of them"] = "portal"
    status, said, _ = command()
    assert status == 2 and len(said.splitlines()) == 1 and "signed in where the network asks for it" in said
    assert not (mini.folder / "done.json").exists()
    asked.faults.clear()
    asked.faults["p0n1.jpg"] = "503"
    assert command()[0] == 0
    cleaned = clean.ensure()
    asked.faults["all of them"] = "portal"
    status, said, n = command()
    assert (status, n) == (0, 1) and "1 links wait" in said and "0 are dead" in said, "one link alone stops no run"
    assert clean.ensure().triplets.equals(cleaned.triplets)
    with Ledger(mini.folder / "ledger.sqlite") as ledger:
        assert ledger.count("ok") == links - 1 and ledger.count("dead") == 0


def test_a_run_that_a_lying_network_stops_leaves_the_last_result(mini, asked, command):
    for n in range(1, 4):
        for person in range(10):
            asked.faults[f"p{person}n{n}.jpg"] = "503"
    assert command()[0] == 0
    before = clean.ensure()
    asked.faults["all of them"] = "portal"
    for name in [name for name in asked.faults if name != "all of them"]:
        del asked.faults[name]
    assert command()[0] == 2
    assert clean.ensure().triplets.equals(before.triplets)


def test_a_full_disk_is_explained_and_costs_nothing(mini, asked, tmp_path):
    """On a real full disk, one of 150 kB; where the system lets us mount it."""
    _write_triplets(mini, [((p, n), (p + 1, n), (p + 2, n)) for p in range(4) for n in (1, 2, 3)])
    small = tmp_path / "clean"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=150k", "none", str(small)], capture_output=True).returncode:
        pytest.skip("this system lets us mount no small disk")
    try:
        with pytest.raises(OSError, match="full.*run again") as caught:
            clean.ensure()
        assert caught.value.errno == errno.ENOSPC and str(small) in str(caught.value)
        there = {path for path in (small / "photos").rglob("*") if path.is_file() and not path.name.startswith(".")}
        stored = {name for name in asked if photo_path(small, f"http://{HOST}/{name}") in there}
        assert stored and len(stored) < 18 and not (small / "done.json").exists()
        subprocess.run(["mount", "-o", "remount,size=20m", str(small)], check=True)
        before = asked.copy()
        cleaned = clean.ensure()
        assert len(cleaned.triplets) == 12 and len(_kept(mini, cleaned)) == 18
        assert not [name for name in stored if asked[name] > before[name]], "what was stored is not asked again"
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_another_world_is_cleaned_from_nothing(mini):
    clean.ensure()
    stray = mini.folder / "photos" / "stray"
    stray.write_text("of another world")
    sources._forget_other_world(mini)
    assert not stray.exists()
    stray.parent.mkdir()
    stray.write_text("of this world")
    sources._forget_other_world(mini)
    assert stray.exists()


def test_a_missing_file_is_named(mini):
    (mini.root / "fec" / formats.FEC_FILES["test"]).unlink()
    with pytest.raises(FileNotFoundError, match=formats.FEC_FILES["test"]):
        clean.ensure()
    real = Source("real", mini.root)
    drawn = icartoonface.read(real.root / "icartoonface").faces
    shutil.rmtree(real.root / "icartoonface" / formats.TRACKS["recognition"][1])
    with pytest.raises(FileNotFoundError, match="389,678 pictures of 5,013 characters belong in .*rectrain.*github"):
        clean.crop_cartoons(real, drawn)


def test_drawings_may_all_be_missing(tmp_path):
    row = {"image": "", "picture": "a.jpg", "track": "recognition", "character": "someone"}
    kept = sources.cartoons_of(Source("real", tmp_path), pd.DataFrame([row, row]))
    assert kept.empty and list(kept.columns) == sources.FACE_COLUMNS


def test_real_files_need_no_index_and_keep_people_apart(mini, tmp_path, monkeypatch):
    """The reader's own files: links name people, folders name characters, the test file makes the test split."""
    real = Source("real", tmp_path / "real")
    shutil.copytree(mini.root, real.root)
    (real.root / "truth.csv").unlink()
    monkeypatch.setattr(clean, "chosen", lambda: real)
    host = sources.photo_host

    def served(where):
        return host(mini) if where.name == "real" else host(where)

    monkeypatch.setattr(clean, "photo_host", served)
    cleaned = clean.ensure()
    people = cleaned.faces[cleaned.faces["kind"] == "human"]
    assert people["identity"].str.startswith("http://").all() and (people["truth"] == -1).all()
    assert (people.groupby("identity")["split"].nunique() == 1).all()
    tests = set(people.loc[people["split"] == "test", "identity"].str[-8:])
    assert tests and all(name.startswith(("p8", "p9")) for name in tests)
    characters = cleaned.faces.loc[cleaned.faces["source"] == "recognition", "identity"]
    assert set(characters) == {f"personai_icartoonface_rectrain_{n:05d}" for n in range(tiny_world.CARTOONS)}
    with pytest.raises(ValueError, match="mini world only"):
        sources.with_truth(cleaned.faces)
    assert icartoonface.read(real.root / "icartoonface").malformed.empty


def test_drawings_of_a_style_that_is_never_trained_on_are_known_by_their_identity():
    cast = [(0, "test", 9), (0, "test", 19), (0, "train", 4), (3, "test", 39)]
    rows = [("cartoon", str(faces.identity_seed(seed, "cartoon", i)), split, 0) for seed, split, i in cast]
    rows += [("human", "19", "test", 0), ("cartoon", "someone", "test", -1)]
    table = pd.DataFrame(rows, columns=["kind", "identity", "split", "truth"])
    assert sources.in_new_style(table).tolist() == [False, True, False, True, False, False]
    for seed, _, i in cast:
        assert (faces.cartoon_of(seed, i).style in drawing.STYLES_HELD_OUT) == (i in (19, 39))
