"""ImageNet features tell pictures apart without any training, and a linear readout finds what a linear map can."""

import numpy as np
import torch

from mirrorme_utils.networks import features, fecnet


def test_features_of_a_known_shape_that_carry_the_picture():
    trunk = features.Lite0().eval()
    torch.manual_seed(0)
    x = torch.rand(4, 3, 64, 64) * 2 - 1
    y = trunk(x)
    assert y.shape == (4, features.CHANNELS, 4, 4) and y.std() > 0.1
    assert (y[0] - y[1]).abs().mean() > 0.05 * y.abs().mean()
    norm = trunk.norm
    assert norm.running_var.std() > 1e-3, "statistics of ImageNet, not those of a fresh network"


def test_it_is_a_trunk_of_fecnet():
    net = fecnet.FECNet(features.Lite0(), fecnet.head(features.CHANNELS, 64, 16, 16), 96).eval()
    e = fecnet.embed(net, torch.rand(3, 3, 64, 64) * 2 - 1)
    assert e.shape == (3, 16) and torch.allclose(e.norm(dim=1), torch.ones(3), atol=1e-5)


def test_a_linear_relation_is_found_and_noise_is_not():
    torch.manual_seed(0)
    x, true = torch.randn(400, 60) * torch.rand(60) * 5 + 3, torch.randn(60, 4)
    y, noise = x @ true, torch.randn(400, 4)
    read = features.fit(x[:300], y[:300])
    assert (read(x[300:]) - y[300:]).square().mean() < 0.05 * y.var()
    assert (features.fit(x[:300], noise[:300])(x[300:]) - noise[300:]).square().mean() > 0.7


def test_places_do_not_depend_on_the_batch():
    images = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3)).astype(np.uint8)
    trunk = fecnet.trunk(64, 2)
    x = features.places(trunk, images)
    assert x.shape == (5, 16 * 16) and torch.allclose(x, features.places(trunk, images, batch=2), atol=0.02)
