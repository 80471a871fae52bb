"""Folders, splits, seeds, the device and the profile: everything that a notebook sets once."""

import os
import random
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from .profiles import PROFILES, Profile, world_of

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("MIRRORME_DATA", ROOT / "data"))
FIGURES = Path(os.environ.get("MIRRORME_FIGURES", ROOT / "figures"))
CHECKPOINTS = Path(os.environ.get("MIRRORME_CHECKPOINTS", ROOT / "data" / "checkpoints"))
SHARDS = Path(os.environ["MIRRORME_SHARDS"]) if os.environ.get("MIRRORME_SHARDS") else None  # see `data.shards`
SPLITS = {"train": 0.7, "val": 0.2, "test": 0.1}  # by identity: the report's shares


def profile() -> Profile:
    """Return the profile named by `MIRRORME_PROFILE`, else `colab` with CUDA and `laptop` without.

    `MIRRORME_FACES` gives its mini world another size (see `world_of`).

    Raises:
        ValueError: the first names no profile, or the second no size; the message says which there are.
    """
    name = os.environ.get("MIRRORME_PROFILE")
    if name is None:
        name = "colab" if device().type == "cuda" else "laptop"
    if name not in PROFILES:
        raise ValueError(f"MIRRORME_PROFILE={name!r} is no profile; choose one of {', '.join(PROFILES)}")
    chosen, n_faces = PROFILES[name], os.environ.get("MIRRORME_FACES")
    if n_faces is None:
        return chosen
    return replace(chosen, world=replace(world_of(int(n_faces)), size=chosen.world.size))


def bars_off() -> bool | None:
    """Tell tqdm whether to hide its bars: always where `MIRRORME_BARS` is 0, else where nobody could see them."""
    return True if os.environ.get("MIRRORME_BARS") == "0" else None


def retrain() -> bool:
    """Tell whether `RETRAIN=1` asks for training even where a checkpoint fits."""
    return os.environ.get("RETRAIN", "0") == "1"


def device():
    """Return the `torch.device` to compute on: CUDA if there is one, else the CPU."""
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")  # looks without starting CUDA, which forks do not survive
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _mix(seed: int, names: tuple) -> list[int]:
    return [seed & 0xFFFFFFFF, *(zlib.crc32(str(name).encode()) for name in names)]


def rng(seed: int, *names) -> np.random.Generator:
    """Make NumPy's generator for one named stochastic step, so that a step rerun alone draws the same."""
    return np.random.default_rng(_mix(seed, names))


def torch_rng(seed: int, *names, device="cpu"):
    """Make a `torch.Generator` for one named stochastic step (see `rng`); another device draws other numbers."""
    import torch

    state = np.random.SeedSequence(_mix(seed, names)).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(state >> np.uint64(1)))


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch."""
    import torch

    random.seed(seed)
    np.random.seed(seed & 0xFFFFFFFF)
    torch.manual_seed(seed)
