"""iCartoonFace's two annotation files: the order of the box, the characters, and rows that are wrong."""

import pytest

from mirrorme_utils.data import icartoonface
from mirrorme_utils.data.icartoonface import TRACKS


def written(folder, **tracks):
    for track, lines in tracks.items():
        (folder / TRACKS[track][0]).write_text("".join(f"{line}\n" for line in lines))
    return icartoonface.read(folder)


def test_both_tracks_are_read_in_their_own_format(tmp_path):
    data = written(tmp_path, detection=["d1.jpg,10,20,30,60", "d1.jpg,40,20,50,60"],
                   recognition=["someone_1/x.jpg\t1\t2\t3\t5", "someone_2/x.jpg\t1\t2\t3\t5"])  # fmt: skip
    assert data.malformed.empty and data.faces["track"].tolist() == ["detection"] * 2 + ["recognition"] * 2
    first = data.faces.iloc[0]
    assert first["image"] == "personai_icartoonface_dettrain/icartoonface_dettrain/d1.jpg"
    assert first[["left", "right", "top", "bottom"]].tolist() == [10, 30, 20, 60]
    assert data.faces["character"].tolist() == ["d1", "d1", "someone_1", "someone_2"]
    assert data.faces["image"].iloc[2] == "icartoonface_rectrain/someone_1/x.jpg"


def test_one_track_is_enough_and_none_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        icartoonface.read(tmp_path)
    for annotations, pictures, _ in TRACKS.values():
        assert annotations in str(caught.value) and pictures in str(caught.value)
    assert "50,000 pictures" in str(caught.value) and "389,678 pictures" in str(caught.value)
    assert str(tmp_path) in str(caught.value) and "github.com" in str(caught.value)
    assert len(written(tmp_path, detection=["d1.jpg,10,20,30,60"]).faces) == 1


@pytest.mark.parametrize(
    "bad, reason",
    [
        ("d2.jpg,1,2,3", "4 columns"),
        ("d2.jpg,1,2,3,4,5", "6 columns"),
        ("d2.jpg,1,2,x,4", "not four numbers"),
        ("d2.jpg,1,2,inf,4", "not finite"),
        ("../../secret.jpg,1,2,3,4", "leaves its folder"),
        ("/etc/secret.jpg,1,2,3,4", "leaves its folder"),
        ("..\\secret.jpg,1,2,3,4", "leaves its folder"),
        ("C:\\secret.jpg,1,2,3,4", "leaves its folder"),
        (",1,2,3,4", "leaves its folder"),
    ],
)
def test_a_malformed_row_is_listed_and_harms_no_other(tmp_path, bad, reason):
    data = written(tmp_path, detection=["d1.jpg,10,20,30,60", bad, "d3.jpg,10,20,30,60"])
    assert data.faces["character"].tolist() == ["d1", "d3"]
    assert data.malformed["line"].tolist() == [2] and reason in data.malformed["reason"].item()


def test_boxes_that_leave_the_picture_are_kept_for_clipping(tmp_path):
    data = written(tmp_path, detection=["d1.jpg,-5,-8,30,60", "d1.jpg,10,10,10,60"])
    assert data.malformed.empty and data.faces["left"].tolist() == [-5, 10]
