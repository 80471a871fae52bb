"""Several machines work on one list: whatever their number, and whatever one of them missed, the result is the same."""

import hashlib
import shutil

import pytest
import tiny_world

from mirrorme_utils import cli, config
from mirrorme_utils.data import clean, photo_server, shards, sources
from mirrorme_utils.data.download import photo_path
from mirrorme_utils.data.ledger import Ledger
from mirrorme_utils.data.sources import Source

RESULT = ("faces.csv", "triplets.csv", "stages.csv")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Return a function that makes a machine of a name, with a copy of one world; later calls work on that machine."""
    world, asked = tiny_world.build(tmp_path / "world"), []

    class Counting(photo_server.PhotoServer):
        def answer(self, name, user_agent):
            asked.append(name)
            return super().answer(name, user_agent)

    monkeypatch.setattr(sources, "PhotoServer", Counting)

    def go_to(name):
        monkeypatch.setattr(config, "DATA", tmp_path / name)
        where = Source("mini", tmp_path / name / "mini")
        if not where.root.exists():
            shutil.copytree(world, where.root)
        for module in (clean, sources):
            monkeypatch.setattr(module, "chosen", lambda: where)
        return where

    go_to.asked = asked
    return go_to


def cleaned(where):
    """Clean here; return a hash of the names and bytes of all that is kept (photos, crops, tables), and the ledger."""
    assert len(clean.ensure().triplets)
    kept = {path for path in where.folder.rglob("*") if path.is_file() and "ledger" not in path.name}
    kept -= {where.folder / "done.json"}
    assert {path.name for path in kept} > set(RESULT)
    parts = (str(path.relative_to(where.folder)).encode() + path.read_bytes() for path in sorted(kept))
    with Ledger(where.folder / "ledger.sqlite") as ledger:
        return hashlib.sha256(b"".join(parts)).hexdigest(), ledger.known()


@pytest.mark.parametrize("of", [2, 3, 5])
def test_the_result_is_the_same_whatever_the_number_of_shares(machine, of):
    expected = cleaned(machine("alone"))
    assert machine.asked
    machine.asked.clear()
    for rank in range(of):  # each on a machine of its own
        clean.fetch_share(machine(f"machine{rank}"), rank, of)
    once = sorted(machine.asked)
    for rank in range(1, of):  # then copied into one folder
        shutil.copytree(machine(f"machine{rank}").folder, machine("machine0").folder, dirs_exist_ok=True)
    assert cleaned(machine("machine0")) == expected
    assert sorted(machine.asked) == once, "the last step asks for nothing that a share has settled"


def test_placeholders_are_found_across_shares_and_a_missing_share_is_fetched(machine):
    expected = cleaned(machine("alone"))
    links = set(expected[1])
    placeholders = {url for url, (_, _, reason) in expected[1].items() if reason.startswith("placeholder")}
    assert len(placeholders) >= 3
    together = machine("together")
    for rank in (0, 1, 3, 4, 5, 6):  # rank 2 never ran
        share = clean.fetch_share(together, rank, 7)
        assert set(share["url"]) == set(shards.share(links, rank, 7))
    shares = [len(placeholders & set(shards.share(placeholders, rank, 7))) for rank in range(7)]
    assert max(shares) < 3, "no share can find them alone"
    before = len(machine.asked)
    assert cleaned(together) == expected
    assert set(machine.asked[before:]) == {url.rsplit("/", 1)[-1] for url in shards.share(links, 2, 7)}
    assert not any(photo_path(together.folder, url).exists() for url in placeholders)


def test_a_link_falls_to_one_rank_in_any_list(machine):
    urls = [f"http://a.test/{n}.jpg" for n in range(3_000)]
    parts = [shards.share(urls, rank, 3) for rank in range(3)]
    assert sorted(sum(parts, [])) == sorted(urls) and all(900 < len(part) < 1_100 for part in parts)
    assert shards.share(urls[::2], 1, 3) == [url for url in urls[::2] if url in set(parts[1])]
    for rank, of in ((3, 3), (-1, 3), (0, 0)):
        with pytest.raises(ValueError, match="rank"):
            shards.share(urls, rank, of)


def test_what_is_settled_here_is_not_undone_by_an_older_ledger(tmp_path):
    from mirrorme_utils.data.links import Entry

    with Ledger(tmp_path / "ledger.sqlite") as main, Ledger(tmp_path / shards.ledger_of(0, 2)) as other:
        main.record([Entry("a", "ok", bytes=7), Entry("b", "later")])
        other.record([Entry("a", "later"), Entry("b", "dead"), Entry("c", "ok", bytes=9)])
        for _ in range(2):
            shards.gather(tmp_path, main)
        assert main.known() == {"a": ("ok", 7, ""), "b": ("dead", 0, ""), "c": ("ok", 9, "")}


def test_a_photo_that_a_share_got_counts_although_the_link_was_dead_here_before(tmp_path):
    from mirrorme_utils.data.links import Entry

    with Ledger(tmp_path / "ledger.sqlite") as main, Ledger(tmp_path / shards.ledger_of(1, 2)) as other:
        main.record(
            [Entry("came back", "dead", 404), Entry("placeholder", "dead", 200, sha256="grey"), Entry("gone", "dead")]
        )
        other.record(
            [
                Entry("came back", "ok", sha256="photo"),
                Entry("placeholder", "ok", sha256="grey"),
                Entry("gone", "later"),
            ]
        )
        shards.gather(tmp_path, main)
        assert {url: state for url, (state, *_) in main.known().items()} == {
            "came back": "ok", "placeholder": "dead", "gone": "dead"}  # fmt: skip
        shards.ask_again(tmp_path, ["ledger.sqlite", shards.ledger_of("*", "*")])
        assert main.count("dead") == other.count("dead") == 0 and main.count("ok") == 1


def test_dead_links_are_asked_again_by_shares_and_by_all(machine):
    expected, where = cleaned(machine("alone")), machine("alone")
    dead = {url.rsplit("/", 1)[1]: reason for url, (state, _, reason) in expected[1].items() if state == "dead"}
    for rank in range(2):
        clean.fetch_share(where, rank, 2)
    machine.asked.clear()
    for rank in range(2):
        clean.fetch_share(where, rank, 2, again=True)
    assert 0 < len(machine.asked) <= len(dead)
    machine.asked.clear()
    clean.ensure(again=True)
    own = {
        name for name, reason in dead.items() if not reason.startswith("placeholder")
    }  # which a share may have on disk
    assert own <= set(machine.asked) <= set(dead) and cleaned(where) == expected


def test_the_command_line_does_a_share_or_everything(machine, capsys):
    where = machine("one")
    assert cli.main(["clean", "--rank", "1", "--of", "2"]) == 0
    assert "ok" in capsys.readouterr().out and (where.folder / "ledger-1-of-2.sqlite").exists()
    assert cli.main(["clean"]) == 0
    printed = capsys.readouterr().out
    assert "agreed" in printed and "downloaded" in printed
    assert (where.folder / "done.json").exists()
