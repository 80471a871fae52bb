"""MirrorBench: score any `translate(target, source) -> image` where the right answer is known.

    python -m mirrorme_utils.bench --seed 7 --checkpoint moving --json scores.json
    python -m mirrorme_utils.bench --seed 11 12 13       the mean of three worlds, then T and R in each
    python -m mirrorme_utils.bench --seed 7 --checkpoint moving --groups    also by the target's group (see `groups`)
    python -m mirrorme_utils.bench --photos FOLDER       the embedding on photographs (see `photos`), and with
                                                         --checkpoint NAME a translator between them

All scores are computed on pixels in [0, 1]. Taught in: notebook 07, section 2.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from . import bench_world, cartoons, checkpoints, config, fecnet, groups, photos, pixels
from .bench_world import Case, Pairs
from .fecnet import Embed, remembering
from .render import REGIONS
from .scoreboard import COLUMNS, mean, spread, table

SCORES = ("T", "T_mouth", "T_eyes", "T_brows", "R", "S", "leak", "preservation", "judge", "gap")
SCORES += ("T_known", "R_known", "T_new", "R_new")  # drawn targets: in styles to train on, and in held-out ones
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
    asked = np.abs(target - truth).sum(-1)[where].sum(dtype=np.float64)
    return float(1 - np.abs(out - truth).sum(-1)[where].sum(dtype=np.float64) / asked) if asked else None


def retrieval(out: np.ndarray, cases: list[Case], asked: Pairs) -> float:
    """Return R: how often the right expression's picture is the nearest of the K pictures of that identity.

    Two expressions that a drawing style draws alike are one answer. Chance is about 1/K.
    """
    hits = []
    for image, c, k in zip(out, asked.case, asked.source):
        truths = cases[c].truths
        nearest = np.abs(truths.astype(np.float32) / 255 - image).sum((1, 2, 3)).argmin()
        hits.append(np.array_equal(truths[nearest], truths[k]))
    return float(np.mean(hits))


def sensitivity(out: np.ndarray, truth: np.ndarray, asked: Pairs) -> tuple[float, float]:
    """Return S = E|G(t,e1) - G(t,e2)| / E|truth(t,e1) - truth(t,e2)| over pairs of one target, and its numerator.

    Norms are Euclidean over a picture. 0 ignores the expression, 1 is the right size.
    """
    same = (asked.case[1:] == asked.case[:-1]) & (asked.target[1:] == asked.target[:-1])
    ours, theirs = (np.sqrt(((x[1:] - x[:-1])[same] ** 2).sum((1, 2, 3))).mean() for x in (out, truth))
    return float(ours / theirs), float(ours)


def approach(embed: Embed, out: np.ndarray, source: np.ndarray, target: np.ndarray, truth: np.ndarray):
    """Return how far from the source's expression an embedding reads the output, and the share of the way it went.

    The distance is the mean over pairs of |e(out) - e(source)|; no picture of another face is expected to come nearer
    than truth does, the embedding's noise floor. The share of the way is 0 for a copy of the target and 1 for truth.

    Args:
        embed: see `fecnet.remembering`. out, source, target, truth: uint8 (N, S, S, 3).
    Returns:
        distance, and share or None where the embedding sees truth no nearer than the target.
    """
    shown = embed(source)
    now, start, floor = ((embed(x) - shown).norm(dim=1).mean().item() for x in (out, target, truth))
    return now, (start - now) / (start - floor) if start > floor else None


def questions(cases: list[Case], asked: Pairs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return target, truth and source of each pair that is asked: uint8 (N, S, S, 3)."""
    target = np.stack([cases[c].truths[j] for c, j in zip(asked.case, asked.target)])
    truth = np.stack([cases[c].truths[k] for c, k in zip(asked.case, asked.source)])
    return target, truth, np.stack([cases[c].sources[k] for c, k in zip(asked.case, asked.source)])


def score(
    translate: Translate | str, cases: list[Case], asked: Pairs, judge: Embed | None = None,
    teacher: Embed | None = None,
) -> dict[str, float | None]:  # fmt: skip
    """Score a model, or one of the baselines "copy_target", "copy_source" and "truth", in one direction.

    Args:
        judge: an embedding (see `fecnet.remembering`) that was in no loss; without one there is no "judge".
        teacher: the embedding by which the model was trained; with both, "gap" is the share of the way to the source's
            expression that the teacher sees, less the share that the judge sees (see `approach`).
    Returns:
        one number or None for each of `SCORES`.
    """
    target, truth, source = questions(cases, asked)
    rival = np.stack([cases[c].rivals[k] for c, k in zip(asked.case, asked.source)])
    fixed = {"copy_target": target, "copy_source": source, "truth": truth}
    out, other = (
        fixed[translate].astype(np.float32) / 255 if isinstance(translate, str) else answer(translate, target, shown)
        for shown in (source, rival)
    )
    scores = dict.fromkeys(SCORES)
    if judge is not None:
        seen = np.uint8(255 * out + 0.5), source, target, truth
        scores["judge"], judged = approach(judge, *seen)
        taught = approach(teacher, *seen)[1] if teacher is not None else None
        scores["gap"] = None if None in (judged, taught) else taught - judged
    truth, target = truth.astype(np.float32) / 255, target.astype(np.float32) / 255
    shown = (asked.source, asked.target)
    regions = [np.stack([cases[c].regions[k] for c, k in zip(asked.case, part)]) for part in shown]
    scores["T"], scores["R"] = transfer(out, truth, target), retrieval(out, cases, asked)
    for name in ("mouth", "eyes", "brows"):
        where = (regions[0] == REGIONS.index(name)) | (regions[1] == REGIONS.index(name))
        scores[f"T_{name}"] = transfer(out, truth, target, where)
    new = np.isin([case.style for case in cases], cartoons.STYLES_HELD_OUT)[asked.case]
    for name, rows in (("known", ~new), ("new", new)):
        if cases[0].style and rows.any():
            part = Pairs(*(column[rows] for column in (asked.case, asked.target, asked.source)))
            scores[f"T_{name}"] = transfer(out[rows], truth[rows], target[rows])
            scores[f"R_{name}"] = retrieval(out[rows], cases, part)
    scores["S"], effect = sensitivity(out, truth, asked)
    if not isinstance(translate, str):
        identity_effect = float(np.sqrt(((out - other) ** 2).sum((1, 2, 3))).mean())
        scores["leak"] = identity_effect / effect if effect > 1e-6 else None
    still = (np.abs(target - truth) < 1.5 / 255).all(-1)
    scores["preservation"] = float(np.abs(out - target)[still].mean() * 255)
    return scores


def run(
    seed: int, models: dict[str, Translate | str], size: int, n_expressions: int = 24, n_pairs: int | None = None,
    judge: Embed | None = None, teachers: dict[str, Embed] | None = None, cases: int = bench_world.CASES,
):  # fmt: skip
    """Score models side by side on a new world.

    Args:
        models: name to a translate function, or to the name of a baseline (see `score`).
        judge, teachers: see `score`; a teacher for each model that was trained.
        cases: identity pairs in each direction.
    Returns:
        the JSON of the design: `seed`, `image_size`, `n_pairs`, `n_expressions`, `models`.
    """
    world = bench_world.build(seed, size, n_expressions, cases)
    asked = {direction: bench_world.pairs(cases, seed, n_pairs) for direction, cases in world.items()}
    teachers = teachers or {}
    table = {
        name: {way: score(model, cases, asked[way], judge, teachers.get(name)) for way, cases in world.items()}
        for name, model in models.items()
    }
    n = {direction: len(rows.case) for direction, rows in asked.items()}
    return {"seed": seed, "image_size": size, "n_pairs": n, "n_expressions": n_expressions, "models": table}


def by_group(
    translate: Translate, worlds: dict[int, dict[str, list[Case]]], n_pairs: int | None = None
) -> pd.DataFrame:  # fmt: skip
    """Score a model on the people of some worlds, by seed, as targets: by their groups (see `groups.scores`)."""
    parts = []
    for seed, world in worlds.items():
        for cases in (cases for direction, cases in world.items() if direction.endswith("human")):
            asked = bench_world.pairs(cases, seed, n_pairs)
            target, truth, source = questions(cases, asked)
            shown = answer(translate, target, source), target / np.float32(255)
            sums = (np.abs(x - truth / np.float32(255)).sum((1, 2, 3), dtype=np.float64) for x in shown)
            parts.append((*sums, np.array([cases[c].target_seed for c in asked.case])))
    return groups.scores(*map(np.concatenate, zip(*parts)), config.rng(min(worlds), "groups"))


def main(arguments: list[str] | None = None) -> None:
    """Score a checkpoint beside the baselines, or the embedding on photographs, as the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m mirrorme_utils.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="of the worlds; 0 is the notebooks' own")
    parser.add_argument("--checkpoint", help="a translator in data/checkpoints; moving, if not given")
    parser.add_argument("--json", type=Path, help="where to write the scores")
    parser.add_argument("--pairs", type=int, help="how many pairs in each direction")
    parser.add_argument("--groups", action="store_true", help="also score people by skin tone, sex, age and origin")
    parser.add_argument("--photos", type=Path, help="score the embedding on a folder with a subfolder for each label")
    args = parser.parse_args(arguments)
    if args.photos:
        _write(on_photos(args.photos, args.seed[0], args.checkpoint), args.json)
        return
    name = args.checkpoint or "moving"
    translate, size = checkpoints.load_translator(name)
    models = {name: name for name in ("copy_target", "copy_source", "truth")}
    if (config.CHECKPOINTS / "report.json").exists():
        report, report_size = checkpoints.load_translator("report")
        if report_size == size:
            models["report"] = report
    models[name] = translate
    taught = [trained for trained in ("report", name) if trained in models]
    teachers = {trained: remembering(checkpoints.load_teacher(trained)) for trained in taught}
    judge = remembering(checkpoints.load_fecnet("judge"))
    results = [run(seed, models, size, n_pairs=args.pairs, judge=judge, teachers=teachers) for seed in args.seed]
    result = results[0] if len(results) == 1 else mean(results)
    if args.groups:
        worlds = {seed: bench_world.build(seed, size, results[0]["n_expressions"]) for seed in args.seed}
        result["groups"] = {name: by_group(translate, worlds, args.pairs).to_dict("records")}
    _write(result, args.json)
    print(table(result), spread(results, name), sep="\n")
    for rows in result.get("groups", {}).values():
        print(pd.DataFrame(rows).to_string(index=False, float_format="{:.2f}".format))


def on_photos(folder: Path, seed: int, checkpoint: str | None) -> dict:
    """Score the embedding, and a translator if one is named, on photographs (see `photos`), and say so."""
    scored = photos.score(folder, checkpoints.load_fecnet(checkpoints.largest("fecnet")), seed)
    low, high = scored["interval"]
    print(f"{scored['n']} photographs: {scored['triplet_accuracy']:.1%} of {scored['triplets']} triplets right "
          f"({low:.1%} to {high:.1%}), pixels {scored['pixels']:.1%}, chance 33.3%")  # fmt: skip
    print(", ".join(f"{name} {value:.0%}" for name, value in scored["by_label"].items()))
    if checkpoint is None:
        return {"photos": scored}
    translate, size = checkpoints.load_translator(checkpoint)
    judge = checkpoints.load_fecnet("judge")
    moved = photos.transfer(folder, lambda t, s: answer(translate, t, s), size, judge, seed, photos.PAIRS)
    print(f"{checkpoint}, {moved['pairs']} pairs: read as the source's label {moved['read_as_source']:.1%}, as the "
          f"target's {moved['read_as_target']:.1%}; untouched photographs read right {moved['ceiling']:.1%}, "
          f"chance {1 / len(scored['by_label']):.1%}")  # fmt: skip
    return {"photos": scored | {"transfer": moved}, "transfer": moved}


def _write(result: dict, path: Path | None) -> None:
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
