"""How long a training step of the report's model takes, beside the networks that CycleGAN's public code describes.

    python benchmarks/report_step.py [--rounds 15]

Both train on the same batch with the same losses and the same frozen embedding, turn and turn about in one run: at the
laptop's size, and at the report's with 256 px for its 224, which CycleGAN's UNet of six levels cannot halve. Prints the
median milliseconds of a step: CycleGAN's networks in 32-bit floats, ours in 32-bit floats, and ours as the course
trains them (mixed precision, channels last).
"""

import argparse
import platform
import time
from contextlib import nullcontext
from dataclasses import replace
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn

from mirrorme_utils import config, profiles, training
from mirrorme_utils.experiments import checkpoints, report_gan
from mirrorme_utils.networks.report import PatchGAN

CONFIGURATIONS = profiles.PROFILES["laptop"].report, replace(profiles.PROFILES["report"].report, size=256, batch=2)


class PublicUNet(nn.Module):
    """A UNet of 4x4 convolutions of stride 2 as in CycleGAN's public code, with the report's channel of embedding.

    Every level but the outermost and the innermost is normalised; channels double up to eight times `width`.
    """

    def __init__(self, levels: int, width: int):
        super().__init__()
        channels = [3] + [width * min(2**i, 8) for i in range(levels)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for i, (a, b) in enumerate(zip(channels, channels[1:])):
            before = [nn.LeakyReLU(0.2)] if i else []
            after = [nn.InstanceNorm2d(b)] if 0 < i < levels - 1 else []
            self.down.append(nn.Sequential(*before, nn.Conv2d(a, b, 4, 2, 1), *after))
        for i in reversed(range(levels)):
            below = channels[i + 1] + 1 if i == levels - 1 else 2 * channels[i + 1]
            after = [nn.InstanceNorm2d(channels[i])] if i else [nn.Tanh()]
            self.up.append(nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(below, channels[i], 4, 2, 1), *after))

    def forward(self, t: Tensor, e: Tensor, s: Tensor | None = None) -> Tensor:
        x, skips = t, []
        for down in self.down:
            x = down(x)
            skips.append(x)
        x = torch.cat([x, e.view(len(e), 1, *x.shape[-2:])], 1)
        for i, up in enumerate(self.up):
            x = up(x if i == 0 else torch.cat([x, skips[-1 - i]], 1))
        return x


def public(settings: profiles.ReportConfig, embedding: nn.Module) -> report_gan.Networks:
    """Make CycleGAN's networks with its optimizer, for the report's step; its discriminator is the report's, too."""
    g, d = PublicUNet(settings.levels, settings.width), PatchGAN(settings.width)
    adam = (torch.optim.Adam(net.parameters(), 2e-4, betas=(0.5, 0.999)) for net in (g, d))
    return report_gan.Networks(g.to(config.device()), d.to(config.device()), embedding, *adam)


def milliseconds(settings: profiles.ReportConfig, rounds: int) -> dict[str, float]:
    """Return the median milliseconds of a step, by who takes it; the first round of each is not counted."""
    embedding = checkpoints.load_fecnet()
    rng = config.rng(0, "step")
    t, s = (torch.from_numpy(rng.random((settings.batch, 3, settings.size, settings.size), np.float32)) * 2 - 1
            for _ in range(2))  # fmt: skip
    plain = {"CycleGAN's, 32 bits": public(settings, embedding), "ours, 32 bits": report_gan.networks(settings, embedding)}
    takers = plain | {"ours, as trained": report_gan.networks(settings, embedding)}
    spent = {name: [] for name in takers}
    for _ in range(rounds + 1):
        for name, nets in takers.items():
            layout = torch.contiguous_format if name in plain else torch.channels_last
            batch = [x.to(config.device(), memory_format=layout) for x in (t, s)]
            precision = mock.patch.object(training, "autocast", nullcontext) if name in plain else nullcontext()
            with precision:
                start = time.perf_counter()
                report_gan.step(nets, *batch, settings)["total"].item()
                spent[name].append(1_000 * (time.perf_counter() - start))
    return {name: float(np.median(times[1:])) for name, times in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, {config.device().type}, "
          f"median of {args.rounds} steps")
    for settings in CONFIGURATIONS:
        print(f"{settings.size} px, {settings.levels} levels, width {settings.width}, batch {settings.batch}")
        spent = milliseconds(settings, args.rounds)
        first = next(iter(spent.values()))
        for name, value in spent.items():
            print(f"  {name:<22}{value:>8.0f} ms   {first / value:.2f} times as fast as CycleGAN's")


if __name__ == "__main__":
    main()
