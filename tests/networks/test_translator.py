"""The translator that moves a face starts from a copy, learns one pair, and at strength 0 ignores the source."""

import numpy as np
import torch
import torch.nn.functional as F
from learning import assert_every_parameter_learns, pictures
from samples import smooth

from mirrorme_utils.networks import losses, pixels, translator
from mirrorme_utils.profiles import WarpingConfig


def test_a_generator_starts_as_a_copy_and_overfits_one_pair():
    torch.manual_seed(0)
    model = translator.build(WarpingConfig(width=8, code_width=8))
    t = F.interpolate(pictures(2, 8), size=64, mode="bilinear")
    truth = t.clone()
    truth[:, :, 36:48, 20:44] = -0.5
    before = (model(t, truth) - t).abs().mean()
    assert before < 0.1
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for step in range(200):
        loss = losses.moved(model(t, truth), truth, t)
        optimizer.zero_grad()
        loss.backward()
        if step == 1:
            assert_every_parameter_learns(model)
        optimizer.step()
    assert (model(t, truth) - truth).abs().sum() < 0.5 * (t - truth).abs().sum()


def test_strength_zero_ignores_the_source():
    torch.manual_seed(0)
    model = translator.build(WarpingConfig(width=8, code_width=8)).eval()
    t, s = pictures(2), pictures(2, seed=1)
    assert torch.allclose(model(t, s, strength=0.0), model(t, t), atol=1e-5)


def test_identity_strength_zero_and_an_untrained_head_copy_the_target():
    model = translator.build(WarpingConfig(size=32, width=8, code_width=8)).eval()
    torch.nn.init.zeros_(model.generator.head.weight)
    t = pixels.to_tensor(np.asarray(smooth(32, 32)).copy())[None]
    with torch.no_grad():
        assert (model(t, t, strength=0.0) - t).abs().max() < 0.1
