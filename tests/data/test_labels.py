"""The final set: simulated raters or people label mixed triplets, ties go, the report's ratio and the split hold."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from mirrorme_utils import config
from mirrorme_utils.data import clean, labels, triplets, votes
from mirrorme_utils.data.triplets import IMAGES, REPORT_COLUMNS
from mirrorme_utils.world import build, expressions

SPLITS = np.array(["train", "train", "train", "val", "test"])


@pytest.fixture
def world(tmp_path, monkeypatch):
    """20 people and 20 drawings with 12 faces each, 900 FEC triplets inside the splits, and a truth."""
    monkeypatch.setattr(config, "DATA", tmp_path)
    rng = np.random.default_rng(0)
    number = np.arange(480)
    faces = pd.DataFrame({"image": [f"crops/{i}.jpg" for i in number], "identity": (number // 12).astype(str)})
    faces["kind"] = np.where(number < 240, "human", "cartoon")
    faces["split"] = SPLITS[(number // 12) % 5]
    faces["source"], faces["truth"] = "fec", number[::-1]
    names = rng.choice(list(expressions.PALETTE), 480)
    weights = pd.DataFrame([expressions.sample(n, rng) for n in names], columns=expressions.BLENDSHAPES)
    monkeypatch.setattr(build, "truth", lambda: weights.assign(expression=names))
    build.root().mkdir()
    (build.root() / "raters.json").write_text(json.dumps({"noise": 0.2}))
    rows = []
    for split, n in (("train", 540), ("val", 180), ("test", 180)):
        pool = faces.loc[(faces["kind"] == "human") & (faces["split"] == split), "image"]
        rows += [(*rng.choice(pool, 3, replace=False), split) for _ in range(n)]
    fec = pd.DataFrame(rows, columns=[*IMAGES, "split"]).assign(label=2, type=triplets.TYPES[1], agreement=1.0)
    return clean.Cleaned(faces, fec, pd.DataFrame())


def test_simulated_raters_see_each_faces_own_truth(world):
    table = labels.mixed(world)
    blendshapes = labels.true_blendshapes(table, world.faces)
    assert blendshapes.shape == (600, 3, 52)
    row = world.faces.set_index("image").loc[table.loc[7, "image2"], "truth"]
    assert np.allclose(blendshapes[7, 1], build.truth().loc[row, list(expressions.BLENDSHAPES)].to_numpy(float))
    said = labels.simulate(table, blendshapes, 0.0)
    assert len(said) == 3 * len(table) and said["rater"].nunique() == 3
    settled = labels.settle(said, world.faces)
    assert settled.ties == 0 and (settled.table["agreement"] == 1).all()
    a, b, c = blendshapes[7]
    pairs = [expressions.distance(b, c), expressions.distance(a, c), expressions.distance(a, b)]
    assert settled.table.loc[7, "label"] == np.argmin(pairs) + 1


def test_noise_brings_disagreement_and_ties_and_the_seed_repeats_it(world):
    table = labels.mixed(world)
    blendshapes = labels.true_blendshapes(table, world.faces)
    noisy = labels.settle(labels.simulate(table, blendshapes, 5.0), world.faces)
    assert noisy.ties > 0.1 * len(table) and noisy.ties + len(noisy.table) == len(table)
    assert set(noisy.table["agreement"].round(2)) == {0.67, 1.0}
    assert labels.simulate(table, blendshapes, 0.3).equals(labels.simulate(table, blendshapes, 0.3))
    assert not labels.simulate(table, blendshapes, 0.3).equals(labels.simulate(table, blendshapes, 0.3, seed=1))


def test_triplets_are_mixed_mostly_cartoons_and_in_the_reports_number(world):
    table = labels.mixed(world)
    assert len(table) == 600  # 2/3 of 900 FEC triplets
    kind = world.faces.set_index("image")["kind"]
    share = (kind.loc[table[IMAGES].to_numpy().ravel()] == "cartoon").mean()
    assert share == pytest.approx(labels.CARTOON_SHARE, abs=0.03) and round(labels.CARTOON_SHARE, 2) == 0.84


def test_the_final_set_has_the_reports_ratio_and_no_identity_in_two_parts(world, monkeypatch):
    monkeypatch.setattr(clean, "ensure", lambda: world)
    sets = labels.ensure()
    assert list(sets) == ["train", "val", "test"]
    types = np.concatenate([part.type for part in sets.values()])
    assert (types == 0).sum() / (types > 0).sum() == pytest.approx(2 / 3, abs=0.01)
    identity = dict(zip(world.faces["image"], world.faces["identity"]))
    who = [{identity[path.relative_to(config.DATA).as_posix()] for path in part.images} for part in sets.values()]
    assert all(who) and not any(a & b for a, b in itertools.combinations(who, 2))
    lines = (labels.folder() / "val.csv").read_text().splitlines()
    assert lines[0] == "Image1,Image2,Image3,label,type" and len(lines) == len(sets["val"]) + 1


def test_groups_share_no_triplet_and_leave_none_out(world, monkeypatch):
    monkeypatch.setattr(clean, "ensure", lambda: world)
    test = labels.ensure()["test"]
    groups = labels.groups(test)
    assert list(groups) == ["people", "with cartoons", "in a new style"]
    assert (sum(mask.astype(int) for mask in groups.values()) == 1).all()
    drawn = (labels.look_up(test, "kind") == "cartoon").any(1)
    assert (groups["people"] == ~drawn).all()


def test_the_set_is_made_once_and_again_when_its_sources_change(world, monkeypatch):
    monkeypatch.setattr(clean, "ensure", lambda: world)
    labels.ensure()
    with monkeypatch.context() as patch:
        patch.setattr(labels, "final", lambda *_: pytest.fail("made twice"))
        labels.ensure()
        (labels.store()).write_text("people's votes do not matter in the mini world")
        labels.ensure()
    fewer = clean.Cleaned(world.faces, world.triplets.iloc[::2], world.stages)
    monkeypatch.setattr(clean, "ensure", lambda: fewer)
    assert sum(map(len, labels.ensure().values())) < 800
    for name, other in (("RATERS", 5), ("CARTOON_SHARE", 0.5)):
        before = (labels.folder() / "train.csv").read_bytes()
        monkeypatch.setattr(labels, name, other)
        labels.ensure()
        assert (labels.folder() / "train.csv").read_bytes() != before, name


def test_real_faces_take_peoples_votes(world, monkeypatch):
    real = clean.Cleaned(world.faces.assign(truth=-1), world.triplets, world.stages)
    monkeypatch.setattr(clean, "ensure", lambda: real)
    with pytest.raises(ValueError, match="label some triplets first, in notebook 02"):
        labels.ensure()
    with pytest.raises(ValueError, match="real"):
        labels.true_blendshapes(labels.mixed(real), real.faces)
    shown = list(labels.mixed(real)[IMAGES].head(60).itertuples(index=False, name=None))
    for rater, odd in (("ann", 1), ("bob", 1), ("cyd", 3)):
        session = votes.Session(shown, labels.store(), rater)
        for _ in shown:
            session.vote(odd)
    sets = labels.ensure()
    ours = np.concatenate([part.odd[part.type == 0] for part in sets.values()])
    assert len(ours) == 60 and (ours == 0).all()
    votes.Session(shown, labels.store(), "dan").vote(3)  # two to two: a tie
    assert sum((part.type == 0).sum() for part in labels.ensure().values()) == 59


def test_votes_on_faces_that_are_gone_or_straddle_parts_are_left_out(world):
    by_split = {s: g["image"].tolist() for s, g in world.faces.groupby("split")}
    train, val = by_split["train"], by_split["val"]
    rows = [(*train[:3], "ann", 1), ("gone.jpg", *train[:2], "ann", 1), (*train[:2], val[0], "ann", 1)]
    settled = labels.settle(pd.DataFrame(rows, columns=[*IMAGES, "rater", "vote"]), world.faces)
    assert len(settled.table) == 1 and settled.ties == 0 and settled.table.loc[0, "split"] == "train"


def test_combine_refuses_nothing_but_takes_what_the_ratio_allows(world):
    ours = world.triplets.head(100).drop(columns="type")
    table = labels.combine(ours, world.triplets)
    assert list(table.columns) == [*REPORT_COLUMNS, "type", "split"]
    assert (table["type"] == "LABELLED").sum() == 100 and len(table) == 250
