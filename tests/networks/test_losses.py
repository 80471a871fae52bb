"""Losses are the formulas of their papers."""

import pytest
import torch
import torch.nn.functional as F
from learning import pictures

from mirrorme_utils.networks import losses


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
