"""Parts of a face move on their own, what is not asked to move stays bit by bit, and grey stays grey."""

import numpy as np
import pytest
import torch

from mirrorme_utils import training
from mirrorme_utils.networks import control, pixels, translator
from mirrorme_utils.profiles import WarpingConfig
from mirrorme_utils.world import expressions

SETTINGS = WarpingConfig(width=8, code_width=8)


def faces(n, seed=0, size=64):
    return pixels.to_tensor(np.random.default_rng(seed).integers(0, 256, (n, size, size, 3), np.uint8))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    net = translator.build(SETTINGS)
    torch.nn.init.normal_(net.generator.head.weight, 0, 0.1)  # an untrained generator hardly moves anything
    return training.fast(net).eval().requires_grad_(False)


def test_every_blendshape_belongs_to_one_part():
    parts = torch.stack([control.blendshapes_of(part) for part in expressions.PARTS])
    assert (parts.sum(0) == 1).all()
    assert control.blendshapes_of("brows")[expressions.INDEX["browInnerUp"]]
    with pytest.raises(ValueError, match="mouth, eyes, brows, not 'ears'"):
        control.blendshapes_of("ears")


def test_a_blend_takes_each_part_from_its_own_code():
    c_t, c_a, c_b = torch.zeros(2, 52), torch.ones(2, 52), torch.full((2, 52), 2.0)
    mixed = control.blend(c_t, {"mouth": c_a, "brows": c_b})
    for part, value in (("mouth", 1), ("eyes", 0), ("brows", 2)):
        assert (mixed[:, control.blendshapes_of(part)] == value).all()
    with pytest.raises(ValueError, match="not a code of 16 numbers"):
        control.blend(torch.zeros(2, 16), {"mouth": torch.zeros(2, 16)})


def test_all_parts_of_one_source_are_that_source_and_none_is_no_change(model):
    t, s = faces(2), faces(2, seed=1)
    whole = model(t, s)
    assert torch.equal(model(t, dict.fromkeys(expressions.PARTS, s)), whole)
    assert torch.equal(model(t, {}), model(t, s, strength=0.0))
    one = model(t, {"mouth": s})
    assert not torch.equal(one, whole) and not torch.equal(one, model(t, {}))


def test_what_does_not_move_stays_bit_by_bit_at_every_size(model, monkeypatch):
    t, s, full = faces(2), faces(2, seed=1), faces(2, seed=2, size=100)

    def upper_half(t, seen, c_t, c_s):
        flow, mask = torch.zeros(len(t), 2, 64, 64), torch.zeros(len(t), 1, 64, 64)
        colour = t + 0.5 / 127.5  # half a grey level everywhere
        colour[:, :, :32] += 0.5
        return flow, mask, colour

    monkeypatch.setattr(model.generator, "parts", upper_half)
    for target, out in ((t, model(t, s)), (full, model(t, s, full=full))):
        side = target.shape[-1]
        assert torch.equal(out[:, :, side * 37 // 64 :], target[:, :, side * 37 // 64 :])
        assert torch.allclose(out[:, :, : side // 4], target[:, :, : side // 4] + 0.5 + 0.5 / 127.5, atol=1e-5)


def test_a_grey_picture_stays_grey_beside_a_coloured_one(model):
    t, s = faces(2), faces(2, seed=1)
    t[0] = t[0].mean(0, keepdim=True)
    out = model(t, s)
    assert (out[0] == out[0, :1]).all() and not (out[1] == out[1, :1]).all()
    assert not torch.equal(out[0], t[0])
