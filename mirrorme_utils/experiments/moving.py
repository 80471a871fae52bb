"""The training of the translator that moves people and drawings, as notebook 10 shows it.

Taught in: notebook 10.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from .. import config, training
from ..networks import losses, translator
from ..networks.translator import Translator
from ..profiles import CodeConfig, WarpingConfig
from . import paired
from .paired import LoadedFaces, TrainingPairs
from .part_mixing import PartMixer


def begin(
    name: str, settings: WarpingConfig, code: CodeConfig, faces: Callable[[], LoadedFaces],
    mixer: Callable[[], PartMixer | None] = lambda: None,
) -> Translator:  # fmt: skip
    """Make the translator with the expression code of notebook 08, which it does not train, and a fitted codebook.

    Args:
        name: of the checkpoint; where it is there, neither the code nor the codebook is made, since it holds both.
        faces, mixer: make the rendered training set and what part-mixed cartoons are made of, where they are needed.
    """
    torch.manual_seed(settings.seed)
    model = translator.build(settings)
    anew = config.retrain() or not training.find(name, settings)
    if anew:
        model.code.load_state_dict(paired.expression_code(code, faces).state_dict())
    training.fast(model).code.requires_grad_(False)
    if anew:
        paired.learn_styles(model, faces(), settings, mixer())
    return model


def train(name: str, settings: WarpingConfig, model: Translator, data: Callable[[], TrainingPairs]) -> training.Run:
    """Train (or load) the warping generator of a translator; codes are read, classified, projected, and at first forced.

    Args:
        name: of its checkpoint. model: what `begin` returned. data: makes the pairs, if anything is left to train.
    Returns:
        the run, finished; its `weights` are the moving average.
    """
    optimizer = training.muon(model.generator, model.generator.head)
    run = training.Run(name, settings, model, optimizer, ema=0.999)
    for step in run.steps():
        model.code.eval()  # the running means of its normalisation stay those of its own training
        training.anneal(optimizer, settings, step)
        batch = paired.draw(data(), settings, step)
        with torch.no_grad(), training.autocast():
            read, maps = model.code.observe(torch.cat([batch.t, batch.s]))  # (2 B, 52)
        read, styles = model.codebook.classify(read.float(), maps)
        c_t, c_s = read.chunk(2)
        c_s = model.codebook.project(c_s, styles[: len(batch.t)])
        c_t, c_s = paired.force(c_t, c_s, batch, paired.teacher_forced(settings, step))
        with training.autocast():
            out = model.generator(batch.t, tuple(m[: len(batch.t)] for m in maps), c_t, c_s)
        loss = losses.moved(out, batch.truth, batch.t)
        optimizer.zero_grad()
        training.backward(loss, optimizer)
        nn.utils.clip_grad_norm_(model.generator.parameters(), 1.0)  # one wild step can shut the mask for good
        optimizer.step()
        if step % 10 == 9:
            run.log(step, moved=loss, T=paired.batch_transfer(out, batch))
    run.finish({"T_train": float(np.mean([row["T"] for row in run.history[-20:]]))})
    return run
