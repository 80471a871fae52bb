"""FEC's files: the order of the box, the votes, rows of any length, and rows that are wrong."""

import pandas as pd
import pytest

from mirrorme_utils.data import fec
from mirrorme_utils.world import formats

FACE = '"http://a.test/{}.jpg",0.1,0.4,0.2,0.6'
FACES = ",".join(FACE.format(n) for n in "abc")


def line(votes=(1, 1, 1, 1, 2, 3), kind=formats.TRIPLET_TYPES[0], faces=FACES):
    return ",".join([faces, kind, *(f"rater{n},{vote}" for n, vote in enumerate(votes))])


def written(folder, *lines, part="train"):
    (folder / formats.FEC_FILES[part]).write_bytes(
        b"".join(x if isinstance(x, bytes) else f"{x}\n".encode() for x in lines)
    )
    return fec.read(folder, (part,))


def test_a_row_is_read_in_the_files_order(tmp_path):
    rows = written(tmp_path, line())
    assert rows.faces.iloc[0].to_dict() == dict(url="http://a.test/a.jpg", left=0.1, right=0.4, top=0.2, bottom=0.6)
    row = rows.triplets.iloc[0]
    assert (row["label"], row["votes1"], row["votes2"], row["votes3"]) == (1, 4, 1, 1)
    assert row["agreement"] == pytest.approx(4 / 6) and (row["part"], row["line"]) == ("train", 1)
    assert rows.malformed.empty


def test_rows_may_have_any_number_of_annotators_blanks_quotes_and_line_ends(tmp_path):
    rows = written(tmp_path, line((1,)), line((2,) * 9), line((3, 3), faces=FACES.replace(",", ", ")),
                   f"\ufeff{line()}\r", "", line() + ",,")  # fmt: skip
    assert rows.malformed.empty and len(rows.triplets) == 5 and len(rows.faces) == 3
    assert rows.triplets["label"].tolist() == [1, 2, 3, 1, 1]
    assert rows.triplets["line"].tolist() == [1, 2, 3, 4, 6]


@pytest.mark.parametrize(
    "votes, label, kept",
    [
        ((1, 1, 1, 1, 2, 3), 1, True),  # exactly two thirds
        ((3, 3, 2), 3, True),
        ((2, 2, 2, 1, 1), 2, False),  # 3/5
        ((2, 2, 2, 2, 2, 1, 1, 3), 2, False),  # 5/8
        ((1, 1, 1, 2, 2, 2), 0, False),  # a tie has no odd one out
        ((1, 2, 3), 0, False),
        ((2,), 2, True),
    ],
)
def test_the_majority_and_the_two_thirds(tmp_path, votes, label, kept):
    triplets = written(tmp_path, line(votes)).triplets
    assert triplets["label"].item() == label
    assert bool(fec.strongly_agreed(triplets).item()) is kept


@pytest.mark.parametrize(
    "bad, reason",
    [
        (FACES, "columns"),
        (line(votes=()), "columns"),
        (line() + ",rater9", "without a vote"),
        (line(votes=(1, 4)), "vote '4'"),
        (line(votes=(1, "1.5")), "vote '1.5'"),
        (line(kind="FOUR_CLASS_TRIPLET"), "unknown type"),
        (line().replace("http://a.test/b", "file:///etc/b"), "link 2 is not http"),
        (line().replace("0.4", "wide", 1), "box 1 is not four numbers"),
        (line().replace("0.4", "nan", 1), "box 1 is not finite"),
        (line().replace("0.1,0.4", "0.4,0.1"), "box 1 is empty"),
        (line().replace("0.1,0.4", "1.1,1.4"), "outside"),
        (line().replace("/b.jpg", "/a.jpg"), "same face"),
        ('"http://a.test/open quote' + line(), "not CSV"),
        (b"\xff\xfe" + line().encode() + b"\n", "UTF-8"),
    ],
)
def test_a_malformed_row_is_listed_with_its_line_and_harms_no_other(tmp_path, bad, reason):
    rows = written(tmp_path, line(), bad, line((2, 2, 2)))
    assert rows.triplets["line"].tolist() == [1, 3]
    assert rows.malformed["line"].tolist() == [2] and reason in rows.malformed["reason"].item()
    assert rows.malformed["file"].item() == formats.FEC_FILES["train"] and rows.malformed["text"].item()


def test_two_faces_of_one_photo_are_two(tmp_path):
    second = FACES.replace("/b.jpg", "/a.jpg").replace('/a.jpg",0.1,0.4', '/a.jpg",0.5,0.9', 2)
    second = second.replace('/a.jpg",0.5,0.9', '/a.jpg",0.1,0.4', 1)
    rows = written(tmp_path, line(faces=second))
    assert rows.malformed.empty and len(rows.faces) == 3 and rows.faces["url"].nunique() == 2


def test_a_missing_file_is_named_with_its_place_and_its_origin(tmp_path):
    written(tmp_path, line())
    with pytest.raises(FileNotFoundError) as caught:
        fec.read(tmp_path)
    for wanted in (formats.FEC_FILES["test"], str(tmp_path), "research.google", "500,000 triplets"):
        assert wanted in str(caught.value)
    with pytest.raises(
        FileNotFoundError, match=f"{formats.FEC_FILES['train']} and {formats.FEC_FILES['test']} are missing"
    ):
        fec.read(tmp_path / "elsewhere")


def test_counts_by_type_are_the_reports_table(tmp_path):
    rows = written(
        tmp_path, line(), line(kind=formats.TRIPLET_TYPES[2]), line((1, 2, 3), kind=formats.TRIPLET_TYPES[2])
    )
    table = fec.count_types(read=rows.triplets, strongly_agreed=rows.triplets[fec.strongly_agreed(rows.triplets)])
    expected = pd.DataFrame([[1, 0, 2, 3], [1, 0, 1, 2]], index=["read", "strongly agreed"], columns=table.columns)
    assert table.equals(expected)
    assert sum(fec.REPORT_COUNTS.values()) == 308_923
