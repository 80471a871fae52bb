"""The translator's training: it moves the generator alone, and its checkpoint holds all that it needs."""

import json
import signal
from dataclasses import replace

import pytest
import torch
from samples import face_set

from mirrorme_utils import config, experiments, networks, training
from mirrorme_utils.experiments import checkpoints, moving, paired
from mirrorme_utils.profiles import CodeConfig, WarpingConfig

CODE = CodeConfig(width=8, batch=6, steps=2)
SETTINGS = WarpingConfig(width=8, code_width=8, batch=6, steps=6)


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "DATA", tmp_path)
    monkeypatch.setattr(config, "CHECKPOINTS", tmp_path / "checkpoints")
    monkeypatch.delenv("RETRAIN", raising=False)


@pytest.fixture(scope="module")
def loaded():
    return paired.load(face_set())


def test_only_the_generator_learns_and_the_checkpoint_is_loaded_by_name(loaded):
    model = moving.begin("moving", SETTINGS, CODE, lambda: loaded)
    assert model.codebook.reach > 0
    before = {name: x.clone() for name, x in model.state_dict().items()}
    run = moving.train("moving", SETTINGS, model, lambda: paired.pairs(loaded, 0))
    changed = {name.split(".")[0] for name, x in model.state_dict().items() if not torch.equal(x, before[name])}
    assert changed == {"generator"}
    again = checkpoints.load_moving("moving")
    for name, x in run.weights().state_dict().items():
        assert torch.equal(x, again.state_dict()[name]), name
    model = moving.begin("moving", SETTINGS, CODE, lambda: pytest.fail("nothing is left to train"))
    assert moving.train("moving", SETTINGS, model, lambda: pytest.fail("no step is left")).loaded


def test_a_stopped_training_goes_on_to_the_same_weights(loaded, monkeypatch):
    def train(name):
        model = moving.begin(name, SETTINGS, CODE, lambda: loaded)
        return moving.train(name, SETTINGS, model, lambda: paired.pairs(loaded, 0))

    whole, steps, usual = train("whole"), [], training.backward

    def backward(loss, optimizer):
        steps.append(1)
        if len(steps) == 3:
            signal.raise_signal(signal.SIGINT)
        usual(loss, optimizer)

    monkeypatch.setattr(training, "backward", backward)
    with pytest.raises(KeyboardInterrupt):
        train("stopped")
    resumed = train("stopped")
    assert resumed.first == 3
    for a, b in zip(whole.weights().state_dict().values(), resumed.weights().state_dict().values()):
        assert torch.equal(a, b)


def test_it_learns(loaded):
    settings = replace(SETTINGS, steps=120)
    model = moving.begin("learns", settings, CODE, lambda: loaded)
    run = moving.train("learns", settings, model, lambda: paired.pairs(loaded, 0))
    assert run.history[-1]["moved"] < run.history[0]["moved"] - 0.02


def test_the_loop_of_notebook_10_gives_the_same_weights(loaded, monkeypatch, tmp_path):
    notebook = json.loads((config.ROOT / "notebooks" / "10_make_drawings_move.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    (loop,) = [cell for cell in cells if 'training.Run("moving"' in cell]
    model = moving.begin("moving", SETTINGS, CODE, lambda: loaded)
    pairs = paired.pairs(loaded, 0)
    there = dict(
        model=model, settings=SETTINGS, experiments=experiments, networks=networks, training=training, torch=torch,
        training_faces=lambda: loaded, training_pairs=lambda: pairs, mixer=lambda: None,
    )  # fmt: skip
    exec(loop, there)
    monkeypatch.setattr(config, "CHECKPOINTS", tmp_path / "others")
    again = moving.begin("moving", SETTINGS, CODE, lambda: loaded)
    moving.train("moving", SETTINGS, again, lambda: pairs)
    for name, x in model.generator.state_dict().items():
        assert torch.equal(x, again.generator.state_dict()[name]), name
