"""The baseline: a face lands on the target's head, its surroundings stay, and what is no face is said, not refused."""

import cv2
import numpy as np
import pytest
import torch

from mirrorme_utils.experiments import face_swap
from mirrorme_utils.networks import finder, pixels


def picture(seed, height=64, width=64):
    """A soft, colourful picture without a face."""
    patches = np.random.default_rng(seed).integers(40, 215, (5, 5, 3), dtype=np.uint8)
    return cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC)


class Seen:
    """A detector that reports what it is told to."""

    def __init__(self, *boxes):
        self.boxes = boxes

    def detectMultiScale(self, grey, *_, **__):  # noqa: N802, OpenCV's name
        self.shape = grey.shape
        return np.array(self.boxes) if self.boxes else ()


def test_the_largest_face_is_found_in_the_pictures_own_pixels(monkeypatch):
    detector = Seen((10, 20, 30, 40), (60, 30, 90, 120))
    monkeypatch.setattr(finder, "detector", lambda: detector)
    assert face_swap.find_face(picture(0)) == ((20, 10, 50, 50), True)  # 64 px are searched at 192
    assert detector.shape == (192, 192)
    face_swap.find_face(picture(0, 1280, 960))
    assert detector.shape == (640, 480)


def test_without_a_visible_face_the_whole_picture_is_one_and_a_note_says_so(monkeypatch):
    monkeypatch.setattr(finder, "detector", lambda: Seen())
    box, seen = face_swap.find_face(picture(0, 100, 200))
    assert not seen and box == pytest.approx([f * s for f, s in zip(face_swap.FACE_IN_CROP, (200, 100) * 2)])
    image, note = face_swap.swap(picture(0), picture(1))
    assert image.shape == (64, 64, 3) and "target and the source" in note and "taken as it is" in note
    image, note = face_swap.swap(picture(0), picture(1), target_box=(10, 10, 50, 50))
    assert "source" in note and "target" not in note
    assert face_swap.swap(picture(0), picture(1), (10, 10, 50, 50), (10, 10, 50, 50))[1] == ""


def test_opencv_5_without_a_detector_still_swaps(monkeypatch):
    finder.detector.cache_clear()
    monkeypatch.delattr(cv2, "CascadeClassifier", raising=False)
    image, note = face_swap.swap(picture(0), picture(1))
    assert image.shape == (64, 64, 3) and note
    finder.detector.cache_clear()


def test_the_same_picture_in_comes_out_again():
    image, _ = face_swap.swap(picture(3), picture(3))
    assert np.abs(image.astype(int) - picture(3)).max() <= 3


def test_outside_the_face_the_target_stays_and_inside_the_source_comes():
    target, source, box = picture(4), picture(5), (12.0, 12.0, 52.0, 52.0)
    stripes = np.where(np.arange(64) // 4 % 2, 60, -60)[:, None]
    source[20:44, 20:44] = np.clip(source.astype(int) + stripes[..., None], 0, 255)[20:44, 20:44]
    image, _ = face_swap.swap(target, source, box, box)
    x, y, width, height = cv2.boundingRect(face_swap.oval(box, target.shape))
    outside = np.ones((64, 64), bool)
    outside[y : y + height, x : x + width] = False
    assert (image[outside] == target[outside]).all()
    profile = image[24:40, 24:40].mean((1, 2))
    assert np.corrcoef(profile, stripes[24:40, 0])[0, 1] > 0.9


def test_a_face_moves_and_scales_onto_the_targets_box():
    source = np.full((200, 160, 3), 10, np.uint8)
    source[90:110, 30:50] = 240  # centre (40, 100)
    for box, centre, side in (((30, 20, 40, 30), (35, 25), 10), ((20, 20, 60, 60), (40, 40), 40)):
        moved = face_swap.align(source, (30, 90, 50, 110), box, (80, 80))
        rows, columns = np.nonzero(moved[..., 0] > 125)
        assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx(centre, abs=1)
        assert np.sqrt(len(rows)) == pytest.approx(side, abs=2)


def test_colours_take_on_mean_and_spread_inside_the_mask():
    target, source = picture(6), np.roll(picture(7) // 2, 1, -1)
    mask = face_swap.oval((0, 0, 64, 64), target.shape)
    matched = face_swap.match_colours(source, target, mask)
    ours, theirs, before = (cv2.cvtColor(i, cv2.COLOR_RGB2LAB)[mask > 0].mean(0) for i in (target, matched, source))
    assert np.abs(ours - theirs).max() < 4 < np.abs(ours - before).max()


def test_the_batch_is_swapped_pair_by_pair():
    targets, sources = (np.stack([picture(s + i) for i in range(3)]) for s in (10, 20))
    out = face_swap.translate(pixels.to_tensor(targets), pixels.to_tensor(sources))
    assert out.shape == (3, 3, 64, 64) and out.dtype == torch.float32 and out.abs().max() <= 1
    for o, t, s in zip(pixels.to_uint8(out), targets, sources):
        assert np.array_equal(o, face_swap.swap(t, s)[0])


def test_wrong_pictures_and_boxes_are_named():
    with pytest.raises(ValueError, match="source must be uint8 RGB"):
        face_swap.swap(picture(0), picture(1).astype(np.float32))
    with pytest.raises(ValueError, match="target must be uint8 RGB"):
        face_swap.swap(picture(0)[..., 0], picture(1))
    with pytest.raises(ValueError, match="leaves nothing"):
        face_swap.swap(picture(0), picture(1), target_box=(200, 200, 240, 240))
    with pytest.raises(ValueError, match="not empty"):
        face_swap.swap(picture(0), picture(1), source_box=(30, 10, 20, 40))
