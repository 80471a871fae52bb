"""Pairs teach what they should: one identity moves, somebody else's face says how, and a step repeats itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mirrorme_utils import cartoons, config, expressions, faces, losses, moving, training, translator
from mirrorme_utils.config import CodeConfig, MoveConfig

CODE = CodeConfig(width=8, batch=6)
MOVE = MoveConfig(width=8, code_width=8, batch=6)
STYLE = cartoons.STYLES_TRAIN[0]


def world(identities=6, shown=8, size=64) -> faces.FaceSet:
    """Half people, half drawings, with pictures of noise in which the identity and the expression can be read."""
    kind = np.repeat(np.arange(identities) % 2, shown)
    names = list(expressions.PALETTE)[:shown]
    actions = np.stack([expressions.compose(**expressions.PALETTE[n]) for _ in range(identities) for n in names])
    drawn = [cartoons.vector(STYLE, cartoons.nearest_parts(STYLE, a)) for a in actions]
    actions = np.where(kind[:, None] == 1, np.stack(drawn), actions).astype(np.float32)
    images = np.random.default_rng(0).integers(0, 256, (len(kind), size, size, 3), np.uint8)
    identity = 10 * np.repeat(np.arange(identities), shown)
    number = np.tile(np.arange(shown), identities)
    style = np.where(kind == 1, STYLE, "")
    return faces.FaceSet(images, np.zeros(images.shape[:3], np.uint8), kind, identity, number, actions, style)


def test_partners_are_other_identities_with_nearly_the_same_expression():
    known = world()
    partners = moving.pairs(moving.hold(known), seed=0).partners
    assert partners.shape == (len(known), 2, moving.PARTNERS)
    rows, kinds, _ = np.nonzero(partners >= 0)
    found = partners[partners >= 0]
    assert (known.identity[found] != known.identity[rows]).all()
    assert (known.kind[found] == kinds).all()
    people = (known.kind[rows] == 0) & (kinds == 0)
    assert people.any() and (known.actions[found] == known.actions[rows])[people].all()


def test_a_drawings_partners_show_what_its_style_can_show():
    known = world()
    partners = moving.pairs(moving.hold(known), seed=0).partners
    for row in np.flatnonzero(known.kind == 1):
        for found in partners[row][partners[row] >= 0]:
            shown = cartoons.vector(STYLE, cartoons.nearest_parts(STYLE, known.actions[found]))
            assert expressions.distance(shown, known.actions[row]) < moving.NEAR


def test_without_partners_the_source_is_truth_itself():
    known = world()
    nobody = moving.Pairs(known, [], np.full((len(known), 2, moving.PARTNERS), -1))
    truth = np.arange(20)
    assert np.array_equal(moving.sources(nobody, truth, np.random.default_rng(0)), truth)


def test_without_partners_no_true_weight_is_read(monkeypatch):
    monkeypatch.setattr(moving, "sources", lambda *_: pytest.fail("partners are found by true action weights"))
    data = moving.pairs(moving.hold(world()), seed=0)
    assert moving.draw(data, MOVE, 0, partners=False).s.shape == (6, 3, 64, 64)


def test_a_step_draws_the_same_again_and_another_step_does_not():
    data = moving.pairs(moving.hold(world()), seed=0)
    one, again, other = (moving.draw(data, MOVE, at) for at in (3, 3, 4))
    assert torch.equal(one.t, again.t) and torch.equal(one.s, again.s)
    assert not torch.equal(one.t, other.t)
    assert one.t.shape == one.truth.shape == one.s.shape == (6, 3, 64, 64)


def test_a_mirrored_picture_comes_with_mirrored_actions():
    known = world()
    known.actions[:, expressions.INDEX["eyeBlinkLeft"]] = 1
    x, actions = moving.draw_faces(moving.hold(known), replace(CODE, batch=40), 0)
    left, right = (actions[:, expressions.INDEX[f"eyeBlink{side}"]] for side in ("Left", "Right"))
    assert {tuple(pair) for pair in torch.stack([left == 1, right == 1], 1).tolist()} >= {(True, False), (False, True)}
    assert np.array_equal(expressions.mirror(expressions.mirror(known.actions)), known.actions)


def test_true_codes_are_given_at_first_and_not_in_the_end():
    assert moving.told(MOVE, 0).all() and not moving.told(MOVE, MOVE.steps - 1).any()
    halfway = torch.cat([moving.told(MOVE, MOVE.steps // 2 + i) for i in range(40)])
    assert 0.3 < halfway.float().mean() < 0.7
    batch, read = moving.draw(moving.pairs(moving.hold(world()), seed=0), MOVE, 0), torch.zeros(6, 52)
    given = torch.tensor([[True], [False]] * 3)
    c_t, c_s = moving.teach(read, read, batch, given)
    assert torch.equal(c_t[::2], batch.actions_t[::2]) and torch.equal(c_s[::2], batch.actions_truth[::2])
    assert not c_t[1::2].any() and not c_s[1::2].any()


def test_target_and_truth_are_varied_alike():
    t = torch.rand(3, 3, 64, 64) - 0.5
    first, second = moving.together(t, t, config.generator(0, "noise"), strength=0.5)
    assert torch.equal(first, second)
    assert (first - t).abs().mean() > 0.01


def test_batch_transfer_is_0_for_a_copy_and_1_for_truth():
    batch = moving.draw(moving.pairs(moving.hold(world()), seed=0), MOVE, 0)
    assert moving.batch_transfer(batch.t, batch) == pytest.approx(0)
    assert moving.batch_transfer(batch.truth, batch) == 1


def test_code_learns_actions_from_one_batch():
    torch.manual_seed(0)
    code, features = translator.ExpressionCode(64, 8), torch.from_numpy(expressions.FEATURES)
    x, true = moving.draw_faces(moving.hold(world()), CODE, 0)
    optimizer = torch.optim.AdamW(code.parameters(), 5e-3)
    costs = []
    for _ in range(80):
        loss = losses.actions(code(x), true, features)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        costs.append(loss.item())
    assert costs[-1] < 0.1 * costs[0]


def test_a_mirrored_face_is_read_as_mirrored_and_nothing_else_changes():
    torch.manual_seed(0)
    model = translator.mirror_me(MOVE).eval().requires_grad_(False)
    model.vocabulary.styles.bias[-1] = 1e4  # all are people
    batch = moving.draw(moving.pairs(moving.hold(world()), seed=0), MOVE, 0)
    sides = expressions.mirror(model.read(batch.s))
    assert torch.allclose(model.read(batch.s.flip(-1)), sides, atol=1e-5)
    assert not torch.allclose(model.code(batch.s.flip(-1)), expressions.mirror(model.code(batch.s)), atol=1e-3)
    c_t, c_s = model.read(batch.t), model.read(batch.s)
    assert torch.allclose(model(batch.t, batch.s), model.show(batch.t, c_t, c_s), atol=1e-5)


def test_a_step_reaches_all_of_code_and_mover():
    torch.manual_seed(0)
    model = training.fast(translator.mirror_me(MOVE))
    batch = moving.draw(moving.pairs(moving.hold(world()), seed=0), MOVE, 0)
    c_t, c_s = model.code(torch.cat([batch.t, batch.s])).chunk(2)
    losses.moved(model.mover(batch.t, model.seen(batch.t), c_t, c_s), batch.truth, batch.t).backward()
    learned = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    still = [name for name, p in learned if p.grad is None or not p.grad.abs().sum() > 0]
    assert not still, f"no gradient reaches {still}"
