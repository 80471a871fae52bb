"""Cartoons: parts mean what their tables say, only parts change, and a seed draws the same everywhere."""

import json
import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from importlib.resources import files
from multiprocessing import get_context

import numpy as np
import pytest

from mirrorme_utils import cartoon_tables, cartoons, config, expressions
from mirrorme_utils.render import REGIONS

STYLES = cartoons.STYLES_TRAIN + cartoons.STYLES_HELD_OUT
ALL = tuple(cartoons.DRAWINGS)
SHOWN = ("Neutral", "Elation", "Sadness", "Anger", "Surprise", "Disgust")
ACTIONS = {name: expressions.compose(**expressions.PALETTE[name]) for name in SHOWN}


def definition(style):
    return json.loads((files("dicebear_styles") / f"{style}.json").read_text("utf-8"))


def identity_of(style, seed=4):
    return cartoons.sample_cartoon(seed, (style,))


def test_enough_styles_and_none_is_both_trained_and_held_out():
    assert len(cartoons.STYLES_TRAIN) >= 8 and len(cartoons.STYLES_HELD_OUT) >= 3
    kinds = cartoons.STYLES_TRAIN, cartoons.STYLES_HELD_OUT, cartoons.STYLES_MATERIAL
    assert sorted(set().union(*kinds)) == sorted(sum(kinds, ())) == sorted(ALL)


def test_no_style_that_is_trained_on_draws_a_part_of_a_held_out_one():
    def paths(styles):
        text = json.dumps([definition(style)["components"] for style in styles])
        return set(re.findall(r'"d": "([^"]+)"', text))

    held_out = paths(cartoons.STYLES_HELD_OUT)
    assert len(held_out) > 100 and not held_out & paths(cartoons.STYLES_TRAIN + cartoons.STYLES_MATERIAL)


@pytest.mark.parametrize("style", ALL)
def test_tables_name_variants_that_the_style_draws(style):
    drawing, components = cartoons.DRAWINGS[style], definition(style)["components"]
    for part, table in (("eyes", drawing.eyes), ("mouth", drawing.mouth), (drawing.brows_part, drawing.brows)):
        drawn = {name.removesuffix(cartoon_tables.MIRRORED) for name in table}
        assert not table or drawn <= set(components[part]["variants"]), part
    for component, excluded in drawing.without.items():
        assert set(excluded) < set(components[component]["variants"]), component


@pytest.mark.parametrize("style", ALL)
def test_each_choice_of_parts_is_the_nearest_to_its_own_expression(style):
    parts, vectors = cartoons.choices(style)
    assert vectors.dtype == np.float32 and vectors.shape == (len(parts), 52)
    assert 0 <= vectors.min() and vectors.max() <= 1
    for i in np.linspace(0, len(parts) - 1, 60).astype(int):
        assert np.array_equal(vectors[i], cartoons.vector(style, parts[i]))
        assert cartoons.nearest_parts(style, vectors[i]) == parts[i], "two choices of parts mean the same"


@pytest.mark.parametrize("style", ALL)
def test_nearest_parts_have_the_smallest_distance(style):
    parts, vectors = cartoons.choices(style)
    for actions in expressions.bank(5, 12).actions:
        chosen = parts.index(cartoons.nearest_parts(style, actions))
        distances = expressions.distance(vectors, actions)
        if expressions.distance(actions, expressions.NEUTRAL) > cartoons.NEARLY_NEUTRAL:
            distances[parts.index(cartoons.nearest_parts(style, expressions.NEUTRAL))] = np.inf
        assert distances[chosen] == pytest.approx(distances.min(), abs=1e-5)


@pytest.mark.parametrize("style", STYLES)
def test_every_name_of_the_palette_can_be_seen_in_every_style(style):
    identity = identity_of(style, 7)
    plain = cartoons.render_cartoon(identity, expressions.NEUTRAL, 64).image.astype(int)
    for name, weights in expressions.PALETTE.items():
        shown = cartoons.render_cartoon(identity, expressions.compose(**weights), 64).image
        changed = (np.abs(shown - plain).max(-1) > 4).sum()  # a thin mouth on dark skin is a few faint pixels
        assert (changed >= 6) == (name != "Neutral"), f"{name}: {changed} pixels"


@pytest.mark.parametrize("style", STYLES)
def test_every_style_tells_joy_sadness_and_surprise_apart(style):
    def shows(name, action):
        return cartoons.vector(style, cartoons.nearest_parts(style, ACTIONS[name]))[expressions.INDEX[action]]

    assert shows("Elation", "mouthSmileLeft") > 0.5 and shows("Sadness", "mouthSmileLeft") == 0
    assert shows("Surprise", "jawOpen") > 0.5 and shows("Neutral", "jawOpen") == 0
    assert shows("Sadness", "browInnerUp") + shows("Sadness", "mouthFrownLeft") >= 0.4


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seed", (4, 5))
def test_only_the_parts_of_a_face_change_with_its_expression(style, seed):
    identity = identity_of(style, seed)
    renders = [cartoons.render_cartoon(identity, actions, 64) for actions in ACTIONS.values()]
    parts = np.isin(renders[0].regions, [REGIONS.index(name) for name in ("mouth", "eyes", "brows")])
    for other in renders[1:]:
        changed = (other.image != renders[0].image).any(axis=2)
        assert changed.any() and not (changed & ~parts).any()
        assert np.array_equal(other.regions, renders[0].regions)


@pytest.mark.parametrize("style", STYLES)
def test_regions_lie_where_a_face_has_them(style):
    render = cartoons.render_cartoon(identity_of(style), ACTIONS["Neutral"], 96)
    assert render.image.shape == (96, 96, 3) and render.image.dtype == np.uint8
    assert render.regions.shape == (96, 96) and render.regions.dtype == np.uint8
    rows = {name: np.nonzero(render.regions == code)[0] for code, name in enumerate(REGIONS)}
    assert rows["eyes"].mean() < rows["mouth"].mean()
    assert min(rows[name].size for name in ("eyes", "mouth")) > 0.01 * 96 * 96
    assert rows["skin"].size > 0.1 * 96 * 96
    if cartoons.DRAWINGS[style].brows:
        assert rows["brows"].mean() < rows["eyes"].mean()
    else:
        assert rows["brows"].size == 0


def test_a_one_sided_part_is_mirrored_with_its_meaning():
    wink = cartoon_tables.AVATAAARS.eyes["wink"]
    mirrored = cartoon_tables.AVATAAARS.eyes["wink" + cartoon_tables.MIRRORED]
    assert mirrored == cartoon_tables.swapped(wink) and cartoon_tables.swapped(mirrored) == wink
    identity = replace(identity_of("avataaars"), zoom=1.0, shift=(0.0, 0.0), tilt=0.0)
    left, right = (
        cartoons.render_cartoon(identity, expressions.compose(**{action: 1.0}), 128).image.astype(int)
        for action in ("eyeBlinkLeft", "eyeBlinkRight")
    )
    changed = (left != right).any(axis=2)
    assert changed[:, :64].any() and changed[:, 64:].any()
    open_eye = cartoons.render_cartoon(identity, ACTIONS["Neutral"], 128).image
    winking = (left != open_eye).any(axis=2)
    assert winking[:, 64:].sum() > 0 and winking[:, :64].sum() == 0, "the drawn person's left is the viewer's right"


def drawn(identity):
    return cartoons.render_cartoon(identity, ACTIONS["Anger"], 64).image


def test_a_seed_draws_the_same_in_every_process_and_another_seed_another_face():
    identities = [identity_of(style, seed) for style in ("lorelei", "moods") for seed in (1, 2)]
    here = [drawn(identity) for identity in identities]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        there = list(pool.map(drawn, identities))
    assert all(np.array_equal(a, b) for a, b in zip(here, there))
    assert not np.array_equal(here[0], here[1]) and not np.array_equal(here[2], here[3])


def test_the_look_of_an_identity_does_not_hang_on_the_list_it_was_drawn_from():
    identity = cartoons.sample_cartoon(11)
    assert identity.style in cartoons.STYLES_TRAIN
    assert cartoons.sample_cartoon(11, (identity.style,)) == identity
    assert {cartoons.sample_cartoon(seed).style for seed in range(80)} == set(cartoons.STYLES_TRAIN)


@pytest.mark.parametrize("style", STYLES)
def test_the_box_in_a_photo_frames_the_same_crop(style):
    identity = identity_of(style)
    image, (left, top, right, bottom) = cartoons.render_cartoon_photo(identity, ACTIONS["Elation"], 200, 160)
    assert image.shape == (160, 200, 3) and image.dtype == np.uint8
    assert 0 <= left < right <= 200 and 0 <= top < bottom <= 160 and right - left == bottom - top
    crop = cartoons.render_cartoon(identity, ACTIONS["Elation"], right - left).image.astype(int)
    assert np.abs(image[top:bottom, left:right] - crop).mean() < 1


def test_an_unknown_style_is_named_with_those_there_are():
    with pytest.raises(ValueError, match="no-such-style.*avataaars"):
        cartoons.sample_cartoon(0, ("no-such-style",))
    with pytest.raises(ValueError, match="no-such-style"):
        cartoons.nearest_parts("no-such-style", expressions.NEUTRAL)


@pytest.mark.parametrize("style", ALL)
def test_each_style_is_credited_as_its_package_says(style):
    meta = definition(style)["meta"]
    rows = [row for row in (config.ROOT / "data" / "CREDITS.md").read_text("utf-8").splitlines() if f"`{style}`" in row]
    assert len(rows) == 1
    for word in (meta["creator"]["name"], meta["source"]["name"], meta["license"]["name"], meta["license"]["url"]):
        assert word in rows[0], word
