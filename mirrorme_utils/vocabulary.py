"""The vocabulary of a drawing: the few expressions that its style can show, and which of them a code means.

Taught in: notebook 07, section 3.
"""

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import cartoons, expressions
from .fecnet import Seen

NEVER = -1e4  # score of a style that was not among those learned; fits 16 bits


class Vocabulary(nn.Module):
    """Say a code as the picture that is to show it can.

    A drawing style has so many eyes, brows and mouths, and asked for an expression it shows the nearest that they make
    (`cartoons.nearest_parts`); a person shows any. Which training style a picture is drawn in, or that it is a person,
    a linear layer tells from what the code's trunk sees. Styles are numbered as in `cartoons.STYLES_TRAIN`; the number
    after them, `ANY`, is of pictures that can show any expression.

    Args:
        seen: channels of the trunk's two inner maps (`fecnet.inner_channels`).
    """

    ANY = len(cartoons.STYLES_TRAIN)

    def __init__(self, seen: tuple[int, int]):
        super().__init__()
        self.styles = nn.Linear(sum(seen), self.ANY + 1).requires_grad_(False)
        self.register_buffer("reach", torch.tensor(0.0))

    def style(self, seen: Seen) -> Tensor:
        """Tell the styles (B,) int64 of pictures from the trunk's maps of them."""
        return self.styles(look(seen)).argmax(1)

    def say(self, c: Tensor, style: Tensor) -> Tensor:
        """Return, for codes c (B, 52), the nearest that the styles (B,) can show."""
        said = c.clone()
        for k, name in enumerate(cartoons.STYLES_TRAIN):
            if len(rows := (style == k).nonzero()[:, 0]):
                said[rows] = nearest(name, c[rows]).to(c.dtype)
        return said

    def hear(self, c: Tensor, seen: Seen) -> tuple[Tensor, Tensor]:
        """Return what pictures show and their styles, given the codes (B, 52) and maps that were read from them.

        A code that is farther than `reach` from all that its style can show is of a style that was never trained on.
        It is taken as it is, and its style as one that can show any expression.
        """
        style = self.style(seen)
        said = self.say(c, style)
        style = torch.where(distance(said, c) > self.reach, self.ANY, style)
        return torch.where((style == self.ANY)[:, None], c, said), style

    def learn(self, looks: Tensor, styles: np.ndarray) -> None:
        """Set the linear layer by linear discriminant analysis; `reach` is set by `moving.learn_styles`.

        Args:
            looks: (N, D) of training pictures. styles: (N,) names of their styles, "" for people.
        """
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # a second, which only training needs

        told = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(looks.cpu().numpy(), styles)
        classes, weights, biases = [*cartoons.STYLES_TRAIN, ""], told.coef_, told.intercept_
        if len(told.classes_) == 2:  # scikit-learn keeps only the second one's score then
            weights, biases = np.vstack([np.zeros_like(weights), weights]), np.append(0, biases)
        with torch.no_grad():
            self.styles.weight.zero_()
            self.styles.bias.fill_(NEVER)
            for name, row, bias in zip(told.classes_, weights, biases):
                self.styles.weight[classes.index(name)] = torch.from_numpy(row)
                self.styles.bias[classes.index(name)] = float(bias)


def look(seen: Seen) -> Tensor:
    """Pool a trunk's two inner maps, (B, C1, H, W) and (B, C2, H/2, W/2), to one vector (B, C1 + C2) of mean 0 and
    variance 1."""
    pooled = torch.cat([m.float().mean((2, 3)) for m in seen], 1)
    return F.layer_norm(pooled, pooled.shape[1:])


def distance(a: Tensor, b: Tensor) -> Tensor:
    """Return `expressions.distance` of action weights (B, 52), row by row: (B,)."""
    features = torch.from_numpy(expressions.FEATURES.T.astype(np.float32)).to(a.device)
    return ((a.float() - b.float()) @ features).norm(dim=1)


def nearest(style: str, actions: Tensor) -> Tensor:
    """Return the expressions of a style that are nearest to (N, 52) action weights, as `cartoons.nearest_parts` does.

    Raises:
        ValueError: there is no such style.
    """
    features, shown, seen = _table(style, actions.device)
    return shown[choose(actions.float() @ features, seen, int(seen.norm(dim=1).argmin()))]


def choose(asked: Tensor, can: Tensor, calm: int) -> Tensor:
    """Choose for what is asked, (..., N, F) in raters' coordinates, the nearest of what can be shown, (..., n, F).

    Returns numbers (..., N) in 0..n-1. The `calm` one is chosen only for what is nearly neutral, as in
    `cartoons.nearest_parts`.
    """
    away = torch.cdist(asked, can, compute_mode="donot_use_mm_for_euclid_dist")
    away[..., calm] = away[..., calm].masked_fill(asked.norm(dim=-1) > cartoons.NEARLY_NEUTRAL, torch.inf)
    return away.argmin(-1)


@lru_cache(maxsize=None)
def _table(style: str, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return features (52, F), a style's n expressions as weights (n, 52), and as raters see them (n, F)."""
    features = torch.from_numpy(expressions.FEATURES.T.astype(np.float32)).to(device)
    shown = torch.from_numpy(cartoons.choices(style)[1]).to(device)
    return features, shown, shown @ features
