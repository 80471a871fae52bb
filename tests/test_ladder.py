"""A rung is the mover with ideas switched off, and off they stay."""

from dataclasses import replace

import pytest
import torch

from mirrorme_utils import checkpoints, config, fecnet, ladder, losses, training
from mirrorme_utils.config import FecnetConfig

TOP = ladder.RungConfig(width=8, code_width=4, code_from="fecnet", code=16, steps=2, batch=2)
LOWEST = replace(TOP, missing=ladder.IDEAS)


def rung(settings):
    torch.manual_seed(0)
    return ladder.build(settings, fecnet.build(FecnetConfig(width=4)))


def pictures(n, seed=0):
    return 2 * torch.rand(n, 3, 64, 64, generator=torch.Generator().manual_seed(seed)) - 1


@pytest.mark.parametrize("settings", [TOP, LOWEST])
def test_what_is_switched_on_learns_and_what_is_off_does_not(settings):
    model = rung(settings)
    optimizer = training.muon(model.mover, model.mover.head)
    before = {name: weights.clone() for name, weights in model.mover.named_parameters()}
    for seed in (0, 1):  # the first step opens the last layer, which starts near zero
        t, s, truth = pictures(2, seed), pictures(2, seed + 10), pictures(2, seed + 20)
        loss = losses.moved(ladder.move(model, settings, t, model.code(t), model.code(s)), truth, t)
        optimizer.zero_grad()
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = 1e-2
        optimizer.step()
    off = [layer for idea in settings.missing for layer in ladder.SILENT.get(idea, ())]
    for name, weights in model.mover.named_parameters():
        silent = name.startswith(tuple(f"{layer}." for layer in off))
        assert torch.equal(weights, before[name]) == silent, name
        assert not silent or not weights.any()


def test_the_lowest_rung_hears_the_source_alone_and_fetches_nothing():
    model = rung(LOWEST)
    t, c = pictures(2), torch.randn(3, 2, 16, generator=torch.Generator().manual_seed(1))
    torch.nn.init.normal_(model.mover.head.weight)
    assert torch.equal(ladder.move(model, LOWEST, t, c[0], c[1]), ladder.move(model, LOWEST, t, c[2], c[1]))
    assert not torch.equal(ladder.move(model, LOWEST, t, c[0], c[1]), ladder.move(model, LOWEST, t, c[0], c[2]))
    assert not model.mover.parts(t, model.seen(t), c[0], c[1])[0].any()


def test_an_unknown_idea_is_refused():
    with pytest.raises(ValueError, match="magic"):
        rung(replace(TOP, missing=("magic",)))
    with pytest.raises(ValueError, match="code_from"):
        checkpoints.load_code("magic")


def test_a_stored_rung_answers_as_it_did(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "CHECKPOINTS", tmp_path)
    code = fecnet.build(FecnetConfig(width=4)).eval()
    monkeypatch.setattr(checkpoints, "load_code", lambda code_from: code)
    model = ladder.build(LOWEST, code)
    run = training.Run("rung", LOWEST, model.mover)
    run.finish({})
    t, s = pictures(2), pictures(2, 1)
    stored, size = checkpoints.load_translator("rung")
    assert size == 64 and torch.allclose(stored(t, s), ladder.translate(model, LOWEST, t, s), atol=1e-5)
