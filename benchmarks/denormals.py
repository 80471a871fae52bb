"""How long a step of Muon takes on a CPU, some time after half of a layer's units have died.

    python benchmarks/denormals.py [--rounds 5]

A dead unit has no gradient, so its momentum shrinks by the same factor in each step, until first its products and later
its numbers are denormal: nearer to zero than 1.2e-38, which a CPU handles far more slowly. Prints, for the largest
matrix of notebook 08's expression code, the median milliseconds of a step on one thread, with such numbers and with
zeros in their place (`training` asks torch for the latter).
"""

import argparse
import platform
import time

import torch
from torch import nn

from mirrorme_utils import profiles, training
from mirrorme_utils.networks import translator

AGES = range(0, 2_001, 200)


def milliseconds(layer: nn.Linear, age: int, rounds: int) -> float:
    """Time a step, `age` steps after the first half of a layer's outputs died; the median of some rounds."""
    optimizer, taken = training.muon(layer), []
    alive = torch.arange(layer.out_features)[:, None] >= layer.out_features // 2
    for at in range(rounds + 1):
        layer.weight.grad = torch.randn_like(layer.weight) * alive
        layer.bias.grad = torch.zeros_like(layer.bias)
        before = time.perf_counter()
        optimizer.step()
        taken.append(1e3 * (time.perf_counter() - before))
        momentum = optimizer.state[layer.weight]["momentum_buffer"]
        if at == 0:
            shrunk = torch.full_like(momentum, optimizer.param_groups[0]["momentum"] ** age) * momentum.abs().mean()
            momentum.copy_(torch.where(alive, momentum, shrunk))
    return sorted(taken[1:])[rounds // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    settings = profiles.PROFILES["laptop"].code
    head = translator.ExpressionCode(settings.size, settings.width).head
    layer = max((part for part in head if isinstance(part, nn.Linear)), key=lambda part: part.weight.numel())
    print(f"{layer.out_features} x {layer.in_features} on one thread of {platform.processor() or platform.machine()}")
    print(f"{'steps since':>12}{'denormal':>10}{'zero':>10}  milliseconds")
    for age in AGES:
        times = []
        for flush in (False, True):
            torch.set_flush_denormal(flush)
            torch.manual_seed(0)
            times.append(milliseconds(layer, age, rounds))
        print(f"{age:>12,}" + "".join(f"{value:>10.0f}" for value in times))


if __name__ == "__main__":
    main()
