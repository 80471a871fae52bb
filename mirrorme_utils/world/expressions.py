"""The one expression space of people and cartoons: 52 blendshape weights, named expressions, distances.

An expression is a vector of 52 blendshape weights in [0, 1], named as in Apple's ARKit and ordered as in Anny.
Names of expressions are the 30 categories that the FEC images were sampled from (arXiv 1811.11283, section 3).
"""

from dataclasses import dataclass

import numpy as np

from ..config import rng as make_rng

BLENDSHAPES = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff",
    "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft",
    "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight",
    "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight",
    "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight",
    "mouthFrownLeft", "mouthFrownRight", "mouthFunnel", "mouthLeft", "mouthLowerDownLeft",
    "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
INDEX = {name: i for i, name in enumerate(BLENDSHAPES)}
NEUTRAL = np.zeros(len(BLENDSHAPES), np.float32)
PARTS = {  # parts of a face, and how the names of the blendshapes that move each begin
    "mouth": ("jaw", "mouth", "tongue", "cheekPuff", "nose"),
    "eyes": ("eye", "cheekSquint"),
    "brows": ("brow",),
}

PALETTE = {
    "Amusement": dict(mouthSmile=0.8, cheekSquint=0.6, eyeSquint=0.4, jawOpen=0.25, mouthUpperUp=0.2),
    "Anger": dict(browDown=0.95, noseSneer=0.4, mouthPress=0.5, eyeSquint=0.3, mouthFrown=0.4, jawForward=0.2),
    "Awe": dict(browInnerUp=0.7, browOuterUp=0.6, eyeWide=0.6, jawOpen=0.45, eyeLookUp=0.4),
    "Boredom": dict(eyeBlink=0.45, mouthFrown=0.3, eyeLookDown=0.3, mouthShrugLower=0.3, mouthLeft=0.3),
    "Concentration": dict(browDown=0.6, eyeSquint=0.6, mouthPress=0.5, mouthRollLower=0.5),
    "Confusion": dict(
        browDownLeft=0.8, browOuterUpRight=0.9, browInnerUp=0.2, mouthLeft=0.5, mouthFrown=0.25, eyeSquintLeft=0.4
    ),
    "Contemplation": dict(
        eyeLookUp=0.7, eyeLookOutLeft=0.5, eyeLookInRight=0.5, mouthPucker=0.35, browInnerUp=0.3, mouthRight=0.3
    ),
    "Contempt": dict(
        mouthSmileLeft=0.6, mouthDimpleLeft=0.7, eyeSquint=0.35, browOuterUpRight=0.5, noseSneerLeft=0.35
    ),
    "Contentment": dict(mouthSmile=0.5, eyeSquint=0.3, eyeBlink=0.25, cheekSquint=0.25),
    "Desire": dict(eyeBlink=0.35, mouthPucker=0.3, mouthFunnel=0.3, jawOpen=0.15, browOuterUp=0.3),
    "Disappointment": dict(browInnerUp=0.55, mouthFrown=0.55, eyeLookDown=0.5, mouthPress=0.4),
    "Disgust": dict(noseSneer=0.95, mouthUpperUp=0.65, browDown=0.5, eyeSquint=0.5, mouthFrown=0.4),
    "Distress": dict(browInnerUp=0.9, mouthStretch=0.7, eyeSquint=0.4, jawOpen=0.25, mouthFrown=0.4),
    "Doubt": dict(
        browOuterUpLeft=0.95, browDownRight=0.4, mouthShrugLower=0.5, mouthShrugUpper=0.4, mouthRight=0.4
    ),
    "Ecstasy": dict(eyeBlink=0.9, jawOpen=0.5, mouthSmile=0.65, browInnerUp=0.4),
    "Elation": dict(
        mouthSmile=0.95, jawOpen=0.55, browOuterUp=0.5, browInnerUp=0.3, eyeWide=0.3, cheekSquint=0.4,
        mouthUpperUp=0.3,
    ),
    "Embarrassment": dict(mouthSmile=0.4, mouthPress=0.6, eyeLookDown=0.7, browInnerUp=0.45, mouthRollLower=0.3),
    "Fear": dict(eyeWide=0.9, browInnerUp=0.85, browOuterUp=0.3, mouthStretch=0.75, jawOpen=0.3),
    "Interest": dict(browOuterUp=0.6, browInnerUp=0.45, eyeWide=0.45, mouthSmile=0.25),
    "Love": dict(mouthPucker=0.75, eyeBlink=0.45, mouthSmile=0.25, browInnerUp=0.3),
    "Neutral": dict(),
    "Pain": dict(
        eyeBlink=0.85, browDown=0.8, noseSneer=0.5, mouthStretch=0.5, jawOpen=0.35, mouthUpperUp=0.5, cheekSquint=0.6
    ),
    "Pride": dict(mouthSmile=0.4, mouthShrugLower=0.4, mouthPress=0.4, browOuterUp=0.35, eyeBlink=0.3),
    "Realization": dict(browOuterUp=0.7, browInnerUp=0.5, eyeWide=0.5, mouthFunnel=0.5, jawOpen=0.3, eyeLookUp=0.3),
    "Relief": dict(eyeBlink=0.75, mouthFunnel=0.45, jawOpen=0.2, browInnerUp=0.45, cheekPuff=0.4),
    "Sadness": dict(browInnerUp=0.95, mouthFrown=0.85, mouthShrugLower=0.5, eyeBlink=0.3, eyeLookDown=0.3),
    "Shame": dict(eyeLookDown=0.8, eyeBlink=0.4, mouthFrown=0.4, mouthRollLower=0.7, mouthRollUpper=0.4, browDown=0.3),
    "Surprise": dict(eyeWide=0.95, browInnerUp=0.8, browOuterUp=0.9, jawOpen=0.75),
    "Sympathy": dict(browInnerUp=0.8, mouthSmile=0.35, mouthPress=0.35, eyeSquint=0.25),
    "Triumph": dict(
        mouthSmile=0.7, jawOpen=0.9, browDown=0.5, noseSneer=0.3, mouthUpperUp=0.5, cheekSquint=0.5, eyeSquint=0.3
    ),
}  # fmt: skip

# Names that faces show in a second way, about as often: anger shouts, sadness weeps, amusement laughs with shut eyes.
SECOND = {
    "Amusement": dict(mouthSmile=0.95, eyeBlink=0.7, cheekSquint=0.8, jawOpen=0.6, mouthUpperUp=0.4),
    "Anger": dict(
        browDown=1.0, noseSneer=0.7, jawOpen=0.65, mouthUpperUp=0.6, mouthLowerDown=0.6, mouthStretch=0.4, eyeWide=0.3
    ),
    "Disgust": dict(tongueOut=0.7, jawOpen=0.4, noseSneer=0.8, eyeSquint=0.6, browDown=0.4, mouthFrown=0.4),
    "Distress": dict(browInnerUp=0.9, jawOpen=0.7, eyeBlink=0.5, mouthStretch=0.5, cheekSquint=0.4),
    "Fear": dict(eyeWide=1.0, browInnerUp=0.9, browOuterUp=0.4, mouthPress=0.5, mouthStretch=0.5),
    "Sadness": dict(browInnerUp=0.9, mouthStretch=0.6, mouthFrown=0.5, jawOpen=0.35, eyeBlink=0.7, cheekSquint=0.5),
    "Surprise": dict(eyeWide=0.8, browInnerUp=0.7, browOuterUp=0.9, mouthFunnel=0.6, jawOpen=0.3),
}  # fmt: skip

# What a face now and then does beside its expression.
ASIDES = (
    dict(eyeBlinkLeft=1.0), dict(eyeBlinkRight=1.0), dict(tongueOut=1.0, jawOpen=0.35), dict(mouthLeft=0.8),
    dict(mouthRight=0.8), dict(cheekPuff=0.9), dict(jawLeft=0.8), dict(jawRight=0.8),
)  # fmt: skip

# How much a glance sees of each blendshape: large, central movements first. One weight for both sides of a pair.
_SALIENCE = dict(
    browDown=0.9, browInnerUp=1.0, browOuterUp=0.7, cheekPuff=0.8, cheekSquint=0.4, eyeBlink=1.0, eyeLookDown=0.35,
    eyeLookIn=0.25, eyeLookOut=0.25, eyeLookUp=0.35, eyeSquint=0.5, eyeWide=0.7, jawForward=0.3, jawLeft=0.6,
    jawOpen=1.6, jawRight=0.6, mouthClose=0.4, mouthDimple=0.4, mouthFrown=1.0, mouthFunnel=1.0, mouthLeft=0.6,
    mouthLowerDown=0.7, mouthPress=0.4, mouthPucker=1.0, mouthRight=0.6, mouthRollLower=0.5, mouthRollUpper=0.5,
    mouthShrugLower=0.5, mouthShrugUpper=0.5, mouthSmile=1.3, mouthStretch=0.8, mouthUpperUp=0.7, noseSneer=0.8,
    tongueOut=1.0,
)  # fmt: skip
_SIDE_SHARE = 0.5  # a difference between the sides weighs half of the same difference on both


@dataclass(frozen=True)
class Bank:
    """A shared bank of expressions: `names` (n,) and `blendshapes` (n, 52) float32 in [0, 1]."""

    names: tuple[str, ...]
    blendshapes: np.ndarray


def compose(**weights: float) -> np.ndarray:
    """Make an expression from blendshape weights; a name without its side sets both sides.

    Returns:
        (52,) float32 in [0, 1].
    Raises:
        KeyError: a name is neither a blendshape nor a pair of them.
    """
    vector = NEUTRAL.copy()
    for name, weight in weights.items():
        sides = [name] if name in INDEX else [name + "Left", name + "Right"]
        for side in sides:
            if side not in INDEX:
                raise KeyError(f"{name!r} is no blendshape; known: {', '.join(BLENDSHAPES)}")
            vector[INDEX[side]] = weight
    return np.clip(vector, 0, 1)


def _pairs() -> list[tuple[int, int]]:
    return [(i, INDEX[n[:-4] + "Right"]) for n, i in INDEX.items() if n.endswith("Left") and n[:-4] + "Right" in INDEX]


def _other_side(name: str) -> str:
    return name[:-4] + "Right" if name.endswith("Left") else name[:-5] + "Left" if name.endswith("Right") else name


_SWAPPED = [INDEX[_other_side(name)] for name in BLENDSHAPES]


def mirror(blendshapes: np.ndarray) -> np.ndarray:
    """Swap left and right of blendshape weights (..., 52): what a mirrored picture shows."""
    return blendshapes[..., _SWAPPED]


def sample(name: str, rng: np.random.Generator, pure: bool = False) -> np.ndarray:
    """Draw one expression of a name: varied in strength, detail and symmetry, with an aside now and then.

    A name stands for a range, as in FEC, where raters find an odd one out even of three faces of one name. Some names
    have a second form. Some faces are half as strong as others, two in five are blended with another name, and a third
    come with an aside, such as a wink or a tongue.

    Args:
        name: a key of `PALETTE`. pure: draw it strong, unblended, of the first form and seldom with an aside.
    Returns:
        (52,) float32 in [0, 1].
    Raises:
        KeyError: there is no such named expression.
    """
    if name not in PALETTE:
        raise KeyError(f"{name!r} is no named expression; known: {', '.join(PALETTE)}")
    second = not pure and name in SECOND and rng.random() < 0.5
    vector = compose(**(SECOND if second else PALETTE)[name])
    if pure:
        vector = vector * np.clip(rng.normal(1.0, 0.12), 0.75, 1.25)
    elif name != "Neutral":
        vector = vector * rng.uniform(0.65, 1.3)
        if rng.random() < 0.4:
            other = list(PALETTE)[rng.integers(len(PALETTE))]
            vector = np.maximum(vector, compose(**PALETTE[other]) * rng.uniform(0.4, 1.0))
    vector = vector * np.exp(rng.normal(0, 0.15, len(BLENDSHAPES)))
    if rng.random() < 0.3:
        weaker, factor = rng.integers(2), rng.uniform(0.1, 0.8)
        for pair in _pairs():
            vector[pair[weaker]] *= factor
    if name == "Neutral":
        vector += np.clip(rng.normal(0, 0.03, len(BLENDSHAPES)), 0, 0.08)
    elif rng.random() < (0.15 if pure else 0.35):
        vector = np.maximum(vector, compose(**ASIDES[rng.integers(len(ASIDES))]))
    gaze = rng.normal(0, 0.2, 2)
    for left, right, amount in (("LookOut", "LookIn", gaze[0]), ("LookIn", "LookOut", -gaze[0])):
        vector[INDEX[f"eye{left}Left"]] += max(amount, 0)
        vector[INDEX[f"eye{right}Right"]] += max(amount, 0)
    return np.clip(vector, 0, 1).astype(np.float32)


def bank(seed: int, n: int = 24) -> Bank:
    """Draw the shared bank of `n` pure expressions of a seed: different names first, Neutral always the first."""
    rng = make_rng(seed, "bank")
    others = [name for name in PALETTE if name != "Neutral"]
    names = ["Neutral"]
    while len(names) < n:
        names += list(rng.permutation(others)[: n - len(names)])
    return Bank(tuple(str(name) for name in names), np.stack([sample(name, rng, pure=True) for name in names]))


def _features() -> np.ndarray:
    """Return the matrix (52, 52) by which `distance` weighs a difference: rows are what a glance compares.

    Of a pair, its mean weighs fully and the difference of its sides by `_SIDE_SHARE`.
    """
    matrix = np.zeros((len(BLENDSHAPES), len(BLENDSHAPES)), np.float32)
    paired = {i for pair in _pairs() for i in pair}
    for left, right in _pairs():
        weight = _SALIENCE.get(BLENDSHAPES[left].removesuffix("Left"), 0)
        if weight:
            matrix[left, left] = matrix[left, right] = weight / 2
            matrix[right, left], matrix[right, right] = _SIDE_SHARE * weight / 2, -_SIDE_SHARE * weight / 2
        else:  # jawLeft and mouthLeft are moves of their own, not sides of a pair
            for i in (left, right):
                matrix[i, i] = _SALIENCE[BLENDSHAPES[i]]
    for i in set(range(len(BLENDSHAPES))) - paired:
        matrix[i, i] = _SALIENCE[BLENDSHAPES[i]]
    return matrix


FEATURES = _features()


def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the perceptual distance of expressions, weighted by how much a glance sees of each blendshape.

    Args:
        a, b: (..., 52) blendshape weights in [0, 1]; leading axes broadcast.
    Returns:
        (...) float32, 0 for the same expression; two clearly different ones are about 1 apart.
    """
    return np.linalg.norm((np.asarray(a) - np.asarray(b)) @ FEATURES.T, axis=-1)
