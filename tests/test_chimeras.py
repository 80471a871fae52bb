"""Chimeras show what is wished, as far as their parts can, on heads and parts of several styles, none held out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mirrorme_utils import cartoons, chimeras, config, expressions, moving, translator, vocabulary
from mirrorme_utils.config import CodeConfig, MoveConfig
from test_moving import world

B, SIZE, STYLES = 40, 64, chimeras.STYLES
BANK = torch.from_numpy(expressions.bank(3, B).actions)


@pytest.fixture(scope="module")
def made_of():
    return chimeras.draw(SIZE, heads=2, seeds=1)


def noise(seed=0):
    return config.generator(seed, "chimeras", device=config.device())


def test_heads_and_parts_are_of_styles_that_are_not_held_out(made_of):
    assert not set(STYLES) & set(cartoons.STYLES_HELD_OUT) and set(STYLES) > set(cartoons.STYLES_TRAIN)
    assert len(made_of.heads) == 2 * len(STYLES)
    assert set(made_of.styles.tolist()) == set(range(len(STYLES)))
    for name, part in made_of.parts.items():
        drawn = [style for style in STYLES if getattr(cartoons.DRAWINGS[style], name)]
        assert [STYLES[k] for k in part.styles] == drawn


def test_a_head_has_no_face_and_each_part_has_ink_where_the_style_draws_it(made_of):
    for k, style in enumerate(STYLES):
        identity = chimeras._identity(1_000, style)
        whole = chimeras._drawn(identity, cartoons.choices(style)[0][0], SIZE, lambda groups: "")
        whole = 255 * cartoons.in_front(whole, identity.backdrop)
        missing = np.abs(whole - made_of.heads[2 * k].movedim(0, -1).numpy()).max(2) > 8
        assert 0.01 < missing.mean() < 0.4, f"{style} keeps its face, or loses more"
    for name, part in made_of.parts.items():
        assert (part.layers[:, :, 3].amax((2, 3)) > 0).all(), f"a variant of {name} draws nothing"
    above = made_of.parts["brows"].places[:, 1] < made_of.parts["eyes"].places[:, 1]
    assert above.all() and (made_of.parts["eyes"].places[:, 1] < made_of.parts["mouth"].places[:, 1]).all()


def test_a_chimera_shows_the_nearest_to_a_wish_that_its_parts_can(made_of):
    wishes = torch.stack([BANK, BANK.flip(0)])
    pictures, shown = chimeras.compose(made_of, wishes, noise())
    assert pictures.shape == (2, B, 3, SIZE, SIZE) and shown.shape == (2, B, 52)
    assert -1 <= pictures.min() and pictures.max() <= 1 and 0 <= shown.min() and shown.max() <= 1
    features = torch.from_numpy(expressions.FEATURES.T)

    def apart(a, b):
        return ((a - b) @ features).norm(dim=-1).mean()

    assert apart(shown, wishes) < 0.7 * apart(shown.flip(0), wishes)


def test_one_expression_is_one_picture_and_another_changes_a_part_of_it(made_of):
    pictures, shown = chimeras.compose(made_of, torch.stack([BANK, BANK, BANK.flip(0)]), noise())
    assert torch.equal(pictures[0], pictures[1]) and torch.equal(shown[0], shown[1])
    moved = (shown[0] != shown[2]).any(1)
    changed = (pictures[0] - pictures[2]).abs().amax(1).flatten(1) > 0.02
    assert changed[moved].any(1).all() and changed.float().mean() < 0.5


def test_only_what_is_nearly_neutral_is_shown_as_neutral(made_of):
    calm, loud = torch.zeros(1, B, 52), torch.from_numpy(expressions.compose(jawOpen=1.0)).repeat(1, B, 1)
    assert (~chimeras.compose(made_of, calm, noise())[1].any(2)).float().mean() > 0.7  # some have no neutral mouth
    assert chimeras.compose(made_of, loud, noise())[1].any(2).all()


def test_the_same_seed_makes_the_same_chimeras_and_another_one_others(made_of):
    one, again, other = (chimeras.compose(made_of, BANK[None], noise(seed))[0] for seed in (0, 0, 1))
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_turning_the_hue_keeps_grey_grey_and_zero_does_nothing():
    x = torch.rand(4, 3)
    turned = chimeras._hue_turn(torch.tensor([0.0, 1.0, 2.0, 3.0]))
    assert torch.allclose(turned @ torch.ones(3), torch.ones(4, 3), atol=1e-5)
    assert torch.allclose(turned[0] @ x[0], x[0], atol=1e-6)
    assert torch.allclose((turned[1] @ x[1]).norm(), x[1].norm(), atol=1e-5)


def test_the_first_pairs_of_a_step_are_chimeras_and_the_others_stay(made_of):
    held, settings = moving.hold(world()), MoveConfig(width=8, code_width=8, batch=8)
    plain = moving.draw(moving.pairs(held, 0), settings, 3)
    mixed = moving.draw(moving.pairs(held, 0, made_of), replace(settings, chimeras=0.5), 3)
    assert torch.equal(mixed.actions_truth[4:], plain.actions_truth[4:])
    assert not torch.equal(mixed.actions_truth[:4], plain.actions_truth[:4])
    assert mixed.t.shape == plain.t.shape and not torch.equal(mixed.t[:4], plain.t[:4])


def test_the_code_learns_from_chimeras_too(made_of):
    held, settings = moving.hold(world()), CodeConfig(width=8, batch=8, chimeras=0.25)
    x, actions = moving.draw_faces(held, settings, 0, made_of)
    plain, same = moving.draw_faces(held, settings, 0)
    assert x.shape == plain.shape and torch.equal(actions[2:], same[2:]) and not torch.equal(x[:2], plain[:2])


def test_a_mirrored_chimera_comes_with_mirrored_actions(made_of):
    wishes, straight = BANK[None, :6], np.zeros(6, bool)
    pictures, shown = moving._chimeras(made_of, expressions.mirror(wishes), straight, noise())
    turned, mirrored = moving._chimeras(made_of, wishes, ~straight, noise())
    assert torch.equal(turned, pictures.flip(-1)) and torch.equal(mirrored, expressions.mirror(shown))


def test_the_vocabulary_learns_that_chimeras_can_show_any_expression(made_of, monkeypatch):
    held, settings, learned = moving.hold(world()), MoveConfig(width=8, code_width=8), []
    monkeypatch.setattr(vocabulary.Vocabulary, "learn", lambda _, looks, styles: learned.append((looks, styles)))
    for some in (None, made_of):
        moving.learn_styles(translator.mirror_me(settings), held, settings, some)
    (looks, styles), (more, called) = learned
    assert len(looks) == len(styles) == len(held.faces) and len(more) == len(called) > len(styles)
    assert (called[: len(styles)] == styles).all() and (called[len(styles) :] == "").all()
