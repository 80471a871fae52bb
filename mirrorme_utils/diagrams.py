"""Diagrams of the networks, made from the networks themselves: every shape that is written was measured."""

from collections.abc import Iterable

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from .plots import COLOURS, WIDE

Shape = tuple[int, ...]
ARROW = dict(arrowstyle="-|>", lw=0.8, color="#333333", mutation_scale=7)
NAMES = {
    "Conv2d": "conv", "Conv2dNormActivation": "conv", "ConvTranspose2d": "up-conv", "Residual": "residual",
    "DenseLayer": "dense", "AdaptiveAvgPool2d": "average\npool", "Linear": "linear",
}  # fmt: skip


@torch.no_grad()
def trace(layers: Iterable[nn.Module], x: Tensor) -> list[tuple[str, Shape]]:
    """Run x (1, C, H, W) through layers; return name and shape, (C, H, W) or (D,), after each that `NAMES` names."""
    steps = []
    for layer in layers:
        x = layer(x)
        kind = type(layer).__name__
        if kind in NAMES:
            stride = f" /{layer.stride[0]}" if isinstance(layer, nn.Conv2d) and layer.stride[0] > 1 else ""
            steps.append((NAMES[kind] + stride, tuple(x.shape[1:])))
    return steps


def slab(axes: Axes, x: float, y: float, shape: Shape, colour: str, text: str = "", full: int = 224) -> float:
    """Draw a feature map at x, centred on y: as high as its side, as wide as its channels, both on gentle scales.

    Args:
        shape: (C, H, W), or (D,) for a vector. full: the side that is drawn 1 high.
    Returns:
        its width, so that the next one can stand beside it.
    """
    c, side = shape[0], shape[1] if len(shape) > 1 else 1
    height, width = 0.15 + 0.85 * np.log2(side + 1) / np.log2(full + 1), 0.05 + 0.045 * np.log2(c + 1)
    axes.add_patch(plt.Rectangle((x, y - height / 2), width, height, fc=colour, ec="black", lw=0.6, zorder=3))
    size = f"{c}" if side == 1 else f"{c}\n{side}×{side}"
    axes.text(x + width / 2, y - height / 2 - 0.05, size, ha="center", va="top", fontsize=6)
    if text:
        axes.text(x + width / 2, y + height / 2 + 0.05, text, ha="center", va="bottom", fontsize=6)
    return width


def row(axes: Axes, steps: list[tuple[str, Shape]], title: str, colours: list[str], full: int = 224) -> None:
    """Draw the steps of `trace` from left to right."""
    pitch = max(0.62, 8.6 / len(steps))
    for i, ((text, shape), colour) in enumerate(zip(steps, colours)):
        width = slab(axes, i * pitch, 0, shape, colour, text, full)
        if i + 1 < len(steps):
            axes.annotate("", ((i + 1) * pitch - 0.02, 0), (i * pitch + width + 0.02, 0), arrowprops=ARROW)
    axes.set(xlim=(-0.1, len(steps) * pitch), ylim=(-1, 0.95), title=title)
    axes.axis("off")


def fecnet(paper_head: nn.Module, ours: nn.Module, size: int) -> Figure:
    """Draw the paper's FECNet and ours, as in the report's Figure 7.

    Args:
        paper_head: `fecnet.head` at the paper's sizes, fed by any number of 7x7 maps. ours: a FECNet for `size` pixels.
    """
    figure, axes = plt.subplots(2, 1, figsize=(WIDE, 3.9))
    inputs = paper_head[0].in_channels
    head = [("image", (3, 224, 224)), ("FaceNet\nto 4e, frozen", (inputs, 7, 7))]
    head += trace(paper_head, torch.zeros(1, inputs, 7, 7))
    own = [("image", (3, size, size)), *trace([*ours.trunk, *ours.head], torch.zeros(1, 3, size, size))]
    trunk = 1 + sum(type(layer).__name__ in NAMES for layer in ours.trunk)
    for ax, steps, frozen, title in (
        (axes[0], head, 2, "The paper: the head on a face-recognition backbone"),
        (axes[1], own, trunk, f"Here: a head of the same kind, its backbone trained from scratch at {size} px"),
    ):
        colours = [COLOURS["truth"]] + [COLOURS["target"]] * (frozen - 1) + [COLOURS["source"]] * (len(steps) - frozen)
        row(ax, steps, title, colours)
    return figure


@torch.no_grad()
def unet(net: nn.Module, size: int, dimensions: int = 16) -> Figure:
    """Draw a `report.UNet` as a U, with its skips and the embedding, as in the report's Figure 9.

    Args:
        size: of the picture, px. dimensions: of the embedding.
    """
    seen, hooks = {}, []
    for part in ("down", "up"):
        for i, layer in enumerate(getattr(net, part)):
            hook = layer.register_forward_hook(
                lambda _, x, y, key=(part, i): seen.update({key: (tuple(x[0].shape[1:]), tuple(y.shape[1:]))})
            )
            hooks.append(hook)
    net.eval()(torch.zeros(1, 3, size, size), torch.zeros(1, dimensions))
    for hook in hooks:
        hook.remove()
    levels, pitch = len(net.down), 0.78
    figure, axes = plt.subplots(figsize=(WIDE, 0.75 + 0.62 * levels))
    drop = 1.15
    slab(axes, 0, 0, (3, size, size), COLOURS["target"], "target", size)
    for i in range(levels):
        x, y = (i + 1) * pitch, -(i + 1) * drop
        width = slab(axes, x, y, seen["down", i][1], COLOURS["target"], full=size)
        axes.annotate("", (x, y + 0.2), (x - pitch + 0.3, y + drop - 0.2), arrowprops=ARROW)
        if i + 1 < levels:
            right = (2 * levels - i) * pitch
            style = {**ARROW, "linestyle": "--", "color": COLOURS["truth"]}
            axes.annotate("", (right - 0.02, y), (x + width + 0.04, y), arrowprops=style)
    bottom = (levels + 1) * pitch
    joined = seen["up", 0][0]
    slab(axes, bottom, -levels * drop, joined, COLOURS["source"], full=size)
    axes.annotate("", (bottom, -levels * drop), (bottom - pitch + 0.5, -levels * drop), arrowprops=ARROW)
    axes.annotate(
        f"{joined[0] - 1} channels + the embedding,\n{dimensions} numbers as one {joined[1]}×{joined[2]} map",
        (bottom + 0.25, -levels * drop - 0.75),
        (bottom + 1.4, -levels * drop - 0.95), fontsize=7, va="center", color=COLOURS["source"],
        arrowprops={**ARROW, "color": COLOURS["source"]},
    )  # fmt: skip
    for i in range(levels):
        x, y = (levels + 2 + i) * pitch, -(levels - 1 - i) * drop
        last = i + 1 == levels
        slab(axes, x, y, seen["up", i][1], COLOURS["ours"], "output" if last else "", size)
        axes.annotate("", (x, y - 0.2), (x - pitch + 0.3, y - drop + 0.2), arrowprops=ARROW)
    axes.set(xlim=(-0.2, (2 * levels + 2.2) * pitch), ylim=(-levels * drop - 1.3, 0.95))
    axes.axis("off")
    return figure


def patchgan(discriminator: nn.Module, size: int, seen: int) -> Figure:
    """Draw a `report.PatchGAN`, as in the report's Figure 10.

    Args:
        size: of the picture, px. seen: side of the patch that one logit sees, px.
    """
    figure, axes = plt.subplots(figsize=(WIDE, 2.1))
    steps = [("image", (3, size, size)), *trace(discriminator.layers, torch.zeros(1, 3, size, size))]
    colours = [COLOURS["truth"]] + [COLOURS["report"]] * (len(steps) - 2) + [COLOURS["raters"]]
    n = steps[-1][1][-1]
    row(axes, steps, f"{n} × {n} patch logits, real or generated, each on {seen} × {seen} pixels", colours, size)
    return figure


def training_loop(target: np.ndarray, source: np.ndarray, out: np.ndarray, back: np.ndarray) -> Figure:
    """Draw the report's training loop around real pictures, as in its Figure 1.

    Args:
        target, source, out, back: uint8 (S, S, 3); out = G(target, e(source)), back = G(out, e(target)).
    """
    figure, axes = plt.subplots(figsize=(WIDE, 3.1))

    def picture(image: np.ndarray, x: float, y: float, text: str) -> None:
        axes.imshow(image, extent=(x, x + 1, y, y + 1), zorder=2)
        axes.text(x + 0.5, y + 1.06, text, ha="center", va="bottom", fontsize=8)

    def box(x: float, y: float, text: str, colour: str, wide: float = 1.25) -> None:
        axes.add_patch(plt.Rectangle((x, y), wide, 0.6, fc=colour, ec="none", alpha=0.85))
        axes.text(x + wide / 2, y + 0.3, text, ha="center", va="center", fontsize=8, color="white")

    def loss(x: float, y: float, text: str) -> None:
        axes.text(
            x, y, text, ha="center", va="center", fontsize=7.5, bbox=dict(fc="white", ec="black", boxstyle="round")
        )

    picture(target, 0, 2.3, "target $t$")
    picture(source, 0, 0.3, "source $s$")
    picture(out, 4.4, 2.3, "output")
    picture(back, 8.1, 2.3, "reconstruction")
    box(1.6, 0.5, "FECNet (frozen)", COLOURS["source"], 1.5)
    box(2.2, 2.5, "translator G", COLOURS["ours"], 1.4)
    box(6.1, 2.5, "translator G", COLOURS["ours"], 1.4)
    box(4.1, 0.5, "FECNet (frozen)", COLOURS["source"], 1.5)
    box(6.2, 0.5, "discriminator D", COLOURS["report"], 1.5)
    loss(3.6, -0.45, r"embedding loss $\alpha\,\overline{(e_{out} - e_s)^2}$")
    loss(7.0, -0.45, r"adversarial loss $\beta\,(D(out) - 1)^2$")
    loss(8.6, 1.35, "consistency loss\n" + r"$\gamma\,|back - t|$")
    arrows = [
        ((1.05, 2.8), (2.15, 2.8)), ((3.65, 2.8), (4.35, 2.8)), ((5.45, 2.8), (6.05, 2.8)), ((7.55, 2.8), (8.05, 2.8)),
        ((1.05, 0.8), (1.55, 0.8)), ((2.6, 1.15), (2.8, 2.45)), ((4.85, 2.25), (4.85, 1.15)),
        ((5.2, 2.25), (6.6, 1.15)),
        ((2.6, 0.45), (3.1, -0.2)), ((4.7, 0.45), (4.1, -0.2)), ((7.0, 0.45), (7.0, -0.2)), ((8.6, 2.25), (8.6, 1.7)),
    ]  # fmt: skip
    for start, end in arrows:
        axes.annotate("", end, start, arrowprops=ARROW)
    axes.annotate("", (6.8, 2.45), (6.8, 1.75), arrowprops=ARROW)
    axes.text(6.8, 1.68, "$e_t$", ha="center", va="top", fontsize=8)
    axes.text(2.83, 1.75, "$e_s$", fontsize=8)
    axes.set(xlim=(-0.1, 9.7), ylim=(-0.8, 3.7), aspect="equal")
    axes.axis("off")
    return figure


def csv_row(cells: list[str]) -> Figure:
    """Show one row of an FEC file, a line for each group of columns, as in the report's Figure 3.

    Args:
        cells: the row's, as text.
    """
    groups = [(f"image {n + 1}", cells[5 * n : 5 * n + 5], "source") for n in range(3)]
    groups += [("type", cells[15:16], "target")]
    groups += [("annotators", [f"{who} {vote}" for who, vote in zip(cells[16::2], cells[17::2])], "raters")]
    figure = plt.figure(figsize=(WIDE, 1.65), layout="none")
    figure.add_axes((0, 0, 1, 1)).axis("off")  # a notebook stores no picture of a figure without axes
    notes = [
        "link, then left, right, top, bottom of the face as shares of the picture",
        "",
        "",
        "",
        "who, and the odd one out",
    ]
    for i, ((name, values, role), note) in enumerate(zip(groups, notes)):
        y = 0.87 - 0.185 * i
        figure.text(0.01, y, name, fontsize=8, weight="bold", color=COLOURS[role])
        figure.text(0.12, y, ", ".join(values), fontsize=6.5, family="monospace")
        figure.text(0.12, y - 0.075, note, fontsize=6.5, color=COLOURS["truth"])
    return figure


def triplet_loss(margins: dict[str, float]) -> Figure:
    """Write the triplet loss and draw one of its two terms for each margin, as in the report's Figure 8.

    Args:
        margins: name of a kind of triplets to its margin delta; two of them.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDE, 1.9), width_ratios=(3, 2))
    left.axis("off")
    lines = [
        r"$l(I_1, I_2, I_3) = \max(0,\ \|e_1 - e_2\|^2 - \|e_1 - e_3\|^2 + \delta)$",
        r"$\qquad\qquad\quad +\ \max(0,\ \|e_1 - e_2\|^2 - \|e_2 - e_3\|^2 + \delta)$",
        "$I_1, I_2$: the similar pair.  $I_3$: the odd one out.",
    ]
    for i, line in enumerate(lines):
        left.text(0, 0.85 - 0.3 * i, line, fontsize=9, transform=left.transAxes, va="center")
    x = np.linspace(-0.6, 0.6, 121)
    for (name, margin), role in zip(margins.items(), ("target", "source")):
        right.plot(x, np.maximum(0, x + margin), color=COLOURS[role], label=f"{name}: $\\delta$ = {margin:g}")
    right.set(xlabel="similar minus odd, squared distances", ylabel="cost")
    right.set_title("Free once the odd one is $\\delta$ farther away")
    right.legend(fontsize=7)
    return figure


def data_way(counts: dict[str, tuple[int, str, dict[str, int]]]) -> Figure:
    """Draw the data's way from a link to a table, with what is lost at each station.

    Args:
        counts: for the stations "link", "photo", "crop", "triplet" and "table", in this order: how many are left, of
            what, and how many are lost on the way there, by reason.
    """
    figure, axes = plt.subplots(figsize=(WIDE, 2.7))

    def face(x: float, y: float, side: float, edge: str = "black", width: float = 0.6) -> None:
        axes.add_patch(plt.Rectangle((x - side / 2, y - side / 2), side, side, fc="white", ec=edge, lw=width, zorder=3))
        axes.add_patch(plt.Circle((x, y), 0.4 * side, fc="#F7D9B0", ec="none", zorder=4))
        for eye in (-1, 1):
            axes.add_patch(plt.Circle((x + eye * 0.14 * side, y + 0.1 * side), 0.045 * side, fc="black", zorder=5))
        mouth = np.linspace(-0.16, 0.16, 9) * side
        bend = (-1 if edge == COLOURS["report"] else 1) * 3 * (mouth**2 - mouth[0] ** 2) / side
        axes.plot(x + mouth, y - 0.16 * side + bend, color="black", lw=0.8, zorder=5)

    def photo(x: float, y: float) -> None:
        axes.add_patch(plt.Rectangle((x - 0.6, y - 0.4), 1.2, 0.8, fc="#DDE6EE", ec="black", lw=0.6, zorder=2))
        face(x - 0.22, y - 0.02, 0.42, COLOURS["source"], 1)

    def table(x: float, y: float) -> None:
        axes.add_patch(plt.Rectangle((x - 0.55, y - 0.4), 1.1, 0.8, fc="white", ec="black", lw=0.6, zorder=2))
        axes.add_patch(plt.Rectangle((x - 0.55, y + 0.2), 1.1, 0.2, fc="#DDE6EE", ec="black", lw=0.6, zorder=2))
        for i in range(3):
            axes.plot([x - 0.55, x + 0.55], [y - 0.2 + 0.2 * i] * 2, color="black", lw=0.4, zorder=3)
            axes.plot([x - 0.275 + 0.275 * i] * 2, [y - 0.4, y + 0.4], color="black", lw=0.4, zorder=3)

    pitch = 2.1
    for i, (name, (left, what, lost)) in enumerate(counts.items()):
        x = i * pitch
        if name == "link":
            style = dict(fontsize=9, family="monospace", color=COLOURS["source"])
            axes.text(x, 0, "http://…", ha="center", va="center", **style)
        elif name == "photo":
            photo(x, 0)
        elif name == "crop":
            face(x, 0, 0.8)
        elif name == "triplet":
            for place, edge in ((-0.56, "black"), (0, "black"), (0.56, COLOURS["report"])):
                face(x + place, 0, 0.5, edge, 2 if edge != "black" else 0.6)
        else:
            table(x, 0)
        axes.text(x, 0.62, name, ha="center", va="bottom", fontsize=9, weight="bold")
        of = f"of {left + sum(lost.values()):,} {what}" if lost else what
        axes.text(x, -0.55, f"{left:,}", ha="center", va="top", fontsize=10, color=COLOURS["ours"])
        axes.text(x, -0.88, of, ha="center", va="top", fontsize=7)
        for line, (reason, number) in enumerate(lost.items()):
            text = f"−{number:,} {reason}"
            axes.text(x, -1.25 - 0.25 * line, text, ha="center", va="top", fontsize=7, color=COLOURS["report"])
        if i + 1 < len(counts):
            axes.annotate("", (x + pitch - 0.87, 0), (x + 0.87, 0), arrowprops=ARROW)
    longest = max(len(lost) for _, _, lost in counts.values())
    axes.set(xlim=(-1.05, (len(counts) - 1) * pitch + 1.05), ylim=(-1.25 - 0.25 * longest, 0.95), aspect="equal")
    axes.axis("off")
    return figure


def case(
    sources: np.ndarray, rivals: np.ndarray, truths: np.ndarray, names: list[str], target: int, source: int
) -> Figure:  # fmt: skip
    """Draw a case of MirrorBench as three rows of faces, with one test pair outlined in it.

    Args:
        sources, rivals, truths: uint8 (K, S, S, 3), see `held_out.Case`. names: of the K expressions.
        target, source: the columns of the expression that the target starts with and of the one that is to be put on.
    """
    rows = (("A", sources), ("A\u2032, rival of A", rivals), ("B", truths))
    k, left, head, foot, gap = len(names), 1.15, 0.66, 0.06, 0.26
    cell = (WIDE - left) / k
    height = head + 3 * cell + 2 * gap + foot
    figure = plt.figure(figsize=(WIDE, height), layout="none")
    figure.text(0.05 / WIDE, 1 - 0.2 / height, "A case, and a test pair in it", fontsize=10)
    marks = {
        (0, source): ("source", COLOURS["source"], "-"),
        (1, source): ("rival", COLOURS["source"], ":"),
        (2, target): ("target", COLOURS["target"], "-"),
        (2, source): ("truth", COLOURS["truth"], "-"),
    }
    for r, (who, faces) in enumerate(rows):
        top = head + r * (cell + gap)
        figure.text((left - 0.1) / WIDE, 1 - (top + cell / 2) / height, who, ha="right", va="center", fontsize=9)
        for c in range(k):
            x, y = (left + c * cell) / WIDE, 1 - (top + cell) / height
            axes = figure.add_axes((x, y, 0.94 * cell / WIDE, 0.94 * cell / height))
            axes.imshow(faces[c])
            axes.set(xticks=[], yticks=[])
            word, colour, line = marks.get((r, c), ("", "none", "-"))
            axes.spines[:].set(visible=bool(word), color=colour, linewidth=2.5, linestyle=line)
            above = 1 - (top - 0.04) / height
            if word:
                figure.text(x + 0.47 * cell / WIDE, above, word, ha="center", fontsize=7, color=colour, weight="bold")
            if not r:
                figure.text(x + 0.47 * cell / WIDE, above + 0.13 / height, names[c], ha="center", fontsize=6.3)
    return figure


def warping_generator(
    target: np.ndarray, source: np.ndarray, flow: np.ndarray, warped: np.ndarray, mask: np.ndarray,
    colour: np.ndarray, result: np.ndarray,
) -> Figure:  # fmt: skip
    """Draw how a `warping.WarpingGenerator` makes its picture, around real pictures.

    Args:
        target, source, flow, warped, mask, colour, result: uint8 (S, S, 3), the flow drawn as a picture.
    """
    figure, axes = plt.subplots(figsize=(WIDE, 2.95))

    def picture(image: np.ndarray, x: float, y: float, text: str, role: str = "truth") -> None:
        axes.imshow(image, extent=(x, x + 1, y, y + 1), zorder=2)
        axes.text(x + 0.5, y - 0.05, text, ha="center", va="top", fontsize=7.5, color=COLOURS[role])

    def box(x: float, y: float, wide: float, high: float, text: str, role: str) -> None:
        axes.add_patch(plt.Rectangle((x, y), wide, high, fc=COLOURS[role], ec="none", alpha=0.85))
        axes.text(x + wide / 2, y + high / 2, text, ha="center", va="center", fontsize=7.5, color="white")

    def arrow(*points: tuple[float, float]) -> None:
        for start, end in zip(points, points[1:-1]):
            axes.plot(*zip(start, end), color=ARROW["color"], lw=ARROW["lw"])
        axes.annotate("", points[-1], points[-2], arrowprops=ARROW | {"shrinkA": 0, "shrinkB": 0})

    picture(target, 0, 2.25, "target $t$", "target")
    picture(source, 0, 0.3, "source $s$", "source")
    box(1.45, 0.45, 1.15, 0.7, "expression\ncode", "source")
    box(3.15, -0.05, 1.0, 3.15, "generator\n(UNet with\nFiLM)", "ours")
    picture(flow, 4.85, 2.25, "flow")
    picture(mask, 4.85, 1.0, "mask $m$")
    picture(colour, 4.85, -0.25, "colour $p$")
    picture(warped, 6.45, 2.25, "warped target")
    picture(result, 8.3, 1.0, "result", "ours")
    arrow((1.05, 2.75), (3.1, 2.75))  # the target enters the generator
    arrow((1.05, 2.4), (1.25, 2.4), (1.25, 0.95), (1.42, 0.95))  # and its expression is read
    arrow((1.05, 0.7), (1.42, 0.7))
    arrow((2.62, 0.8), (3.12, 0.8))
    axes.text(2.87, 0.87, "$c_t, c_s$", ha="center", va="bottom", fontsize=7.5)
    arrow((2.0, 1.18), (2.0, 1.75), (3.12, 1.75))
    axes.text(2.04, 1.8, "maps of $t$", va="bottom", fontsize=7)
    for y in (2.75, 1.5, 0.25):
        arrow((4.17, y), (4.82, y))
    arrow((5.87, 2.75), (6.42, 2.75))
    arrow((0.5, 3.28), (0.5, 3.5), (6.95, 3.5), (6.95, 3.28))  # what the flow fetches from
    arrow((7.47, 2.75), (8.8, 2.75), (8.8, 2.03))
    axes.text(8.75, 2.8, r"$m\,\times$", ha="right", va="bottom", fontsize=8)
    arrow((5.87, 1.5), (8.27, 1.5))
    arrow((5.87, 0.25), (8.8, 0.25), (8.8, 0.72))
    axes.text(8.75, 0.3, r"$(1 - m)\,\times$", ha="right", va="bottom", fontsize=8)
    axes.set(xlim=(-0.05, 9.35), ylim=(-0.55, 3.6), aspect="equal")
    axes.axis("off")
    return figure
