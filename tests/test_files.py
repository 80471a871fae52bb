"""A file is written whole or not at all."""

import pytest

from mirrorme_utils import files


def test_a_file_is_replaced_when_the_block_ends_well_and_folders_are_made(tmp_path):
    path = tmp_path / "new" / "a.txt"
    files.write(path, "first é")
    assert path.read_text("utf-8") == "first é"
    files.write(path, b"second")
    assert path.read_bytes() == b"second" and [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_a_block_that_fails_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    files.write(path, "first")
    with pytest.raises(OSError, match="space"), files.whole(path) as part:
        part.write_text("half")
        raise OSError("No space left on device")
    assert path.read_text() == "first" and list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_file_never_mix_and_what_they_write_is_hidden(tmp_path):
    path = tmp_path / "a.csv"
    with files.whole(path) as one, files.whole(path, sync=True) as other:
        one.write_text("one")
        other.write_text("other")
        assert one != other and {one.suffix, other.suffix} == {".csv"}
        assert one.name[0] == other.name[0] == ".", "a kill leaves nothing behind that is taken for a file"
    assert path.read_text() == "one"
