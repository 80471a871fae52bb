"""What each drawn part means: the expression tables of the styles to train on, judged by eye.

Each variant of a style's eyes, brows and mouth that is used has its blendshape weights (names as in
`expressions.compose`; left is the character's left, the viewer's right). Variants that show no expression
(hearts, stars, glasses as eyes) or hide the face are left out. Authors and licences are in data/CREDITS.md.
"""

import re
from dataclasses import dataclass, field

Table = dict[str, dict[str, float]]
MIRRORED = "Mirrored"  # ends the name of a variant that is drawn the other way round


@dataclass(frozen=True)
class Drawing:
    """How one DiceBear style is used.

    box: left, top and side of the square around the face, in the style's canvas units.
    eyes, brows, mouth: variant name to blendshape weights; brows are empty where the style draws them with the eyes.
    brows_part: the style's name for its brows. options: DiceBear options that hold for all identities.
    without: variants that would hide a part of the face, by component.
    """

    box: tuple[float, float, float]
    eyes: Table
    mouth: Table
    brows: Table = field(default_factory=dict)
    brows_part: str = "eyebrows"
    options: dict = field(default_factory=dict)
    without: dict[str, tuple[str, ...]] = field(default_factory=dict)


def swapped(weights: dict[str, float]) -> dict[str, float]:
    """Exchange left and right in blendshape weights by name."""
    sides = {"Left": "Right", "Right": "Left"}
    return {re.sub("(Left|Right)$", lambda side: sides[side[0]], name): w for name, w in weights.items()}


def both_ways(table: Table) -> Table:
    """Add each one-sided variant of a table mirrored, as a variant of our own."""
    mirrored = {name + MIRRORED: swapped(weights) for name, weights in table.items() if swapped(weights) != weights}
    return table | mirrored


# Movements that many styles draw.
SHUT = dict(eyeBlink=1.0)
LOWERED = dict(eyeBlink=0.75, eyeLookDown=0.2)  # shut, in styles that draw no half-open eyes
LAUGHING = dict(eyeBlink=0.85, cheekSquint=0.6)
SQUEEZED = dict(eyeBlink=0.9, eyeSquint=0.8, browDown=0.5, cheekSquint=0.4)
WINK_LEFT = dict(eyeBlinkLeft=1.0, eyeSquintLeft=0.6, cheekSquintLeft=0.7)
WINK_RIGHT = dict(eyeBlinkRight=1.0, eyeSquintRight=0.6, cheekSquintRight=0.7)
TO_LEFT = dict(eyeLookOutLeft=0.7, eyeLookInRight=0.7)
TO_RIGHT = dict(eyeLookInLeft=0.7, eyeLookOutRight=0.7)
TEETH = dict(mouthStretch=0.75, mouthUpperUp=0.5, mouthLowerDown=0.4, jawOpen=0.15)
GRIN = dict(mouthSmile=0.95, mouthUpperUp=0.5, jawOpen=0.2)
LAUGH = dict(mouthSmile=0.9, jawOpen=0.5, mouthUpperUp=0.4)
SMALL_O = dict(mouthFunnel=0.65, jawOpen=0.25)

# fmt: off
AVATAAARS = Drawing(
    box=(67, 42, 146),
    eyes=both_ways({
        "default": {}, "closed": SHUT, "happy": LAUGHING, "surprised": dict(eyeWide=0.95),
        "eyeRoll": dict(eyeLookUp=0.8, eyeWide=0.5),
        "side": dict(eyeLookOutLeft=0.7, eyeLookInRight=0.7, eyeBlink=0.35),
        "squint": dict(eyeSquint=0.65, eyeBlink=0.15), "wink": WINK_LEFT,
        "winkWacky": WINK_RIGHT | dict(eyeWideLeft=0.8),
    }),
    brows=both_ways({
        "defaultNatural": {}, "angryNatural": dict(browDown=0.95), "flatNatural": dict(browDown=0.4),
        "frownNatural": dict(browInnerUp=0.95, browDown=0.15), "sadConcernedNatural": dict(browInnerUp=0.7),
        "raisedExcitedNatural": dict(browOuterUp=0.8, browInnerUp=0.6),
        "upDownNatural": dict(browOuterUpRight=0.9, browDownLeft=0.5, browInnerUp=0.2),
    }),
    mouth={
        "serious": {}, "twinkle": dict(mouthSmile=0.55), "default": dict(mouthSmile=0.65, jawOpen=0.5),
        "smile": LAUGH, "sad": dict(mouthFrown=0.7), "disbelief": dict(mouthFrown=0.6, jawOpen=0.35),
        "concerned": dict(mouthFrown=0.5, jawOpen=0.5, mouthUpperUp=0.4, mouthStretch=0.3),
        "screamOpen": dict(jawOpen=1.0, mouthFrown=0.2), "grimace": TEETH,
        "tongue": dict(tongueOut=1.0, mouthSmile=0.7, jawOpen=0.4), "eating": dict(cheekPuff=0.8, mouthSmile=0.2),
        "vomit": dict(noseSneer=0.9, mouthUpperUp=0.6, mouthFrown=0.4, jawOpen=0.3, tongueOut=0.2),
    },
    options=dict(accessoriesVariant=["prescription01", "prescription02", "round"], facialHairProbability=15),
    without=dict(top=("shaggy", "shaggyMullet"), facialHair=("beardMedium",)),
)

ADVENTURER = Drawing(
    box=(120, 140, 520),
    eyes={
        "variant24": {}, "variant23": dict(eyeWide=0.8), "variant25": TO_RIGHT, "variant26": TO_LEFT,
        "variant11": dict(eyeSquint=0.5, cheekSquint=0.4),
        "variant14": dict(eyeSquint=0.8, eyeBlink=0.35, cheekSquint=0.4, eyeLookInLeft=0.3, eyeLookOutRight=0.3),
        "variant15": dict(eyeBlink=0.3, eyeLookDown=0.4, browInnerUp=0.4), "variant16": dict(eyeBlink=0.6),
        "variant17": dict(eyeBlink=0.5), "variant18": dict(eyeBlink=0.35, eyeLookUp=0.5), "variant19": LAUGHING,
        "variant20": SHUT, "variant21": WINK_LEFT, "variant22": WINK_RIGHT,
    },
    brows={
        "variant10": {}, "variant02": dict(browDown=0.95), "variant07": dict(browInnerUp=0.9),
        "variant06": dict(browInnerUp=0.5, browOuterUp=0.2),
        "variant08": dict(browOuterUpLeft=0.9, browDownRight=0.6),
        "variant09": dict(browOuterUpRight=0.9, browDownLeft=0.6),
        "variant11": dict(browOuterUp=0.7, browInnerUp=0.5),
    },
    mouth={
        "variant09": {}, "variant02": dict(mouthSmile=0.5), "variant01": dict(mouthSmile=0.7, jawOpen=0.4),
        "variant22": dict(mouthSmile=0.65, mouthUpperUp=0.4, jawOpen=0.1), "variant23": GRIN,
        "variant25": dict(mouthSmile=0.8, jawOpen=0.55, mouthUpperUp=0.5),
        "variant27": dict(mouthSmile=0.85, jawOpen=0.85),
        "variant10": dict(mouthDimpleLeft=0.7, mouthPress=0.4, mouthLeft=0.4), "variant04": dict(mouthFrown=0.6),
        "variant19": dict(mouthFrown=0.5, mouthShrugLower=0.6), "variant03": dict(mouthFrown=0.5, jawOpen=0.35),
        "variant14": dict(mouthFrown=0.5, jawOpen=0.5, mouthUpperUp=0.4, mouthStretch=0.5),
        "variant15": dict(jawOpen=1.0), "variant18": SMALL_O, "variant17": dict(mouthPucker=0.85),
        "variant11": dict(mouthStretch=0.6, mouthUpperUp=0.3, mouthLowerDown=0.3),
        "variant16": dict(tongueOut=0.9, jawOpen=0.2),
        "variant12": dict(tongueOut=0.6, mouthFrown=0.4, mouthUpperUp=0.4),
        "variant13": dict(noseSneer=0.8, mouthUpperUp=0.6, mouthFrown=0.4),
    },
    options=dict(glassesProbability=8, detailsVariant=["birthmark", "blush", "freckles"], hairProbability=95),
    without=dict(glasses=("variant01",), hair=("long01", "long20", "long21", "long26", "short06")),
)

TOON_HEAD = Drawing(
    box=(178, 174, 412),
    eyes=both_ways({
        "happy": {}, "wide": dict(eyeWide=0.8), "bow": LAUGHING, "humble": LOWERED, "wink": WINK_RIGHT,
    }),
    brows=both_ways({
        "neutral": {}, "angry": dict(browDown=0.95), "sad": dict(browInnerUp=0.9),
        "happy": dict(browOuterUp=0.8, browInnerUp=0.6), "raised": dict(browOuterUpLeft=0.8, browDownRight=0.4),
    }),
    mouth={
        "smile": dict(mouthSmile=0.4), "sad": dict(mouthFrown=0.45), "laugh": LAUGH,
        "agape": dict(jawOpen=0.65, mouthFunnel=0.3),
        "angry": dict(mouthFrown=0.5, jawOpen=0.5, mouthUpperUp=0.4, mouthLowerDown=0.4, mouthStretch=0.5),
    },
    options=dict(beardProbability=20),
    without=dict(beard=("chinMoustache",), hair=("bun",)),
)

BIG_EARS = Drawing(
    box=(75, 128, 290),
    brows_part="",
    eyes={
        "variant05": {}, "variant01": dict(browDown=0.95, eyeSquint=0.3), "variant07": dict(eyeBlink=0.5),
        "variant08": TO_LEFT, "variant09": TO_RIGHT,
        "variant11": dict(eyeBlink=0.9, eyeSquint=0.8, cheekSquint=0.5, browInnerUp=0.2),
        "variant15": dict(eyeWide=0.5, browOuterUp=0.2),
        "variant26": dict(eyeWide=0.9, browInnerUp=0.3, browOuterUp=0.5),
        "variant18": dict(browDown=0.6, eyeSquint=0.6), "variant23": dict(eyeSquint=0.5), "variant31": SHUT,
        "variant32": dict(eyeBlink=0.85, cheekSquint=0.6, browOuterUp=0.2),
    },
    mouth={
        "variant0701": dict(mouthSmile=0.15), "variant0702": dict(mouthSmile=0.6),
        "variant0203": dict(mouthSmile=0.8, jawOpen=0.3, mouthUpperUp=0.4),
        "variant0303": dict(mouthSmile=0.85, jawOpen=0.6, mouthUpperUp=0.3), "variant0704": dict(mouthFrown=0.45),
        "variant0705": dict(mouthFrown=0.85), "variant0403": dict(mouthFrown=0.5, jawOpen=0.3),
        "variant0503": dict(mouthFrown=0.6, jawOpen=0.4, mouthStretch=0.5, mouthUpperUp=0.3), "variant0603": TEETH,
        "variant0101": dict(jawOpen=0.8, mouthFunnel=0.3), "variant0706": dict(mouthPucker=0.85),
        "variant0707": dict(mouthSmileLeft=0.65), "variant0708": dict(mouthSmileRight=0.65),
    },
)

BIG_SMILE = Drawing(
    box=(70, 70, 360),
    brows_part="",
    eyes={
        "normal": {}, "angry": dict(browDown=0.95, eyeSquint=0.2),
        "cheery": dict(cheekSquint=0.6, eyeSquint=0.3, browOuterUp=0.3),
        "confused": dict(browOuterUpRight=0.6, browDownLeft=0.7, eyeSquintLeft=0.4),
        "sad": dict(browInnerUp=0.9, eyeBlink=0.15), "sleepy": LOWERED, "winking": WINK_RIGHT,
    },
    mouth={
        "unimpressed": {}, "kawaii": dict(mouthSmile=0.5), "teethSmile": GRIN,
        "openedSmile": dict(mouthSmile=0.9, jawOpen=0.75, mouthUpperUp=0.4),
        "openSad": dict(mouthFrown=0.6, jawOpen=0.6, mouthUpperUp=0.3), "awkwardSmile": TEETH,
    },
    options=dict(accessoriesVariant=["catEars"], accessoriesProbability=10),
    without=dict(hair=("bangs",)),
)

FUN_EMOJI = Drawing(
    box=(2, 2, 196),
    brows_part="",
    eyes={
        "plain": {}, "pissed": dict(browDown=0.8, eyeSquint=0.3), "sad": dict(browInnerUp=0.8), "closed": LAUGHING,
        "closed2": LOWERED, "wink": WINK_LEFT, "wink2": WINK_RIGHT,
    },
    mouth=both_ways({
        "plain": {}, "lilSmile": dict(mouthSmile=0.55), "wideSmile": dict(mouthSmile=0.85),
        "cute": dict(mouthSmileLeft=0.7, mouthLeft=0.4), "smileTeeth": GRIN,
        "smileLol": dict(mouthSmile=0.95, jawOpen=0.6, mouthUpperUp=0.5), "sad": dict(mouthFrown=0.85),
        "pissed": dict(mouthFrown=0.6, jawOpen=0.2), "shout": dict(jawOpen=0.8, mouthFrown=0.3, mouthUpperUp=0.4),
        "tongueOut": dict(tongueOut=1.0, mouthSmile=0.6, jawOpen=0.3),
    }),
    options=dict(
        backgroundColor=["ffd23f", "ff9f43", "f78fb3", "8ac926", "74b9ff", "d98c5f", "c39bd3"], borderRadius=[30, 50],
    ),
)

MOODS = Drawing(
    box=(3, 3, 94),
    brows_part="",
    eyes=both_ways({
        "pupils": {}, "bigPupils": dict(eyeWide=0.8), "lookSide": TO_LEFT, "lookDown": dict(eyeLookDown=0.8),
        "lookUp": dict(eyeLookUp=0.8), "happy": LAUGHING, "closed": SHUT, "wink": WINK_LEFT, "squint": SQUEEZED,
        "sleepy": dict(eyeBlink=0.65), "calm": dict(eyeBlink=0.35, browDown=0.1), "angry": dict(browDown=0.95),
    }),
    mouth=both_ways({
        "line": {}, "smile": dict(mouthSmile=0.5), "wide": dict(mouthSmile=0.85), "smirk": dict(mouthSmileLeft=0.65),
        "bigSmile": dict(mouthSmile=0.7, jawOpen=0.55),
        "laugh": dict(mouthSmile=0.85, jawOpen=0.45, mouthUpperUp=0.5), "frown": dict(mouthFrown=0.75),
        "wavy": dict(noseSneer=0.4, mouthStretch=0.3, mouthFrown=0.4, mouthUpperUp=0.3),
        "grin": dict(mouthStretch=0.5, mouthUpperUp=0.5, jawOpen=0.15), "open": dict(jawOpen=0.75, mouthFunnel=0.2),
        "gasp": SMALL_O, "tongue": dict(tongueOut=0.7, mouthSmile=0.5),
    }),
)

LORELEI = Drawing(
    box=(215, 215, 560),
    eyes={
        "variant16": {}, "variant02": dict(eyeWide=0.7), "variant05": TO_RIGHT,
        "variant17": dict(eyeLookOutLeft=0.5, eyeLookInRight=0.5, eyeBlink=0.25),
        "variant07": dict(eyeLookDown=0.7, eyeBlink=0.15), "variant08": dict(eyeBlink=0.35),
        "variant03": dict(eyeBlink=0.6), "variant19": SHUT,
        "variant22": dict(eyeBlink=0.9, eyeSquint=0.8, cheekSquint=0.4), "variant15": WINK_RIGHT,
        "variant18": WINK_LEFT,
    },
    brows={
        "variant05": {}, "variant13": dict(browDown=0.95), "variant04": dict(browDown=0.55, browInnerUp=0.1),
        "variant01": dict(browInnerUp=0.9), "variant10": dict(browInnerUp=0.45),
        "variant11": dict(browOuterUpRight=0.9, browDownLeft=0.7),
        "variant12": dict(browOuterUpLeft=0.7, browInnerUp=0.3),
    },
    mouth={
        "happy14": {}, "happy02": dict(mouthSmile=0.5), "happy01": dict(mouthSmileLeft=0.65),
        "happy06": dict(mouthSmile=0.7, jawOpen=0.25), "happy05": dict(mouthSmile=0.85, jawOpen=0.4),
        "happy07": dict(mouthSmile=0.8, mouthUpperUp=0.5, jawOpen=0.2),
        "happy09": dict(tongueOut=0.7, mouthSmile=0.5), "happy17": dict(mouthPucker=0.8),
        "happy15": dict(noseSneer=0.2, mouthFrown=0.3, mouthStretch=0.3, mouthShrugLower=0.3),
        "sad01": dict(jawOpen=0.75, mouthFunnel=0.3), "sad04": dict(mouthFrown=0.7),
        "sad05": dict(mouthFrown=0.5, mouthStretch=0.3),
        "sad06": dict(mouthStretch=0.7, mouthUpperUp=0.5, mouthLowerDown=0.3),
        "sad07": dict(mouthFrown=0.4, mouthUpperUp=0.6, jawOpen=0.2, noseSneer=0.3),
        "sad08": dict(tongueOut=0.5, mouthFrown=0.4, noseSneer=0.5),
    },
    options=dict(
        glassesProbability=8,
        skinColor=["ffffff", "fbe3d2", "f2cba8", "e0ac84", "bd8255", "fff3c4", "d9ecff"],
        hairColor=["000000", "4a2c1a", "8c4a21", "c2882f", "7a1f2b", "2b4a6f", "5b3a78"],
    ),
    without=dict(
        glasses=("variant02",),
        hair=tuple(f"variant{i}" for i in (11, 12, 16, 17, 40, 41, 42, 43, 45, 46, 48)),
    ),
)
# fmt: on


TRAIN = {
    "avataaars": AVATAAARS,
    "adventurer": ADVENTURER,
    "toon-head": TOON_HEAD,
    "big-ears": BIG_EARS,
    "big-smile": BIG_SMILE,
    "fun-emoji": FUN_EMOJI,
    "moods": MOODS,
    "lorelei": LORELEI,
}
