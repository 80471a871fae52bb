"""MirrorBench's scores by group: does a transfer work less well for some people than for others?

Skin tone, sex, age and origin are inputs of the renderer, so nobody's group is guessed.

Taught in: notebook 13.
"""

import cv2
import numpy as np
import pandas as pd

from ..world.people import human
from ..world.people.anny_head import RACES

TONES = ((41.0, "light"), (10.0, "medium"), (-90.0, "dark"))  # from how many degrees on
AGES = ((0.8, "older"), (0.6, "middle"), (0.0, "younger"))  # from which age on Anny's scale on, 2/3 being adult


def typology_angle(skin: np.ndarray) -> float:
    """Return the individual typology angle of an sRGB colour (3,) in [0, 1], in degrees: the larger, the lighter.

    It is arctan((L - 50) / b) in CIELAB; light skin lies above 41, brown and dark skin below 10 (Chardon et al. 1991,
    doi 10.1111/j.1467-2494.1991.tb00561.x).
    """
    lightness, _, yellow = cv2.cvtColor(np.float32(skin).reshape(1, 1, 3), cv2.COLOR_RGB2LAB)[0, 0]
    return float(np.degrees(np.arctan2(lightness - 50, yellow)))


def of_person(seed: int) -> dict[str, str]:
    """Return a rendered person's groups: skin tone, sex, age, and the largest share of Anny's three origins."""
    who = human.sample_human(seed)
    return {
        "skin": next(name for start, name in TONES if typology_angle(who.skin) >= start),
        "sex": "female" if who.sex > 0.5 else "male",
        "age": next(name for start, name in AGES if who.age >= start),
        "origin": RACES[int(np.argmax(who.race))],
    }


def scores(missing: np.ndarray, change: np.ndarray, seeds: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Pool the transfer score by the target's group, with 95 % intervals over identities (1,000 bootstrap draws).

    Args:
        missing, change: (N,) sums of |out - truth| and of |target - truth|, of N pairs whose targets are people.
        seeds: (N,) the targets' identities.
    Returns:
        a row for everyone and one for each group: by, group, identities, T, low, high.
    """
    each = pd.DataFrame({"missing": missing, "change": change}).groupby(seeds).sum()
    known = pd.DataFrame([of_person(seed) for seed in each.index], each.index)
    rows = [("all", "everyone", each)]
    rows += [(by, name, each.loc[some.index]) for by in known for name, some in known.groupby(by)]
    return pd.DataFrame([_row(by, name, some, rng) for by, name, some in rows])


def _row(by: str, name: str, each: pd.DataFrame, rng: np.random.Generator) -> dict:
    """Return T and its interval; `each` holds the sums of one identity a row."""
    counts = rng.multinomial(len(each), np.full(len(each), 1 / len(each)), 1_000)
    low, high = np.percentile(1 - (counts @ each.missing) / (counts @ each.change), [2.5, 97.5])
    T = 1 - each.missing.sum() / each.change.sum()
    return {"by": by, "group": name, "identities": len(each), "T": T, "low": low, "high": high}
