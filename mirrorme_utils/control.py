"""Control: which parts of a face take over whose expression, and how strongly.

An expression code of action weights says what each part does, so parts can be asked of different sources.
Taught in: notebook 07b, section 1.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from .expressions import ACTIONS

PARTS = {"mouth": ("jaw", "mouth", "tongue", "cheekPuff", "nose"), "eyes": ("eye", "cheekSquint"), "brows": ("brow",)}


def actions_of(part: str) -> Tensor:
    """Tell which of the 52 actions move a part of the face, "mouth", "eyes" or "brows": (52,) bool.

    Every action belongs to one part: jaw, nose and tongue to the mouth, what lifts a lower lid to the eyes.
    Raises:
        ValueError: there is no such part.
    """
    if part not in PARTS:
        raise ValueError(f"a face has the parts {', '.join(PARTS)}, not {part!r}")
    return torch.tensor([name.startswith(PARTS[part]) for name in ACTIONS])


def blend(c_t: Tensor, codes: Mapping[str, Tensor]) -> Tensor:
    """Take each part's actions from a code of its own; parts that are not named keep the target's.

    Args:
        c_t: (B, 52), the target's code. codes: part to (B, 52).
    Raises:
        ValueError: the codes are not action weights, which alone know parts.
    """
    if c_t.shape[-1] != len(ACTIONS):
        raise ValueError(f"only {len(ACTIONS)} action weights know parts, not a code of {c_t.shape[-1]} numbers")
    for part, code in codes.items():
        c_t = torch.where(actions_of(part).to(c_t.device), code, c_t)
    return c_t
