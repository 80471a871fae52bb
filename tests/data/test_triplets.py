"""Triplets: sampling, majority, the mix, honest and leaky splits, reading and numbering."""

import itertools

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mirrorme_utils.data import triplets as T


@pytest.fixture
def pool():
    """400 faces of 40 identities, four cartoons to a human, split by identity."""
    faces = pd.DataFrame({"image": [f"f{i}.png" for i in range(400)], "identity": [i // 10 for i in range(400)]})
    faces["kind"] = np.where(faces["identity"] % 5 == 0, "human", "cartoon")
    faces["split"] = (faces["identity"] // 5 % 10).map(lambda i: "test" if i == 0 else "val" if i < 3 else "train")
    return faces


def report_table(rows, **columns):
    table = pd.DataFrame(rows, columns=T.REPORT_COLUMNS[:3]).assign(label=1, type=T.TYPES[1])
    return table.assign(**columns)


def test_sampled_triplets_are_mostly_cartoons_different_and_inside_one_part(pool):
    table = T.sample_mixed(pool, 3000, 0.84, np.random.default_rng(1))
    faces = pool.set_index("image")
    assert len(table) == 3000
    assert len({frozenset(row) for row in table[T.IMAGES].to_numpy()}) == 3000
    assert all(len(set(row)) == 3 for row in table[T.IMAGES].to_numpy())
    for column in T.IMAGES:
        assert (faces.loc[table[column], "split"].to_numpy() == table["split"]).all()
    cartoon = (faces.loc[table[T.IMAGES].to_numpy().ravel(), "kind"] == "cartoon").mean()
    assert cartoon == pytest.approx(0.84, abs=0.02)
    assert table["split"].value_counts(normalize=True)["train"] == pytest.approx(
        (pool["split"] == "train").mean(), abs=0.001
    )


def test_sampling_repeats_with_the_seed_and_can_take_one_kind_only(pool):
    def draw(seed, share):
        return T.sample_mixed(pool, 60, share, np.random.default_rng(seed))

    assert draw(1, 0.8).equals(draw(1, 0.8)) and not draw(1, 0.8).equals(draw(2, 0.8))
    kind = pool.set_index("image")["kind"]
    for share, expected in ((1, "cartoon"), (0, "human")):
        assert (kind.loc[draw(1, share)[T.IMAGES].to_numpy().ravel()] == expected).all()


def test_sampling_says_when_the_pool_is_too_small(pool):
    with pytest.raises(ValueError, match="enlarge the pool"):
        T.sample_mixed(pool.head(4).assign(kind="cartoon", split="train"), 5, 1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="both kinds"):
        T.sample_mixed(pool.assign(kind="cartoon"), 5, 0.5, np.random.default_rng(0))


@pytest.mark.parametrize(
    "votes, settled",
    [
        ([2], (2, 1.0)),
        ([1, 2], (None, 0.5)),
        ([3, 3], (3, 1.0)),
        ([1, 3, 3], (3, 2 / 3)),
        ([1, 2, 3], (None, 1 / 3)),
    ],
)
def test_majority(votes, settled):
    assert T.majority(votes) == settled


@pytest.mark.parametrize("votes", [[], [0, 1], [4]])
def test_majority_refuses_what_is_no_vote(votes):
    with pytest.raises(ValueError):
        T.majority(votes)


def test_mix_keeps_the_reports_ratio():
    assert T.mix_sizes(30_000, 300_000) == (30_000, 45_000)
    assert T.mix_sizes(100_000, 100_000) == (30_000, 45_000)
    assert T.mix_sizes(400, 10_000) == (400, 600)
    assert T.mix_sizes(400, 300) == (200, 300)


def test_final_set_mixes_both_and_reads_back(tmp_path):
    ours = pd.DataFrame([("a", "b", "c"), ("b", "c", "d")], columns=T.IMAGES).assign(label=[1, 3], split="train")
    fec = pd.DataFrame([("p", "q", "r")] * 5, columns=T.IMAGES).assign(label=2, type=T.TYPES[2], split="val", votes="x")
    table = T.final_set(ours, fec, 2, 3, np.random.default_rng(0))
    assert list(table.columns) == [*T.REPORT_COLUMNS, "type", "split"]
    assert table["type"].value_counts().to_dict() == {"TWO_CLASS_TRIPLET": 3, "LABELLED": 2}
    T.write_triplets(table, tmp_path / "new" / "final.csv")
    assert (tmp_path / "new" / "final.csv").read_text().startswith("Image1,Image2,Image3,label")
    assert not list(tmp_path.rglob("*.part"))
    read = T.read_triplets(tmp_path / "new" / "final.csv", root=tmp_path)
    assert len(read) == 5
    for row, (index, odd, kind) in enumerate(zip(read.index, read.odd, read.type)):
        assert [read.images[i].name for i in index] == list(table.loc[row, T.REPORT_COLUMNS[:3]])
        assert odd + 1 == table.loc[row, "label"] and T.TYPES[kind] == table.loc[row, "type"]
    with pytest.raises(ValueError, match="only 2"):
        T.final_set(ours, fec, 3, 3, np.random.default_rng(0))


def test_reading_the_reports_four_columns_and_bad_files(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Image1,Image2,Image3,label\na,b,c,3\n")
    read = T.read_triplets(path, root=tmp_path)
    assert read.odd.tolist() == [2] and read.type.tolist() == [0] and read.images[0] == tmp_path / "a"
    path.write_text("Image1,Image2,Image3,label\na,b,c,3\na,b,c,0\n")
    with pytest.raises(ValueError, match="line 3"):
        T.read_triplets(path)
    path.write_text("a,b,c,1\n")
    with pytest.raises(ValueError, match="Image1,Image2,Image3,label"):
        T.read_triplets(path)
    with pytest.raises(FileNotFoundError, match="notebook 02"):
        T.read_triplets(tmp_path / "none.csv")


def test_a_table_numbers_each_image_once(tmp_path):
    table = pd.DataFrame({"a": ["x", "y"], "b": ["y", "z"], "c": ["z", "w"], "label": [1, 3]})
    read = T.from_table(table.assign(type=["ONE_CLASS_TRIPLET", "unheard of"]), ["a", "b", "c"], tmp_path)
    assert [path.name for path in read.images] == ["w", "x", "y", "z"]
    assert (
        read.index.tolist() == [[1, 2, 3], [2, 3, 0]] and read.odd.tolist() == [0, 2] and read.type.tolist() == [1, 0]
    )


def test_joined_sets_share_the_images_that_both_name():
    a = T.Triplets(["x", "y", "z"], np.array([[0, 1, 2]]), np.array([0]), np.array([1]))
    b = T.Triplets(["w", "z", "x"], np.array([[2, 1, 0]]), np.array([2]), np.array([0]))
    both = T.join(a, b)
    assert both.images == ["x", "y", "z", "w"] and both.index.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert both.odd.tolist() == [0, 2] and both.type.tolist() == [1, 0]


def test_split_by_identity_has_no_leak_and_counts_what_it_drops(pool):
    rng = np.random.default_rng(0)
    rows = [rng.choice(pool["image"], 3, replace=False) for _ in range(500)]
    part = pool.set_index("image")["split"].to_dict()
    split = T.split_by_identity(report_table(rows), part)
    assert len(split.train) + len(split.val) + len(split.test) + split.dropped == 500
    identity = pool.set_index("image")["identity"]
    people = [
        set(identity.loc[t[T.REPORT_COLUMNS[:3]].to_numpy().ravel()]) for t in (split.train, split.val, split.test)
    ]
    assert all(not a & b for a, b in itertools.combinations(people, 2))
    assert T.split_leakage(split) == 0 and split.dropped > 250
    with pytest.raises(KeyError, match="no part"):
        T.split_by_identity(report_table([("f0.png", "f1.png", "unknown.png")]), part)


def test_triplets_sampled_inside_the_parts_are_all_kept(pool):
    table = T.sample_mixed(pool, 200, 0.8, np.random.default_rng(1)).rename(
        columns=dict(zip(T.IMAGES, T.REPORT_COLUMNS))
    )
    split = T.split_by_identity(table, pool.set_index("image")["split"].to_dict())
    assert split.dropped == 0 and len(split.train) > len(split.val) > len(split.test) > 0


def test_split_by_rows_keeps_every_row_and_leaks(pool):
    rng = np.random.default_rng(0)
    table = report_table([rng.choice(pool["image"], 3, replace=False) for _ in range(1000)])
    split = T.split_by_rows(table, np.random.default_rng(1))
    assert (len(split.test), len(split.val), len(split.train), split.dropped) == (100, 200, 700, 0)
    assert T.split_leakage(split) > 0.9


def test_images_are_loaded_padded_and_complained_about(tmp_path):
    red = np.zeros((40, 80, 3), np.uint8) + np.array([255, 0, 0], np.uint8)
    Image.fromarray(red).save(tmp_path / "wide.png")
    Image.fromarray(red[:, :40]).convert("L").save(tmp_path / "grey.png")
    images = T.load_images([tmp_path / "wide.png", tmp_path / "grey.png"], 16)
    assert images.shape == (2, 16, 16, 3) and images.dtype == np.uint8
    assert images[0, 8, 8].tolist() == [255, 0, 0] and images[0, 0, 0].tolist() == [0, 0, 0]
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ValueError, match="text.png"):
        T.load_images([tmp_path / "text.png"], 16)
    with pytest.raises(FileNotFoundError):
        T.load_images([tmp_path / "none.png"], 16)
