"""All figures in one style: fixed roles have fixed colours, faces stand in grids without axes."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib_inline.backend_inline import set_matplotlib_formats
from PIL import Image

from . import config

COLOURS = {
    "source": "#0072B2",
    "target": "#E69F00",
    "ours": "#009E73",
    "report": "#D55E00",
    "truth": "#555555",
    "raters": "#CC79A7",
    "chance": "#999999",
}
WIDE, NARROW = 7.2, 3.5  # inches
DPI = 110


def use_style() -> None:
    """Set the course's matplotlib style; called once by each notebook."""
    plt.rcParams.update({
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": plt.cycler(color=list(COLOURS.values())),
        "figure.dpi": DPI,
        "figure.constrained_layout.use": True,
        "savefig.dpi": DPI,
        "image.interpolation": "antialiased",
        "legend.frameon": False,
    })  # fmt: skip
    if get_ipython() is not None:  # photographs as PNG would make a notebook several times as large
        set_matplotlib_formats("jpeg", pil_kwargs={"quality": 75})


def face_grid(
    images: Sequence[Sequence], row_labels: Sequence[str] | None = None, col_labels: Sequence[str] | None = None,
    title: str = "", cell: float | None = None,
) -> Figure:  # fmt: skip
    """Draw faces in rows and columns, without axes, with gutters of two pixels.

    Args:
        images: uint8 (R, C, S, S, 3), or a list of R rows of C pictures; None leaves a cell empty.
        row_labels, col_labels: R and C strings.
        title: the finding that the picture shows.
        cell: inches of one face; by default the grid is as wide as the page, with cells of at most 0.9.
    Returns:
        the figure, for `save`.
    """
    rows, columns = len(images), len(images[0])
    margin = 0.9 if row_labels is not None else 0.05
    cell = cell or min((WIDE - margin) / columns, 0.9)
    head = 0.28 * bool(title) + 0.2 * (col_labels is not None) + 0.02
    width, height = max(margin + cell * columns, NARROW), cell * rows + head
    figure = plt.figure(figsize=(width, height), layout="none")
    for r in range(rows):
        for c in range(columns):
            if images[r][c] is None:
                continue
            corner = (margin + c * cell) / width, 1 - (head + (r + 1) * cell) / height
            gutter = 2 / DPI  # inches, two pixels
            axes = figure.add_axes((*corner, (cell - gutter) / width, (cell - gutter) / height))
            axes.imshow(images[r][c])
            axes.set(xticks=(), yticks=())
            axes.spines[:].set(visible=True, color="#DDDDDD", lw=0.5)  # what is white is not lost on the page
    for r, label in enumerate(row_labels if row_labels is not None else ()):
        middle = 1 - (head + (r + 0.5) * cell) / height
        figure.text((margin - 0.06) / width, middle, label, ha="right", va="center", fontsize=8, wrap=True)
    for c, label in enumerate(col_labels if col_labels is not None else ()):
        figure.text((margin + (c + 0.5) * cell) / width, 1 - (head - 0.03) / height, label, ha="center", fontsize=7)
    if title:
        figure.text(0.05 / width, 1 - 0.2 / height, title, fontsize=10)
    return figure


def curves(axes: Axes, history: list[dict], keys: dict[str, str], smooth: int = 1) -> None:
    """Draw values of a training history against the step.

    Args:
        history: what `training.Run.log` kept. keys: name in the history to its label.
        smooth: width of a running mean, in logged values.
    """
    for key, label in keys.items():
        steps, values = zip(*((row["step"], row[key]) for row in history if key in row))
        window = min(smooth, len(values))
        mean = np.convolve(values, np.ones(window) / window, "valid")
        axes.plot(steps[window - 1 :], mean, label=label, lw=1.3)
    axes.set_xlabel("step")


def save(figure: Figure, name: str) -> Path:
    """Write a figure to `figures/NAME.webp`, a fifth of a PNG's bytes, and return where."""
    config.FIGURES.mkdir(parents=True, exist_ok=True)
    path = config.FIGURES / f"{name}.webp"
    # Saving gives a figure without layout engine the style's own, which warns when the notebook draws it again.
    with plt.rc_context({"figure.constrained_layout.use": False}):
        figure.savefig(path, dpi=130, pil_kwargs={"quality": 85})
    return path


def picture_of(figure: Figure) -> Image.Image:
    """Draw a figure into a picture, and close it."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    plt.close(figure)
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def triplet_grid(
    images: Sequence[Sequence], odd: Sequence[int], columns: int = 3, notes: Sequence[str] | None = None,
    title: str = "",
) -> Figure:  # fmt: skip
    """Draw triplets, each with its odd one outlined, as in the report's Figure 2.

    Args:
        images: uint8 (N, F, S, S, 3), triplets or strips of any number of faces. odd: (N,) int, the face of each that
        is outlined, or -1. columns: triplets in a row. notes: N strings, shown above the triplets.
        title: the finding that the picture shows.
    """
    rows, many, gutter = -(-len(images) // columns), len(images[0]), 0.35
    cell = (WIDE - gutter * (columns - 1)) / (many * columns)
    above, head = 0.2 * (notes is not None) + 0.08, 0.24 * bool(title)
    height = rows * (cell + above) + head
    figure = plt.figure(figsize=(WIDE, height), layout="none")
    for n, (faces, who) in enumerate(zip(images, odd)):
        left, top = (n % columns) * (many * cell + gutter), head + (n // columns) * (cell + above) + above
        for i, face in enumerate(faces):
            corner = (left + (i + 0.03) * cell) / WIDE, 1 - (top + 0.97 * cell) / height
            axes = figure.add_axes((*corner, 0.94 * cell / WIDE, 0.94 * cell / height))
            axes.imshow(face)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(visible=i == who, color=COLOURS["report"], linewidth=3)
        if notes is not None:
            figure.text((left + 0.03 * cell) / WIDE, 1 - (top - 0.04) / height, notes[n], fontsize=7)
    if title:
        figure.text(0.02 / WIDE, 1 - 0.18 / height, title, fontsize=10)
    return figure


def labeller(images: Sequence, rater: str, done: int, total: int, chosen: int | None = None) -> Figure:
    """Draw the labeller as it looks on screen, as in the report's Figure 6.

    Args:
        images: uint8 (3, S, S, 3). done, total: triplets. chosen: the face under the pointer, 0..2.
    """
    figure = plt.figure(figsize=(WIDE, 3.6), facecolor="#f7f8fa", layout="none")
    question = f"{rater}, whose expression is least like the other two? Who it is does not matter."
    figure.text(0.03, 0.925, question, fontsize=10, weight="bold")
    for i, face in enumerate(images):
        axes = figure.add_axes((0.03 + 0.32 * i, 0.27, 0.3, 0.6))
        axes.imshow(face)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set(visible=True, color=COLOURS["report"] if i == chosen else "#d5d9e0", linewidth=3)
        axes.text(0.04, 0.96, str(i + 1), transform=axes.transAxes, va="top", color="white", fontsize=12,
                  bbox=dict(fc="#00000055", ec="none", pad=2))  # fmt: skip
    page = figure.add_axes((0, 0, 1, 1), facecolor="none")
    page.set(xlim=(0, 1), ylim=(0, 1))
    page.axis("off")
    tools = (("↶ Undo (u)", 0.14), ("» Skip (s)", 0.14), ("click here, then press 1 2 3 u s + -", 0.3))
    left = 0.03
    for text, width in tools:
        field = width > 0.2
        page.add_patch(plt.Rectangle((left, 0.145), width, 0.08, fc="white" if field else "#e6e8ec", ec="#c5c9d0"))
        page.text(left + (0.012 if field else width / 2), 0.185, text, va="center", ha="left" if field else "center",
                  fontsize=8, color="#888888" if field else "black")  # fmt: skip
        left += width + 0.015
    page.text(left + 0.01, 0.185, "Zoom", va="center", fontsize=8)
    page.plot([left + 0.07, left + 0.22], [0.185, 0.185], color="#c5c9d0", lw=2)
    page.plot([left + 0.13], [0.185], "o", color="white", mec="#888888", ms=8)
    page.add_patch(plt.Rectangle((0.03, 0.06), 0.4, 0.03, fc="#dde0e5", ec="none"))
    page.add_patch(plt.Rectangle((0.03, 0.06), 0.4 * done / total, 0.03, fc=COLOURS["source"], ec="none"))
    page.text(0.45, 0.075, f"{done} of {total}", va="center", fontsize=8)
    return figure
