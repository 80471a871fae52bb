"""The data sets' files are found where their archives unpack them, and what is missing is said."""

import shutil
from pathlib import Path

import pytest
import tiny_world

from mirrorme_utils import cli, config
from mirrorme_utils.data import clean, fec, icartoonface, sources, unpacked
from mirrorme_utils.data.sources import Source
from mirrorme_utils.world import formats

REC, DET = "icartoonface_rectrain", "icartoonface_dettrain"
REC_BOXES, DET_BOXES = formats.TRACKS["recognition"][0], formats.TRACKS["detection"][0]
LAYOUTS = {  # from where `tiny_world` writes a file or folder to where an archive may unpack it
    "as documented": {},
    "outer folders": {REC: f"personai_{REC}/{REC}", REC_BOXES: f"personai_{REC}/{REC_BOXES}", DET_BOXES: f"personai_{DET}/{DET_BOXES}"},
    "no outer folder": {f"personai_{DET}/{DET}": DET},
    "annotations in folders of their own": {
        REC_BOXES: f"{REC_BOXES.removesuffix('.txt')}/{REC_BOXES}", DET_BOXES: f"{DET_BOXES}/{DET_BOXES}"},
    "one folder for all": {name: f"iCartoonFace/data/{name}" for name in (REC, REC_BOXES, DET_BOXES, f"personai_{DET}")},
    "only the outer folder": {REC: f"personai_{REC}", f"personai_{DET}/{DET}": f"personai_{DET}_"},
    "boxes beside the pictures": {REC_BOXES: f"{REC}/{REC_BOXES}", DET_BOXES: f"personai_{DET}/{DET}/{DET_BOXES}"},
    "folders of other names": {REC: "cartoons/train (1)", f"personai_{DET}/{DET}": "My Pictures/détection"},
}  # fmt: skip


def moved(root, moves):
    for old, new in moves.items():
        aside = root / f"{len(moves)} aside"
        shutil.move(root / old, aside)
        (root / new).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(aside, root / new)


@pytest.fixture
def world(tmp_path):
    return tiny_world.build(tmp_path / "My Course" / "real")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_both_tracks_are_found_where_archives_unpack_them(world, layout):
    root = world / "icartoonface"
    expected = icartoonface.read(root).faces
    moved(root, LAYOUTS[layout])
    faces = icartoonface.read(root).faces
    assert faces["track"].value_counts().to_dict() == {"detection": 8, "recognition": 6}
    assert all((root / image).is_file() for image in faces["image"])
    assert faces.drop(columns="image").equals(expected.drop(columns="image"))
    icartoonface.require_pictures(root, faces)


def test_what_macos_packs_beside_is_not_taken_for_the_files(world):
    root = world / "icartoonface"
    moved(root, LAYOUTS["outer folders"])
    for path in [path for path in root.rglob("*") if path.is_file()]:
        for twin in (path, path.with_name(f"._{path.name}")):
            twin = root / "__MACOSX" / twin.relative_to(root)
            twin.parent.mkdir(parents=True, exist_ok=True)
            twin.write_bytes(b"\0\5\26\7")
    faces = icartoonface.read(root)
    assert len(faces.faces) == 14 and faces.malformed.empty and not faces.faces["image"].str.contains("MACOSX").any()


def test_fec_is_found_below_its_folder_too(world):
    expected = fec.read(world / "fec")
    moved(world / "fec", {name: f"FEC_dataset/{name}" for name in formats.FEC_FILES.values()})
    assert fec.read(world / "fec").triplets.equals(expected.triplets)
    for name in formats.FEC_FILES.values():
        (world / "fec" / "FEC_dataset" / name).unlink()
    (world / "fec" / "FEC_dataset.zip").write_bytes(b"PK")
    with pytest.raises(FileNotFoundError, match="are missing.*unpack FEC_dataset.zip"):
        fec.read(world / "fec")


def test_archives_that_nobody_unpacked_are_named(world):
    root = world / "icartoonface"
    faces = icartoonface.read(root).faces
    shutil.rmtree(root / REC)
    (root / "sub").mkdir()
    (root / "sub" / f"personai_{REC}.zip").write_bytes(b"PK")
    with pytest.raises(
        FileNotFoundError, match=f"recognition track has its annotations but no.*unpack personai_{REC}.zip"
    ):
        icartoonface.require_pictures(root, faces)


def test_the_way_down_has_an_end(tmp_path):
    deep = tmp_path.joinpath(*"abcdefghij")
    deep.mkdir(parents=True)
    (deep / "far.csv").touch()
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    for n in range(200):
        (tmp_path / "many" / f"{n}" / "below").mkdir(parents=True)
    assert unpacked.find(tmp_path, "far.csv") is None and unpacked.find(tmp_path / "nowhere", "far.csv") is None
    (tmp_path / "many" / "near.csv").touch()
    assert unpacked.find(tmp_path, "near.csv") == tmp_path / "many" / "near.csv"
    assert len(list(unpacked.folders(tmp_path / "many"))) == 1, "a folder of characters is not gone through"
    (tmp_path / "many" / "taken.csv").mkdir()
    assert unpacked.find(tmp_path, "taken.csv") is None, "a folder is no file"


@pytest.fixture
def real(world, monkeypatch):
    """Clean these files as the reader's own; the mini world's host answers for the photos."""
    real, mini = Source("real", world), Source("mini", world)
    monkeypatch.setattr(config, "DATA", world.parent)
    host = sources.photo_host
    monkeypatch.setattr(clean, "photo_host", lambda where, **options: host(mini, **options))
    for module in (clean, sources):
        monkeypatch.setattr(module, "chosen", lambda: real)
    return real


def test_the_command_prints_the_tracks_and_names_what_is_missing(real, capsys):
    """In a folder with a blank in its name."""
    moved(real.root / "icartoonface", LAYOUTS["outer folders"])
    with open(next((real.root / "icartoonface").rglob(REC_BOXES)), "a") as boxes:
        boxes.write("\0half a line\r\n")
    assert cli.main(["clean"]) == 0
    said = capsys.readouterr().out
    lines = {line.split()[0]: line.split()[1:] for line in said.splitlines() if line}
    assert lines["detection"] == ["1", "6", "1"] and lines["recognition"] == ["0", "6", "0"], said
    assert (
        "missing" not in said
        and "1 lines could not be read" in said
        and "half a line" in (real.folder / "malformed.csv").read_text()
    )
    assert cli.main(["clean"]) == 0 and capsys.readouterr().out == said, "what is done is read"
    for path in Path(real.root / "icartoonface").rglob(REC_BOXES):
        path.unlink()
    assert cli.main(["clean"]) == 0
    said = capsys.readouterr().out
    assert "iCartoonFace's recognition track is missing" in said and "detection track is missing" not in said
