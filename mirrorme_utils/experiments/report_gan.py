"""The report's training step and its runs, as notebook 05 teaches them, for the ablations of notebook 06.

Taught in: notebook 05.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from .. import config, files, training
from ..data import clean, triplets
from ..networks import fecnet, losses, pixels
from ..networks.report import PatchGAN, report_unet
from ..profiles import ReportConfig

PICTURES = 20_000  # at most so many are held in memory


@dataclass(frozen=True)
class Networks:
    """Translator G, discriminator D, the frozen embedding, and the optimizers of G and D."""

    g: nn.Module
    d: nn.Module
    embedding: nn.Module
    g_optimizer: torch.optim.Optimizer
    d_optimizer: torch.optim.Optimizer


def networks(settings: ReportConfig, embedding: nn.Module) -> Networks:
    """Make the report's networks, untrained, with AdamW and beta1 = 0.5."""
    torch.manual_seed(settings.seed)
    g, d = map(training.fast, (report_unet(settings), PatchGAN(settings.width, settings.halvings)))
    adam = (torch.optim.AdamW(n.parameters(), settings.learning_rate, betas=(0.5, 0.999)) for n in (g, d))
    return Networks(g, d, embedding, *adam)


def step(nets: Networks, t: Tensor, s: Tensor, settings: ReportConfig) -> dict[str, Tensor]:
    """Train D, then G, on one batch of targets t and sources s, (B, 3, S, S) in [-1, 1]; return the losses.

    Returns:
        {"total", "discriminator"} and the terms of `losses.report`: scalars.
    """
    with training.autocast():
        e_s, e_t = nets.embedding(torch.cat([s, t])).float().chunk(2)
        out = nets.g(t, e_s, s)
        on_real, on_fake = nets.d(torch.cat([t, out.detach()])).chunk(2)  # detached: this step trains D alone
        d_loss = 0.5 * (losses.lsgan(on_real, real=True) + losses.lsgan(on_fake, real=False))
    nets.d_optimizer.zero_grad()
    d_loss.backward()
    nets.d_optimizer.step()
    with training.autocast():
        e_out, logits, back = nets.embedding(out).float(), nets.d(out), nets.g(out, e_t, t)
        total, parts = losses.report(e_out, e_s, logits, back, t, settings.alpha, settings.beta, settings.gamma)
    nets.g_optimizer.zero_grad()
    total.backward()
    nets.g_optimizer.step()
    return {"total": total, "discriminator": d_loss, **parts}


def rotate(x: Tensor, degrees: float, generator: torch.Generator) -> Tensor:
    """Turn each picture of (B, 3, S, S) by its own angle of at most so many degrees; corners become 0, mid-grey."""
    angles = (2 * torch.rand(len(x), generator=generator) - 1) * degrees
    bilinear = InterpolationMode.BILINEAR
    return torch.stack([functional.rotate(picture, float(angle), bilinear) for picture, angle in zip(x, angles)])


def draw(images: np.ndarray, settings: ReportConfig, at: int) -> tuple[Tensor, Tensor]:
    """Draw the targets and sources of a step: two batches of faces that have nothing to do with each other.

    Args:
        images: uint8 (N, S, S, 3). at: number of the step.
    Returns:
        targets and sources, (B, 3, S, S) in [-1, 1], on the device.
    """
    rows = config.rng(settings.seed, "batch", at).integers(0, len(images), (2, settings.batch))
    t, s = (pixels.to_tensor(images[r]) for r in rows)
    if settings.rotation:
        t, s = (
            rotate(x, settings.rotation, config.torch_rng(settings.seed, at, name)) for name, x in (("t", t), ("s", s))
        )
    return tuple(x.to(config.device(), memory_format=torch.channels_last) for x in (t, s))


def train(
    name: str, settings: ReportConfig, images: np.ndarray, embedding: nn.Module,
    score: Callable[[nn.Module], dict] | None = None, watch: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[training.Run, nn.Module]:  # fmt: skip
    """Train (or load) one run of the report's model.

    Args:
        name: of its checkpoint. images: uint8 (N, S, S, 3), targets and sources alike.
        embedding: a frozen FECNet. score: maps the trained translator to the metrics that its card keeps.
        watch: targets and sources, uint8 (n, S, S, 3), to translate in the course of training (see `snapshots`).
    Returns:
        the run (with its history and metrics) and the translator.
    """
    nets = networks(settings, embedding)
    run = training.Run(name, settings, nets.g, nets.g_optimizer, nets.d_optimizer, partner=nets.d)
    alone, frames = replace(settings, beta=0.0, gamma=0.0), {}
    for at in run.steps():
        parts = step(nets, *draw(images, settings, at), alone if at < settings.alone else settings)
        if at % 10 == 9 or at == settings.steps - 1:
            run.log(at, **parts)
        if watch and at + 1 in shown_at(settings.steps):
            frames[at + 1] = pixels.to_uint8(answer(nets.g, embedding, *map(pixels.to_tensor, watch)))
    nets.g.eval()
    run.finish(score(nets.g) if score and not run.loaded else {})
    if frames:
        snapshots(run, frames)
    return run, nets.g


def shown_at(steps: int) -> list[int]:
    """Return the numbers of steps after which snapshots are taken; the last is `steps`."""
    return [max(steps * percent // 100, 1) for percent in (2, 10, 30, 60, 100)]


def pictures(split: str, settings: ReportConfig, most: int = PICTURES) -> np.ndarray:
    """Read the cleaned crops of a split, people and cartoons together: uint8 (N, S, S, 3), N at most `most`."""
    faces = clean.ensure().faces
    faces = faces[faces["split"] == split]
    if len(faces) > most:
        faces = faces.sample(most, random_state=config.rng(settings.seed, "pictures", split))
    return triplets.load_images([config.DATA / image for image in faces["image"]], settings.size)


def test_faces(settings: ReportConfig, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose faces of test identities to look at: n targets and n sources, people first, uint8 (n, S, S, 3)."""
    faces = clean.ensure().faces
    faces = faces[faces["split"] == "test"]
    chosen = []
    for kind, share in (("human", n - n // 2), ("cartoon", n // 2)):
        pool = faces[faces["kind"] == kind].sample(frac=1, random_state=config.rng(settings.seed, "held out", kind))
        turn = pool.groupby("identity").cumcount()  # so that each identity comes once before one comes twice
        images = pool.iloc[np.argsort(turn, kind="stable")]["image"].to_numpy()
        chosen.append((images[:share], images[share : 2 * share]))
    return tuple(
        triplets.load_images([config.DATA / image for part in parts for image in part], settings.size)
        for parts in zip(*chosen)
    )


def answer(g: nn.Module, embedding: nn.Module, t: Tensor, s: Tensor) -> Tensor:
    """Translate targets t with sources s, (B, 3, S, S) in [-1, 1], in evaluation mode; the result is on the CPU."""
    was_training, device = g.training, config.device()
    g.eval()
    with torch.no_grad():
        out = g(t.to(device), embedding(s.to(device)), s.to(device)).cpu()
    g.train(was_training)
    return out


def copy_losses(embedding: nn.Module, t: np.ndarray, s: np.ndarray) -> dict[str, float]:
    """Return the losses of an output that is the target itself, for uint8 (N, S, S, 3) targets and sources.

    The reconstruction is perfect, and a real picture leaves the best discriminator at 1/2, hence 1/4. For unit
    vectors of D dimensions the embedding loss is the mean of (2 - 2 cos) / D.
    """
    e_t, e_s = fecnet.embed(embedding, t), fecnet.embed(embedding, s)
    cosine = (e_t * e_s).sum(1)
    return {"embedding": float((2 - 2 * cosine).mean() / e_t.shape[1]), "adversarial": 0.25, "consistency": 0.0}


def snapshots(run: training.Run, frames: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Keep the pictures of a finished run beside its checkpoint, and read them again.

    Args:
        frames: step to uint8 (N, S, S, 3); where there are none, those that were kept when it was trained are read.
    """
    path = training.find(run.name, run.settings).with_suffix(".npz")
    if frames:
        with files.whole(path) as part:
            np.savez_compressed(part, **{str(at): images for at, images in frames.items()})
    with np.load(path) as kept:
        return {int(at): kept[at] for at in kept.files}
