"""FECNet's training on triplets, as notebook 03 shows it, for the notebooks that put a head on another backbone.

Taught in: notebook 03.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from .. import config, distributed, training
from ..data.triplets import Triplets
from ..networks import fecnet, losses, pixels
from ..profiles import BorrowedConfig, FecnetConfig

BEGUN_BY = 96  # faces a step of `begin`


def mirrored(part: Triplets, faces: np.ndarray) -> tuple[Triplets, np.ndarray]:
    """Add to triplets the same ones with all three faces mirrored: twice as many triplets and faces (N, S, S, 3).

    A mirrored face alone would turn a left wink into a right one; of three mirrored faces the odd one stays the same.
    """
    index = np.concatenate([part.index, part.index + len(faces)])
    twice = replace(part, images=2 * part.images, index=index, odd=np.tile(part.odd, 2), type=np.tile(part.type, 2))
    return twice, np.concatenate([faces, faces[:, :, ::-1]])


def begin(name: str, settings: FecnetConfig, net: fecnet.FECNet, faces: np.ndarray, group: np.ndarray) -> training.Run:
    """Begin a FECNet's training (or load it): let it tell the groups of faces, a steadier signal than triplets.

    Args:
        name: of its checkpoint. faces: uint8 (N, S, S, 3). group: (N,) int64, as `categories.recover` finds it.
    Returns:
        the run; call its `finish`. The linear layer that names the groups is thrown away.
    """
    namer = torch.nn.Linear(settings.dimensions, int(group.max()) + 1).to(config.device())
    optimizer = training.muon(torch.nn.ModuleList([net, namer]), net.head[-1], namer)
    run = training.Run(name, settings, net, optimizer, partner=namer)
    linked = np.flatnonzero(group >= 0)
    for step in run.steps():
        training.anneal(optimizer, settings, step)
        rows = linked[config.rng(settings.seed, "warm", step).integers(0, len(linked), BEGUN_BY)]
        rows = rows[distributed.share(BEGUN_BY)]
        strength = 0.6 * min(max(2.5 * step / settings.steps - 0.9, 0), 1)  # the first steps see clean faces
        noise = config.torch_rng(settings.seed, "warm", step)
        x = fecnet.augment(pixels.to_tensor(faces[rows]), noise, strength, of=BEGUN_BY)
        with training.autocast():
            code = net.head(net.trunk(x.to(config.device(), memory_format=torch.channels_last)))  # (B, D)
        loss = F.cross_entropy(namer(code.float()), torch.tensor(group[rows]).to(config.device()))
        optimizer.zero_grad()
        training.backward(loss, optimizer)
        optimizer.step()
        if step % 5 == 0:
            run.log(step, loss=loss)
    return run


def train(
    name: str, settings: FecnetConfig | BorrowedConfig, net: fecnet.FECNet, part: Triplets, faces: np.ndarray,
    check: Callable[[fecnet.FECNet], dict] | None = None, strength: float = 1.0, frozen: bool = False,
) -> training.Run:  # fmt: skip
    """Train (or load) a FECNet on triplets; a step draws faces and uses every triplet that has one of them.

    Embeddings of faces that are not in the batch come from a memory (cross-batch memory, arXiv 1912.06798), which a
    stopped run keeps, so that it goes on as if it had not stopped.

    Args:
        name: of its checkpoint. part: triplets of faces, uint8 (N, S, S, 3). check: maps the network to values that are
            logged ten times in the course of training. strength: of the augmentation; 0 is none. frozen: leave the
            backbone as it is, its running means too.
    Returns:
        the run; call its `finish` with the scores that its card is to keep.
    """
    net.trunk.requires_grad_(not frozen)
    optimizer = training.muon(net, net.head[-1])
    memory = torch.nn.Embedding.from_pretrained(torch.zeros(len(faces), settings.dimensions)).to(config.device())
    run = training.Run(name, settings, net, optimizer, partner=memory)  # partner: saved and resumed with the network
    index, odd, kind = (torch.tensor(column).to(config.device()) for column in (part.index, part.odd, part.type))
    named, every = np.unique(part.index), max(settings.steps // 10, 1)
    for step in run.steps():
        if step == 0:
            memory.weight.copy_(fecnet.embed(net, faces))  # (N, D)
        net.trunk.train(not frozen)
        training.anneal(optimizer, settings, step)
        drawn = config.rng(settings.seed, name, step).choice(named, min(settings.batch, len(named)), replace=False)
        rows = np.flatnonzero(np.isin(part.index, drawn).any(1))  # every triplet that has one of these faces
        mine, noise = drawn[distributed.share(len(drawn))], config.torch_rng(settings.seed, name, step)
        x = fecnet.augment(pixels.to_tensor(faces[mine]), noise, strength, of=len(drawn))
        with training.autocast():
            e = net(x.to(config.device(), memory_format=torch.channels_last)).float()
        e = distributed.gathered(e)  # (B, D)
        # The batch's faces have their new embeddings, through which gradients flow; all others their remembered ones.
        mixed = memory.weight.index_put((torch.from_numpy(drawn).to(e.device),), e)  # (N, D)
        triples = mixed[index[rows]]  # (triplets, 3, D)
        loss = losses.triplet(triples, odd[rows], kind[rows])
        optimizer.zero_grad()
        training.backward(loss, optimizer)
        optimizer.step()
        memory.weight[drawn] = e.detach()
        if step % 5 == 0:
            run.log(step, loss=loss, training=fecnet.accuracy(triples, odd[rows]).float().mean())
        if check and (step + 1) % every == 0:
            run.log(step + 1, **check(net))
    return run
