"""Control: which parts of a face take over whose expression, and how strongly.

An expression code of blendshape weights says what each part does, so each part can have a source of its own.

Taught in: notebook 11.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from ..world.expressions import BLENDSHAPES, PARTS


def blendshapes_of(part: str) -> Tensor:
    """Tell which of the 52 blendshapes move a part of the face, "mouth", "eyes" or "brows": (52,) bool.

    Every blendshape belongs to one part: jaw, nose and tongue to the mouth, what lifts a lower lid to the eyes.

    Raises:
        ValueError: there is no such part.
    """
    if part not in PARTS:
        raise ValueError(f"a face has the parts {', '.join(PARTS)}, not {part!r}")
    return torch.tensor([name.startswith(PARTS[part]) for name in BLENDSHAPES])


def blend(c_t: Tensor, codes: Mapping[str, Tensor]) -> Tensor:
    """Take each part's weights from a code of its own; parts that are not named keep the target's.

    Args:
        c_t: (B, 52), the target's code. codes: part to (B, 52).
    Returns:
        (B, 52).
    Raises:
        ValueError: the codes are not blendshape weights, which alone know parts, or there is no such part.
    """
    if c_t.shape[-1] != len(BLENDSHAPES):
        n = len(BLENDSHAPES)
        raise ValueError(f"only {n} blendshape weights know parts, not a code of {c_t.shape[-1]} numbers")
    for part, code in codes.items():
        c_t = torch.where(blendshapes_of(part).to(c_t.device), code, c_t)
    return c_t
