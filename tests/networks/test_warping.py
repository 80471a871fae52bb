"""Warping: without a flow a picture stays, and a shift shifts it."""

import torch
from learning import pictures

from mirrorme_utils.networks import warping


def test_warp_without_flow_is_the_picture_and_a_shift_shifts():
    t = pictures(2)
    assert torch.allclose(warping.warp(t, torch.zeros(2, 2, 64, 64)), t, atol=1e-5)
    flow = torch.zeros(2, 2, 64, 64)
    flow[:, 0] = 2 / 64
    assert torch.allclose(warping.warp(t, flow)[..., :-1], t[..., 1:], atol=1e-4)
