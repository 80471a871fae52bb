"""The two ends of every tensor: uint8 pictures to float tensors in [-1, 1], and back."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def to_tensor(images: np.ndarray | Tensor) -> Tensor:
    """Turn uint8 RGB (..., H, W, 3) into a float32 tensor (..., 3, H, W) in [-1, 1], where it lies.

    Raises:
        ValueError: other numbers, or another shape.
    """
    if images.dtype not in (np.uint8, torch.uint8) or images.shape[-1] != 3:
        raise ValueError(f"expected uint8 (..., H, W, 3), got {images.dtype} {tuple(images.shape)}")
    if isinstance(images, np.ndarray):
        images = torch.from_numpy(np.ascontiguousarray(images))
    return images.movedim(-1, -3).float().div(127.5).sub(1)


def to_uint8(images: Tensor) -> np.ndarray:
    """Turn a tensor (..., 3, H, W) in [-1, 1] into uint8 RGB (..., H, W, 3); values outside are clipped."""
    pixels = images.detach().float().cpu().clamp(-1, 1).add(1).mul(127.5).round()
    return pixels.movedim(-3, -1).numpy().astype(np.uint8)


def resized(x: Tensor, size: int) -> Tensor:
    """Resize square pictures (B, C, H, H) to `size` pixels, bilinearly; those of that size are returned as they are."""
    if x.shape[-1] == size:
        return x
    return F.interpolate(x.float(), (size, size), mode="bilinear", antialias=True)  # bfloat16 cannot, on a CPU
