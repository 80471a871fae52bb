"""What every renderer of faces returns: a picture and the regions of its parts."""

from dataclasses import dataclass

import numpy as np

REGIONS = ("rest", "skin", "mouth", "eyes", "brows")


@dataclass(frozen=True)
class Render:
    """One face crop: image (S, S, 3) uint8 RGB, and regions (S, S) uint8, indices into `REGIONS`."""

    image: np.ndarray
    regions: np.ndarray
