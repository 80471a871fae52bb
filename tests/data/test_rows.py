"""Tables that are not what they should be: reading stops with the first bad line, and says what to do."""

import bz2
import gzip
import io
import lzma
import re
import shutil
import zipfile

import pytest
import tiny_world

from mirrorme_utils.data import fec, icartoonface, rows, triplets
from mirrorme_utils.world import formats

PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n<body>\n<p>Please sign in.</p>\n</body></html>\n"


def zipped(data):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", data)
    return file.getvalue()


def split_by(sign):
    return lambda data: data.replace(b",", sign).replace(b"\t", sign)


SPOILT = {  # what was done to the file, and what is said of it
    "semicolons": (split_by(b";"), "separated by semicolons"),
    "decimal commas": (lambda data: re.sub(rb"(\d)\.(\d)", rb"\1,\2", split_by(b";")(data)), "separated by semicolons"),
    "other separators": (
        lambda data: data.replace(b"\t", b",") if b"\t" in data else data.replace(b",", b"\t"),
        "separated by",
    ),
    "UTF-16": (lambda data: data.decode().encode("utf-16"), "UTF-16"),
    "UTF-16 without its mark": (lambda data: data.decode().encode("utf-16-le"), "UTF-16"),
    "gzip": (gzip.compress, "gzip"),
    "bzip2": (bz2.compress, "bzip2"),
    "xz": (lzma.compress, "xz"),
    "zip": (zipped, "zip"),
    "a sign-in page": (lambda data: PAGE, "sign in"),
    "a page after blank lines": (lambda data: b"\n\n" + PAGE, "sign in"),
    "Git LFS": (lambda data: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "git lfs pull"),
    "Mac line ends": (lambda data: data.replace(b"\n", b"\r"), ""),
    "empty": (lambda data: b"", ""),
    "blank": (lambda data: b" \n\n", ""),
    "half of it": (lambda data: data * 3 + split_by(b";")(data * 3), ""),
}
TABLES = {
    "FEC train": f"fec/{formats.FEC_FILES['train']}",
    "FEC test": f"fec/{formats.FEC_FILES['test']}",
    "detection": f"icartoonface/{formats.TRACKS['detection'][0]}",
    "recognition": f"icartoonface/{formats.TRACKS['recognition'][0]}",
    "triplets": "triplets.csv",
}
WHERE_FROM = {"FEC": "research.google", "det": "github.com", "rec": "github.com", "tri": "notebook 02"}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A tiny world, and a table of triplets beside it."""
    root = tiny_world.build(tmp_path_factory.mktemp("tables") / "world")
    lines = [f"a{n}.jpg,b{n}.jpg,c{n}.jpg,{n % 3 + 1},LABELLED" for n in range(40)]
    (root / "triplets.csv").write_text("\n".join(["Image1,Image2,Image3,label,type", *lines, ""]))
    return root


def read(root, table):
    if table.startswith("FEC"):
        return fec.read(root / "fec")
    return (
        triplets.read_triplets(root / "triplets.csv")
        if table == "triplets"
        else icartoonface.read(root / "icartoonface")
    )


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_spoilt_table_is_an_error_with_its_first_bad_line(tables, tmp_path, spoilt, table):
    root = shutil.copytree(tables, tmp_path / "world")
    change, said = SPOILT[spoilt]
    file = root / TABLES[table]
    file.write_bytes(change(file.read_bytes()))
    if table == "FEC test" and spoilt in ("empty", "blank"):
        return  # the other file holds triplets
    if table == "FEC train" and spoilt in ("empty", "blank"):
        (root / TABLES["FEC test"]).write_bytes(b"")
    with pytest.raises(ValueError) as caught:
        read(root, table)
    message = str(caught.value)
    assert str(file) in message and said in message and WHERE_FROM[table[:3]] in message
    assert spoilt in ("empty", "blank") or "lines cannot be read, the first is line " in message
    assert "\n" not in message and "x00" not in message and len(message) < 600


@pytest.mark.parametrize("table", [table for table in TABLES if table != "triplets"])
def test_where_single_lines_end(tables, tmp_path, table):
    """Up to a tenth of the lines, or fewer than five, are listed; more, and the message has the first of them."""
    root = shutil.copytree(tables, tmp_path / "world")
    lines = (root / TABLES[table]).read_bytes().splitlines() * 20
    for bad, stops in ((1, False), (4, False), (len(lines) // 12, False), (len(lines) // 4, True)):
        spoilt = [split_by(b";")(line) if n in range(7, 7 + bad) else line for n, line in enumerate(lines)]
        (root / TABLES[table]).write_bytes(b"\n".join(spoilt))
        if stops:
            with pytest.raises(
                ValueError, match=f"{bad:,} of {len(lines):,} lines cannot be read, the first is line 8 "
            ):
                read(root, table)
        else:
            assert read(root, table).malformed["line"].tolist() == list(range(8, 8 + bad))


def test_a_table_of_triplets_has_no_bad_line(tables, tmp_path):
    lines = (tables / "triplets.csv").read_text().splitlines()
    for bad in ("a,b,c,4,LABELLED", "a,b,,1,LABELLED", "a,b,c,1", "a;b;c;1;LABELLED", "a,b,c,1.0,LABELLED"):
        (tmp_path / "t.csv").write_text("\n".join([*lines[:5], "", bad, *lines[5:]]))
        with pytest.raises(ValueError, match=r"1 of 42 lines cannot be read, the first is line 7 \(") as caught:
            triplets.read_triplets(tmp_path / "t.csv")
        assert bad in str(caught.value)
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    assert len(triplets.read_triplets(tmp_path / "t.csv")) == 40
    (tmp_path / "t.csv").write_text(lines[0] + "\n")
    assert len(triplets.read_triplets(tmp_path / "t.csv")) == 0


def test_a_large_file_of_something_else_is_not_read_to_its_end(tmp_path):
    (tmp_path / formats.FEC_FILES["train"]).write_bytes(b"<p>no table</p>\n" * 300_000)
    with pytest.raises(ValueError, match=f"{rows.GIVE_UP:,} of {rows.GIVE_UP:,} lines"):
        fec.read(tmp_path, ("train",))
