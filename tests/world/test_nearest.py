"""The nearest expression of a style, in torch, is the one that the drawing shows."""

import numpy as np
import pytest
import torch

from mirrorme_utils.world import expressions
from mirrorme_utils.world.cartoons import drawing, nearest

STYLES = drawing.STYLES_TRAIN


def asked(n=60, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([expressions.sample(name, rng) for name in rng.choice(list(expressions.PALETTE), n)])


@pytest.mark.parametrize("style", STYLES)
def test_nearest_is_what_a_drawing_of_the_style_shows(style):
    blendshapes = np.concatenate([asked(), np.zeros((1, 52)), [expressions.compose(mouthSmileLeft=0.1)]]).astype(
        np.float32
    )
    shown = [drawing.vector(style, drawing.nearest_parts(style, a)) for a in blendshapes]
    found = nearest.nearest(style, torch.from_numpy(blendshapes)).numpy()
    away = [abs(expressions.distance(a, b) - expressions.distance(a, c)) for a, b, c in zip(blendshapes, shown, found)]
    assert max(away) < 1e-4
