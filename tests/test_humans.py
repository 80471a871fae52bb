"""Rendered people: pure functions of seed and expression, in which only what the expression moves changes."""

import numpy as np
import pytest

from mirrorme_utils import expressions, humans
from mirrorme_utils.render import REGIONS

SMILE = expressions.compose(mouthSmile=1.0)


@pytest.fixture(scope="module")
def person():
    humans.prepare()
    return humans.sample_human(11)


def region_change(person, actions):
    a, b = (humans.render_human(person, x, 96) for x in (expressions.NEUTRAL, actions))
    change = np.abs(a.image.astype(int) - b.image).sum(-1)
    return {name: change[a.regions == i].mean() for i, name in enumerate(REGIONS)}


def test_a_render_is_the_same_to_the_byte_and_differs_between_seeds(person):
    first = humans.render_human(person, SMILE, 64)
    humans._body.cache_clear()
    again = humans.render_human(humans.sample_human(11), SMILE, 64)
    other = humans.render_human(humans.sample_human(12), SMILE, 64)
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


def test_sides_are_the_persons_own(person):
    left = humans.render_human(person, expressions.compose(eyeBlinkLeft=1.0), 96).image.astype(int)
    right = humans.render_human(person, expressions.compose(eyeBlinkRight=1.0), 96).image.astype(int)
    plain = humans.render_human(person, expressions.NEUTRAL, 96).image.astype(int)
    column = [np.average(np.arange(96), weights=np.abs(x - plain).sum((0, 2))) for x in (left, right)]
    assert column[0] > column[1] + 10, "a person's left eye is on the right of the picture"


def test_regions_are_all_there(person):
    regions = humans.render_human(person, expressions.NEUTRAL, 96).regions
    assert set(np.unique(regions)) == set(range(len(REGIONS)))


def test_a_photo_holds_the_face_in_its_box(person):
    image, alpha, box = humans.render_human_photo(person, SMILE, 200, 150, (120, 70), 80)
    assert image.shape == (150, 200, 3) and alpha.shape == (150, 200) and box == (80, 30, 160, 110)
    left, top, right, bottom = (int(b) for b in box)
    assert alpha[top:bottom, left:right].mean() > 150 and alpha[:, :20].mean() < alpha.mean()


def test_a_wrong_expression_is_refused(person):
    with pytest.raises(ValueError, match="52 action weights"):
        humans.render_human(person, np.zeros(5), 32)
