"""The front door: put one picture's expression on another, or read it.

    from mirrorme_utils import MirrorMe
    MirrorMe.load().transfer("target.jpg", "source.jpg").save("out.png")

The *target* keeps its identity (First Order Motion Model and LivePortrait call it source); the *source* gives its
expression (they call it driving).
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from . import config, framing, pictures
from .experiments import checkpoints
from .framing import Framed
from .networks import finder, pixels
from .networks.fecnet import Seen
from .networks.translator import Translator
from .world.expressions import BLENDSHAPES, PARTS

Picture = str | Path | bytes | Image.Image | np.ndarray


@dataclass(frozen=True)
class Plan:
    """What a transfer has read: the target, its pixels as the network sees them, the codes that it shows and is to show,
    and what the code's backbone sees."""

    target: Framed
    t: Tensor
    c_t: Tensor
    c_s: Tensor
    seen: Seen


@dataclass(frozen=True)
class MirrorMe:
    """A translator that ships, ready for pictures of any size. `size`: px of the squares that it sees."""

    name: str
    translator: Translator
    size: int

    @classmethod
    def load(cls, name: str | None = None) -> "MirrorMe":
        """Load a shipped translator by its name in `data/checkpoints/`; the best that ships if none is given.

        Raises:
            training.CheckpointError: there is no such checkpoint, or it is no translator of this kind.
        """
        name = name or checkpoints.largest("moving")
        translator = checkpoints.load_moving(name)
        return cls(name, translator, translator.generator.size)

    def transfer(
        self, target: Picture, source: Picture, strength: float = 1.0, parts: Collection[str] = tuple(PARTS)
    ) -> Image.Image:  # fmt: skip
        """Return the target with the source's expression, a picture of the target's own size.

        Args:
            target, source: a path, the bytes of a file, a PIL picture, or an array (H, W, 3) or (H, W) uint8. The
                largest face that is found counts; where none is found, the largest square.
            strength: 0 leaves the target's expression, 1 takes the source's, more exaggerates it.
            parts: of the face that move: "mouth", "eyes", "brows".
        Raises:
            pictures.PictureError: a file is no usable picture. FileNotFoundError: there is no such file.
            ValueError: a part that no face has, or an array of another form.
        """
        face = frame(target)
        return framing.put_back(face, self.move(face, frame(source), strength, parts))

    def read(self, picture: Picture) -> pd.Series:
        """Read the 52 blendshape weights that a picture's largest face shows, in [0, 1], by ARKit's names.

        Args and raises: see `transfer`.
        """
        return self.read_framed(frame(picture))

    def read_framed(self, face: Framed) -> pd.Series:
        """Read the 52 blendshape weights of the face in a square (see `read`)."""
        with torch.no_grad():
            weights = self.translator.read(self._seen(face))[0].float().cpu()
        return pd.Series(weights.clamp(0, 1).numpy(), BLENDSHAPES, name="weight")

    def move(
        self, target: Framed, source: Framed, strength: float = 1.0, parts: Collection[str] = tuple(PARTS),
        side: int | None = None,
    ) -> Image.Image:  # fmt: skip
        """Put the source's expression on the target's square; return the square.

        Args:
            side: of the answer, px; that of the target's square if not given. strength, parts: see `transfer`.
        """
        return self.show(self.plan(target, source, parts), strength, side)

    def plan(self, target: Framed, source: Framed, parts: Collection[str] = tuple(PARTS)) -> Plan:
        """Read both squares, once for all strengths (see `show`)."""
        if unknown := [part for part in parts if part not in PARTS]:
            raise ValueError(f"a face has the parts {', '.join(PARTS)}, not {unknown[0]!r}")
        t, s = self._seen(target), self._seen(source)
        moving = s if set(parts) == set(PARTS) else dict.fromkeys(parts, s)
        with torch.no_grad():
            return Plan(target, t, *self.translator.plan(t, moving))

    def show(self, plan: Plan, strength: float = 1.0, side: int | None = None) -> Image.Image:
        """Return the target's square as planned, at a strength (see `move`)."""
        full = _tensor(framing.cut(plan.target, side or plan.target.box.side)).to(config.device())
        asked = plan.c_t + strength * (plan.c_s - plan.c_t)
        with torch.no_grad():
            out = self.translator.show(plan.t, plan.c_t, asked, full, plan.seen)
        return Image.fromarray(pixels.to_uint8(out)[0])

    def _seen(self, face: Framed) -> Tensor:
        return _tensor(framing.cut(face, self.size)).to(config.device())


def frame(picture: Picture) -> Framed:
    """Open a picture and frame its largest face; where none is found, the largest square.

    Args and raises: see `MirrorMe.transfer`.
    """
    opened = opened_picture(picture)
    found = finder.find_faces(opened)
    return Framed(opened, found[0]) if found else framing.as_it_is(opened)


def opened_picture(picture: Picture) -> Image.Image:
    """Return a picture of any kind as `pictures.read` gives it: RGB, upright, sRGB, without metadata."""
    if isinstance(picture, np.ndarray):
        if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or picture.shape[2:] not in ((), (3,), (4,)):
            raise ValueError(f"an array must be uint8 (H, W), (H, W, 3) or (H, W, 4), got {picture.dtype} {picture.shape}")
        picture = Image.fromarray(picture)
    return pictures.plain(picture) if isinstance(picture, Image.Image) else pictures.read(picture)


def _tensor(picture: Image.Image) -> Tensor:
    return pixels.to_tensor(np.array(picture))[None]
