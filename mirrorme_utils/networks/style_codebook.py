"""The style codebook: the few expressions that a drawing style can show, and which of them a code means.

Taught in: notebook 10.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..world.cartoons import drawing, nearest
from .fecnet import Seen

NEVER = -1e4  # score of a style that was not among those learned; fits 16 bits


class StyleCodebook(nn.Module):
    """Project a code onto what the picture that is to show it can show.

    A drawing style has only so many eyes, brows and mouths. Of any expression it shows the nearest that they make
    (`drawing.nearest_parts`); a person shows the expression itself. A linear layer tells from the maps of the code's
    backbone in which training style a picture is drawn, or that it shows a person. Styles are numbered as in
    `drawing.STYLES_TRAIN`; the number after them, `ANY`, is of pictures that can show any expression.

    Args:
        seen: channels of the backbone's two inner maps (`fecnet.inner_channels`).
    """

    ANY = len(drawing.STYLES_TRAIN)

    def __init__(self, seen: tuple[int, int]):
        super().__init__()
        self.styles = nn.Linear(sum(seen), self.ANY + 1).requires_grad_(False)
        self.register_buffer("reach", torch.tensor(0.0))

    def style_of(self, seen: Seen) -> Tensor:
        """Tell the styles (B,) int64 of pictures from the backbone's maps of them."""
        return self.styles(look(seen)).argmax(1)

    def project(self, c: Tensor, style: Tensor) -> Tensor:
        """Project codes c (B, 52) onto the nearest expressions that the styles (B,) int64 can show: (B, 52)."""
        projected = c.clone()
        for k, name in enumerate(drawing.STYLES_TRAIN):
            if len(rows := (style == k).nonzero()[:, 0]):
                projected[rows] = nearest.nearest(name, c[rows]).to(c.dtype)
        return projected

    def classify(self, c: Tensor, seen: Seen) -> tuple[Tensor, Tensor]:
        """Classify what pictures show, given the codes (B, 52) and maps that were read from them.

        A code that is farther than `reach` from all that its style can show is of a style that was never trained on.
        It is taken as it is, and its style as one that can show any expression.

        Returns:
            codes (B, 52), projected onto their styles, and the styles (B,) int64.
        """
        style = self.style_of(seen)
        projected = self.project(c, style)
        style = torch.where(nearest.distance(projected, c) > self.reach, self.ANY, style)
        return torch.where((style == self.ANY)[:, None], c, projected), style

    def learn(self, looks: Tensor, styles: np.ndarray) -> None:
        """Set the linear layer by linear discriminant analysis; `reach` is set by `paired.learn_styles`.

        Args:
            looks: (N, D) of training pictures, from `look`. styles: (N,) names of their styles, "" for people.
        """
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis  # a second, which only training needs

        analysis = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(looks.cpu().numpy(), styles)
        classes, weights, biases = [*drawing.STYLES_TRAIN, ""], analysis.coef_, analysis.intercept_
        if len(analysis.classes_) == 2:  # scikit-learn keeps only the second one's score then
            weights, biases = np.vstack([np.zeros_like(weights), weights]), np.append(0, biases)
        with torch.no_grad():
            self.styles.weight.zero_()
            self.styles.bias.fill_(NEVER)
            for name, row, bias in zip(analysis.classes_, weights, biases):
                self.styles.weight[classes.index(name)] = torch.from_numpy(row)
                self.styles.bias[classes.index(name)] = float(bias)


def look(seen: Seen) -> Tensor:
    """Pool a backbone's inner maps, (B, C1, H, W) and (B, C2, H/2, W/2), to (B, C1 + C2), of mean 0 and variance 1."""
    pooled = torch.cat([m.float().mean((2, 3)) for m in seen], 1)
    return F.layer_norm(pooled, pooled.shape[1:])
