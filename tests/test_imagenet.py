"""ImageNet features: the trunk has its weights and tells pictures apart without any training."""

import torch

from mirrorme_utils import fecnet, imagenet


def test_features_of_a_known_shape_that_carry_the_picture():
    trunk = imagenet.Lite0().eval()
    torch.manual_seed(0)
    x = torch.rand(4, 3, 64, 64) * 2 - 1
    y = trunk(x)
    assert y.shape == (4, imagenet.CHANNELS, 4, 4) and y.std() > 0.1
    assert (y[0] - y[1]).abs().mean() > 0.05 * y.abs().mean()
    norm = trunk.norm
    assert norm.running_var.std() > 1e-3, "statistics of ImageNet, not those of a fresh network"


def test_it_is_a_trunk_of_fecnet():
    net = fecnet.FECNet(imagenet.Lite0(), fecnet.head(imagenet.CHANNELS, 64, 16, 16), 96).eval()
    e = fecnet.embed(net, torch.rand(3, 3, 64, 64) * 2 - 1)
    assert e.shape == (3, 16) and torch.allclose(e.norm(dim=1), torch.ones(3), atol=1e-5)
