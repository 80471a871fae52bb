"""The drawings write what the networks do: every shape comes from a forward pass."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from mirrorme_utils import diagrams
from mirrorme_utils.networks import fecnet, report
from mirrorme_utils.profiles import FecnetConfig


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def written(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_the_unet_is_drawn_with_its_shapes_and_the_embedding():
    texts = written(diagrams.unet(report.UNet(224, levels=6, width=64), 224))
    for shape in ("64\n112×112", "512\n14×14", "512\n4×4", "513\n4×4"):
        assert shape in texts
    assert texts.count("3\n224×224") == 2 and any("16 numbers as one 4×4 map" in text for text in texts)


def test_fecnet_is_drawn_with_the_papers_and_our_shapes():
    ours = fecnet.build(FecnetConfig(width=8))
    texts = written(diagrams.fecnet(fecnet.head(1024, 512, 64, 16), ours, 64))
    assert "832\n7×7" in texts and texts.count("16") == 2 and "64\n8×8" in texts


def test_patchgan_is_drawn_with_its_map():
    assert "1\n26×26" in written(diagrams.patchgan(report.PatchGAN(8), 224, 70))


def test_a_case_is_drawn_with_its_three_identities_and_one_test_pair():
    faces = np.zeros((3, 4, 8, 8, 3), np.uint8)
    figure = diagrams.case(*faces, ["Anger", "Awe", "Love", "Pain"], 1, 3)
    words = [text.get_text() for text in figure.texts]
    assert len(figure.axes) == 12
    for word in ("A", "B", "Anger", "Pain", "target", "source", "truth"):
        assert words.count(word) == 1


def test_the_warping_generator_is_drawn_around_seven_pictures():
    figure = diagrams.warping_generator(*[np.zeros((8, 8, 3), np.uint8)] * 7)
    assert len(figure.axes[0].images) == 7
    assert {"flow", "mask $m$", "colour $p$", "result"} <= set(written(figure))
