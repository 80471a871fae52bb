"""Lay out the scores of MirrorBench: a mean over several worlds, a table, and what each world gave.

Taught in: notebook 05.
"""

import numpy as np

COLUMNS = ("T", "R", "S", "leak", "preservation", "judge", "gap")


def mean(results: list[dict]) -> dict:
    """Average what `benchmark.run` returned for several worlds; a score that one of them lacks is None.

    Returns:
        "seeds"; "models" as in one result; and "worlds", the results themselves.
    """
    def together(*scores: float | None) -> float | None:
        return None if None in scores else float(np.mean(scores))

    models = {
        name: {way: {key: together(*(r["models"][name][way][key] for r in results)) for key in scores}
               for way, scores in ways.items()}
        for name, ways in results[0]["models"].items()
    }  # fmt: skip
    return {"seeds": [r["seed"] for r in results], "models": models, "worlds": results}


def spread(results: list[dict], name: str) -> str:
    """Write down the T and R of a model in each world, and of cartoon targets those in known and in new styles."""
    lines = []
    for key in ("T", "R", "T_known", "R_known", "T_new", "R_new"):
        for way in results[0]["models"][name]:
            found = [r["models"][name][way][key] for r in results]
            if None not in found:
                each = "  ".join(f"{value:.2f}" for value in found)
                lines.append(f"{name}, {way:<18}{key:<8} world {', '.join(str(r['seed']) for r in results)}: {each}")
    return "\n".join(lines)


def table(result: dict, keys: tuple[str, ...] = COLUMNS) -> str:
    """Lay the scores of `benchmark.run` out as text, a block for each direction, two digits."""
    lines = []
    for direction in next(iter(result["models"].values())):
        lines.append(f"{direction:18s}" + "".join(f"{key:>13s}" for key in keys))
        for name, scores in result["models"].items():
            cells = (scores[direction][key] for key in keys)
            lines.append(f"  {name:16s}" + "".join(f"{'-' if c is None else format(c, '.2f'):>13s}" for c in cells))
    return "\n".join(lines)
