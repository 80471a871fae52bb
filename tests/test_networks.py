"""Networks and losses: shapes of the papers, gradients everywhere, mechanisms that must hold."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mirrorme_utils import fecnet, losses, pixels, translator
from mirrorme_utils.config import FecnetConfig, JudgeConfig, MoveConfig, ReportConfig
from mirrorme_utils.discriminator import PatchGAN

SMALL = FecnetConfig(width=8)


def pictures(n, size=64, seed=0):
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def assert_every_parameter_learns(model):
    learned = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    still = [n for n, p in learned if p.grad is None or not p.grad.abs().sum() > 0]
    assert not still, f"no gradient reaches {still}"


def test_report_unet_has_the_reports_shapes_at_224():
    unet, x, shapes = translator.UNet(224, levels=6, width=64), pictures(1, 224), []
    for down in unet.down:
        x = down(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (512, 7, 7), (512, 4, 4)]
    assert unet.up[0].in_channels == 513
    assert unet(pictures(1, 224), torch.randn(1, 16)).shape == (1, 3, 224, 224)


@pytest.mark.parametrize("halvings, side, field", [(3, 26, 70), (2, 54, 34), (1, 110, 16)])
def test_patchgan_gives_a_26x26_map_of_70_pixel_patches_at_224_or_more_of_smaller_ones(halvings, side, field):
    d = PatchGAN(64, halvings) if halvings < 3 else PatchGAN(64)
    assert d(pictures(1, 224)).shape == (1, 1, side, side)
    x = pictures(1, 224).requires_grad_()
    d_without_norm = torch.nn.Sequential(*(m for m in d.layers if not isinstance(m, torch.nn.InstanceNorm2d)))
    d_without_norm(x)[0, 0, side // 2, side // 2].backward()
    seen = x.grad.abs().sum((0, 1)) > 0
    assert seen.any(0).sum() == field and seen.any(1).sum() == field


@pytest.mark.parametrize("variant", [{}, {"source_at_input": True}, {"depth": 14}, {"dimensions": 48}])
def test_report_unet_variants_reach_every_parameter(variant):
    settings = ReportConfig(width=4, **variant)
    unet = translator.report_unet(settings)
    unet(pictures(2), torch.randn(2, settings.dimensions), pictures(2, seed=1)).square().mean().backward()
    assert_every_parameter_learns_but_biases_before_norms(unet)


def test_pictures_of_any_precision_are_resized_as_in_full():
    x = pictures(2, 96)
    assert torch.allclose(pixels.resized(x.bfloat16(), 64), pixels.resized(x, 64), atol=0.02)
    assert pixels.resized(x, 96) is x


def test_an_embedding_that_does_not_fill_the_bottleneck_is_refused():
    with pytest.raises(ValueError, match="20 numbers do not fill maps of 4 x 4 places"):
        translator.report_unet(ReportConfig(dimensions=20))


def test_the_wider_embedding_is_what_the_last_layer_reads():
    model = fecnet.build(SMALL).eval()
    wide = fecnet.wider(model)
    with torch.no_grad():
        e, x = wide(pictures(2)), pictures(2)
        inside = model.head[:-1](model.trunk(x))
    assert e.shape == (2, model.head[-1].in_features)
    assert torch.allclose(e, F.normalize(inside, dim=1), atol=1e-6)


def assert_every_parameter_learns_but_biases_before_norms(model):
    assert all(p.grad is not None for p in model.parameters())
    assert all(p.grad.abs().sum() > 0 for n, p in model.named_parameters() if n.endswith("weight"))


def test_fecnet_embeds_on_the_unit_sphere_and_reaches_every_parameter():
    model = fecnet.build(SMALL)
    e = model(pictures(6))
    assert torch.allclose(e.norm(dim=1), torch.ones(6), atol=1e-5)
    losses.triplet(e.view(2, 3, -1), torch.tensor([0, 2]), torch.tensor([1, 3])).backward()
    assert_every_parameter_learns(model)


def test_the_judge_reaches_every_parameter_but_biases_before_norms():
    judge = fecnet.judge(JudgeConfig(width=4))
    e = judge(pictures(6))
    losses.triplet(e.view(2, 3, -1), torch.tensor([0, 2]), torch.tensor([1, 3])).backward()
    assert e.shape == (6, 16)
    assert_every_parameter_learns_but_biases_before_norms(judge)


def test_embed_does_not_depend_on_the_batch_and_keeps_the_mode():
    model = fecnet.build(SMALL).train()
    model.trunk.eval()
    images = np.random.default_rng(0).integers(0, 256, (7, 64, 64, 3), np.uint8)
    whole, parts = fecnet.embed(model, images), fecnet.embed(model, images, batch=2)
    assert torch.allclose(whole, parts, atol=1e-5)
    assert model.training and not any(part.training for part in model.trunk.modules())


def test_triplet_loss_is_the_papers_formula():
    e = F.normalize(torch.randn(4, 3, 16, generator=torch.Generator().manual_seed(1)), dim=2)
    odd, kind = torch.tensor([2, 0, 1, 2]), torch.tensor([1, 2, 3, 1])
    by_hand = 0.0
    for row, o, k in zip(e, odd, kind):
        one, two = (row[i] for i in range(3) if i != o)
        margin = 0.1 if k == 1 else 0.2
        near = (one - two).square().sum()
        by_hand += max(0, near - (one - row[o]).square().sum() + margin)
        by_hand += max(0, near - (two - row[o]).square().sum() + margin)
    assert losses.triplet(e, odd, kind).item() == pytest.approx(float(by_hand) / 4, rel=1e-5)


def test_one_batch_of_triplets_overfits():
    torch.manual_seed(0)
    model, x = fecnet.build(SMALL), pictures(24)
    odd, kind = torch.randint(0, 3, (8,)), torch.randint(1, 4, (8,))
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(60):
        e = model(x).view(8, 3, -1)
        loss = losses.triplet(e, odd, kind)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert fecnet.accuracy(e, odd).all()


def test_accuracy_counts_the_labelled_pair_as_nearest():
    e = torch.tensor([[[1.0, 0], [0.9, 0.1], [0, 1]], [[1.0, 0], [0, 1], [0.9, 0.1]]])
    assert fecnet.accuracy(e, torch.tensor([2, 2])).tolist() == [True, False]


def test_augment_varies_and_strength_zero_does_not():
    x = pictures(4) * 0.5
    g = torch.Generator().manual_seed(0)
    assert torch.allclose(fecnet.augment(x, g, strength=0.0), x, atol=1e-4)
    varied = fecnet.augment(x, g)
    assert varied.shape == x.shape and varied.abs().max() <= 1 and (varied - x).abs().mean() > 0.02


def test_warp_without_flow_is_the_picture_and_a_shift_shifts():
    t = pictures(2)
    assert torch.allclose(translator.warp(t, torch.zeros(2, 2, 64, 64)), t, atol=1e-5)
    flow = torch.zeros(2, 2, 64, 64)
    flow[:, 0] = 2 / 64
    assert torch.allclose(translator.warp(t, flow)[..., :-1], t[..., 1:], atol=1e-4)


def test_mover_starts_as_a_copy_and_overfits_one_pair():
    torch.manual_seed(0)
    model = translator.mirror_me(MoveConfig(width=8, code_width=8))
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
    model = translator.mirror_me(MoveConfig(width=8, code_width=8)).eval()
    t, s = pictures(2), pictures(2, seed=1)
    assert torch.allclose(model(t, s, strength=0.0), model(t, t), atol=1e-5)


def test_moved_counts_the_missing_share_pair_by_pair():
    t = torch.zeros(2, 3, 16, 16)
    truth = t.clone()
    truth[0, :, :4, :4] = 1
    truth[1, :, :4, :2] = 1
    half = (t + truth) / 2
    assert losses.moved(t, truth, t) == 1 and losses.moved(truth, truth, t) == 0
    assert losses.moved(half, truth, t) == pytest.approx(0.5, abs=0.02)
    large, small = (torch.stack([x, y]) for x, y in ((t[0], truth[1]), (truth[0], t[1])))
    assert losses.moved(large, truth, t) == losses.moved(small, truth, t) == pytest.approx(0.5, abs=0.01)


def test_report_loss_weighs_its_parts():
    e, logits, x = torch.rand(2, 16), torch.rand(2, 1, 6, 6), pictures(2)
    total, parts = losses.report(e, e + 0.1, logits, x * 0.9, x, alpha=2, beta=3, gamma=4)
    expected = 2 * parts["embedding"] + 3 * parts["adversarial"] + 4 * parts["consistency"]
    assert total.item() == pytest.approx(expected.item())


def test_pixels_round_trip_and_refuse_other_types():
    image = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), np.uint8)
    tensor = pixels.to_tensor(image)
    assert tensor.shape == (2, 3, 5, 4) and tensor.min() >= -1 and tensor.max() <= 1
    assert np.array_equal(pixels.to_uint8(tensor), image)
    with pytest.raises(ValueError, match="uint8"):
        pixels.to_tensor(image.astype(np.float32))
