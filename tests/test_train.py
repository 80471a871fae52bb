"""The course's trainings without a notebook: each runs in the smoke profile, and leaves what its notebook looks for."""

import json
import shutil

import pytest

from mirrorme_utils import cli, config, profiles, train

SHIPPED = config.ROOT / "data" / "checkpoints"
SMOKE = profiles.PROFILES["smoke"]
SETTINGS = {"fecnet": SMOKE.fecnet, "report": SMOKE.report, "moving": SMOKE.warping}
BESIDE = {"fecnet": ("fecnet-categories", "fecnet-people"), "report": (), "moving": ("code",)}


@pytest.fixture
def home(cleaned, tmp_path, monkeypatch):
    """A folder of checkpoints in which only the judge and FECNet are shipped."""
    for name in ("fecnet", "judge"):
        for path in SHIPPED.glob(f"{name}.*"):
            shutil.copy(path, tmp_path)
    monkeypatch.setattr(config, "CHECKPOINTS", tmp_path)
    monkeypatch.setenv("RETRAIN", "1")
    return tmp_path


@pytest.mark.parametrize("name", train.TRAININGS)
def test_a_training_leaves_the_checkpoint_that_its_notebook_loads(home, name, monkeypatch, capsys):
    assert cli.main(["train", name]) == 0
    assert capsys.readouterr().out.startswith(f"{name}: ")
    monkeypatch.delenv("RETRAIN")
    done = train.TRAININGS[name](SMOKE)
    assert done.loaded and len(done.history) and done.settings == SETTINGS[name]
    assert all((home / f"{beside}.json").exists() for beside in BESIDE[name])
    shipped = json.loads((SHIPPED / f"{name}.json").read_text())["metrics"]
    assert set(done.metrics) == set(shipped), "a card says the same things, whoever wrote it"


def test_an_unknown_training_is_named():
    with pytest.raises(ValueError, match="fecnet, report, moving"):
        train.run("judge")
