"""Expressions: the range of a name, its second form, the mirror of a face."""

import numpy as np
import pytest

from mirrorme_utils.world import expressions


def test_a_name_is_a_range_and_a_pure_one_its_middle():
    rng = np.random.default_rng(0)
    middle = expressions.compose(**expressions.PALETTE["Surprise"])
    pure, varied = (
        np.mean([expressions.distance(expressions.sample("Surprise", rng, pure), middle) for _ in range(200)])
        for pure in (True, False)
    )
    assert pure < 0.8 * varied
    with pytest.raises(KeyError, match="no named expression"):
        expressions.sample("Hunger", rng)


def test_a_second_form_is_another_look_of_a_name_and_comes_as_often():
    for name, weights in expressions.SECOND.items():
        first, second = (expressions.compose(**w) for w in (expressions.PALETTE[name], weights))
        assert expressions.distance(first, second) > 0.4, name
    angry = np.stack([expressions.sample("Anger", np.random.default_rng(i)) for i in range(300)])
    shouts = (angry[:, expressions.INDEX["jawOpen"]] > 0.3).mean()
    assert 0.4 < shouts < 0.75, "half, and some blends"


def test_mirroring_swaps_the_sides_and_twice_is_nothing():
    wink = expressions.compose(eyeBlinkLeft=1.0, jawRight=0.4, jawOpen=0.3)
    assert np.array_equal(expressions.mirror(wink), expressions.compose(eyeBlinkRight=1.0, jawLeft=0.4, jawOpen=0.3))
    assert np.array_equal(expressions.mirror(expressions.mirror(wink)), wink)
