"""The ladder: from the report's wiring to the translator that moves, one idea at a time.

Every rung is the same network on the same pairs, with the same seed and number of steps; what differs is which ideas
are switched on. Taught in: notebook 07c.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from . import config, fecnet, losses, moving, training
from .config import MoveConfig
from .translator import MirrorMe, Mover

SILENT = {  # layers without which an idea is missing
    "FiLM": ("condition", "block1.film", "block2.film", "block3.film", "block4.film", "block5.film"),
    "trunk's maps": ("seen1", "seen2"),
}
IDEAS = ("both codes", *SILENT, "flow and mask", "Muon", "teacher")


@dataclass(frozen=True)
class RungConfig(MoveConfig):
    """A mover of the ladder.

    code_from: "actions", the 52 action weights that a supervised network reads, or "fecnet", FECNet's embedding; code:
    its numbers. missing: which of `IDEAS` are still switched off. Without "both codes" a mover is told the source's
    expression alone; without "FiLM" only through the map at the coarsest scale, as in the report; without "trunk's
    maps" it must find mouth and brows itself; without "flow and mask" it repaints; without "Muon" it learns by AdamW;
    without "teacher" it reads its codes from the first step on.
    """

    code_from: str = "actions"
    code: int = 52
    missing: tuple[str, ...] = ()


def build(settings: RungConfig, code: nn.Module) -> MirrorMe:
    """Make the network of a rung on the code that it reads, which is not learned.

    Raises:
        ValueError: `missing` names an unknown idea.
    """
    if unknown := [idea for idea in settings.missing if idea not in IDEAS]:
        raise ValueError(f"the ladder has no idea {unknown[0]!r}; it has {', '.join(IDEAS)}")
    seen = fecnet.inner_channels(settings.size, settings.code_width)
    mover = Mover(settings.size, settings.width, settings.code, seen)
    for idea in settings.missing:
        for name in SILENT.get(idea, ()):
            for weights in mover.get_submodule(name).parameters():
                nn.init.zeros_(weights).requires_grad_(False)
    if "flow and mask" in settings.missing:
        mover.REACH = 0.0
    return training.fast(MirrorMe(code.requires_grad_(False), mover, None).eval())


def move(model: MirrorMe, settings: RungConfig, t: Tensor, c_t: Tensor, c_s: Tensor) -> Tensor:
    """Put the expression of code c_s (B, D) on t (B, 3, S, S) of code c_t, as the rung does it; same shape out."""
    if "both codes" in settings.missing:
        c_t = torch.zeros_like(c_t)
    return model.mover(t, model.seen(t), c_t, c_s)


def translate(model: MirrorMe, settings: RungConfig, t: Tensor, s: Tensor) -> Tensor:
    """Put the expression of s on t, (B, 3, S, S) in [-1, 1], where the model is; the result is on the CPU."""
    t, s = t.to(config.device()), s.to(config.device())
    with torch.no_grad():
        return move(model, settings, t, model.code(t), model.code(s)).cpu()


def train(
    name: str, settings: RungConfig, model: MirrorMe, data: Callable[[], moving.Pairs],
    score: Callable[[MirrorMe], dict],
) -> training.Run:  # fmt: skip
    """Train (or load) the mover of a rung in place.

    Args:
        data: makes the pairs, if anything is left to train. score: maps the trained model to what its card keeps.
    """
    adamw, told = "Muon" in settings.missing, settings.code_from == "actions" and "teacher" not in settings.missing
    learned = [p for p in model.mover.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned) if adamw else training.muon(model.mover, model.mover.head)
    run = training.Run(name, settings, model.mover, optimizer)
    for step in run.steps():
        training.anneal(optimizer, settings, step)
        batch = moving.draw(data(), settings, step, partners=settings.code_from == "actions")
        with training.autocast():
            with torch.no_grad():
                c_t, c_s = model.code(torch.cat([batch.t, batch.s])).float().chunk(2)
            if told:
                c_t, c_s = moving.teach(c_t, c_s, batch, moving.told(settings, step))
            out = move(model, settings, batch.t, c_t, c_s)
        loss = losses.moved(out, batch.truth, batch.t)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        if step % 10 == 9:
            run.log(step, T=moving.batch_transfer(out, batch))
    model.eval().requires_grad_(False)
    run.finish(score(model) if not run.loaded else {})
    return run
