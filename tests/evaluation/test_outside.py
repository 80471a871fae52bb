"""The outside judge: its glue, its measure, and what is said where it is missing."""

import json
import sys
import zipfile

import numpy as np
import pytest
from samples import smooth

from mirrorme_utils import cli
from mirrorme_utils.evaluation import held_out, outside, photographs
from mirrorme_utils.world.expressions import BLENDSHAPES, INDEX


def weights(rng, n=40):
    return rng.random((n, len(BLENDSHAPES))).astype(np.float32)


def test_a_copy_goes_nowhere_and_the_source_all_the_way():
    t, s = weights(np.random.default_rng(0)), weights(np.random.default_rng(1))
    copied, there, half = (outside.progress(t, s, o) for o in (t, s, (t + s) / 2))
    for group in outside.GROUPS:
        assert copied[group] == {"progress": 0, "T": 0}
        assert np.isclose(there[group]["progress"], 1) and np.isclose(there[group]["T"], 1)
        assert np.isclose(half[group]["progress"], 0.5) and np.isclose(half[group]["T"], 0.5)


def test_going_too_far_raises_progress_and_not_t():
    t, s = weights(np.random.default_rng(0)), weights(np.random.default_rng(1))
    far = outside.progress(t, s, t + 2 * (s - t))
    assert np.isclose(far["all"]["progress"], 2) and np.isclose(far["all"]["T"], 0)


def test_weights_that_it_cannot_tell_do_not_count():
    t = weights(np.random.default_rng(0))
    s, o = t.copy(), t.copy()
    s[:, INDEX["jawOpen"]] = 1 - t[:, INDEX["jawOpen"]]
    o[:, [INDEX[name] for name in BLENDSHAPES if name.startswith(outside.DEAD)]] = 0
    assert outside.progress(t, s, o)["mouth"] == {"progress": 0, "T": 0}


def test_it_knows_our_names_and_the_points_that_its_weights_are_read_from():
    assert len(outside.NAMES) == 52 and set(outside.NAMES) - {"_neutral"} == set(BLENDSHAPES) - {"tongueOut"}
    assert outside.NAMES[:3] == ("_neutral", "browDownLeft", "browDownRight") and outside.NAMES[-1] == "noseSneerRight"
    assert len(outside.READ) == 146 == len(set(outside.READ)) and list(outside.READ) == sorted(outside.READ)
    assert outside.ANCHORS.shape == (896, 2)
    assert np.allclose(outside.ANCHORS[[0, 1, 2, 512]], [[1 / 32, 1 / 32], [1 / 32, 1 / 32], [3 / 32, 1 / 32], [1 / 16, 1 / 16]])


class Network:
    """A network of LiteRT that gives prepared answers."""

    def __init__(self, *answers):
        self.answers, self.given = answers, None

    def get_input_details(self):
        return [{"index": 0}]

    def get_output_details(self):
        return [{"index": i} for i in range(len(self.answers))]

    def set_tensor(self, index, x):
        self.given = x

    def invoke(self):
        pass

    def get_tensor(self, index):
        return self.answers[index]


def judge_of(x, y, size, turn=0.0):
    """Return a judge that finds one face, in shares of the square that it sees, with its eyes turned by radians."""
    boxes, scores = np.zeros((1, 896, 16), np.float32), np.full((1, 896, 1), -50, np.float32)
    k = 400
    eye = 0.2 * size * np.array([np.cos(turn), np.sin(turn)])
    marks = [(-eye[0], -eye[1]), (eye[0], eye[1]), *[(0.0, 0.0)] * 4]
    ax, ay = outside.ANCHORS[k]
    boxes[0, k] = 128 * np.array([x - ax, y - ay, size, size, *(v for dx, dy in marks for v in (x + dx - ax, y + dy - ay))])
    scores[0, k] = 5
    points = np.zeros((1, 1, 1, 1434), np.float32).reshape(478, 3)
    points[:, :2] = [128, 0]  # the middle of the crop's upper edge
    told = np.linspace(0, 1, 52, dtype=np.float32)[None]
    return outside.OutsideJudge(Network(boxes, scores), Network(points.reshape(1, 1, 1, -1), np.float32([[20]])), Network(told))


def test_a_face_is_cut_out_upright_and_its_points_come_back_into_the_picture():
    judge = judge_of(0.5, 0.5, 0.4)
    picture = np.zeros((256, 256, 3), np.uint8)
    told = judge.read(picture)
    side = 256 + 2 * outside.BORDERS[0]
    at = judge.weights.given[0]
    assert at.shape == (146, 2) and np.allclose(at, [side / 2, side / 2 - outside.ROOM * 0.4 * side / 2], atol=0.01)
    assert told[INDEX["browDownLeft"]] == pytest.approx(1 / 51) and told[INDEX["tongueOut"]] == 0
    judge = judge_of(0.5, 0.5, 0.4, turn=np.pi / 2)  # the head lies on its left side: its top points to the right
    judge.read(picture)
    assert np.allclose(judge.weights.given[0], [side / 2 + outside.ROOM * 0.4 * side / 2, side / 2], atol=0.01)


def test_a_picture_without_a_face_is_none():
    judge = judge_of(0.5, 0.5, 0.4)
    judge.detector.answers[1][:] = -50
    assert judge.read(np.zeros((100, 120, 3), np.uint8)) is None
    seen = outside.compare(judge, *[np.zeros((2, 64, 64, 3), np.uint8)] * 2, {"a": np.zeros((2, 64, 64, 3), np.uint8)})
    assert seen == {"a": {"pairs": 0}}


def test_what_is_missing_is_said_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    there = ["bench", "--photos", str(tmp_path), "--outside", str(tmp_path / "no.task")]
    assert cli.main(there) == 2 and "name one by --checkpoint" in capsys.readouterr().err
    assert cli.main([*there, "--checkpoint", "moving"]) == 2
    assert "pip install 'mirrorme-utils[outside]'" in capsys.readouterr().err
    fake = type(sys)("ai_edge_litert.interpreter")
    fake.Interpreter = Network
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", fake)
    with pytest.raises(outside.NoOutsideJudge, match="comes from https://"):
        outside.load(tmp_path / "no.task")
    with zipfile.ZipFile(tmp_path / "other.task", "w") as file:
        file.writestr("a", "b")
    with pytest.raises(outside.NoOutsideJudge, match="is not face_landmarker.task"):
        outside.load(tmp_path / "other.task")


class Brightness:
    """A judge that reads how bright a picture is as an open jaw, and sees nothing in black."""

    def read(self, picture):
        told = np.zeros(len(BLENDSHAPES), np.float32)
        told[INDEX["jawOpen"]] = picture.mean() / 255
        return told if picture.any() else None


def test_results_are_compared_with_their_source_and_pairs_that_cannot_be_read_are_left_out():
    target, source, half = (np.full((3, 8, 8, 3), value, np.uint8) for value in (50, 150, 100))
    half[2] = 0
    seen = outside.compare(Brightness(), target, source, {"half": half, "copy": target})
    assert seen["half"]["pairs"] == 2 and seen["copy"]["pairs"] == 3
    assert np.isclose(seen["half"]["mouth"]["progress"], 0.5) and seen["copy"]["mouth"]["T"] == 0


def test_the_command_judges_photographs_and_new_worlds_from_outside(tmp_path, monkeypatch, capsys, head):
    monkeypatch.setattr(outside, "load", lambda path: Brightness())
    monkeypatch.setattr(photographs, "TRIPLETS", 50)
    monkeypatch.setattr(photographs, "PAIRS", 4)
    monkeypatch.setattr(photographs, "OUTSIDE_PAIRS", 6)
    for label, level in (("dark", 40), ("light", 200)):
        (tmp_path / label).mkdir()
        for i in range(3):
            smooth(32, 32, level + i).save(tmp_path / label / f"{i}.png")
    written = tmp_path / "scores.json"
    how = ["--checkpoint", "moving", "--outside", "any.task", "--json", str(written)]
    assert cli.main(["bench", "--photos", str(tmp_path), *how]) == 0
    assert json.loads(written.read_text())["outside"]["moving"]["pairs"] == 6
    assert "outside judge, moving, 6 pairs" in capsys.readouterr().out
    build = held_out.build
    monkeypatch.setattr(held_out, "build", lambda seed, size, *_: build(seed, size, 4, 2))
    assert cli.main(["bench", "--seed", "5", "--pairs", "4", *how]) == 0
    told = json.loads(written.read_text())["outside"]
    assert set(told) == {"moving", "truth"} and told["truth"]["pairs"] == 4
