"""Cartoons: parts mean what their tables say, only parts change, and a seed draws the same everywhere."""

import copy
import importlib.util
import json
import re
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from dicebear import validator

from mirrorme_utils import config, parallel
from mirrorme_utils.world import expressions, faces
from mirrorme_utils.world.capture import REGIONS
from mirrorme_utils.world.cartoons import drawing, styles

STYLES = drawing.STYLES_TRAIN + drawing.STYLES_HELD_OUT
ALL = tuple(drawing.DRAWINGS)
SHOWN = ("Neutral", "Elation", "Sadness", "Anger", "Surprise", "Disgust")
BLENDSHAPES = {name: expressions.compose(**expressions.PALETTE[name]) for name in SHOWN}


def definition(style):
    return json.loads((files("dicebear_styles") / f"{style}.json").read_text("utf-8"))


def identity_of(style, seed=4):
    return drawing.sample_cartoon(seed, (style,))


def test_enough_styles_and_none_is_both_trained_and_held_out():
    assert len(drawing.STYLES_TRAIN) >= 8 and len(drawing.STYLES_HELD_OUT) >= 3
    kinds = drawing.STYLES_TRAIN, drawing.STYLES_HELD_OUT, drawing.STYLES_LENT
    assert sorted(set().union(*kinds)) == sorted(sum(kinds, ())) == sorted(ALL)


def test_no_style_that_is_trained_on_draws_a_part_of_a_held_out_one():
    def paths(styles):
        text = json.dumps([definition(style)["components"] for style in styles])
        return set(re.findall(r'"d": "([^"]+)"', text))

    held_out = paths(drawing.STYLES_HELD_OUT)
    assert len(held_out) > 100 and not held_out & paths(drawing.STYLES_TRAIN + drawing.STYLES_LENT)


@pytest.mark.parametrize("style", ALL)
def test_tables_name_variants_that_the_style_draws(style):
    table_of, components = drawing.DRAWINGS[style], definition(style)["components"]
    for part, table in (("eyes", table_of.eyes), ("mouth", table_of.mouth), (table_of.brows_part, table_of.brows)):
        drawn = {name.removesuffix(styles.MIRRORED) for name in table}
        assert not table or drawn <= set(components[part]["variants"]), part
    for component, excluded in table_of.without.items():
        assert set(excluded) < set(components[component]["variants"]), component


@pytest.fixture(scope="module")
def dicebears():
    """DiceBear's own checks, which drawing leaves out to save time."""
    found = importlib.util.find_spec("dicebear.validator")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("style", ALL)
def test_what_is_asked_of_a_style_passes_dicebears_own_checks(style, dicebears, monkeypatch):
    drawing.draw_svg.cache_clear()
    whole = copy.deepcopy(drawing._style(style)._data)
    for part in whole["components"].values():  # of a part of ours, all used variants over each other; of others, one
        if "variants" in part:
            kept = drawing._EVERY if drawing._EVERY in part["variants"] else next(iter(part["variants"]))
            part["variants"] = {kept: part["variants"][kept]}
    dicebears.StyleValidator.validate(whole)
    asked = []
    monkeypatch.setattr(validator.OptionsValidator, "validate", asked.append)
    for parts in drawing.choices(style)[0][::40]:
        drawing.draw_svg(identity_of(style), parts)
    for options in asked:
        dicebears.OptionsValidator.validate(options)
    assert asked
    with pytest.raises(dicebears.StyleValidationError):
        dicebears.StyleValidator.validate({"components": {}})


@pytest.mark.parametrize("style", ALL)
def test_each_choice_of_parts_is_the_nearest_to_its_own_expression(style):
    parts, vectors = drawing.choices(style)
    assert vectors.dtype == np.float32 and vectors.shape == (len(parts), 52)
    assert 0 <= vectors.min() and vectors.max() <= 1
    for i in np.linspace(0, len(parts) - 1, 60).astype(int):
        assert np.array_equal(vectors[i], drawing.vector(style, parts[i]))
        assert drawing.nearest_parts(style, vectors[i]) == parts[i], "two choices of parts mean the same"


@pytest.mark.parametrize("style", ALL)
def test_nearest_parts_have_the_smallest_distance(style):
    parts, vectors = drawing.choices(style)
    for blendshapes in expressions.bank(5, 12).blendshapes:
        chosen = parts.index(drawing.nearest_parts(style, blendshapes))
        distances = expressions.distance(vectors, blendshapes)
        if expressions.distance(blendshapes, expressions.NEUTRAL) > drawing.NEARLY_NEUTRAL:
            distances[parts.index(drawing.nearest_parts(style, expressions.NEUTRAL))] = np.inf
        assert distances[chosen] == pytest.approx(distances.min(), abs=1e-5)


@pytest.mark.parametrize("style", STYLES)
def test_every_name_of_the_palette_can_be_seen_in_every_style(style):
    identity = identity_of(style, 7)
    plain = drawing.render_cartoon(identity, expressions.NEUTRAL, 64).image.astype(int)
    for name, weights in expressions.PALETTE.items():
        shown = drawing.render_cartoon(identity, expressions.compose(**weights), 64).image
        changed = (np.abs(shown - plain).max(-1) > 4).sum()  # a thin mouth on dark skin is a few faint pixels
        assert (changed >= 6) == (name != "Neutral"), f"{name}: {changed} pixels"


@pytest.mark.parametrize("style", STYLES)
def test_every_style_tells_joy_sadness_and_surprise_apart(style):
    def shows(name, action):
        return drawing.vector(style, drawing.nearest_parts(style, BLENDSHAPES[name]))[expressions.INDEX[action]]

    assert shows("Elation", "mouthSmileLeft") > 0.5 and shows("Sadness", "mouthSmileLeft") == 0
    assert shows("Surprise", "jawOpen") > 0.5 and shows("Neutral", "jawOpen") == 0
    assert shows("Sadness", "browInnerUp") + shows("Sadness", "mouthFrownLeft") >= 0.4


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seed", (4, 5))
def test_only_the_parts_of_a_face_change_with_its_expression(style, seed):
    identity = identity_of(style, seed)
    renders = [drawing.render_cartoon(identity, blendshapes, 64) for blendshapes in BLENDSHAPES.values()]
    parts = np.isin(renders[0].regions, [REGIONS.index(name) for name in ("mouth", "eyes", "brows")])
    for other in renders[1:]:
        changed = (other.image != renders[0].image).any(axis=2)
        assert changed.any() and not (changed & ~parts).any()
        assert np.array_equal(other.regions, renders[0].regions)


@pytest.mark.parametrize("style", STYLES)
def test_regions_lie_where_a_face_has_them(style):
    render = drawing.render_cartoon(identity_of(style), BLENDSHAPES["Neutral"], 96)
    assert render.image.shape == (96, 96, 3) and render.image.dtype == np.uint8
    assert render.regions.shape == (96, 96) and render.regions.dtype == np.uint8
    rows = {name: np.nonzero(render.regions == code)[0] for code, name in enumerate(REGIONS)}
    assert rows["eyes"].mean() < rows["mouth"].mean()
    assert min(rows[name].size for name in ("eyes", "mouth")) > 0.01 * 96 * 96
    assert rows["skin"].size > 0.1 * 96 * 96
    if drawing.DRAWINGS[style].brows:
        assert rows["brows"].mean() < rows["eyes"].mean()
    else:
        assert rows["brows"].size == 0


def test_a_one_sided_part_is_mirrored_with_its_meaning():
    wink = styles.AVATAAARS.eyes["wink"]
    mirrored = styles.AVATAAARS.eyes["wink" + styles.MIRRORED]
    assert mirrored == styles.swapped(wink) and styles.swapped(mirrored) == wink
    identity = replace(identity_of("avataaars"), zoom=1.0, shift=(0.0, 0.0), tilt=0.0)
    left, right = (
        drawing.render_cartoon(identity, expressions.compose(**{action: 1.0}), 128).image.astype(int)
        for action in ("eyeBlinkLeft", "eyeBlinkRight")
    )
    changed = (left != right).any(axis=2)
    assert changed[:, :64].any() and changed[:, 64:].any()
    open_eye = drawing.render_cartoon(identity, BLENDSHAPES["Neutral"], 128).image
    winking = (left != open_eye).any(axis=2)
    assert winking[:, 64:].sum() > 0 and winking[:, :64].sum() == 0, "the drawn person's left is the viewer's right"


def test_a_seed_draws_the_same_in_every_process_and_another_seed_another_face():
    jobs = [
        faces.Face("cartoon", seed, style, BLENDSHAPES["Anger"]) for style in ("lorelei", "moods") for seed in (1, 2)
    ]
    here = [faces.render(job, 64).image for job in jobs]
    with parallel.pool(1) as crew:
        there = [crew.submit(faces.render, job, 64).result().image for job in jobs]
    assert all(np.array_equal(a, b) for a, b in zip(here, there))
    assert not np.array_equal(here[0], here[1]) and not np.array_equal(here[2], here[3])


def test_the_look_of_an_identity_does_not_hang_on_the_list_it_was_drawn_from():
    identity = drawing.sample_cartoon(11)
    assert identity.style in drawing.STYLES_TRAIN
    assert drawing.sample_cartoon(11, (identity.style,)) == identity
    assert {drawing.sample_cartoon(seed).style for seed in range(80)} == set(drawing.STYLES_TRAIN)


@pytest.mark.parametrize("style", STYLES)
def test_the_box_in_a_photo_frames_the_same_crop(style):
    identity = identity_of(style)
    image, (left, top, right, bottom) = drawing.render_cartoon_photo(identity, BLENDSHAPES["Elation"], 200, 160)
    assert image.shape == (160, 200, 3) and image.dtype == np.uint8
    assert 0 <= left < right <= 200 and 0 <= top < bottom <= 160 and right - left == bottom - top
    crop = drawing.render_cartoon(identity, BLENDSHAPES["Elation"], right - left).image.astype(int)
    assert np.abs(image[top:bottom, left:right] - crop).mean() < 1


def test_an_unknown_style_is_named_with_those_there_are():
    with pytest.raises(ValueError, match="no-such-style.*avataaars"):
        drawing.sample_cartoon(0, ("no-such-style",))
    with pytest.raises(ValueError, match="no-such-style"):
        drawing.nearest_parts("no-such-style", expressions.NEUTRAL)


@pytest.mark.parametrize("style", ALL)
def test_each_style_is_credited_as_its_package_says(style):
    meta = definition(style)["meta"]
    rows = [row for row in (config.ROOT / "data" / "CREDITS.md").read_text("utf-8").splitlines() if f"`{style}`" in row]
    assert len(rows) == 1
    for word in (meta["creator"]["name"], meta["source"]["name"], meta["license"]["name"], meta["license"]["url"]):
        assert word in rows[0], word
