"""What `mirrorme bench` does: score a checkpoint on new worlds, or on photographs, and print a table."""

from pathlib import Path

import numpy as np

from .. import config
from ..experiments import checkpoints
from ..networks.fecnet import remembering
from . import benchmark, held_out, outside, photographs, tables


def worlds(
    seeds: list[int], name: str, n_pairs: int | None = None, groups: bool = False, judge_file: Path | None = None
) -> dict:  # fmt: skip
    """Score a shipped translator beside the baselines on a new world for each seed, and print the scores.

    Args:
        seeds: of the worlds. name: of the translator. n_pairs: test pairs in each direction; all if not given.
        judge_file: the outside judge's, which then says how far people went, and how far the truth goes (see `outside`).
    Returns:
        what `benchmark.run` gives for one seed; for several their mean (see `tables.mean`). With `groups` also
        "groups": the scores of people by skin tone, sex, age and origin; with `judge_file` "outside".
    Raises:
        training.CheckpointError: there is no such translator. outside.NoOutsideJudge: there is no outside judge.
    """
    from_outside = outside.load(judge_file) if judge_file else None  # before anything that takes long
    translate, size = checkpoints.load_translator(name)
    models = {name: name for name in ("copy_target", "copy_source", "truth")}
    if (config.CHECKPOINTS / "report.json").exists():
        report, report_size = checkpoints.load_translator("report")
        if report_size == size:
            models["report"] = report
    models[name] = translate
    trained = [model for model in ("report", name) if model in models]
    teachers = {model: remembering(checkpoints.load_teacher(model)) for model in trained}
    judge = remembering(checkpoints.load_fecnet("judge"))
    results = [benchmark.run(seed, models, size, n_pairs=n_pairs, judge=judge, teachers=teachers) for seed in seeds]
    result = results[0] if len(results) == 1 else tables.mean(results)
    print(tables.table(result), tables.spread(results, name), sep="\n")
    if groups or from_outside:
        built = {seed: held_out.build(seed, size, results[0]["n_expressions"]) for seed in seeds}
    if from_outside:
        people = [(seed, built[seed]["human->human"]) for seed in seeds]
        pairs = [(cases, held_out.pairs(cases, seed, n_pairs)) for seed, cases in people]
        target, truth, source = map(np.concatenate, zip(*(benchmark.pair_images(*pair) for pair in pairs)))
        out = np.uint8(255 * benchmark.answer(translate, target, source) + 0.5)
        result["outside"] = outside.compare(from_outside, target, source, {name: out, "truth": truth})
        _say_outside(result["outside"])
    if groups:
        by_group = benchmark.by_group(translate, built, n_pairs)
        print(by_group.to_string(index=False, float_format="{:.2f}".format))
        result["groups"] = {name: by_group.to_dict("records")}
    return result


def photos(
    folder: Path, seed: int, checkpoint: str | None, embedding: str | None, judge_file: Path | None = None
) -> dict:  # fmt: skip
    """Score an embedding, and a translator if one is named, on photographs (see `photographs`), and print the scores.

    Args:
        embedding: name of a shipped FECNet or a file of public weights; the best that ships if not given.
        judge_file: the outside judge's, which then says how far the translator's results went (see `outside`).
    Raises:
        ValueError: the folder is not one of labelled pictures, or there is no outside judge, or nothing for it to read.
        training.CheckpointError: there is no such network.
    """
    if judge_file and checkpoint is None:
        raise ValueError("the outside judge reads a translator's results: name one by --checkpoint")
    from_outside = outside.load(judge_file) if judge_file else None  # before anything that takes long
    scored = photographs.score(folder, checkpoints.load_embedding(embedding or checkpoints.largest("fecnet")), seed)
    low, high = scored["interval"]
    print(f"{scored['n']} photographs: {scored['triplet_accuracy']:.1%} of {scored['triplets']} triplets right "
          f"({low:.1%} to {high:.1%}), pixels {scored['pixels']:.1%}, chance 33.3%")  # fmt: skip
    print(", ".join(f"{name} {value:.0%}" for name, value in scored["by_label"].items()))
    if checkpoint is None:
        return {"photos": scored}
    translate, size = checkpoints.load_translator(checkpoint)
    judge = checkpoints.load_fecnet("judge")
    answer = lambda t, s: benchmark.answer(translate, t, s)  # noqa: E731
    moved = photographs.transfer(folder, answer, size, judge, seed, photographs.PAIRS)
    print(f"{checkpoint}, {moved['pairs']} pairs: read as the source's label {moved['read_as_source']:.1%}, as the "
          f"target's {moved['read_as_target']:.1%}; untouched photographs read right {moved['ceiling']:.1%}, "
          f"chance {1 / len(scored['by_label']):.1%}")  # fmt: skip
    result = {"photos": scored | {"transfer": moved}, "transfer": moved}
    if from_outside:
        target, source = photographs.far_apart(folder, 2 * size, seed)
        out = np.uint8(255 * benchmark.answer(translate, target, source) + 0.5)
        result["outside"] = outside.compare(from_outside, target, source, {checkpoint: out})
        _say_outside(result["outside"])
    return result


def _say_outside(compared: dict) -> None:
    """Print what `outside.compare` gives."""
    for name, seen in compared.items():
        groups = (f"{group} {seen[group]['progress']:.2f} and {seen[group]['T']:.2f}" for group in outside.GROUPS)
        print(f"outside judge, {name}, {seen['pairs']} pairs, progress and T: {', '.join(groups)}")
