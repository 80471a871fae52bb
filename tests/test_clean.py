"""Cleaning from end to end on a tiny world: what is kept, what is discarded and why, and that it goes on."""

import shutil

import pandas as pd
import pytest
import tiny_world
from PIL import Image

from mirrorme_utils import clean, config, fec, icartoonface, sources
from mirrorme_utils.download import Options, download
from mirrorme_utils.sources import Source


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


def _no_server(urls, folder, options, see, ledger):
    """Download without the mini world's host: a photo that is asked for again fails."""
    return download(urls, folder, Options(hosts={}, tries=1), see, ledger)


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
    (mini.root / "fec" / fec.FILES["test"]).unlink()
    with pytest.raises(FileNotFoundError, match=fec.FILES["test"]):
        clean.ensure()


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
