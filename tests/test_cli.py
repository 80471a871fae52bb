"""The command line: results with provenance, tables of what was read, and one line for each thing that is wrong."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from samples import smooth

from mirrorme_utils import cli, config, pictures, training
from mirrorme_utils.networks import fecnet, translator
from mirrorme_utils.profiles import FecnetConfig, WarpingConfig
from mirrorme_utils.world.expressions import BLENDSHAPES

COMMANDS = ("transfer", "read", "bench", "clean", "world", "train", "course", "app")


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """A folder of small checkpoints, untrained but not still."""
    folder, before = tmp_path_factory.mktemp("shipped"), config.CHECKPOINTS
    config.CHECKPOINTS = folder
    torch.manual_seed(0)
    settings = WarpingConfig(size=32, width=8, code_width=8, steps=0)
    model = translator.build(settings)
    torch.nn.init.normal_(model.generator.head.weight, 0, 0.3)
    training.Run("moving", settings, model).finish({})
    settings = FecnetConfig(width=8, steps=0)
    training.Run("fecnet", settings, fecnet.build(settings)).finish({})
    config.CHECKPOINTS = before
    return folder


@pytest.fixture
def here(shipped, tmp_path, monkeypatch):
    """A working folder with pictures."""
    monkeypatch.setattr(config, "CHECKPOINTS", shipped)
    monkeypatch.setattr(config, "DATA", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    for folder, count, seed in (("targets", 2, 0), ("sources", 3, 10)):
        (tmp_path / folder).mkdir()
        for n in range(count):
            smooth(60 + 10 * n, 80, seed=seed + n).save(tmp_path / folder / f"{folder[0]}{n}.png")
    (tmp_path / "text.jpg").write_text("this is no picture")
    (tmp_path / "empty").mkdir()
    return tmp_path


def run(*arguments):
    return cli.main([str(argument) for argument in arguments])


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_each_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as ended:
        run(*command, "--help")
    said = capsys.readouterr().out
    assert ended.value.code == 0 and "usage: mirrorme" in said
    assert command or all(name in said for name in COMMANDS)


def test_it_is_also_a_module_and_a_wrong_word_is_no_traceback():
    command = [sys.executable, "-m", "mirrorme_utils", "transmogrify"]
    done = subprocess.run(command, cwd=config.ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "transmogrify" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_one_picture_on_another_keeps_its_size_and_says_what_it_is(here, suffix, capsys):
    assert run("transfer", "targets/t0.png", "sources/s0.png", "-o", f"new/out{suffix}", "--label") == 0
    out = here / "new" / f"out{suffix}"
    assert capsys.readouterr().out.strip() == f"new/out{suffix}"
    with Image.open(out) as result, Image.open("targets/t0.png") as target:
        assert result.size == target.size and np.abs(np.asarray(result, int) - np.asarray(target)).max() > 20
    assert pictures.SYNTHETIC.encode() in out.read_bytes()


def test_strength_and_parts_are_passed_on(here):
    for n, options in enumerate(([], ["--strength", "0"], ["--parts", "mouth", "brows"])):
        assert run("transfer", "targets/t0.png", "sources/s0.png", "-o", f"{n}.png", *options) == 0
    assert len({Image.open(f"{n}.png").tobytes() for n in range(3)}) == 3


def test_many_on_many_fill_a_folder_and_a_sheet(here, capsys):
    (here / "targets" / "notes.txt").write_text("no picture")
    assert run("transfer", "targets", "sources/s*.png", "-o", "results", "--sheet", "sheet.png") == 0
    said = capsys.readouterr()
    assert "passed over: targets/notes.txt is not a picture" in said.err
    wanted = [f"t{t}--s{s}.png" for t in range(2) for s in range(3)]
    assert sorted(path.name for path in (here / "results").iterdir()) == wanted
    assert said.out.split() == [f"results/{name}" for name in wanted] + ["sheet.png"]
    with Image.open("sheet.png") as sheet:
        assert sheet.width > 300 and sheet.height > 200 and "Synthetic" in sheet.text["Description"]


def test_two_folders_with_one_name_lose_no_result(here):
    for folder in ("targets/a", "targets/b"):
        (here / folder).mkdir()
        smooth(50, 50, seed=len(folder)).save(here / folder / "same.png")
    assert run("transfer", "targets", "sources/s0.png", "-o", "results") == 0
    assert sorted(path.name for path in (here / "results").glob("same*")) == ["same--s0-2.png", "same--s0.png"]


def test_expressions_are_read_into_a_table(here, capsys):
    assert run("read", "sources", "targets/t0.png", "-o", "table.csv") == 0
    assert "4 pictures, 52 numbers each" in capsys.readouterr().out
    table = pd.read_csv("table.csv", index_col="image")
    assert tuple(table.columns) == tuple(BLENDSHAPES) and table.index[0] == "sources/s0.png" and len(table) == 4
    assert run("read", "sources/s1.png") == 0
    assert capsys.readouterr().out.startswith("image,")
    assert run("read", "sources", "--fecnet", "-o", "codes.csv") == 0
    codes = pd.read_csv("codes.csv", index_col="image")
    assert codes.shape == (3, 16) and np.allclose(np.linalg.norm(codes, axis=1), 1, atol=1e-3)


ONE = ("targets/t0.png", "sources/s0.png")
WRONG = {
    "a text file": (["transfer", "text.jpg", ONE[1], "-o", "o.png"], "text.jpg is not a picture; it takes JPEG"),
    "a missing file": (["transfer", ONE[0], "none.jpg", "-o", "o.png"], "there is no file none.jpg: check the path"),
    "an empty folder": (["transfer", "empty", ONE[1], "-o", "out"], "empty holds no picture: name another folder"),
    "a pattern of nothing": (["read", "empty/*.jpg"], "holds no picture"),
    "only text in a folder": (["read", "words"], "words holds no picture that can be read"),
    "an unknown checkpoint": (["transfer", *ONE, "-o", "o.png", "--checkpoint", "x"], "no checkpoint 'x'"),
    "a checkpoint of another kind": (["read", ONE[0], "--checkpoint", "fecnet"], "FecnetConfig"),
    "an unknown part": (["transfer", *ONE, "-o", "o.png", "--parts", "ears"], "ears: a face has the parts mouth"),
    "no format": (["transfer", *ONE, "-o", "o"], "o names no format: end it in .png"),
    "many results for one file": (["transfer", "targets", ONE[1], "-o", "o.png"], "name a folder instead of o.png"),
    "an embedding that is not there": (["read", ONE[0], "--embedding", "none.pt"], "none.pt"),
    "photographs that are not there": (["bench", "--photos", "none"], "none"),
    "a world without a checkpoint": (["bench", "--checkpoint", "x"], "no checkpoint 'x'"),
    "an unknown training": (["train", "judge"], "no training 'judge'; there are fecnet, report, moving"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_in_one_line_and_nothing_is_written(here, what, capsys):
    (here / "words").mkdir()
    (here / "words" / "a.txt").write_text("no picture")
    before = {*here.rglob("*")}
    arguments, said = WRONG[what]
    assert run(*arguments) == 2
    printed = capsys.readouterr()
    last = printed.err.strip().splitlines()[-1]
    assert last.startswith("mirrorme: ") and said in last and printed.out == ""
    assert len([line for line in printed.err.splitlines() if not line.startswith("passed over")]) == 1
    assert {*here.rglob("*")} == before
