"""A readout finds what a linear map can find, and nothing where there is nothing."""

import numpy as np
import torch

from mirrorme_utils import fecnet, readout


def test_a_linear_relation_is_found_and_noise_is_not():
    torch.manual_seed(0)
    x, true = torch.randn(400, 60) * torch.rand(60) * 5 + 3, torch.randn(60, 4)
    y, noise = x @ true, torch.randn(400, 4)
    read = readout.fit(x[:300], y[:300])
    assert (read(x[300:]) - y[300:]).square().mean() < 0.05 * y.var()
    assert (readout.fit(x[:300], noise[:300])(x[300:]) - noise[300:]).square().mean() > 0.7


def test_places_do_not_depend_on_the_batch():
    images = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3)).astype(np.uint8)
    trunk = fecnet.trunk(64, 2)
    x = readout.places(trunk, images)
    assert x.shape == (5, 16 * 16) and torch.allclose(x, readout.places(trunk, images, batch=2), atol=0.02)
