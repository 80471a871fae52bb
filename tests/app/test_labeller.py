"""The labeller's view does what the session does, and says what it cannot do."""

import ipywidgets as widgets
import pytest
from PIL import Image, PngImagePlugin
from samples import alive

from mirrorme_utils.app.labeller import SETTLE, Labeller
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


class Clock:
    """Stands still until it is told to go on."""

    now = 0.0

    def __call__(self):
        return self.now


PRESSES = {
    "a click": lambda view: view.faces[0].click(),
    "a key": lambda view: setattr(view.keys, "value", "1"),
}


@pytest.mark.parametrize("press", PRESSES)
def test_a_double_click_and_a_key_held_down_vote_once(store, pictures, press):
    clock = Clock()
    view = Labeller(TRIPLETS, store, "ann", root=pictures, clock=clock)
    for _ in range(20):
        PRESSES[press](view)
        clock.now += SETTLE / 3  # held for two seconds: repeats never settle
    assert said(store) == [("ann", 1)]
    clock.now += SETTLE
    PRESSES[press](view)
    assert said(store) == [("ann", 1), ("ann", 1)]


def test_presses_that_queue_up_while_the_next_triplet_is_drawn_do_not_judge_it(store, pictures, monkeypatch):
    clock = Clock()
    view = Labeller(TRIPLETS, store, "ann", root=pictures, clock=clock)
    show = view._show

    def slow(*note):
        show(*note)
        clock.now += 5  # a kernel that is busy; the browser has sent the second click long ago

    monkeypatch.setattr(view, "_show", slow)
    view.faces[0].click()
    view.faces[0].click()
    view.undo.click()
    assert said(store) == [("ann", 1)]


def test_a_triplet_that_cannot_be_seen_gets_no_vote(store, pictures):
    (pictures / "a.png").write_bytes(b"no picture")
    seconds = iter(range(100))
    view = Labeller(TRIPLETS, store, "ann", root=pictures, clock=lambda: next(seconds))
    assert all(face.disabled for face in view.faces) and not view.skip.disabled
    view.keys.value = "1"
    assert said(store) == [] and "Cannot be shown: a.png" in view.note
    view.keys.value = "s"
    assert not any(face.disabled for face in view.faces) and view.note == ""


def test_a_phone_photo_a_clear_one_and_one_full_of_text_are_shown(store, pictures, tmp_path):
    exif, text = Image.Exif(), PngImagePlugin.PngInfo()
    exif[0x0112] = 6
    text.add_text("prompt", "a face " * 500_000, zip=True)
    Image.new("RGB", (40, 20), "red").save(pictures / "a.png", exif=exif)
    Image.new("RGBA", (30, 30), (0, 0, 0, 0)).save(pictures / "b.png")
    Image.new("RGB", (30, 30), "blue").save(pictures / "c.png", pnginfo=text)
    view = Labeller(TRIPLETS, store, "ann", root=pictures)
    assert view.note == "" and not any(face.disabled for face in view.faces)


def test_two_windows_of_one_rater_judge_no_triplet_twice(store, pictures):
    seconds = iter(range(100))
    first, second = (
        Labeller(TRIPLETS, store, "ann", root=pictures, clock=lambda: next(seconds)) for _ in range(2)
    )
    first.faces[0].click()
    second.faces[1].click()
    assert said(store) == [("ann", 1)] and "another window" in second.note
    assert second.session.current == TRIPLETS[1]
    second.faces[1].click()
    first.undo.click()  # what it would take back is not the last vote any more
    assert said(store) == [("ann", 1), ("ann", 2)] and "another window" in first.note
    assert first.session.current == second.session.current == TRIPLETS[2]


def test_zooming_leaves_no_widgets_behind(store, pictures):
    view = Labeller(TRIPLETS, store, "ann", root=pictures)
    before = len(alive())
    for side in (100, 140, 180):
        view.zoom.value = side
    assert len(alive()) == before


def test_a_failed_save_is_said_and_loses_nothing(store, pictures):
    view = Labeller(TRIPLETS, store, "ann", root=pictures)
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
