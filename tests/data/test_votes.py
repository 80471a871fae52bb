"""Votes reach the disk, can be taken back, and survive a crash."""

import os

import pytest

from mirrorme_utils.data import votes
from mirrorme_utils.data.votes import Session

TRIPLETS = [("a.png", "b.png", "c.png"), ("b.png", "c.png", "d.png"), ("d.png", "a.png", "b.png")]


@pytest.fixture
def store(tmp_path):
    return tmp_path / "votes" / "votes.csv"


def said(store):
    return [(row.rater, row.vote) for row in votes.read_votes(store).itertuples()]


def test_votes_are_on_disk_at_once_and_in_order(store):
    session = Session(TRIPLETS, store, "ann")
    session.vote(3)
    assert said(store) == [("ann", 3)] and session.current == TRIPLETS[1]
    session.vote(1)
    session.vote("2")
    assert said(store) == [("ann", 3), ("ann", 1), ("ann", 2)] and session.current is None
    table = votes.read_votes(store)
    assert [tuple(row) for row in table[["image1", "image2", "image3"]].to_numpy()] == TRIPLETS
    with pytest.raises(IndexError, match="done"):
        session.vote(1)


def test_a_new_session_goes_on_where_the_last_one_stopped(store):
    Session(TRIPLETS, store, "ann").vote(1)
    again = Session(TRIPLETS, store, "ann")
    assert again.current == TRIPLETS[1] and again.progress.voted == 1
    assert Session(TRIPLETS[::-1], store, "ann").current == TRIPLETS[2]


def test_raters_share_a_file_without_seeing_each_other(store):
    ann, bob = Session(TRIPLETS, store, "ann"), Session(TRIPLETS, store, 'Bob, Jr. "B"')
    ann.vote(1)
    bob.vote(2)
    ann.vote(3)
    assert said(store) == [("ann", 1), ('Bob, Jr. "B"', 2), ("ann", 3)]
    assert Session(TRIPLETS, store, 'Bob, Jr. "B"').current == TRIPLETS[1]


def test_undo_returns_to_the_triplet_also_after_a_restart(store):
    session = Session(TRIPLETS, store, "ann")
    session.vote(1)
    session.skip()
    assert session.undo() == TRIPLETS[1] == session.current
    session.vote(2)
    again = Session(TRIPLETS, store, "ann")
    assert again.undo() == TRIPLETS[1] and again.undo() == TRIPLETS[0] == again.current
    assert said(store) == []
    with pytest.raises(IndexError, match="nothing"):
        again.undo()


def test_skipped_triplets_have_no_vote_and_do_not_come_back(store):
    session = Session(TRIPLETS, store, "ann")
    session.skip()
    session.vote(2)
    assert said(store) == [("ann", 2)]
    again = Session(TRIPLETS, store, "ann")
    assert again.current == TRIPLETS[2]
    assert (again.progress.voted, again.progress.skipped, again.progress.total) == (1, 1, 3)


def test_every_cut_of_the_last_line_leaves_the_votes_before_it_and_takes_new_ones(store):
    session = Session(TRIPLETS, store, "ann")
    session.vote(1)
    before = store.stat().st_size
    session.vote(2)
    whole = store.read_bytes()
    for cut in range(before, len(whole)):
        store.write_bytes(whole[:cut])
        again = Session(TRIPLETS, store, "ann")
        complete = cut == len(whole) - 1  # only the line's end is missing
        assert said(store) == [("ann", 1), ("ann", 2)][: 1 + complete]
        assert again.damaged == (cut > before and not complete)
        again.vote(3)
        assert said(store)[-1] == ("ann", 3) and len(said(store)) == 2 + complete


@pytest.mark.parametrize("rubbish", [b"\x00" * 40, b"\xff\xfe,\x80", b'ann,1.0,"a.png,b.png,c.png,1', b"ann,1,a,b,c,9"])
def test_rubbish_in_the_log_is_passed_over(store, rubbish):
    Session(TRIPLETS, store, "ann").vote(1)
    store.write_bytes(store.read_bytes() + rubbish)
    session = Session(TRIPLETS, store, "ann")
    assert session.damaged == 1 and session.progress.voted == 1
    session.vote(2)
    assert said(store) == [("ann", 1), ("ann", 2)]


def test_a_vote_that_cannot_be_saved_does_not_count(store, monkeypatch):
    session = Session(TRIPLETS, store, "ann")

    def full(_):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError):
        session.vote(1)
    assert session.current == TRIPLETS[0] and session.progress.voted == 0


def test_names_and_votes_are_checked(store):
    with pytest.raises(ValueError, match="name"):
        Session(TRIPLETS, store, "  ")
    with pytest.raises(ValueError, match="one line"):
        Session([("a\nb", "c", "d")], store, "ann")
    for vote in (0, 4, "x", 1.5, None):
        with pytest.raises(ValueError, match="1, 2 or 3"):
            Session(TRIPLETS, store, "ann").vote(vote)


def test_rate_is_votes_a_minute_of_this_sitting(store):
    seconds = iter([0, 4, 8])
    session = Session(TRIPLETS, store, "ann", clock=lambda: next(seconds))
    assert session.progress.per_minute is None
    for _ in TRIPLETS:
        session.vote(1)
    assert session.progress.per_minute == 15
