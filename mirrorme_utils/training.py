"""A training run that can be interrupted, resumed, and skipped when its checkpoint is there.

    run = Run("fecnet", settings, net, optimizer)
    for step in run.steps():              # none left when the shipped checkpoint fits
        loss, parts = …
        optimizer.zero_grad(); backward(loss, optimizer); optimizer.step()
        run.log(step, loss=loss)
    run.finish({"accuracy": …})

Several processes can share a run (see `distributed`).

Taught in: notebook 03.
"""

import hashlib
import json
import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Protocol

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm.auto import tqdm

from . import config, distributed, files

AUTOSAVE_SECONDS = 30

# A dead unit's momentum shrinks until its numbers are denormal, with which a step of Muon takes a CPU up to fifty times
# as long (`benchmarks/denormals.py`). This stands here since threads that have computed before keep their old ways.
torch.set_flush_denormal(True)


# What the first edition's weight files call parts of a network, and what they are called here.
RENAMED = {"mover.": "generator.", "vocabulary.": "codebook.", "flagship ": "large "}


class Settings(Protocol):
    """What the settings of a run are: a frozen dataclass, usually of `profiles`, with the number of steps."""

    steps: int


class CheckpointError(ValueError):
    """A checkpoint is missing, or of another configuration than the one asked for."""


def _digest(settings: Settings) -> str:
    return hashlib.sha1(json.dumps(_plain(settings), sort_keys=True).encode()).hexdigest()[:10]


def _plain(settings: Settings) -> dict:
    """Return settings as JSON gives them back, tuples as lists, so that they can be compared with a card's."""
    return json.loads(json.dumps(asdict(settings)))


def describe(name: str, types: tuple[str, ...] = ()) -> dict:
    """Read a shipped checkpoint's card: its `type`, `settings`, `metrics`, `history` and `seconds`.

    Raises:
        CheckpointError: there is no such checkpoint; the message lists those there are, of some types if given.
    """
    path = config.CHECKPOINTS / f"{name}.json"
    if not path.exists():
        cards = sorted(config.CHECKPOINTS.glob("*.json"))
        there = [card.stem for card in cards if not types or json.loads(card.read_text())["type"] in types]
        raise CheckpointError(f"no checkpoint {name!r} in {path.parent}; there are: {', '.join(there) or 'none'}")
    return json.loads(path.read_text())


def find(name: str, settings: Settings) -> Path | None:
    """Return the card of the checkpoint that was trained with exactly these settings, or None.

    A network of larger pictures can ship beside the usual one, as `name-SIZE`.
    """
    plain = _plain(settings)
    shipped = (config.CHECKPOINTS / f"{stem}.json" for stem in (name, f"{name}-{plain.get('size')}"))
    for card in (*shipped, _own_card(name, settings)):
        if card.exists() and json.loads(card.read_text())["settings"] == plain:
            return card
    return None


def _own_card(name: str, settings: Settings) -> Path:
    return config.DATA / "cache" / "checkpoints" / f"{name}-{_digest(settings)}.json"


def load_weights(name: str, settings: Settings, model: nn.Module) -> dict:
    """Load the checkpoint of exactly these settings into a model and return its card.

    Raises:
        CheckpointError: no checkpoint of that name has these settings; the message says how they differ.
    """
    card = find(name, settings)
    if card is None:
        theirs, ours = describe(name)["settings"], _plain(settings)
        differ = [f"{k}: {theirs.get(k)!r} there, {ours.get(k)!r} here" for k in {**theirs, **ours}
                  if theirs.get(k) != ours.get(k)]  # fmt: skip
        raise CheckpointError(f"checkpoint {name!r} was trained with other settings ({'; '.join(differ)})")
    state = load_file(card.with_suffix(".safetensors"))
    for old, new in RENAMED.items():
        state = {name.replace(old, new, 1) if name.startswith(old) else name: x for name, x in state.items()}
    model.load_state_dict(state)
    return json.loads(card.read_text())


@contextmanager
def _deferred_interrupt() -> Iterator[list[bool]]:
    """Yield a list that an interrupt fills, in place of the exception, which could come in the middle of a step."""
    interrupts = []
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before = signal.signal(signal.SIGINT, lambda *_: interrupts.append(True))
    try:
        yield interrupts
    finally:
        signal.signal(signal.SIGINT, before)


def _half(x: torch.Tensor) -> torch.Tensor:
    """Return floats in 16 bits; whole numbers, such as counts in norms, as they are."""
    return x.half() if x.is_floating_point() else x


class Run:
    """One training run: a name, its settings (a frozen dataclass with `steps`), a model and its optimizers.

    Args:
        ema: decay of a moving average of the weights, which then is what is shipped; none if not given.
        partner: a network trained beside the model (a discriminator): resumed with it, but not shipped.
    Attributes:
        loaded: whether the weights came from a finished run, so that no step is left.
        history: list of dicts, one for each `log`.
        kept: what else must survive a stop, such as pictures taken on the way: names or numbers to tensors.
    """

    def __init__(
        self, name: str, settings: Settings, model: nn.Module, *optimizers: torch.optim.Optimizer,
        ema: float | None = None, partner: nn.Module | None = None,
    ):  # fmt: skip
        self.name, self.settings, self.model, self.optimizers = name, settings, model, optimizers
        self.partner = partner
        for network in (model, partner) if partner is not None else (model,):
            distributed.share_norms(network)
        self.average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(ema), use_buffers=True) if ema else None
        self.history, self.first, self.seconds, self.metrics, self.kept = [], 0, 0.0, {}, {}
        self._partial = config.DATA / "cache" / "runs" / f"{name}-{_digest(settings)}.pt"
        self.loaded = not config.retrain() and find(name, settings) is not None
        if self.loaded:
            card = json.loads(find(name, settings).read_text())
            if card.get("weights", True):
                load_weights(name, settings, model)
            self.history, self.metrics, self.seconds = card["history"], card["metrics"], card["seconds"]
        elif self._partial.exists():
            self._resume()

    def _resume(self) -> None:
        state = torch.load(self._partial, weights_only=True, map_location="cpu")
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        for network in ("average", "partner"):
            if getattr(self, network) is not None:
                getattr(self, network).load_state_dict(state[network])
        self.history, self.first, self.seconds = state["history"], state["step"], state["seconds"]
        self.kept = state.get("kept", {})

    def _autosave(self, step: int) -> None:
        state = {
            "model": self.model.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "average": self.average.state_dict() if self.average else None,
            "partner": self.partner.state_dict() if self.partner else None,
            "history": self.history,
            "step": step,
            "seconds": self.seconds,
            "kept": self.kept,
        }
        with files.whole(self._partial, sync=True) as part:
            torch.save(state, part)

    def steps(self) -> Iterator[int]:
        """Yield the steps that are left; autosave now and then, show a bar on a terminal.

        An interrupt (the stop button, Ctrl-C) waits for the end of its step, saves, and then raises
        KeyboardInterrupt: a saved state always stands between two steps. Of several processes all stop there, and
        process 0 saves.
        """
        if self.loaded:
            return
        self.model.train()
        saved = last = time.monotonic()
        with _deferred_interrupt() as interrupts:
            bar = dict(desc=self.name, disable=config.bars_off() or distributed.index() > 0 or None, mininterval=5)
            for step in tqdm(range(self.first, self.settings.steps), **bar):
                yield step
                if self.average:
                    self.average.update_parameters(self.model)
                now = time.monotonic()
                self.seconds, last = self.seconds + now - last, now
                stop = distributed.anywhere(bool(interrupts))
                if stop or now - saved > AUTOSAVE_SECONDS:
                    if distributed.index() == 0:
                        self._autosave(step + 1)
                    saved = now
                if stop:
                    distributed.wait()
                    raise KeyboardInterrupt(f"{self.name} stopped after step {step}; run the cell again to go on")

    def log(self, step: int, **values: float | torch.Tensor) -> None:
        """Keep some values of a step: numbers or one-element tensors, each the mean over the processes."""
        if distributed.count() > 1:
            values = {k: distributed.mean(torch.as_tensor(v).float()) for k, v in values.items()}
        numbers = {k: v.item() if isinstance(v, torch.Tensor) else float(v) for k, v in values.items()}
        self.history.append({"step": step, **{k: round(v, 5) for k, v in numbers.items()}})

    def weights(self) -> nn.Module:
        """Return the network to score with: the moving average if there is one, else the model itself."""
        return self.average.module if self.average and not self.loaded else self.model

    def finish(self, metrics: dict, weights: bool = True) -> dict:
        """Write weights, settings, metrics and history, unless they were loaded; return the metrics to report.

        Weights are written as 16-bit floats, half the size, and the network goes on with exactly those.

        A run with the shipped checkpoint's settings (or the first of its name) goes to `data/checkpoints/`;
        one with other settings goes to the cache and leaves the shipped one alone. Of a short trial whose numbers are
        all that is wanted, only the card is kept (weights=False): the next time it counts as loaded, and its model is
        untrained.
        """
        if self.loaded:
            return self.metrics
        self.metrics = metrics
        state = {k: _half(v).contiguous() for k, v in self.weights().state_dict().items()} if weights else None
        if weights:
            self.weights().load_state_dict(state)
        if distributed.index() == 0:
            self._write(state)
        distributed.wait()
        return metrics

    def _write(self, state: dict | None) -> None:
        """Write weights, if there are any, and card; forget the state between two steps."""
        shipped = config.CHECKPOINTS / f"{self.name}.json"
        fitting = find(self.name, self.settings)
        card = fitting or (_own_card(self.name, self.settings) if shipped.exists() else shipped)
        if state is not None:
            with files.whole(card.with_suffix(".safetensors"), sync=True) as part:
                save_file(state, part)
        content = {
            "type": type(self.settings).__name__,
            "settings": _plain(self.settings),
            "metrics": self.metrics,
            "seconds": round(self.seconds),
            "device": config.device().type,
            "history": self.history,
            "weights": state is not None,
        }
        with files.whole(card, sync=True) as part:
            part.write_text(json.dumps(content))
        self._partial.unlink(missing_ok=True)


def backward(loss: torch.Tensor, optimizer: torch.optim.Optimizer) -> None:
    """Compute the gradients of a loss; of those that an optimizer steps by, take the mean over the processes."""
    loss.backward()
    distributed.average_gradients(p for group in optimizer.param_groups for p in group["params"])


def anneal(optimizer: torch.optim.Optimizer, settings: Settings, step: int, warmup: int = 100) -> None:
    """Set the learning rate of a step: a short linear warm-up, then half a cosine down to zero.

    Args:
        settings: with `steps` and `learning_rate`, the highest. warmup: steps.
    """
    decay = 0.5 + 0.5 * math.cos(math.pi * step / settings.steps)
    for group in optimizer.param_groups:
        group["lr"] = settings.learning_rate * min(1, (step + 1) / warmup) * decay


def muon(network: nn.Module, *ends: nn.Module) -> torch.optim.Optimizer:
    """Make the optimizer Muon for the weights of a network that are to be trained; `anneal` sets its learning rate.

    Each matrix of weights moves by its orthogonalised momentum, so that directions with small gradients are learned as
    soon as those with large ones; a convolution counts as a matrix, its filters as rows. Biases, norms and `ends`, the
    layers that put out the result, move by AdamW. Steps have AdamW's size, so the same learning rates fit.
    Source: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/, with the scale of arXiv 2502.16982,
    section 2.2; the implementation is that of the package timm.
    """
    from timm.optim import muon as timms  # two seconds, which only training needs

    if not native_bfloat16():
        timms.zeropower_via_newtonschulz = partial(timms.zeropower_via_newtonschulz, dtype=torch.float32)
    outer = {id(p) for layer in ends for p in layer.parameters()}
    trained = [p for p in network.parameters() if p.requires_grad]
    groups = {plain: [p for p in trained if (id(p) in outer) == plain] for plain in (False, True)}
    return timms.Muon([dict(params=some, use_fallback=plain) for plain, some in groups.items() if some])


def fast(model: nn.Module) -> nn.Module:
    """Move a network to the device in the memory layout that convolutions like (channels last)."""
    return model.to(config.device(), memory_format=torch.channels_last)


def autocast() -> torch.autocast:
    """Return the mixed-precision context of the device: bfloat16, 2.6 times as fast for a small UNet on a CPU with AMX.

    Where bfloat16 would cost more than it saves (see `native_bfloat16`) it does nothing.
    """
    return torch.autocast(config.device().type, torch.bfloat16, enabled=native_bfloat16())


def native_bfloat16() -> bool:
    """Tell whether the device has units of its own for matrices in bfloat16.

    Processors without AMX, such as most laptops', and GPUs before Nvidia's Ampere, such as Colab's T4, have none, and
    bfloat16 costs more than it saves: the warping generator's forward and backward pass takes 1.5 times as long as
    in 32 bits with AVX-512, a convolution seven times with AVX2 alone.
    """
    if config.device().type == "cpu":
        return torch.cpu._is_amx_tile_supported()
    return torch.cuda.get_device_capability() >= (8, 0)


def parameters(model: nn.Module) -> int:
    """Count a model's trainable numbers."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)
