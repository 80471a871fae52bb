"""The report's data pipeline, training step and runs, as notebook 06 teaches them; notebook 07 trains with them.

Taught in: notebook 06.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Sampler
from torchvision.transforms import v2

from .. import config, distributed, files, pictures, training
from ..data import clean, shards, triplets
from ..networks import fecnet, losses, pixels
from ..networks.report import PatchGAN, report_unet
from ..profiles import ReportConfig


def transforms(settings: ReportConfig) -> v2.Compose:
    """Return the report's transforms: a picture to a tensor (3, S, S) in [-1, 1], turned by an angle of its own.

    A rotation fills the corners with 0, which is mid-grey here, and takes the nearest pixel (torchvision's default).
    """
    half = (0.5, 0.5, 0.5)
    return v2.Compose(
        [
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),  # these two are what the report's ToTensor does: [0, 1]
            v2.Normalize(half, half),  # [-1, 1]
            v2.Resize((settings.size, settings.size)),
            v2.RandomRotation(settings.rotation),
        ]
    )


class GAN_Dataset(Dataset[Tensor]):  # noqa: N801 - the report's name
    """Picture files, each read and passed through the transforms when it is asked for: (3, S, S) in [-1, 1]."""

    def __init__(self, paths: Sequence[Path], transform: Callable[[Image.Image], Tensor]):
        self.paths, self.transform = paths, transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: int) -> Tensor:
        try:
            return self.transform(pictures.read(shards.source(self.paths[i])))
        except pictures.PictureError as error:
            raise ValueError(
                f"{self.paths[i]} is no readable picture ({error}): delete it, rerun notebook 01"
            ) from error


class ConcatDataset(Dataset[tuple[Tensor, ...]]):
    """Data sets side by side: item i holds the i-th item of each, here a target and a source."""

    def __init__(self, *datasets: Dataset):
        self.datasets = datasets

    def __len__(self) -> int:
        return min(map(len, self.datasets))

    def __getitem__(self, i: int) -> tuple[Tensor, ...]:
        return tuple(dataset[i] for dataset in self.datasets)


class StepSampler(Sampler[list[int]]):
    """Choose the items of each step's batch, and seed torch for the rotations of that step.

    All chance of a step comes from the settings' seed and the number of the step, so a run that was stopped goes on as
    if it had not been. This holds for a loader without worker processes. Of several processes, each serves its share of
    the batch, turned as one process would turn it.

    Args:
        both: what to choose from (see `pairs`). first: number of the step to begin with.
    """

    def __init__(self, both: ConcatDataset, settings: ReportConfig, first: int = 0):
        self.both, self.settings, self.first = both, settings, first

    def __len__(self) -> int:
        return self.settings.steps - self.first

    def __iter__(self) -> Iterator[list[int]]:
        for at in range(self.first, self.settings.steps):
            torch.manual_seed(config.torch_rng(self.settings.seed, "batch", at).initial_seed())
            items, mine = torch.randint(len(self.both), (self.settings.batch,)), distributed.share(self.settings.batch)
            for dataset in self.both.datasets * mine.start:  # pass over the angles of other processes' pictures
                dataset.transform.transforms[-1].make_params([])
            yield items[mine].tolist()


def crops(split: str) -> list[Path]:
    """List the cleaned crops of a split, people and cartoons together."""
    faces = clean.ensure().faces
    return [config.DATA / image for image in faces.loc[faces["split"] == split, "image"]]


def pairs(faces: Sequence[Path], settings: ReportConfig) -> ConcatDataset:
    """Pair the faces, in two orders of their own, as targets and as sources that have nothing to do with each other."""
    rng, transform = config.rng(settings.seed, "pairs"), transforms(settings)
    orders = rng.permutation(len(faces)), rng.permutation(len(faces))
    return ConcatDataset(*(GAN_Dataset([faces[i] for i in order], transform) for order in orders))


def batches(faces: Sequence[Path], settings: ReportConfig, first: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """Serve the targets and sources of each step from `first` on: (B, 3, S, S) in [-1, 1], on the device.

    Of several processes, each serves its share of the batch.
    """
    both = pairs(faces, settings)
    for batch in DataLoader(both, batch_sampler=StepSampler(both, settings, first)):
        yield tuple(x.to(config.device(), memory_format=torch.channels_last) for x in batch)


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
    training.backward(d_loss, nets.d_optimizer)
    nets.d_optimizer.step()
    with training.autocast():
        e_out, logits, back = nets.embedding(out).float(), nets.d(out), nets.g(out, e_t, t)
        total, parts = losses.report(e_out, e_s, logits, back, t, settings.alpha, settings.beta, settings.gamma)
    nets.g_optimizer.zero_grad()
    training.backward(total, nets.g_optimizer)
    nets.g_optimizer.step()
    return {"total": total, "discriminator": d_loss, **parts}


def train(
    name: str, settings: ReportConfig, faces: Sequence[Path], embedding: nn.Module,
    score: Callable[[nn.Module], dict] | None = None, watch: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[training.Run, nn.Module]:  # fmt: skip
    """Train (or load) one run of the report's model.

    Args:
        name: of its checkpoint. faces: picture files, targets and sources alike (see `crops`).
        embedding: a frozen FECNet. score: maps the trained translator to the metrics that its card keeps.
        watch: targets and sources, uint8 (n, S, S, 3), to translate in the course of training (see `snapshots`).
    Returns:
        the run (with its history and metrics) and the translator.
    """
    nets = networks(settings, embedding)
    run = training.Run(name, settings, nets.g, nets.g_optimizer, nets.d_optimizer, partner=nets.d)
    alone = replace(settings, beta=0.0, gamma=0.0)
    for at, (t, s) in zip(run.steps(), batches(faces, settings, run.first)):
        parts = step(nets, t, s, alone if at < settings.alone else settings)
        if at % 10 == 9 or at == settings.steps - 1:
            run.log(at, **parts)
        if watch and at + 1 in shown_at(settings.steps):
            shown = answer(nets.g, embedding, *map(pixels.to_tensor, watch))
            run.kept[at + 1] = torch.from_numpy(pixels.to_uint8(shown))
    nets.g.eval()
    run.finish(score(nets.g) if score and not run.loaded and distributed.index() == 0 else {})
    if run.kept:
        snapshots(run)
    return run, nets.g


def shown_at(steps: int) -> list[int]:
    """Return the numbers of steps after which snapshots are taken; the last is `steps`."""
    return [max(steps * percent // 100, 1) for percent in (2, 10, 30, 60, 100)]


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


def snapshots(run: training.Run) -> dict[int, np.ndarray]:
    """Return the pictures that a finished run took on the way (`run.kept`): step to uint8 (N, S, S, 3).

    They lie beside its checkpoint, so a run that is loaded has them, too.
    """
    path = training.find(run.name, run.settings).with_suffix(".npz")
    if run.kept and distributed.index() == 0:
        with files.whole(path) as part:
            np.savez_compressed(part, **{str(at): images.numpy() for at, images in run.kept.items()})
    distributed.wait()
    with np.load(path) as kept:
        return {int(at): kept[at] for at in kept.files}
