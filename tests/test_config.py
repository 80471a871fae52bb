"""Profiles are named, frozen and complete; a wrong name is answered with the right ones; seeds are stable."""

from dataclasses import FrozenInstanceError, fields, is_dataclass

import pytest
import torch

from mirrorme_utils import config, profiles


def test_unknown_profile_lists_the_known(monkeypatch):
    monkeypatch.setenv("MIRRORME_PROFILE", "desktop")
    with pytest.raises(ValueError, match=r"MIRRORME_PROFILE='desktop'.*smoke, laptop, colab, report"):
        config.profile()


@pytest.mark.parametrize("cuda, name", [(False, "laptop"), (True, "colab")])
def test_default_profile_follows_the_device(monkeypatch, cuda, name):
    monkeypatch.delenv("MIRRORME_PROFILE")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    assert config.profile().name == name


@pytest.mark.parametrize("name", profiles.PROFILES)
def test_profiles_are_frozen_and_carry_their_name(name):
    profile = profiles.PROFILES[name]
    assert profile.name == name
    parts = [getattr(profile, field.name) for field in fields(profile)]
    for part in [profile, *filter(is_dataclass, parts)]:
        with pytest.raises(FrozenInstanceError):
            part.seed = 1


@pytest.mark.parametrize("value, asked", [(None, False), ("0", False), ("1", True)])
def test_retrain_is_asked_for_by_one(monkeypatch, value, asked):
    monkeypatch.delenv("RETRAIN", raising=False)
    if value:
        monkeypatch.setenv("RETRAIN", value)
    assert config.retrain() is asked


def test_each_named_step_draws_its_own_and_the_same_again():
    draws = [config.rng(3, "crops", 1).integers(1 << 30) for _ in range(2)]
    assert draws[0] == draws[1] != config.rng(3, "crops", 2).integers(1 << 30)
    numbers = [torch.randint(1 << 30, (1,), generator=config.torch_rng(3, "noise")).item() for _ in range(2)]
    assert numbers[0] == numbers[1]
    assert numbers[0] != torch.randint(1 << 30, (1,), generator=config.torch_rng(4, "noise")).item()


def test_seed_everything_repeats():
    config.seed_everything(5)
    first = torch.rand(2)
    config.seed_everything(5)
    assert torch.equal(first, torch.rand(2))


def test_one_number_sizes_a_world():
    usual = profiles.PROFILES["laptop"].world
    assert profiles.world_of(usual.expressions * (usual.humans + usual.cartoons)) == usual
    report = profiles.world_of(75_135 + 389_678)
    assert report.humans == -(-75_135 // 24) and report.cartoons == -(-389_678 // 24)
    for wrong in (10, 1_000_000):
        with pytest.raises(ValueError, match="500 to 464,813"):
            profiles.world_of(wrong)


def test_the_profile_takes_the_number_from_the_environment(monkeypatch):
    monkeypatch.setenv("MIRRORME_FACES", "720")
    sized = config.profile()
    assert sized.world == profiles.world_of(720) and sized.training_set == profiles.PROFILES["smoke"].training_set


def test_progress_bars_are_hidden_on_request(monkeypatch):
    monkeypatch.delenv("MIRRORME_BARS", raising=False)
    assert config.bars_off() is None, "tqdm decides"
    monkeypatch.setenv("MIRRORME_BARS", "0")
    assert config.bars_off() is True
