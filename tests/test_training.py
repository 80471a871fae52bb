"""A run survives an interrupt, loads what it shipped, and refuses a checkpoint of other settings."""

import math
import signal
import subprocess
import sys
from dataclasses import dataclass, replace

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from mirrorme_utils import config, training
from mirrorme_utils.experiments import checkpoints


@dataclass(frozen=True)
class Settings:
    steps: int = 12
    width: int = 4
    size: int = 8
    learning_rate: float = 0.05


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "DATA", tmp_path)
    monkeypatch.setattr(config, "CHECKPOINTS", tmp_path / "checkpoints")
    monkeypatch.delenv("RETRAIN", raising=False)


def adamw(model):
    return torch.optim.AdamW(model.parameters(), 0.05)


def train(settings, stop_at=None, ema=None, partner=False, optimizer_of=adamw):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, settings.width), nn.BatchNorm1d(settings.width), nn.Linear(settings.width, 1))
    other = nn.Linear(1, 1) if partner else None
    optimizers = [optimizer_of(m) for m in (model, other) if m is not None]
    run = training.Run("toy", settings, model, *optimizers, ema=ema, partner=other)
    for step in run.steps():
        x = torch.randn(8, 3, generator=config.torch_rng(1, step))
        loss = (model(x) if other is None else other(model(x))).square().mean()
        for optimizer in optimizers:
            training.anneal(optimizer, settings, step)
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        run.log(step, loss=loss)
        if step == stop_at:
            signal.raise_signal(signal.SIGINT)
    run.finish({"loss": run.history[-1]["loss"]})
    return run, run.weights().eval()


@pytest.mark.parametrize(
    "options",
    [{}, {"ema": 0.9}, {"partner": True}, {"optimizer_of": training.muon}],
    ids=["", "ema", "partner", "muon"],
)
def test_resuming_equals_not_stopping(options):
    whole, model = train(Settings(), **options)
    (config.CHECKPOINTS / "toy.json").unlink()
    with pytest.raises(KeyboardInterrupt):
        train(Settings(), stop_at=5, **options)
    resumed, again = train(Settings(), **options)
    assert resumed.first == 6
    for a, b in zip(model.state_dict().values(), again.state_dict().values()):
        assert torch.equal(a, b)
    assert whole.history == resumed.history


def test_saved_and_loaded_models_give_the_same_output():
    _, model = train(Settings(), ema=0.9)
    run, loaded = train(Settings(), ema=0.9)
    assert run.loaded and run.metrics == {"loss": run.history[-1]["loss"]}
    x = torch.randn(5, 3)
    assert torch.equal(model(x), loaded(x))
    kept = load_file(config.CHECKPOINTS / "toy.safetensors")
    assert kept["0.weight"].dtype == torch.float16 and loaded[0].weight.dtype == torch.float32


def test_retrain_trains_again(monkeypatch):
    train(Settings())
    monkeypatch.setenv("RETRAIN", "1")
    run, _ = train(Settings())
    assert not run.loaded


def test_other_settings_train_and_leave_the_shipped_checkpoint_alone():
    train(Settings())
    before = (config.CHECKPOINTS / "toy.json").read_text()
    run, _ = train(replace(Settings(), width=6))
    assert not run.loaded
    assert (config.CHECKPOINTS / "toy.json").read_text() == before
    again, _ = train(replace(Settings(), width=6))
    assert again.loaded


def test_a_network_of_larger_pictures_ships_beside_the_usual_one():
    large = replace(Settings(), size=16)
    train(large)
    for suffix in ("json", "safetensors"):
        (config.CHECKPOINTS / f"toy.{suffix}").rename(config.CHECKPOINTS / f"toy-16.{suffix}")
    train(Settings())
    assert train(large)[0].loaded and train(Settings())[0].loaded
    assert checkpoints.largest("toy") == "toy-16" and checkpoints.largest("other") == "other"


def test_a_checkpoint_of_another_configuration_is_refused():
    train(Settings())
    with pytest.raises(training.CheckpointError, match="width: 4 there, 6 here"):
        training.load_weights("toy", Settings(width=6), nn.Linear(1, 1))
    with pytest.raises(training.CheckpointError, match="there are: toy"):
        training.describe("nothing")


def test_a_short_trial_can_keep_its_card_alone():
    net = nn.Linear(2, 1)
    for loaded in (False, True):
        run = training.Run("trial", Settings(), net, adamw(net))
        assert run.loaded == loaded
        for step in run.steps():
            run.log(step, loss=1.0)
        assert run.finish({"T": 0.5}, weights=False) == {"T": 0.5} and len(run.history) == Settings().steps
    assert not (config.CHECKPOINTS / "trial.safetensors").exists()


def test_the_learning_rate_warms_up_then_falls_to_zero():
    settings, optimizer = Settings(steps=1000), adamw(nn.Linear(2, 2))
    rates = []
    for step in (0, 49, 500, 999):
        training.anneal(optimizer, settings, step)
        rates.append(optimizer.param_groups[0]["lr"] / settings.learning_rate)
    assert rates == pytest.approx([0.01, 0.5, 0.5, 0.0], abs=0.01)


def test_muon_steps_evenly_in_all_directions_but_not_at_the_ends_and_leaves_the_frozen_alone():
    torch.manual_seed(0)
    frozen, inner, end = nn.Linear(6, 6).requires_grad_(False), nn.Conv2d(3, 8, 3), nn.Linear(8, 2)
    before = {layer: layer.weight.detach().clone() for layer in (frozen, inner, end)}
    optimizer = training.muon(nn.ModuleList([frozen, inner, end]), end)
    training.anneal(optimizer, Settings(), 100, warmup=1)
    steep = torch.randn(8, 3, 3, 3) * torch.logspace(0, -2, 8)[:, None, None, None]
    inner.weight.grad, end.weight.grad = steep, torch.randn(2, 8)
    inner.bias.grad, end.bias.grad = torch.ones(8), torch.ones(2)
    optimizer.step()
    moved = {layer: (layer.weight.detach() - weight).flatten(1) for layer, weight in before.items()}
    values = torch.linalg.svdvals(moved[inner])
    spread = torch.linalg.svdvals(steep.flatten(1))
    assert values[0] / values[-1] < 3 < spread[0] / spread[-1]
    assert moved[frozen].abs().max() == 0 and moved[end].abs().max() > 0
    assert math.isclose(moved[end].abs().max(), moved[end].abs().min(), rel_tol=1e-3), "AdamW's first step is its rate"


@pytest.mark.parametrize("amx", [True, False])
def test_a_processor_without_units_for_bfloat16_computes_in_32_bits(monkeypatch, amx):
    monkeypatch.setattr(config, "device", lambda: torch.device("cpu"))
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    layer = nn.Linear(3, 3)
    with training.autocast():
        assert layer(torch.ones(1, 3)).dtype == (torch.bfloat16 if amx else torch.float32)


def test_muon_orthogonalises_in_32_bits_where_bfloat16_costs_more_than_it_saves(monkeypatch):
    from timm.optim import muon as timms

    kinds, original = [], timms.zeropower_via_newtonschulz

    def watched(*values, **options):
        kinds.append(options.get("dtype"))
        return original(*values, **options)

    monkeypatch.setattr(timms, "zeropower_via_newtonschulz", watched)
    monkeypatch.setattr(training, "native_bfloat16", lambda: False)
    layer = nn.Linear(8, 8)
    optimizer = training.muon(layer)
    layer(torch.ones(1, 8)).sum().backward()
    optimizer.step()
    assert kinds == [torch.float32]


def test_no_thread_computes_with_denormal_numbers():
    tiny = "x = torch.full((1 << 22,), 1e-20); print((x * x).count_nonzero().item())"
    program = f"import torch; from mirrorme_utils import training; torch.set_num_threads(2); {tiny}"
    assert subprocess.check_output([sys.executable, "-c", program], text=True, cwd=config.ROOT).strip() == "0"
