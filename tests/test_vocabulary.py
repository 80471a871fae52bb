"""A drawing says what its style can show, a person anything, and styles are told apart by what a trunk sees."""

import numpy as np
import pytest
import torch

from mirrorme_utils import cartoons, expressions, faces, moving, translator, vocabulary
from mirrorme_utils.config import MoveConfig

MOVE = MoveConfig(width=8, code_width=8, batch=6)
STYLES = cartoons.STYLES_TRAIN


def asked(n=60, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([expressions.sample(name, rng) for name in rng.choice(list(expressions.PALETTE), n)])


def maps(style: int, n: int):
    """Trunk maps of n pictures in which a style is one bright channel."""
    quarter, eighth = 0.1 * torch.rand(n, 16, 4, 4), 0.1 * torch.rand(n, 32, 2, 2)
    quarter[:, style] += 3
    return quarter, eighth


def taught():
    words = vocabulary.Vocabulary((16, 32))
    looks = torch.cat([vocabulary.look(maps(k, 20)) for k in range(len(STYLES) + 1)])
    words.learn(looks, np.repeat([*STYLES, ""], 20))
    return words


@pytest.mark.parametrize("style", STYLES)
def test_nearest_is_what_a_drawing_of_the_style_shows(style):
    actions = np.concatenate([asked(), np.zeros((1, 52)), [expressions.compose(mouthSmileLeft=0.1)]]).astype(np.float32)
    shown = [cartoons.vector(style, cartoons.nearest_parts(style, a)) for a in actions]
    found = vocabulary.nearest(style, torch.from_numpy(actions)).numpy()
    away = [abs(expressions.distance(a, b) - expressions.distance(a, c)) for a, b, c in zip(actions, shown, found)]
    assert max(away) < 1e-4


def test_a_person_shows_any_expression_and_a_drawing_one_of_its_own():
    words, c = taught(), torch.from_numpy(asked(5))
    for k in range(words.ANY + 1):
        style = words.style(maps(k, 5))
        assert (style == k).all()
        said = words.say(c, style)
        assert torch.equal(said, c if k == words.ANY else vocabulary.nearest(STYLES[k], c))
        assert torch.equal(words.say(said, style), said), "what a style shows it can say"


def test_a_code_that_no_part_explains_is_of_an_unknown_style():
    words, shown = taught(), torch.from_numpy(cartoons.choices(STYLES[2])[1][:4])
    words.reach.fill_(0.2)
    read = shown.clone()
    read[:2, expressions.INDEX["jawOpen"]] += torch.tensor([0.02, 5.0])
    heard, style = words.hear(read, maps(2, 4))
    assert style.tolist() == [2, words.ANY, 2, 2]
    assert torch.equal(heard[[0, 2, 3]], shown[[0, 2, 3]]) and torch.equal(heard[1], read[1])
    assert words.hear(read, maps(words.ANY, 4))[0].equal(read), "a person is heard as read"


def test_a_drawing_is_asked_for_what_its_style_can_show(monkeypatch):
    torch.manual_seed(0)
    model = translator.mirror_me(MOVE).eval().requires_grad_(False)
    t, s = torch.rand(2, 3, 3, 64, 64) * 2 - 1
    model.vocabulary.styles.bias[4] = 1e4  # all are drawn in the fifth style
    told = []
    monkeypatch.setattr(model, "show", lambda t, c_t, c_s, *_: told.append((c_t, c_s)))
    model(t, s)
    model.vocabulary.reach.fill_(torch.inf)
    model(t, s)
    (c_t, c_s), known = told
    assert torch.equal(c_t, model.observe(t)[0]) and torch.equal(c_s, model.observe(s)[0]), "nothing within reach"
    for asked, read in zip(known, (c_t, c_s)):
        assert torch.allclose(asked, vocabulary.nearest(STYLES[4], read), atol=1e-6)


def test_styles_that_were_not_learned_are_never_told():
    words = vocabulary.Vocabulary((16, 32))
    looks = torch.cat([vocabulary.look(maps(k, 20)) for k in (0, 1)])
    words.learn(looks, np.repeat([STYLES[0], ""], 20))
    assert set(words.style(maps(5, 8)).tolist()) <= {0, words.ANY}
    assert (words.style(maps(0, 8)) == 0).all() and (words.style(maps(1, 8)) == words.ANY).all()


def test_a_model_learns_to_tell_drawings_from_people():
    torch.manual_seed(0)
    kind = np.arange(80) % 2
    stripes = np.tile(np.where(np.arange(64) // 4 % 2, 220, 40), (64, 1))
    images = np.stack([stripes, stripes.T])[kind][..., None].repeat(3, -1)
    style = np.where(kind == 1, STYLES[0], "")
    actions = asked(80).astype(np.float32)
    held = moving.hold(faces.FaceSet(images.astype(np.uint8), np.zeros((80, 64, 64)), kind, kind, kind, actions, style))
    model = translator.mirror_me(MOVE)
    moving.learn_styles(model, held, MOVE)
    codes = torch.from_numpy(actions[:8])
    with torch.no_grad():
        x = torch.from_numpy(images[:8]).permute(0, 3, 1, 2).float() / 127.5 - 1
        said = model.vocabulary.say(codes, model.vocabulary.style(model.seen(x)))
    assert model.vocabulary.reach > 0
    assert torch.equal(said[::2], codes[::2])
    assert torch.equal(said[1::2], vocabulary.nearest(STYLES[0], codes[1::2]))
