"""Squares stay inside their picture, crops keep the aspect, and what is put back stays in its frame."""

import numpy as np
import pytest
from PIL import Image
from samples import noise, smooth

from mirrorme_utils import framing
from mirrorme_utils.framing import Box, Framed


def test_the_shorter_side_grows_about_the_centre():
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[20:80, 40:60] = 255  # a tall face, 20 x 60
    face = np.asarray(framing.crop_square(Image.fromarray(pixels), (40, 60, 20, 80), 60))
    assert face.shape == (60, 60, 3)
    assert face[:, 20:40].min() == 255 and face[:, :19].max() == 0 and face[:, 41:].max() == 0


def test_a_square_that_leaves_the_picture_repeats_its_edge():
    pixels = np.full((100, 40, 3), 50, np.uint8)
    pixels[:, 0], pixels[:, -1] = 10, 200
    face = np.asarray(framing.crop_square(Image.fromarray(pixels), (0, 40, 10, 90), 80))
    assert (face[:, :19] == 10).all() and (face[:, 61:] == 200).all()


def test_a_box_is_clipped_and_an_empty_one_refused():
    picture = noise(100, 100)
    clipped = framing.crop_square(picture, (-50, 40, -50, 40), 40)
    assert np.array_equal(clipped, framing.crop_square(picture, (0, 40, 0, 40), 40))
    for box, reason in (((10, 10, 5, 50), "empty"), ((50, 10, 5, 50), "empty"), ((100, 150, 0, 50), "outside")):
        with pytest.raises(framing.BadBox, match=reason):
            framing.crop_square(picture, box, 40)


def test_a_box_near_the_edge_is_moved_inside():
    image = smooth(100, 60)
    assert framing.within(image, 95, 5, 40) == Box(60, 0, 40)
    assert framing.within(image, 50, 30, 500) == Box(20, 0, 60)
    assert framing.within(image, 0, 0, 1).side == framing.SMALLEST


def test_as_it_is_takes_the_largest_square_towards_the_top():
    assert framing.as_it_is(smooth(120, 90)).box == Box(15, 0, 90)
    assert framing.as_it_is(smooth(60, 120)).box == Box(0, 20, 60)


def test_what_is_cut_and_put_back_changes_nothing_outside_and_fades_at_the_edge():
    face = Framed(smooth(100, 80), Box(20, 10, 50))
    assert framing.cut(face, 50).tobytes() == face.picture.crop(face.box.corners).tobytes()
    whole = np.asarray(framing.put_back(face, Image.new("RGB", (50, 50), "white")), int)
    change = np.abs(whole - np.asarray(face.picture)).sum(-1)
    inside = np.zeros((80, 100), bool)
    inside[10:60, 20:70] = True
    assert not change[~inside].any() and (whole[25:45, 35:55] == 255).all()
    middle, edge = 255 - np.asarray(face.picture, float)[35, 22], 255 - whole[35, 22]
    assert (edge > 0).any() and (edge <= middle + 1).all(), "the edge is between the picture and the answer"
