"""Shipped networks load by their names, each with the embedding that taught it."""

import numpy as np
import pytest
import torch

from mirrorme_utils.experiments import checkpoints
from mirrorme_utils.networks import fecnet
from mirrorme_utils.world import expressions


@pytest.mark.parametrize(
    ("name", "numbers"), [("report", 16), ("ablation-muon", 16), ("moving", len(expressions.FEATURES))]
)
def test_each_translator_has_the_embedding_that_taught_it(name, numbers):
    faces = np.zeros((2, 64, 64, 3), np.uint8)
    assert fecnet.embed(checkpoints.load_teacher(name), faces).shape == (2, numbers)


def test_the_shipped_judge_is_another_network_than_the_teachers():
    judge = checkpoints.load_fecnet("judge")
    e = fecnet.embed(judge, np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8))
    assert e.shape == (2, 16) and torch.allclose(e.norm(dim=1), torch.ones(2), atol=1e-5)
    assert not any(isinstance(part, fecnet.Residual) for part in judge.modules())
