"""Intervals over shared identities, and the trunk's parts that notebook 03 freezes."""

import numpy as np
import torch

from mirrorme_utils import expressions, fecnet, intervals, translator
from mirrorme_utils.config import BorrowedConfig, FecnetConfig


def test_interval_holds_the_share_and_narrows_with_more_identities():
    rng = np.random.default_rng(0)
    widths = []
    for n in (10, 100):
        groups = rng.integers(0, n, (3000, 3))
        right = rng.random(3000) < 0.2 + 0.6 * (groups[:, 0] % 2)
        low, high = intervals.bootstrap(right, groups, np.random.default_rng(1), draws=200)
        assert low < right.mean() < high
        widths.append(high - low)
    assert widths[1] < widths[0]


def test_interval_is_wider_than_if_triplets_were_independent():
    groups = np.repeat(np.arange(8), 200)[:, None]
    right = np.repeat(np.arange(8) % 2, 200)
    low, high = intervals.bootstrap(right, groups, np.random.default_rng(0), draws=300)
    assert high - low > 0.4


def test_an_identity_twice_in_a_triplet_counts_once():
    groups = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [0, 1, 0]])
    low, high = intervals.bootstrap(np.array([1, 1, 0, 0]), groups, np.random.default_rng(0), draws=50)
    assert low == high == 0.5


def test_interval_of_nothing_is_nan():
    assert np.isnan(intervals.bootstrap(np.zeros(0), np.zeros((0, 3)), np.random.default_rng(0))).all()


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
    actions = np.stack([expressions.sample(n, np.random.default_rng(k)) for k in range(8) for n in names])
    last = torch.nn.Linear(52, 16)
    fecnet.set_like_raters(last, actions)
    with torch.no_grad():
        e = torch.nn.functional.normalize(last(torch.from_numpy(actions)), dim=1)
    pairs = np.random.default_rng(0).integers(0, len(actions), (500, 2))
    true = [expressions.distance(*actions[pair]) for pair in pairs]
    ours = (e[pairs[:, 0]] - e[pairs[:, 1]]).norm(dim=1).numpy()
    assert np.corrcoef(true, ours)[0, 1] > 0.85


def test_a_network_on_a_reader_keeps_what_the_reader_reads():
    settings = BorrowedConfig(size=64, width=4, dimensions=8)
    reader = translator.ExpressionCode(64, 4).eval()
    net = fecnet.on_reader(reader, settings).eval()
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    assert torch.allclose(net.head[0](net.trunk(x)), reader(x), atol=1e-6)
    assert net(x).shape == (2, 8) and torch.allclose(net(x).norm(dim=1), torch.ones(2), atol=1e-5)
