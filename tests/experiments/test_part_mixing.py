"""Part-mixed cartoons show what is wished, as far as their parts can, with parts of several styles, none held out."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from samples import face_set

from mirrorme_utils import config
from mirrorme_utils.experiments import paired, part_mixing
from mirrorme_utils.networks import style_codebook, translator
from mirrorme_utils.profiles import CodeConfig, WarpingConfig
from mirrorme_utils.world import expressions
from mirrorme_utils.world.cartoons import drawing

B, SIZE, STYLES = 40, 64, part_mixing.STYLES
BANK = torch.from_numpy(expressions.bank(3, B).blendshapes)


@pytest.fixture(scope="module")
def mixer():
    return part_mixing.draw(SIZE, heads=2, seeds=1)


def noise(seed=0):
    return config.torch_rng(seed, "part-mixed", device=config.device())


def test_heads_and_parts_are_of_styles_that_are_not_held_out(mixer):
    assert not set(STYLES) & set(drawing.STYLES_HELD_OUT) and set(STYLES) > set(drawing.STYLES_TRAIN)
    assert len(mixer.heads) == 2 * len(STYLES)
    assert set(mixer.styles.tolist()) == set(range(len(STYLES)))
    for name, part in mixer.parts.items():
        drawn = [style for style in STYLES if getattr(drawing.DRAWINGS[style], name)]
        assert [STYLES[k] for k in part.styles] == drawn


def test_a_head_has_no_face_and_each_part_has_ink_where_the_style_draws_it(mixer):
    for k, style in enumerate(STYLES):
        identity = part_mixing._identity(1_000, style)
        whole = part_mixing._drawn(identity, drawing.choices(style)[0][0], SIZE, lambda groups: "")
        whole = 255 * drawing.in_front(whole, identity.backdrop)
        missing = np.abs(whole - mixer.heads[2 * k].movedim(0, -1).numpy()).max(2) > 8
        assert 0.01 < missing.mean() < 0.4, f"{style} keeps its face, or loses more"
    for name, part in mixer.parts.items():
        assert (part.layers[:, :, 3].amax((2, 3)) > 0).all(), f"a variant of {name} draws nothing"
    above = mixer.parts["brows"].places[:, 1] < mixer.parts["eyes"].places[:, 1]
    assert above.all() and (mixer.parts["eyes"].places[:, 1] < mixer.parts["mouth"].places[:, 1]).all()


def test_a_mixed_cartoon_shows_the_nearest_to_a_wish_that_its_parts_can(mixer):
    wishes = torch.stack([BANK, BANK.flip(0)])
    pictures, shown = part_mixing.compose(mixer, wishes, noise())
    assert pictures.shape == (2, B, 3, SIZE, SIZE) and shown.shape == (2, B, 52)
    assert -1 <= pictures.min() and pictures.max() <= 1 and 0 <= shown.min() and shown.max() <= 1
    features = torch.from_numpy(expressions.FEATURES.T)

    def apart(a, b):
        return ((a - b) @ features).norm(dim=-1).mean()

    assert apart(shown, wishes) < 0.7 * apart(shown.flip(0), wishes)


def test_one_expression_is_one_picture_and_another_changes_a_part_of_it(mixer):
    pictures, shown = part_mixing.compose(mixer, torch.stack([BANK, BANK, BANK.flip(0)]), noise())
    assert torch.equal(pictures[0], pictures[1]) and torch.equal(shown[0], shown[1])
    moved = (shown[0] != shown[2]).any(1)
    changed = (pictures[0] - pictures[2]).abs().amax(1).flatten(1) > 0.02
    assert changed[moved].any(1).all() and changed.float().mean() < 0.5


def test_only_what_is_nearly_neutral_is_shown_as_neutral(mixer):
    calm, loud = torch.zeros(1, B, 52), torch.from_numpy(expressions.compose(jawOpen=1.0)).repeat(1, B, 1)
    assert (~part_mixing.compose(mixer, calm, noise())[1].any(2)).float().mean() > 0.7  # some have no neutral mouth
    assert part_mixing.compose(mixer, loud, noise())[1].any(2).all()


def test_the_same_seed_mixes_the_same_cartoons_and_another_one_others(mixer):
    one, again, other = (part_mixing.compose(mixer, BANK[None], noise(seed))[0] for seed in (0, 0, 1))
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_a_layer_covers_a_picture_where_it_is_opaque_and_nowhere_else():
    picture, colour = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4)
    alpha = torch.zeros(2, 1, 4, 4)
    alpha[:, :, :2] = 1
    out = part_mixing.over(picture, torch.cat([alpha * colour, alpha], 1))
    assert torch.equal(out[:, :, :2], colour[:, :, :2]) and torch.equal(out[:, :, 2:], picture[:, :, 2:])


def test_turning_the_hue_keeps_grey_grey_and_zero_does_nothing():
    x = torch.rand(4, 3)
    turned = part_mixing._hue_turn(torch.tensor([0.0, 1.0, 2.0, 3.0]))
    assert torch.allclose(turned @ torch.ones(3), torch.ones(4, 3), atol=1e-5)
    assert torch.allclose(turned[0] @ x[0], x[0], atol=1e-6)
    assert torch.allclose((turned[1] @ x[1]).norm(), x[1].norm(), atol=1e-5)


def test_the_first_pairs_of_a_step_are_mixed_and_the_others_stay(mixer):
    loaded, settings = paired.load(face_set()), WarpingConfig(width=8, code_width=8, batch=8)
    plain = paired.draw(paired.pairs(loaded, 0), settings, 3)
    mixed = paired.draw(paired.pairs(loaded, 0, mixer), replace(settings, part_mixed=0.5), 3)
    assert torch.equal(mixed.blendshapes_truth[4:], plain.blendshapes_truth[4:])
    assert not torch.equal(mixed.blendshapes_truth[:4], plain.blendshapes_truth[:4])
    assert mixed.t.shape == plain.t.shape and not torch.equal(mixed.t[:4], plain.t[:4])


def test_the_code_learns_from_mixed_cartoons_too(mixer):
    loaded, settings = paired.load(face_set()), CodeConfig(width=8, batch=8, part_mixed=0.25)
    x, blendshapes = paired.draw_faces(loaded, settings, 0, mixer)
    plain, same = paired.draw_faces(loaded, settings, 0)
    assert x.shape == plain.shape and torch.equal(blendshapes[2:], same[2:]) and not torch.equal(x[:2], plain[:2])


def test_a_mirrored_mixed_cartoon_comes_with_mirrored_weights(mixer):
    wishes, straight = BANK[None, :6], np.zeros(6, bool)
    pictures, shown = paired._part_mixed(mixer, expressions.mirror(wishes), straight, noise())
    turned, mirrored = paired._part_mixed(mixer, wishes, ~straight, noise())
    assert torch.equal(turned, pictures.flip(-1)) and torch.equal(mirrored, expressions.mirror(shown))


def test_the_codebook_learns_that_mixed_cartoons_can_show_any_expression(mixer, monkeypatch):
    loaded, settings, learned = paired.load(face_set()), WarpingConfig(width=8, code_width=8), []
    monkeypatch.setattr(style_codebook.StyleCodebook, "learn", lambda _, looks, styles: learned.append((looks, styles)))
    for some in (None, mixer):
        paired.learn_styles(translator.build(settings), loaded, settings, some)
    (looks, styles), (more, called) = learned
    assert len(looks) == len(styles) == len(loaded.faces) and len(more) == len(called) > len(styles)
    assert (called[: len(styles)] == styles).all() and (called[len(styles) :] == "").all()
