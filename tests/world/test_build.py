"""The mini world on disk: the same bytes from the same seed, after a kill as well, in the formats of the real sets."""

import csv
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest

from mirrorme_utils import config
from mirrorme_utils.world import build, capture, expressions, faces, formats, raters
from mirrorme_utils.world.people import anny_head, human

CELL = re.compile(r'"http://[^"]+"')
# Run as a file, so that worker processes, which import it, wait as well: once so many parts are there, for ever, with
# half of the next one's table written. So a kill finds the build in the middle, however slow or fast the machine is.
BUILD = """
import sys, threading
from contextlib import contextmanager
from mirrorme_utils import files, profiles
from mirrorme_utils.world import build

workers, hold = int(sys.argv[1]), int(sys.argv[2])
whole = files.whole

@contextmanager
def held(path, sync=False):
    with whole(path, sync) as part:
        yield part
        if path.parent.name == "parts" and len(list(path.parent.glob("[hc]*.csv"))) >= hold:
            part.write_bytes(part.read_bytes()[:1000])
            threading.Event().wait()

files.whole = held
if __name__ == "__main__":
    build.ensure(profiles.WorldConfig(20, 10, expressions=4, triplets=90), workers)
"""
PARTS = 20  # of this world: one of two people, or of one character


def digest(folder):
    """One hash of all names and bytes, but for hidden files, which a kill leaves behind and nobody reads."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            whole.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return whole.hexdigest()


def tables(home):
    return sorted((home / "data" / "mini" / "parts").glob("[hc]*.csv"))


def built(home, workers=2, kill_after=PARTS):
    """Build a small world in a process of its own, killed with all its workers once so many parts are there."""
    data, script = home / "data", home / "build_world.py"
    (data / "cache").mkdir(parents=True, exist_ok=True)
    head = anny_head.path()
    if not (data / "cache" / head.name).exists():
        (data / "cache" / head.name).symlink_to(head.resolve())
    script.write_text(BUILD)
    environment = {**os.environ, "MIRRORME_DATA": str(data), "PYTHONPATH": str(config.ROOT)}
    command = [sys.executable, str(script), str(workers), str(kill_after)]
    job = subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.PIPE)
    if kill_after == PARTS:
        errors = job.communicate()[1].decode()
        assert job.returncode == 0, errors
        return digest(data / "mini")
    while len(tables(home)) < kill_after:
        assert job.poll() is None, job.stderr.read().decode()
        time.sleep(0.02)
    os.killpg(job.pid, signal.SIGKILL)
    job.communicate()
    assert kill_after <= len(tables(home)) < PARTS and not (data / "mini" / "world.json").exists()


@pytest.fixture(scope="module")
def undisturbed(head, tmp_path_factory):
    return built(tmp_path_factory.mktemp("undisturbed"), workers=1)


def test_the_same_seed_gives_the_same_bytes_however_often_the_build_is_killed(undisturbed, tmp_path):
    built(tmp_path, kill_after=3)
    built(tmp_path, kill_after=12)
    left = tables(tmp_path)
    written = [path.stat().st_mtime_ns for path in left]
    assert built(tmp_path) == undisturbed
    assert [path.stat().st_mtime_ns for path in left] == written, "what was there is not drawn again"


def test_every_row_parses_by_the_rules_of_fec(world):
    lengths, blanks = Counter(), 0
    for name in formats.FEC_FILES.values():
        text = (world / "fec" / name).read_text("utf-8")
        for line, row in zip(text.splitlines(), csv.reader(text.splitlines(), skipinitialspace=True)):
            assert len(CELL.findall(line)) == 3, "links stand in double quotes"
            for link, *box in (row[0:5], row[5:10], row[10:15]):
                left, right, top, bottom = map(float, box)
                assert link.startswith("http://") and 0 <= left < right <= 1 and 0 <= top < bottom <= 1
            assert row[15] in formats.TRIPLET_TYPES
            assert len(row[16::2]) == len(row[17::2]) >= 5 and set(row[17::2]) <= {"1", "2", "3"}
            assert len(set(row[16::2])) == len(row[16::2]), "each annotator votes once"
            lengths[len(row)] += 1
            blanks += ", " in line
    assert lengths.most_common(1)[0][0] == 28 and len(lengths) > 1, "most rows have six annotators, not all"
    assert 0 < blanks < sum(lengths.values()) / 4


def test_triplet_types_are_about_equal_and_mean_what_they_say():
    names = np.repeat(list(expressions.PALETTE), 5)
    index, types = build.draw_triplets(names, 3_000, np.random.default_rng(0))
    assert np.allclose(np.bincount(types) / len(types), 1 / 3, atol=0.03)
    assert all(len(set(names[row])) == kind + 1 for row, kind in zip(index, types))
    assert all(len(set(row)) == 3 for row in index), "three different faces"


def test_a_type_that_too_few_faces_share_is_left_out():
    _, types = build.draw_triplets(np.array(["Awe", "Fear", "Love", "Pain"]), 50, np.random.default_rng(0))
    assert set(types) == {2}
    with pytest.raises(ValueError, match="no triplets"):
        build.draw_triplets(np.array(["Awe", "Awe"]), 5, np.random.default_rng(0))


def test_raters_of_a_world_agree_as_fecs_median_rater_does(world):
    votes = []
    for name in formats.FEC_FILES.values():
        lines = (world / "fec" / name).read_text("utf-8").splitlines()
        votes += [row[17::2] for row in csv.reader(lines, skipinitialspace=True) if len(row) == 28]
    agreement = raters.agreement_with_others(np.array(votes, int))
    assert agreement == pytest.approx(raters.FEC_HUMAN_AGREEMENT, abs=0.04), f"{len(votes)} triplets"


def test_a_photo_of_two_shows_two_boxes_and_each_person_is_captured_in_many_ways(world):
    truth = build.truth()
    people = truth[truth.kind == "human"]
    assert people["photo"].value_counts().max() == 2, "some photos show two, none more"
    assert (people.groupby("photo")["split"].nunique() == 1).all()
    person = faces.cast(config.profile().world, "human", 0)[0][1]
    first = human.sample_human(person.seed)
    rng = np.random.default_rng(0)
    other = capture.sample_capture(rng)
    again = human.captured_again(first, rng, other)
    assert again.capture.light is other.light and not np.array_equal(again.capture.turn, other.turn)
    assert np.array_equal(first.skin, again.skin) and again.seed == first.seed
