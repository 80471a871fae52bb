"""Figures are saved into folders that are made for them."""

import matplotlib.pyplot as plt
import pytest

from mirrorme_utils import config, plots


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_a_figure_is_saved_into_folders_that_are_not_there_yet(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "FIGURES", tmp_path / "build" / "figures")
    assert plots.save(plt.figure(), "empty").stat().st_size > 0
