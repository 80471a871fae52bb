"""MirrorBench: score any `translate(target, source) -> image` where the right answer is known.

All scores are computed on pixels in [0, 1].

Taught in: notebook 05.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from .. import config
from ..experiments import report_gan
from ..networks import pixels
from ..networks.fecnet import Embed, remembering
from ..profiles import Profile, ReportConfig
from ..world.capture import REGIONS
from ..world.cartoons import drawing
from . import groups, held_out
from .held_out import Case, TestPairs

SCORES = ("T", "T_mouth", "T_eyes", "T_brows", "R", "S", "leak", "preservation", "judge", "gap")
SCORES += ("T_known", "R_known", "T_new", "R_new")  # cartoon targets: in styles to train on, and in held-out ones
MEANS = ("T", "R", "S", "judge", "gap")  # of the four directions (see `over_directions`)
Translate = Callable[[Tensor, Tensor], Tensor]


def answer(translate: Translate, targets: np.ndarray, sources: np.ndarray, batch: int = 16) -> np.ndarray:
    """Let a model translate pictures.

    Args:
        translate: (B, 3, S, S) target and source in [-1, 1] to (B, 3, S, S).
        targets, sources: uint8 (N, S, S, 3).
    Returns:
        (N, S, S, 3) float32 in [0, 1], as an 8-bit picture holds it.
    """
    out = []
    with torch.no_grad():
        for i in range(0, len(targets), batch):
            pair = (pixels.to_tensor(images[i : i + batch]) for images in (targets, sources))
            out.append(pixels.to_uint8(translate(*pair)))
    return np.concatenate(out).astype(np.float32) / 255


def transfer(out: np.ndarray, truth: np.ndarray, target: np.ndarray, where: np.ndarray | None = None) -> float | None:
    """Return the transfer score T = 1 - sum|out - truth| / sum|target - truth|, pooled over pairs.

    0 is a copy of the target, 1 is perfect, negative is worse than doing nothing.

    Args:
        out, truth, target: (N, S, S, 3) in [0, 1].
        where: (N, S, S) bool, pixels to look at; all if not given.
    Returns:
        T, or None where target and truth do not differ at all.
    """
    if where is None:
        where = np.ones(out.shape[:3], bool)
    change = np.abs(target - truth).sum(-1)[where].sum(dtype=np.float64)
    return float(1 - np.abs(out - truth).sum(-1)[where].sum(dtype=np.float64) / change) if change else None


def retrieval(out: np.ndarray, cases: list[Case], pairs: TestPairs) -> float:
    """Return R, in [0, 1]: how often the right expression's picture is the nearest of the K pictures of that identity.

    Two expressions that a drawing style draws alike are one answer. Chance is about 1/K.

    Args:
        out: (N, S, S, 3) float32 in [0, 1], one for each test pair.
    """
    hits = []
    for image, c, k in zip(out, pairs.case, pairs.source):
        truths = cases[c].truths
        nearest = np.abs(truths.astype(np.float32) / 255 - image).sum((1, 2, 3)).argmin()
        hits.append(np.array_equal(truths[nearest], truths[k]))
    return float(np.mean(hits))


def sensitivity(out: np.ndarray, truth: np.ndarray, pairs: TestPairs) -> tuple[float, float]:
    """Return S = E|G(t,e1) - G(t,e2)| / E|truth(t,e1) - truth(t,e2)| over pairs of one target, and its numerator.

    Norms are Euclidean over a picture. 0 ignores the expression, 1 is the right size.

    Args:
        out, truth: (N, S, S, 3) float32 in [0, 1], one for each test pair.
    """
    same = (pairs.case[1:] == pairs.case[:-1]) & (pairs.target[1:] == pairs.target[:-1])
    ours, theirs = (np.sqrt(((x[1:] - x[:-1])[same] ** 2).sum((1, 2, 3))).mean() for x in (out, truth))
    return float(ours / theirs), float(ours)


def leakage(out: np.ndarray, other: np.ndarray, effect: float) -> float | None:
    """Return identity leakage: how far the output moves with who shows an expression, over how far with expression.

    Norms are Euclidean over a picture. 0 does not depend on who the source is.

    Args:
        out, other: (N, S, S, 3) float32 in [0, 1], from a source and from its rival with the same expression.
        effect: how far the output moves with the expression, the second value of `sensitivity`.
    Returns:
        the leakage, or None where the output does not move with the expression at all.
    """
    return float(np.sqrt(((out - other) ** 2).sum((1, 2, 3))).mean()) / effect if effect > 1e-6 else None


def preservation(out: np.ndarray, truth: np.ndarray, target: np.ndarray) -> float:
    """Return the mean error, in grey levels of 255, over the pixels where truth and target agree to a grey level.

    Args:
        out, truth, target: (N, S, S, 3) float32 in [0, 1].
    """
    still = (np.abs(target - truth) < 1.5 / 255).all(-1)
    return float(np.abs(out - target)[still].mean() * 255)


def approach(
    embed: Embed, out: np.ndarray, source: np.ndarray, target: np.ndarray, truth: np.ndarray
) -> tuple[float, float | None]:  # fmt: skip
    """Return how far from the source's expression an embedding reads the output, and the share of the way it went.

    The distance is the mean over pairs of |e(out) - e(source)|; no picture of another face is expected to come nearer
    than truth does, the embedding's noise floor. The share of the way is 0 for a copy of the target and 1 for truth.

    Args:
        embed: see `remembering`. out, source, target, truth: uint8 (N, S, S, 3).
    Returns:
        distance, and share or None where the embedding sees truth no nearer than the target.
    """
    shown = embed(source)
    now, start, floor = ((embed(x) - shown).norm(dim=1).mean().item() for x in (out, target, truth))
    return now, (start - now) / (start - floor) if start > floor else None


def pair_images(cases: list[Case], pairs: TestPairs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return target, truth and source of each test pair: uint8 (N, S, S, 3)."""
    target = np.stack([cases[c].truths[j] for c, j in zip(pairs.case, pairs.target)])
    truth = np.stack([cases[c].truths[k] for c, k in zip(pairs.case, pairs.source)])
    return target, truth, np.stack([cases[c].sources[k] for c, k in zip(pairs.case, pairs.source)])


def score(
    translate: Translate | str, cases: list[Case], pairs: TestPairs, judge: Embed | None = None,
    teacher: Embed | None = None,
) -> dict[str, float | None]:  # fmt: skip
    """Score a model, or one of the baselines "copy_target", "copy_source" and "truth", in one direction.

    Args:
        judge: an embedding (see `remembering`) that was in no loss; without one there is no "judge".
        teacher: the embedding by which the model was trained. With both there is a teacher-judge gap, "gap": the share
            of the way to the source's expression that the teacher sees, less the share that the judge sees (see
            `approach`). Large means that the model learned to please the teacher.
    Returns:
        one number or None for each of `SCORES`. "leak" is identity leakage: how much the output varies with who shows
        the expression, relative to how much it varies with the expression.
    """
    target, truth, source = pair_images(cases, pairs)
    rival = np.stack([cases[c].rivals[k] for c, k in zip(pairs.case, pairs.source)])
    fixed = {"copy_target": target, "copy_source": source, "truth": truth}
    out, other = (
        fixed[translate].astype(np.float32) / 255 if isinstance(translate, str) else answer(translate, target, shown)
        for shown in (source, rival)
    )
    scores = dict.fromkeys(SCORES)
    if judge is not None:
        seen = np.uint8(255 * out + 0.5), source, target, truth
        scores["judge"], judged = approach(judge, *seen)
        pleased = approach(teacher, *seen)[1] if teacher is not None else None
        scores["gap"] = None if None in (judged, pleased) else pleased - judged
    truth, target = truth.astype(np.float32) / 255, target.astype(np.float32) / 255
    shown = (pairs.source, pairs.target)
    regions = [np.stack([cases[c].regions[k] for c, k in zip(pairs.case, part)]) for part in shown]
    scores["T"], scores["R"] = transfer(out, truth, target), retrieval(out, cases, pairs)
    for name in ("mouth", "eyes", "brows"):
        where = (regions[0] == REGIONS.index(name)) | (regions[1] == REGIONS.index(name))
        scores[f"T_{name}"] = transfer(out, truth, target, where)
    new = np.isin([case.style for case in cases], drawing.STYLES_HELD_OUT)[pairs.case]
    for name, rows in (("known", ~new), ("new", new)):
        if cases[0].style and rows.any():
            part = TestPairs(*(column[rows] for column in (pairs.case, pairs.target, pairs.source)))
            scores[f"T_{name}"] = transfer(out[rows], truth[rows], target[rows])
            scores[f"R_{name}"] = retrieval(out[rows], cases, part)
    scores["S"], effect = sensitivity(out, truth, pairs)
    if not isinstance(translate, str):
        scores["leak"] = leakage(out, other, effect)
    scores["preservation"] = preservation(out, truth, target)
    return scores


def run(
    seed: int, models: dict[str, Translate | str], size: int, n_expressions: int = 24, n_pairs: int | None = None,
    judge: Embed | None = None, teachers: dict[str, Embed] | None = None, cases: int = held_out.CASES,
) -> dict:  # fmt: skip
    """Score models side by side on a new world.

    Args:
        seed: of the world. size: pixels of a picture. n_expressions: K, of the bank. n_pairs: test pairs in each
            direction; all if not given.
        models: name to a translate function, or to the name of a baseline (see `score`).
        judge, teachers: see `score`; a teacher for each model that was trained.
        cases: identity pairs in each direction.
    Returns:
        what `mirrorme bench --json` writes: "seed", "image_size", "n_pairs" (by direction), "n_expressions", and
        "models": name to direction to the scores of `score`.
    """
    world = held_out.build(seed, size, n_expressions, cases)
    pairs = {direction: held_out.pairs(cases, seed, n_pairs) for direction, cases in world.items()}
    teachers = teachers or {}
    table = {
        name: {way: score(model, cases, pairs[way], judge, teachers.get(name)) for way, cases in world.items()}
        for name, model in models.items()
    }
    n = {direction: len(rows.case) for direction, rows in pairs.items()}
    return {"seed": seed, "image_size": size, "n_pairs": n, "n_expressions": n_expressions, "models": table}


def over_directions(
    models: dict[str, nn.Module | str], embedding: nn.Module, settings: ReportConfig, profile: Profile,
    judge: Embed, others: dict[str, nn.Module] | None = None, n_pairs: int = 96,
) -> dict[str, dict[str, float]]:  # fmt: skip
    """Score translators on MirrorBench's world of seed 0: the means of `MEANS` over its four directions.

    Args:
        models: name to a translator of the report, or to the name of a baseline (see `score`).
        embedding: that of the models, but for those named in `others`. judge: see `score`.
        profile: sets how many expressions and how many cases the world has.
    Returns:
        name to {"T", "R", "S", "judge", "gap"}; NaN where a score does not apply.
    """
    cases = held_out.build(0, settings.size, profile.world.expressions, profile.cases)
    pairs = {direction: held_out.pairs(rows, 0, n_pairs) for direction, rows in cases.items()}
    scores, others = {}, others or {}
    teachers = {e: remembering(e) for e in {embedding, *others.values()}}
    for name, g in models.items():
        teacher = None if isinstance(g, str) else teachers[others.get(name, embedding)]
        model = g if teacher is None else _translator_of(g, teacher)
        rows = [score(model, cases[direction], pairs[direction], judge, teacher) for direction in cases]
        scores[name] = {key: float(np.mean([row[key] for row in rows], dtype=float)) for key in MEANS}
    return scores


def _translator_of(g: nn.Module, teacher: Embed) -> Translate:
    """Call the report's translator with sources that the teacher has read once for all models."""

    def read(s: Tensor) -> Tensor:
        return teacher(pixels.to_uint8(s)).to(s.device)

    return lambda t, s: report_gan.answer(g, read, t, s)


def by_group(
    translate: Translate, worlds: dict[int, dict[str, list[Case]]], n_pairs: int | None = None
) -> pd.DataFrame:  # fmt: skip
    """Score a model on the people of some worlds, by seed, as targets: by their groups (see `groups.scores`).

    Args:
        worlds: seed to what `held_out.build` gave for it. n_pairs: see `run`.
    """
    parts = []
    for seed, world in worlds.items():
        for cases in (cases for direction, cases in world.items() if direction.endswith("human")):
            pairs = held_out.pairs(cases, seed, n_pairs)
            target, truth, source = pair_images(cases, pairs)
            shown = answer(translate, target, source), target / np.float32(255)
            sums = (np.abs(x - truth / np.float32(255)).sum((1, 2, 3), dtype=np.float64) for x in shown)
            parts.append((*sums, np.array([cases[c].target_seed for c in pairs.case])))
    return groups.scores(*map(np.concatenate, zip(*parts)), config.rng(min(worlds), "groups"))
