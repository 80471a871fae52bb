"""What tests of networks share: pictures that are noise, and whether a gradient reaches every parameter."""

import torch


def pictures(n: int, size: int = 64, seed: int = 0) -> torch.Tensor:
    """Noise, (n, 3, size, size) in [-1, 1]."""
    return 2 * torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(seed)) - 1


def assert_every_parameter_learns(model: torch.nn.Module) -> None:
    learned = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    still = [n for n, p in learned if p.grad is None or not p.grad.abs().sum() > 0]
    assert not still, f"no gradient reaches {still}"


def assert_every_parameter_learns_but_biases_before_norms(model: torch.nn.Module) -> None:
    assert all(p.grad is not None for p in model.parameters())
    assert all(p.grad.abs().sum() > 0 for n, p in model.named_parameters() if n.endswith("weight"))
