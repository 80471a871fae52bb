"""A drawing can show what its style has, a person anything, and styles are told apart by what a backbone sees."""

import numpy as np
import torch

from mirrorme_utils.networks import style_codebook, translator
from mirrorme_utils.profiles import WarpingConfig
from mirrorme_utils.world import expressions
from mirrorme_utils.world.cartoons import drawing, nearest

WARPING = WarpingConfig(width=8, code_width=8, batch=6)
STYLES = drawing.STYLES_TRAIN


def asked(n=60, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([expressions.sample(name, rng) for name in rng.choice(list(expressions.PALETTE), n)])


def maps(style: int, n: int):
    """Trunk maps of n pictures in which a style is one bright channel."""
    quarter, eighth = 0.1 * torch.rand(n, 16, 4, 4), 0.1 * torch.rand(n, 32, 2, 2)
    quarter[:, style] += 3
    return quarter, eighth


def learned():
    codebook = style_codebook.StyleCodebook((16, 32))
    looks = torch.cat([style_codebook.look(maps(k, 20)) for k in range(len(STYLES) + 1)])
    codebook.learn(looks, np.repeat([*STYLES, ""], 20))
    return codebook


def test_a_person_shows_any_expression_and_a_drawing_one_of_its_own():
    codebook, c = learned(), torch.from_numpy(asked(5))
    for k in range(codebook.ANY + 1):
        style = codebook.style_of(maps(k, 5))
        assert (style == k).all()
        projected = codebook.project(c, style)
        assert torch.equal(projected, c if k == codebook.ANY else nearest.nearest(STYLES[k], c))
        assert torch.equal(codebook.project(projected, style), projected), "what a style shows it can show"


def test_a_code_that_no_part_explains_is_of_an_unknown_style():
    codebook, shown = learned(), torch.from_numpy(drawing.choices(STYLES[2])[1][:4])
    codebook.reach.fill_(0.2)
    read = shown.clone()
    read[:2, expressions.INDEX["jawOpen"]] += torch.tensor([0.02, 5.0])
    classified, style = codebook.classify(read, maps(2, 4))
    assert style.tolist() == [2, codebook.ANY, 2, 2]
    assert torch.equal(classified[[0, 2, 3]], shown[[0, 2, 3]]) and torch.equal(classified[1], read[1])
    assert codebook.classify(read, maps(codebook.ANY, 4))[0].equal(read), "a person is taken as read"


def test_a_drawing_is_asked_for_what_its_style_can_show(monkeypatch):
    torch.manual_seed(0)
    model = translator.build(WARPING).eval().requires_grad_(False)
    t, s = torch.rand(2, 3, 3, 64, 64) * 2 - 1
    model.codebook.styles.bias[4] = 1e4  # all are drawn in the fifth style
    shown = []
    monkeypatch.setattr(model, "show", lambda t, c_t, c_s, *_: shown.append((c_t, c_s)))
    model(t, s)
    model.codebook.reach.fill_(torch.inf)
    model(t, s)
    (c_t, c_s), known = shown
    assert torch.equal(c_t, model.observe(t)[0]) and torch.equal(c_s, model.observe(s)[0]), "nothing within reach"
    for asked, read in zip(known, (c_t, c_s)):
        assert torch.allclose(asked, nearest.nearest(STYLES[4], read), atol=1e-6)


def test_styles_that_were_not_learned_are_never_found():
    codebook = style_codebook.StyleCodebook((16, 32))
    looks = torch.cat([style_codebook.look(maps(k, 20)) for k in (0, 1)])
    codebook.learn(looks, np.repeat([STYLES[0], ""], 20))
    assert set(codebook.style_of(maps(5, 8)).tolist()) <= {0, codebook.ANY}
    assert (codebook.style_of(maps(0, 8)) == 0).all() and (codebook.style_of(maps(1, 8)) == codebook.ANY).all()
