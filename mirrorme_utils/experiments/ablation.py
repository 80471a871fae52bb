"""The cumulative ablation: from the report's wiring to the translator that moves, one idea at a time.

Every row is the same network on the same pairs, with the same seed and number of steps; what differs is which ideas are
switched on.

Taught in: notebook 12.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .. import config, training
from ..networks import fecnet, losses
from ..networks.translator import Translator, WarpingGenerator
from ..profiles import WarpingConfig
from . import paired

SILENT = {  # layers without which an idea is missing
    "FiLM": ("condition", "block1.film", "block2.film", "block3.film", "block4.film", "block5.film"),
    "backbone's maps": ("seen1", "seen2"),
}
IDEAS = ("both codes", *SILENT, "flow and mask", "Muon", "teacher forcing")


@dataclass(frozen=True)
class AblationConfig(WarpingConfig):
    """A row of the cumulative ablation: a warping generator without some ideas.

    code_from: "blendshapes", the 52 weights that a supervised network reads, or "fecnet", FECNet's embedding; code: how
    many numbers it has. missing: which of `IDEAS` are still switched off. Without "both codes" the generator gets the
    source's expression alone; without "FiLM" it gets it only through the map at the coarsest scale, as in the report;
    without "backbone's maps" (of the code's network) it must find mouth and brows itself; without "flow and mask"
    it repaints; without "Muon" it learns by AdamW; without "teacher forcing" it reads its codes from the
    first step on.
    """

    code_from: str = "blendshapes"
    code: int = 52
    missing: tuple[str, ...] = ()


def build(settings: AblationConfig, code: nn.Module) -> Translator:
    """Make the network of a row on the code that it reads, which is not learned.

    Raises:
        ValueError: `missing` names an unknown idea.
    """
    if unknown := [idea for idea in settings.missing if idea not in IDEAS]:
        raise ValueError(f"the ablation has no idea {unknown[0]!r}; it has {', '.join(IDEAS)}")
    seen = fecnet.inner_channels(settings.size, settings.code_width)
    generator = WarpingGenerator(settings.size, settings.width, settings.code, seen)
    for idea in settings.missing:
        for name in SILENT.get(idea, ()):
            for weights in generator.get_submodule(name).parameters():
                nn.init.zeros_(weights).requires_grad_(False)
    if "flow and mask" in settings.missing:  # no flow: whatever the mask, it can only repaint
        generator.REACH = 0.0
    return training.fast(Translator(code.requires_grad_(False), generator, None).eval())


def move(model: Translator, settings: AblationConfig, t: Tensor, c_t: Tensor, c_s: Tensor) -> Tensor:
    """Put the expression of code c_s (B, D) on t (B, 3, S, S) of code c_t, as the row does it; same shape out."""
    if "both codes" in settings.missing:
        c_t = torch.zeros_like(c_t)
    return model.generator(t, model.seen(t), c_t, c_s)


def translate(model: Translator, settings: AblationConfig, t: Tensor, s: Tensor) -> Tensor:
    """Put the expression of s on t, (B, 3, S, S) in [-1, 1], where the model is; the result is on the CPU."""
    t, s = t.to(config.device()), s.to(config.device())
    with torch.no_grad():
        return move(model, settings, t, model.code(t), model.code(s)).cpu()


def optimizer_of(model: Translator, settings: AblationConfig) -> torch.optim.Optimizer:
    """Make the optimizer of a row: Muon, or AdamW as long as "Muon" is missing."""
    if "Muon" in settings.missing:
        return torch.optim.AdamW([p for p in model.generator.parameters() if p.requires_grad])
    return training.muon(model.generator, model.generator.head)


def learn(
    model: Translator, settings: AblationConfig, optimizer: torch.optim.Optimizer, steps: Iterable[int],
    data: Callable[[], paired.TrainingPairs],
) -> Iterator[tuple[int, Tensor, paired.Batch]]:  # fmt: skip
    """Train the warping generator of a row in place; yield each step, its output (B, 3, S, S) and its batch.

    Args:
        steps: their numbers, such as `Run.steps()`. data: makes the pairs, if there is a step.
    """
    supervised = settings.code_from == "blendshapes"
    forced = supervised and "teacher forcing" not in settings.missing
    learned = [p for p in model.generator.parameters() if p.requires_grad]
    for step in steps:
        training.anneal(optimizer, settings, step)
        batch = paired.draw(data(), settings, step, partners=supervised)  # partners are found by true weights
        with training.autocast():
            with torch.no_grad():
                c_t, c_s = model.code(torch.cat([batch.t, batch.s])).float().chunk(2)  # (B, D) each
            if forced:
                c_t, c_s = paired.force(c_t, c_s, batch, paired.teacher_forced(settings, step))
            out = move(model, settings, batch.t, c_t, c_s)
        loss = losses.moved(out, batch.truth, batch.t)
        optimizer.zero_grad()
        training.backward(loss, optimizer)
        nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        yield step, out, batch


def train(
    name: str, settings: AblationConfig, model: Translator, data: Callable[[], paired.TrainingPairs],
    score: Callable[[Translator], dict],
) -> training.Run:  # fmt: skip
    """Train (or load) the warping generator of a row in place.

    Args:
        data: makes the pairs, if anything is left to train. score: maps the trained model to what its card keeps.
    Returns:
        the run, with its history and metrics.
    """
    optimizer = optimizer_of(model, settings)
    run = training.Run(name, settings, model.generator, optimizer)
    for step, out, batch in learn(model, settings, optimizer, run.steps(), data):
        if step % 10 == 9:
            run.log(step, T=paired.batch_transfer(out, batch))
    model.eval().requires_grad_(False)
    run.finish(score(model) if not run.loaded else {})
    return run
