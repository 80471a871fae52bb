"""Training pairs: one identity moves, somebody else's face says how, and a step repeats itself."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from samples import STYLE, face_set

from mirrorme_utils import config, training
from mirrorme_utils.experiments import paired
from mirrorme_utils.networks import losses, translator
from mirrorme_utils.profiles import CodeConfig, WarpingConfig
from mirrorme_utils.world import expressions, faces
from mirrorme_utils.world.cartoons import drawing, nearest

CODE = CodeConfig(width=8, batch=6)
WARPING = WarpingConfig(width=8, code_width=8, batch=6)


def test_partners_are_other_identities_with_nearly_the_same_expression():
    known = face_set()
    partners = paired.pairs(paired.load(known), seed=0).partners
    assert partners.shape == (len(known), 2, paired.PARTNERS)
    rows, kinds, _ = np.nonzero(partners >= 0)
    found = partners[partners >= 0]
    assert (known.identity[found] != known.identity[rows]).all()
    assert (known.kind[found] == kinds).all()
    people = (known.kind[rows] == 0) & (kinds == 0)
    assert people.any() and (known.blendshapes[found] == known.blendshapes[rows])[people].all()


def test_a_drawings_partners_show_what_its_style_can_show():
    known = face_set()
    partners = paired.pairs(paired.load(known), seed=0).partners
    for row in np.flatnonzero(known.kind == 1):
        for found in partners[row][partners[row] >= 0]:
            shown = drawing.vector(STYLE, drawing.nearest_parts(STYLE, known.blendshapes[found]))
            assert expressions.distance(shown, known.blendshapes[row]) < paired.NEAR


def test_without_partners_the_source_is_truth_itself():
    known = face_set()
    nobody = paired.TrainingPairs(paired.load(known), [], np.full((len(known), 2, paired.PARTNERS), -1))
    truth = np.arange(20)
    assert np.array_equal(paired.sources(nobody, truth, np.random.default_rng(0)), truth)


def test_people_alone_find_partners_among_people():
    known = face_set(20)
    people = faces.FaceSet(*(getattr(known, field.name)[known.kind == 0] for field in fields(known)))
    data = paired.pairs(paired.load(people), seed=0)
    truth = np.flatnonzero((data.partners[:, 0] >= 0).all(1))
    rows = paired.sources(data, np.repeat(truth, 40), np.random.default_rng(0))
    own = (rows == np.repeat(truth, 40)).mean()
    assert abs(own - paired.OWN_SHARE) < 0.05, "a source is as often somebody else as with cartoons"


def test_the_code_is_loaded_where_it_is_and_else_trained(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "CHECKPOINTS", tmp_path)
    monkeypatch.setattr(config, "DATA", tmp_path)
    settings = replace(CODE, steps=2)
    trained = paired.expression_code(settings, lambda: paired.load(face_set()))
    assert not trained.training and not any(p.requires_grad for p in trained.parameters())
    loaded = paired.expression_code(settings, lambda: pytest.fail("nothing is left to train"))
    assert all(torch.equal(a, b) for a, b in zip(trained.state_dict().values(), loaded.state_dict().values()))


def test_without_partners_no_true_weight_is_read(monkeypatch):
    monkeypatch.setattr(paired, "sources", lambda *_: pytest.fail("partners are found by true blendshape weights"))
    data = paired.pairs(paired.load(face_set()), seed=0)
    assert paired.draw(data, WARPING, 0, partners=False).s.shape == (6, 3, 64, 64)


def test_a_step_draws_the_same_again_and_another_step_does_not():
    data = paired.pairs(paired.load(face_set()), seed=0)
    one, again, other = (paired.draw(data, WARPING, at) for at in (3, 3, 4))
    assert torch.equal(one.t, again.t) and torch.equal(one.s, again.s)
    assert not torch.equal(one.t, other.t)
    assert one.t.shape == one.truth.shape == one.s.shape == (6, 3, 64, 64)


def test_a_mirrored_picture_comes_with_mirrored_weights():
    known = face_set()
    known.blendshapes[:, expressions.INDEX["eyeBlinkLeft"]] = 1
    x, blendshapes = paired.draw_faces(paired.load(known), replace(CODE, batch=40), 0)
    left, right = (blendshapes[:, expressions.INDEX[f"eyeBlink{side}"]] for side in ("Left", "Right"))
    assert {tuple(pair) for pair in torch.stack([left == 1, right == 1], 1).tolist()} >= {(True, False), (False, True)}
    assert np.array_equal(expressions.mirror(expressions.mirror(known.blendshapes)), known.blendshapes)


def test_true_codes_are_given_at_first_and_not_in_the_end():
    assert paired.teacher_forced(WARPING, 0).all() and not paired.teacher_forced(WARPING, WARPING.steps - 1).any()
    halfway = torch.cat([paired.teacher_forced(WARPING, WARPING.steps // 2 + i) for i in range(40)])
    assert 0.3 < halfway.float().mean() < 0.7
    batch, read = paired.draw(paired.pairs(paired.load(face_set()), seed=0), WARPING, 0), torch.zeros(6, 52)
    given = torch.tensor([[True], [False]] * 3)
    c_t, c_s = paired.force(read, read, batch, given)
    assert torch.equal(c_t[::2], batch.blendshapes_t[::2]) and torch.equal(c_s[::2], batch.blendshapes_truth[::2])
    assert not c_t[1::2].any() and not c_s[1::2].any()


def test_target_and_truth_are_varied_alike():
    t = torch.rand(3, 3, 64, 64) - 0.5
    first, second = paired.together(t, t, config.torch_rng(0, "noise"), strength=0.5)
    assert torch.equal(first, second)
    assert (first - t).abs().mean() > 0.01


def test_batch_transfer_is_0_for_a_copy_and_1_for_truth():
    batch = paired.draw(paired.pairs(paired.load(face_set()), seed=0), WARPING, 0)
    assert paired.batch_transfer(batch.t, batch) == pytest.approx(0)
    assert paired.batch_transfer(batch.truth, batch) == 1


def test_the_code_learns_blendshape_weights_from_one_batch():
    torch.manual_seed(0)
    code, features = translator.ExpressionCode(64, 8), torch.from_numpy(expressions.FEATURES)
    x, true = paired.draw_faces(paired.load(face_set()), CODE, 0)
    optimizer = torch.optim.AdamW(code.parameters(), 5e-3)
    costs = []
    for _ in range(80):
        loss = losses.blendshapes(code(x), true, features)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        costs.append(loss.item())
    assert costs[-1] < 0.1 * costs[0]


def test_a_mirrored_face_is_read_as_mirrored_and_nothing_else_changes():
    torch.manual_seed(0)
    model = translator.build(WARPING).eval().requires_grad_(False)
    model.codebook.styles.bias[-1] = 1e4  # all are people
    batch = paired.draw(paired.pairs(paired.load(face_set()), seed=0), WARPING, 0)
    sides = expressions.mirror(model.read(batch.s))
    assert torch.allclose(model.read(batch.s.flip(-1)), sides, atol=1e-5)
    assert not torch.allclose(model.code(batch.s.flip(-1)), expressions.mirror(model.code(batch.s)), atol=1e-3)
    c_t, c_s = model.read(batch.t), model.read(batch.s)
    assert torch.allclose(model(batch.t, batch.s), model.show(batch.t, c_t, c_s), atol=1e-5)


def test_a_step_reaches_all_of_code_and_generator():
    torch.manual_seed(0)
    model = training.fast(translator.build(WARPING))
    batch = paired.draw(paired.pairs(paired.load(face_set()), seed=0), WARPING, 0)
    c_t, c_s = model.code(torch.cat([batch.t, batch.s])).chunk(2)
    losses.moved(model.generator(batch.t, model.seen(batch.t), c_t, c_s), batch.truth, batch.t).backward()
    learned = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    still = [name for name, p in learned if p.grad is None or not p.grad.abs().sum() > 0]
    assert not still, f"no gradient reaches {still}"


def test_a_model_learns_to_tell_drawings_from_people():
    torch.manual_seed(0)
    kind = np.arange(80) % 2
    stripes = np.tile(np.where(np.arange(64) // 4 % 2, 220, 40), (64, 1))
    images = np.stack([stripes, stripes.T])[kind][..., None].repeat(3, -1)
    style = np.where(kind == 1, STYLE, "")
    rng = np.random.default_rng(0)
    asked = [expressions.sample(name, rng) for name in rng.choice(list(expressions.PALETTE), 80)]
    blendshapes = np.stack(asked).astype(np.float32)
    loaded = paired.load(
        faces.FaceSet(images.astype(np.uint8), np.zeros((80, 64, 64)), kind, kind, kind, blendshapes, style)
    )
    model = translator.build(WARPING)
    paired.learn_styles(model, loaded, WARPING)
    codes = torch.from_numpy(blendshapes[:8])
    with torch.no_grad():
        x = torch.from_numpy(images[:8]).permute(0, 3, 1, 2).float() / 127.5 - 1
        projected = model.codebook.project(codes, model.codebook.style_of(model.seen(x)))
    assert model.codebook.reach > 0
    assert torch.equal(projected[::2], codes[::2])
    assert torch.equal(projected[1::2], nearest.nearest(STYLE, codes[1::2]))
