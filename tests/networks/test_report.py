"""The report's UNet and PatchGAN have the shapes of their papers, and gradients reach all of them."""

import pytest
import torch
from learning import assert_every_parameter_learns_but_biases_before_norms, pictures

from mirrorme_utils.networks import report
from mirrorme_utils.profiles import ReportConfig


def test_report_unet_has_the_reports_shapes_at_224():
    unet, x, shapes = report.UNet(224, levels=6, width=64), pictures(1, 224), []
    for down in unet.down:
        x = down(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (512, 7, 7), (512, 4, 4)]
    assert unet.up[0].in_channels == 513
    assert unet(pictures(1, 224), torch.randn(1, 16)).shape == (1, 3, 224, 224)


@pytest.mark.parametrize("halvings, side, field", [(3, 26, 70), (2, 54, 34), (1, 110, 16)])
def test_patchgan_gives_a_26x26_map_of_70_pixel_patches_at_224_or_more_of_smaller_ones(halvings, side, field):
    d = report.PatchGAN(64, halvings) if halvings < 3 else report.PatchGAN(64)
    assert d(pictures(1, 224)).shape == (1, 1, side, side)
    x = pictures(1, 224).requires_grad_()
    d_without_norm = torch.nn.Sequential(*(m for m in d.layers if not isinstance(m, torch.nn.InstanceNorm2d)))
    d_without_norm(x)[0, 0, side // 2, side // 2].backward()
    seen = x.grad.abs().sum((0, 1)) > 0
    assert seen.any(0).sum() == field and seen.any(1).sum() == field


@pytest.mark.parametrize("variant", [{}, {"source_at_input": True}, {"depth": 14}, {"dimensions": 48}])
def test_report_unet_variants_reach_every_parameter(variant):
    settings = ReportConfig(width=4, **variant)
    unet = report.report_unet(settings)
    unet(pictures(2), torch.randn(2, settings.dimensions), pictures(2, seed=1)).square().mean().backward()
    assert_every_parameter_learns_but_biases_before_norms(unet)


def test_an_embedding_that_does_not_fill_the_bottleneck_is_refused():
    with pytest.raises(ValueError, match="20 numbers do not fill maps of 4 x 4 places"):
        report.report_unet(ReportConfig(dimensions=20))


def test_all_convolutions_begin_with_normal_weights():
    torch.manual_seed(0)
    for net in (report.UNet(64, levels=4, width=16), report.PatchGAN(16)):
        convolutions = [m for m in net.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.ConvTranspose2d)]
        weights = torch.cat([m.weight.flatten() for m in convolutions])
        assert weights.mean().abs() < 1e-3 and weights.std().item() == pytest.approx(0.02, rel=0.02)
        assert all(m.bias.abs().max() == 0 for m in convolutions)
