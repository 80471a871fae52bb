"""Shipped networks by name: load one, ready to use."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from .. import config, training
from ..networks import fecnet, inception, pixels, report, translator
from ..profiles import BorrowedConfig, FecnetConfig, JudgeConfig, ReportConfig, WarpingConfig
from . import ablation
from .ablation import AblationConfig

Settings = FecnetConfig | BorrowedConfig | JudgeConfig | ReportConfig | WarpingConfig | AblationConfig


def load_fecnet(name: str = "fecnet") -> nn.Module:
    """Load a FECNet, or the judge, in evaluation mode: the profile's, if it was trained here, else the shipped one.

    Raises:
        training.CheckpointError: there is no such checkpoint, or it is no FECNet.
    """
    settings = _settings(name, FecnetConfig, BorrowedConfig, JudgeConfig)
    if isinstance(settings, JudgeConfig):
        return _ready(name, settings, fecnet.judge(settings))
    if isinstance(settings, BorrowedConfig):
        reader = translator.ExpressionCode(settings.size, settings.width)
        return _ready(name, settings, fecnet.on_reader(reader, settings))
    return _ready(name, settings, fecnet.build(settings))


def load_embedding(name: str) -> nn.Module:
    """Load a FECNet by name (see `load_fecnet`), or from a file of public weights that you bring (see `inception`).

    Raises:
        FileNotFoundError, ValueError: see `inception.load`. training.CheckpointError: see `load_fecnet`.
    """
    if Path(name).suffix:
        return inception.load(Path(name)).to(config.device()).eval()
    return load_fecnet(name)


def load_moving(name: str) -> translator.Translator:
    """Load a translator that moves, as a network: its code, its warping generator and its style codebook.

    Raises:
        training.CheckpointError: there is no such checkpoint, or it is no such translator.
    """
    settings = _settings(name, WarpingConfig)
    return _ready(name, settings, translator.build(settings))


def load_teacher(name: str) -> nn.Module:
    """Load the embedding by which a translator was trained: (B, 3, S, S) in [-1, 1] to (B, D).

    It is FECNet, or the translator's own code; blendshape weights are compared as a glance sees them.

    Raises:
        training.CheckpointError: there is no such checkpoint, or it is no translator.
    """
    settings = _settings(name, ReportConfig, WarpingConfig, AblationConfig)
    if isinstance(settings, ReportConfig):
        return _embedding(settings)
    code = load_code(settings.code_from) if isinstance(settings, AblationConfig) else load_moving(name).code
    return code if isinstance(code, fecnet.FECNet) else translator.as_seen(code)


def load_code(code_from: str) -> nn.Module:
    """Load what a row of the cumulative ablation reads: "fecnet", or "blendshapes", the code inside `moving`.

    Raises:
        ValueError: `code_from` is neither.
    """
    if code_from not in ("blendshapes", "fecnet"):
        raise ValueError(f'code_from={code_from!r}: choose "blendshapes" or "fecnet"')
    return load_fecnet() if code_from == "fecnet" else load_moving("moving").code


def largest(name: str) -> str:
    """Return the name of the shipped checkpoint with the most pixels: `name-SIZE` where there is one, else `name`."""
    sizes = [path.stem.removeprefix(f"{name}-") for path in config.CHECKPOINTS.glob(f"{name}-*.json")]
    return f"{name}-{max(map(int, numbers))}" if (numbers := [s for s in sizes if s.isdecimal()]) else name


def load_translator(name: str) -> tuple[Callable[[Tensor, Tensor], Tensor], int]:
    """Load a translator: the profile's, if it was trained here, else the shipped one.

    Returns:
        `translate(target, source)`, from and to (B, 3, H, H) in [-1, 1] on the CPU, and S, the size that it was trained
        at and to which it resizes what it is shown. A translator that moves also takes `strength` and `full`, and a
        source for each part of the face (see `translator.Translator`).
    Raises:
        training.CheckpointError: there is no such checkpoint, or it is no translator.
    """
    settings = _settings(name, ReportConfig, WarpingConfig, AblationConfig)
    device = config.device()
    if type(settings) is WarpingConfig:
        model = _ready(name, settings, translator.build(settings))
    else:
        one_size = _of_one_size(name, settings)

        def model(t: Tensor, s: Tensor, full: Tensor | None = None) -> Tensor:
            return pixels.resized(one_size(t, s), t.shape[-1] if full is None else full.shape[-1])

    @torch.no_grad()
    def translate(target: Tensor, source: Tensor | Mapping[str, Tensor], **options) -> Tensor:
        if target.shape[-1] != settings.size:
            options.setdefault("full", target)
        t = ready(target)
        s = {part: ready(x) for part, x in source.items()} if isinstance(source, Mapping) else ready(source)
        return model(t, s, **options).cpu()

    def ready(x: Tensor) -> Tensor:
        return pixels.resized(x.to(device), settings.size)

    return translate, settings.size


def _of_one_size(name: str, settings: ReportConfig | AblationConfig) -> Callable[[Tensor, Tensor], Tensor]:
    """Load a translator whose output has the size that it was trained at."""
    if isinstance(settings, AblationConfig):
        variant = ablation.build(settings, load_code(settings.code_from))
        _ready(name, settings, variant.generator)
        return partial(ablation.translate, variant, settings)
    unet, embedding = _ready(name, settings, report.report_unet(settings)), _embedding(settings)
    return lambda t, s: unet(t, embedding(s), s)


def _embedding(settings: ReportConfig) -> nn.Module:
    """Return FECNet with as many dimensions as the report's model of these settings expects."""
    known = load_fecnet()
    return known if settings.dimensions == known.head[-1].out_features else fecnet.wider(known)


def _settings(name: str, *types: type) -> Settings:
    """Return the settings of the checkpoint to load; raise `CheckpointError` if they are of another type."""
    profile = config.profile()
    ours = {"fecnet": profile.fecnet, "judge": profile.judge, "report": profile.report}
    ours |= {"people": profile.people, "moving": profile.warping}
    own = ours.get(name)
    if own is not None and training.find(name, own):
        return own
    known = {kind.__name__: kind for kind in types}
    card = training.describe(name, tuple(known))
    if card["type"] not in known:
        raise training.CheckpointError(f"checkpoint {name!r} holds {card['type']}, not {' or '.join(known)}")
    return known[card["type"]](**card["settings"])


def _ready(name: str, settings: Settings, model: nn.Module) -> nn.Module:
    """Load weights into a model and freeze it, on the device."""
    training.load_weights(name, settings, model)
    return model.to(config.device()).eval().requires_grad_(False)
