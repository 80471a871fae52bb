"""A row of the ablation is the warping generator with ideas switched off, and off they stay."""

from dataclasses import replace

import pytest
import torch
from learning import pictures
from samples import face_set

from mirrorme_utils import config, training
from mirrorme_utils.experiments import ablation, checkpoints, paired
from mirrorme_utils.networks import fecnet, losses
from mirrorme_utils.profiles import FecnetConfig

LAST = ablation.AblationConfig(width=8, code_width=4, code_from="fecnet", code=16, steps=2, batch=2)
FIRST = replace(LAST, missing=ablation.IDEAS)


def variant(settings):
    torch.manual_seed(0)
    return ablation.build(settings, fecnet.build(FecnetConfig(width=4)))


@pytest.mark.parametrize("settings", [LAST, FIRST])
def test_what_is_switched_on_learns_and_what_is_off_does_not(settings):
    model = variant(settings)
    optimizer = training.muon(model.generator, model.generator.head)
    before = {name: weights.clone() for name, weights in model.generator.named_parameters()}
    for seed in (0, 1):  # the first step opens the last layer, which starts near zero
        t, s, truth = pictures(2, seed=seed), pictures(2, seed=seed + 10), pictures(2, seed=seed + 20)
        loss = losses.moved(ablation.move(model, settings, t, model.code(t), model.code(s)), truth, t)
        optimizer.zero_grad()
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = 1e-2
        optimizer.step()
    off = [layer for idea in settings.missing for layer in ablation.SILENT.get(idea, ())]
    for name, weights in model.generator.named_parameters():
        silent = name.startswith(tuple(f"{layer}." for layer in off))
        assert torch.equal(weights, before[name]) == silent, name
        assert not silent or not weights.any()


def test_the_first_row_reads_the_source_alone_and_warps_nothing():
    model = variant(FIRST)
    t, c = pictures(2), torch.randn(3, 2, 16, generator=torch.Generator().manual_seed(1))
    torch.nn.init.normal_(model.generator.head.weight)
    assert torch.equal(ablation.move(model, FIRST, t, c[0], c[1]), ablation.move(model, FIRST, t, c[2], c[1]))
    assert not torch.equal(ablation.move(model, FIRST, t, c[0], c[1]), ablation.move(model, FIRST, t, c[0], c[2]))
    assert not model.generator.parts(t, model.seen(t), c[0], c[1])[0].any()


def test_the_loop_hands_over_each_step_and_trains_on_the_way():
    model, data = variant(FIRST), paired.pairs(paired.load(face_set()), seed=0)
    before = model.generator.head.weight.clone()
    steps = list(ablation.learn(model, FIRST, ablation.optimizer_of(model, FIRST), range(2), lambda: data))
    assert [at for at, _, _ in steps] == [0, 1]
    assert all(out.shape == batch.truth.shape == (2, 3, 64, 64) for _, out, batch in steps)
    assert not torch.equal(model.generator.head.weight, before)


def test_a_run_without_steps_draws_nothing():
    model = variant(LAST)
    nothing = ablation.learn(model, LAST, ablation.optimizer_of(model, LAST), [], lambda: pytest.fail("no pairs needed"))
    assert list(nothing) == []


def test_an_unknown_idea_is_refused():
    with pytest.raises(ValueError, match="magic"):
        variant(replace(LAST, missing=("magic",)))
    with pytest.raises(ValueError, match="code_from"):
        checkpoints.load_code("magic")


def test_a_stored_row_answers_as_it_did(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "CHECKPOINTS", tmp_path)
    code = fecnet.build(FecnetConfig(width=4)).eval()
    monkeypatch.setattr(checkpoints, "load_code", lambda code_from: code)
    model = ablation.build(FIRST, code)
    run = training.Run("ablation-row", FIRST, model.generator)
    run.finish({})
    t, s = pictures(2), pictures(2, seed=1)
    stored, size = checkpoints.load_translator("ablation-row")
    assert size == 64 and torch.allclose(stored(t, s), ablation.translate(model, FIRST, t, s), atol=1e-5)
