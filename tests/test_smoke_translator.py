"""Notebooks 08 to 14 in the smoke profile: the code, the generators, the ablation, the app (see `smoke`)."""

import pytest
import smoke

HERE = ("code", "fecnet-code", "fecnet-128", "people", "moving")  # trained in this half
LENT = ("moving-128", "ablation-large")  # what no notebook trains on two cores


@pytest.fixture(scope="module")
def home(world, tmp_path_factory):
    home = smoke.make_home(tmp_path_factory.mktemp("translator"), world)
    names = {path.stem for path in smoke.SHIPPED.glob("*.json")}
    earlier = {name for name in names if name.split("-")[0] in ("fecnet", "judge", "report")} - set(HERE)
    smoke.lend(home, earlier | set(LENT))
    return home


@pytest.mark.parametrize("number", [number for number in smoke.NUMBERS if number >= "08"])
def test_notebook_trains_from_scratch(home, number, monkeypatch):
    smoke.train_from_scratch(number, home, monkeypatch)


def test_each_network_was_trained(home):
    assert set(HERE) <= smoke.trained(home)
