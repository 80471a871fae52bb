"""The labeller's view does what the session does, and says what it cannot do."""

import ipywidgets as widgets
import pytest
from PIL import Image

from mirrorme_utils.app.labeller import KEY_REPEAT, Labeller
from mirrorme_utils.data import votes
from mirrorme_utils.data.votes import Session

TRIPLETS = [("a.png", "b.png", "c.png"), ("b.png", "c.png", "d.png"), ("d.png", "a.png", "b.png")]


@pytest.fixture
def store(tmp_path):
    return tmp_path / "votes" / "votes.csv"


@pytest.fixture
def pictures(tmp_path):
    for name in "abcd":
        Image.new("RGB", (30, 30), "red").save(tmp_path / f"{name}.png")
    return tmp_path


def said(store):
    return [(row.rater, row.vote) for row in votes.read_votes(store).itertuples()]


def test_buttons_and_keys_do_what_the_session_does(store, pictures, capsys):
    seconds = iter(range(100))
    view = Labeller(TRIPLETS, store, "ann", root=pictures, clock=lambda: next(seconds))
    assert isinstance(view.widget, widgets.VBox) and view.undo.disabled
    view.faces[2].click()
    assert said(store) == [("ann", 3)] and not view.undo.disabled
    view.keys.value = "2"
    assert said(store) == [("ann", 3), ("ann", 2)] and view.keys.value == ""
    view.keys.value = "U"
    view.skip.click()
    view.undo.click()
    assert said(store) == [("ann", 3)]
    view.keys.value = "x"
    assert "does nothing" in view.note
    view.keys.value = "1"
    view.keys.value = "s"
    assert view.note == "" and view.faces[0].disabled and view.skip.disabled
    view.keys.value = "1"
    assert view.note == "All triplets are done." and said(store) == [("ann", 3), ("ann", 1)]
    assert capsys.readouterr() == ("", "")


def test_a_key_held_down_votes_once(store, pictures):
    seconds = iter([0, KEY_REPEAT / 2, KEY_REPEAT, 10])
    view = Labeller(TRIPLETS, store, "ann", root=pictures, clock=lambda: next(seconds))
    for _ in range(4):
        view.keys.value = "1"
    assert said(store) == [("ann", 1), ("ann", 1)]


def test_a_missing_picture_and_a_failed_save_are_said_and_lose_nothing(store, pictures, monkeypatch):
    (pictures / "a.png").unlink()
    view = Labeller(TRIPLETS, store, "ann", root=pictures)
    assert "a.png" in view.note
    store.parent.mkdir(exist_ok=True)
    store.mkdir()
    view.faces[0].click()
    assert "Not saved" in view.note and view.session.current == TRIPLETS[0]


def test_zoom_by_slider_or_key_makes_the_faces_larger_and_stops_at_its_ends(store, pictures):
    seconds = iter(range(100))
    view = Labeller(TRIPLETS, store, "ann", root=pictures, side=260, clock=lambda: next(seconds))
    view.keys.value = "+"
    assert [face.layout.width for face in view.faces] == ["300px"] * 3
    for _ in range(9):
        view.keys.value = "-"
    assert [face.layout.height for face in view.faces] == ["100px"] * 3
    view.zoom.value = 420
    assert view.faces[0].layout.width == "420px" and said(store) == []


def test_agreement_of_several_raters_is_shown_from_ten_triplets_on(store, pictures):
    triplets = [("a.png", "b.png", f"{n}.png") for n in range(12)]
    for name, wrong in (("ann", ()), ("bob", (3,))):
        session = Session(triplets, store, name)
        for n in range(10):
            session.vote(n % 3 + 1 if n not in wrong else 2)
    found, shared = votes.alpha(votes.read_votes(store))
    # By hand: 20 votes (7, 7, 6) in 10 pairs, of which one differs: 1 - 19 * 2 / (2 * (7 * 7 + 7 * 6 + 7 * 6))
    counts = votes.read_votes(store)["vote"].value_counts()
    apart = sum(counts[i] * counts[j] for i in counts.index for j in counts.index if i != j)
    assert shared == 10 and abs(found - (1 - 19 * 2 / apart)) < 1e-9
    view = Labeller(triplets, store, "carl", root=pictures)
    assert f"α {found:.2f} on 10 triplets" in view._count.value
    assert all(value != value for value in (votes.alpha(votes.read_votes(pictures / "none.csv"))[0],))
