"""Notebooks 01 to 07 in the smoke profile, from nothing: data, FECNet, the judge, the report's model (see `smoke`)."""

import pytest
import smoke


@pytest.fixture(scope="module")
def home(world, tmp_path_factory):
    return smoke.make_home(tmp_path_factory.mktemp("embedding"), world)


@pytest.mark.parametrize("number", [number for number in smoke.NUMBERS if number < "08"])
def test_notebook_trains_from_scratch(home, number, monkeypatch):
    smoke.train_from_scratch(number, home, monkeypatch)


def test_each_network_was_trained(home):
    assert {"fecnet", "fecnet-sizes", "judge", "report"} <= smoke.trained(home)
