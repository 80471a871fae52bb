"""Pictures become tensors and pictures again, unharmed, and are resized alike in any precision."""

import numpy as np
import pytest
import torch
from learning import pictures

from mirrorme_utils.networks import pixels


def test_pictures_of_any_precision_are_resized_as_in_full():
    x = pictures(2, 96)
    assert torch.allclose(pixels.resized(x.bfloat16(), 64), pixels.resized(x, 64), atol=0.02)
    assert pixels.resized(x, 96) is x


def test_pixels_round_trip_and_refuse_other_types():
    image = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), np.uint8)
    tensor = pixels.to_tensor(image)
    assert tensor.shape == (2, 3, 5, 4) and tensor.min() >= -1 and tensor.max() <= 1
    assert np.array_equal(pixels.to_uint8(tensor), image)
    with pytest.raises(ValueError, match="uint8"):
        pixels.to_tensor(image.astype(np.float32))
