"""FECNet and the judge: unit embeddings, gradients everywhere, frozen and borrowed parts that stay as they are."""

import numpy as np
import torch
import torch.nn.functional as F
from learning import assert_every_parameter_learns, assert_every_parameter_learns_but_biases_before_norms, pictures

from mirrorme_utils.networks import fecnet, losses, translator
from mirrorme_utils.profiles import BorrowedConfig, FecnetConfig, JudgeConfig
from mirrorme_utils.world import expressions

SMALL = FecnetConfig(width=8)


def test_the_wider_embedding_is_what_the_last_layer_reads():
    model = fecnet.build(SMALL).eval()
    wide = fecnet.wider(model)
    with torch.no_grad():
        e, x = wide(pictures(2)), pictures(2)
        inside = model.head[:-1](model.trunk(x))
    assert e.shape == (2, model.head[-1].in_features)
    assert torch.allclose(e, F.normalize(inside, dim=1), atol=1e-6)


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


def test_a_frozen_trunk_stays_while_the_head_learns():
    torch.manual_seed(0)
    model = fecnet.build(FecnetConfig(width=8)).train()
    model.trunk.requires_grad_(False).eval()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 1e-2)
    model(torch.rand(6, 3, 64, 64)).square().mul(torch.rand(16)).sum().backward()
    optimizer.step()
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed and all(k.startswith("head") for k in changed)


def test_a_layer_set_like_the_raters_puts_similar_expressions_near_each_other():
    names = list(expressions.PALETTE)
    blendshapes = np.stack([expressions.sample(n, np.random.default_rng(k)) for k in range(8) for n in names])
    last = torch.nn.Linear(52, 16)
    fecnet.set_like_raters(last, blendshapes)
    with torch.no_grad():
        e = torch.nn.functional.normalize(last(torch.from_numpy(blendshapes)), dim=1)
    pairs = np.random.default_rng(0).integers(0, len(blendshapes), (500, 2))
    true = [expressions.distance(*blendshapes[pair]) for pair in pairs]
    ours = (e[pairs[:, 0]] - e[pairs[:, 1]]).norm(dim=1).numpy()
    assert np.corrcoef(true, ours)[0, 1] > 0.85


def test_a_network_on_a_reader_keeps_what_the_reader_reads():
    settings = BorrowedConfig(size=64, width=4, dimensions=8)
    reader = translator.ExpressionCode(64, 4).eval()
    net = fecnet.on_reader(reader, settings).eval()
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    assert torch.allclose(net.head[0](net.trunk(x)), reader(x), atol=1e-6)
    assert net(x).shape == (2, 8) and torch.allclose(net(x).norm(dim=1), torch.ones(2), atol=1e-5)
