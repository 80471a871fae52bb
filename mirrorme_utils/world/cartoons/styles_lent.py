"""What each drawn part means in styles that only lend parts to part-mixed cartoons (`part_mixing`).

No face of the mini world is drawn in them. They were judged by eye, by the rules of `styles`; their eyes and mouths
show a network how different a smile can look. Authors and licences are in data/CREDITS.md.
"""

from .styles import (
    LAUGH,
    LAUGHING,
    LOWERED,
    SHUT,
    SMALL_O,
    SQUEEZED,
    TEETH,
    TO_LEFT,
    TO_RIGHT,
    WINK_LEFT,
    WINK_RIGHT,
    Drawing,
    both_ways,
)

# fmt: off
CROODLES = Drawing(
    box=(50, 68, 155),
    brows_part="",
    eyes=both_ways({
        "variant16": {}, "variant01": dict(eyeBlink=0.2),
        "variant02": dict(eyeWide=0.9, browOuterUp=0.5, browInnerUp=0.3),
        "variant03": SHUT | dict(browOuterUp=0.4), "variant04": TO_LEFT | dict(eyeBlink=0.3, browOuterUp=0.5),
        "variant05": SQUEEZED, "variant08": SHUT | dict(browInnerUp=0.9),
        "variant11": dict(eyeWide=0.4, browInnerUp=0.4, browOuterUp=0.3),
    }),
    mouth=both_ways({
        "variant01": {}, "variant06": dict(mouthPress=0.5), "variant02": dict(mouthSmileLeft=0.65),
        "variant03": dict(mouthSmile=0.4, jawOpen=0.2), "variant04": dict(mouthSmile=0.65, jawOpen=0.15),
        "variant05": dict(mouthSmile=0.2), "variant07": dict(mouthSmile=0.85),
        "variant09": dict(mouthPucker=0.5, mouthSmile=0.25), "variant10": dict(mouthSmile=0.9, jawOpen=0.75),
        "variant11": dict(mouthSmile=0.8, jawOpen=0.4), "variant12": dict(mouthSmile=0.5) | TEETH,
        "variant13": dict(mouthSmile=0.6, mouthUpperUp=0.3),
        "variant14": dict(noseSneer=0.4, mouthStretch=0.3, mouthFrown=0.4, mouthUpperUp=0.3),
        "variant15": dict(mouthSmileRight=0.35, mouthFrownLeft=0.4, mouthStretch=0.3),
        "variant16": dict(mouthSmile=0.6, mouthDimple=0.6),
        "variant17": dict(mouthSmileLeft=0.9, mouthSmileRight=0.3, jawOpen=0.35, mouthLeft=0.2),
        "variant18": dict(mouthFrownRight=0.8, mouthFrownLeft=0.2),
    }),
    options=dict(mustacheProbability=0),
    without=dict(
        head=("variant03", "variant04", "variant08"), nose=("variant07",), beard=("variant01", "variant03"),
        top=tuple(f"variant{i}" for i in (13, 14, 18, 21, 22, 24)),
    ),
)

PERSONAS = Drawing(
    box=(13.5, 13, 37),
    brows_part="",
    eyes=both_ways({"open": {}, "happy": LAUGHING, "sleep": SHUT, "wink": WINK_LEFT}),
    mouth=both_ways({
        "lips": {}, "smile": dict(mouthSmile=0.5), "smirk": dict(mouthSmileLeft=0.65),
        "bigSmile": dict(mouthSmile=0.9, jawOpen=0.4, mouthUpperUp=0.5), "frown": dict(mouthFrown=0.7),
        "surprise": dict(mouthFunnel=0.6, jawOpen=0.4),
    }),
    without=dict(hair=("bobBangs", "cap", "sideShave"), facialHair=("beardMustache", "pyramid", "walrus")),
)

CUTOUTS = Drawing(
    box=(12, 15, 78),
    brows_part="brows",
    eyes=both_ways({
        "inkDots": {}, "pair": dict(eyeWide=0.5), "squares": dict(eyeWide=0.6),
        "circleSquare": dict(eyeWideLeft=0.5), "bigSmall": dict(eyeWideRight=0.8, eyeSquintLeft=0.2),
        "sleepyOpen": WINK_RIGHT | dict(eyeWideLeft=0.4),
    }),
    brows=both_ways({
        "strips": {}, "dashes": dict(browInnerUp=0.3), "uneven": dict(browOuterUpLeft=0.8, browInnerUp=0.2),
        "mono": dict(browDown=0.4),
    }),
    mouth=both_ways({
        "strip": {}, "tornSmile": dict(mouthSmile=0.4), "smile": dict(mouthSmile=0.7),
        "wavy": dict(mouthFrownRight=0.4, mouthSmileLeft=0.35, mouthStretch=0.3),
        "zigzag": dict(noseSneer=0.4, mouthStretch=0.3, mouthFrown=0.3, mouthUpperUp=0.3),
        "gasp": dict(jawOpen=0.5, mouthFunnel=0.5), "grin": TEETH,
    }),
    without=dict(head=("pear",), hair=("fringe", "long", "sidePart", "swoosh", "tufts")),
)

CLAY = Drawing(
    box=(22, 28, 56),
    brows_part="",
    eyes=both_ways({
        "even": {}, "big": dict(eyeWide=0.5), "pinprick": dict(eyeWide=0.9),
        "side": TO_RIGHT, "up": dict(eyeLookUp=0.8), "down": dict(eyeLookDown=0.7), "inward": dict(eyeLookIn=0.7),
        "outward": dict(eyeLookOut=0.6, eyeLookUp=0.3), "happy": LAUGHING, "wink": WINK_LEFT,
    }),
    mouth=both_ways({
        "line": {}, "smile": dict(mouthSmile=0.6), "smileBig": dict(mouthSmile=0.85),
        "smirk": dict(mouthSmileLeft=0.65), "openSmall": dict(mouthSmile=0.5, jawOpen=0.35),
        "open": dict(mouthSmile=0.75, jawOpen=0.55), "toothy": dict(mouthSmile=0.8, jawOpen=0.55, mouthUpperUp=0.4),
        "laugh": LAUGH, "grin": dict(mouthStretch=0.5, mouthUpperUp=0.5, jawOpen=0.25),
        "frown": dict(mouthFrown=0.75), "pout": dict(mouthFrown=0.5, mouthPucker=0.2),
        "wavy": dict(noseSneer=0.4, mouthStretch=0.3, mouthFrown=0.4, mouthUpperUp=0.3),
        "zigzag": dict(mouthStretch=0.8, mouthFrown=0.4, mouthUpperUp=0.3), "dot": dict(mouthPucker=0.7),
        "o": dict(jawOpen=0.6, mouthFunnel=0.4), "tongue": dict(tongueOut=0.8),
        "smileTongue": dict(tongueOut=0.7, mouthSmile=0.55),
    }),
    options=dict(animationProbability=0),
    without=dict(body=("column", "stack", "squat"), pattern=("buttons", "prints", "stitches", "zig")),
)

MARBLES = Drawing(
    box=(12, 17, 76),
    brows_part="",
    eyes=both_ways({
        "dots": {}, "oval": dict(eyeWide=0.3), "wide": dict(eyeWide=0.8), "closed": SHUT, "sleepy": LOWERED,
        "happy": LAUGHING, "squint": dict(eyeBlink=0.9, cheekSquint=0.8, eyeSquint=0.5), "wink": WINK_RIGHT,
    }),
    mouth={
        "line": {}, "small": dict(mouthSmile=0.35), "smile": dict(mouthSmile=0.6), "grin": dict(mouthSmile=0.85),
        "tongue": dict(tongueOut=0.7, mouthSmile=0.5), "pout": dict(mouthFrown=0.7),
        "open": dict(jawOpen=0.75, mouthFunnel=0.2),
        "wavy": dict(noseSneer=0.4, mouthStretch=0.3, mouthFrown=0.4, mouthUpperUp=0.3),
    },
    without=dict(top=("beanie", "shag", "sunhat")),
)

PIXEL_ART = Drawing(
    box=(2.4, 1.6, 11.2),
    brows_part="",
    eyes={
        "variant06": {}, "variant09": dict(eyeWide=0.6),
        "variant01": dict(eyeWide=0.5, eyeLookOutLeft=0.2, eyeLookInRight=0.2),
        "variant11": dict(eyeWide=0.5, eyeLookInLeft=0.2, eyeLookOutRight=0.2),
        "variant07": TO_LEFT, "variant08": TO_RIGHT,
        "variant03": dict(eyeLookOutLeft=0.4, eyeLookInRight=0.4, eyeBlink=0.3),
        "variant04": dict(eyeLookInLeft=0.4, eyeLookOutRight=0.4, eyeBlink=0.3),
        "variant02": dict(eyeLookInLeft=0.6, eyeLookOutRight=0.6, eyeBlink=0.3),
        "variant12": dict(eyeLookOutLeft=0.6, eyeLookInRight=0.6, eyeBlink=0.3, eyeLookDown=0.3),
    } | both_ways({"variant10": dict(eyeLookUp=0.5, eyeLookOutLeft=0.4, eyeLookInRight=0.4, eyeWide=0.4)}),
    mouth={
        "sad06": {}, "sad04": dict(mouthRight=0.3), "sad05": dict(mouthLeft=0.3), "sad07": dict(mouthPucker=0.45),
        "happy02": dict(mouthPucker=0.85, mouthLeft=0.2), "happy09": dict(mouthSmile=0.75),
        "happy06": dict(mouthSmile=0.8, jawOpen=0.4),
        "happy07": dict(mouthSmileRight=0.65), "happy08": dict(mouthSmileLeft=0.65),
        "happy11": dict(mouthSmileRight=0.55), "happy10": dict(mouthSmileLeft=0.55),
        "happy03": dict(mouthSmileRight=0.5, mouthPucker=0.3, mouthRight=0.3),
        "happy04": dict(mouthSmileLeft=0.5, mouthPucker=0.3, mouthLeft=0.3),
        "happy01": SMALL_O, "happy13": dict(jawOpen=0.45, mouthFunnel=0.6),
        "happy12": dict(jawOpen=0.4, mouthUpperUp=0.5, mouthLowerDown=0.3, mouthFunnel=0.2),
        "sad01": dict(mouthFrown=0.75), "sad02": dict(mouthFrownLeft=0.55), "sad03": dict(mouthFrownRight=0.55),
        "sad08": dict(mouthFrownLeft=0.65), "sad09": dict(mouthFrownRight=0.65),
        "sad10": dict(mouthFrownLeft=0.5, mouthPucker=0.3),
    },
    options=dict(glassesProbability=0, mouthColor=["e35d6a", "de0f0d", "c2334d"]),
    without=dict(hair=("long08", "short01")),
)

VOXEL_ART = Drawing(
    box=(25, 24, 72),
    eyes=both_ways({
        "open": {}, "wide": dict(eyeWide=0.6), "soft": dict(eyeLookDown=0.3), "side": TO_LEFT,
        "sleepy": dict(eyeBlink=0.5), "closed": SHUT, "happy": LAUGHING,
    }),
    brows=both_ways({
        "flat": {}, "angry": dict(browDown=0.95), "soft": dict(browInnerUp=0.8),
        "raised": dict(browOuterUpLeft=0.8, browInnerUp=0.2),
    }),
    mouth=both_ways({
        "flat": {}, "smile": dict(mouthSmile=0.55), "wideSmile": dict(mouthSmile=0.8),
        "smirk": dict(mouthSmileLeft=0.65), "frown": dict(mouthFrown=0.75),
        "laugh": dict(mouthSmile=0.45, jawOpen=0.6), "grin": TEETH,
        "bigSmile": dict(mouthUpperUp=0.5, mouthLowerDown=0.3, jawOpen=0.3, mouthSmile=0.3),
        "ooh": dict(mouthFunnel=0.7, jawOpen=0.4), "tongue": dict(tongueOut=0.9, jawOpen=0.1),
    }),
    options=dict(
        animationProbability=0, glassesProbability=0,
        skinColor=["f5d0b0", "eab890", "dda878", "c99062", "b07347", "95562f"],
        hairColor=["2c222b", "3b2f2f", "4a2416", "2b4a6f", "6d5acf", "3fb27f"],
    ),
    without=dict(
        beard=("full", "goatee"),
        top=(
            "short", "bowl", "sideSwept", "buns", "ponytail", "bob", "shoulderLength", "longStraight", "longWavy",
            "partedLong", "braids", "twinTails", "halfShaved",
        ),
    ),
)

LINE_FACE = Drawing(
    box=(3, 2, 94),
    brows_part="",
    eyes={
        "dots": {}, "closed": SHUT, "sleepy": LOWERED, "happy": LAUGHING, "wink": WINK_RIGHT, "winkRight": WINK_LEFT,
        "mismatch": dict(eyeBlinkRight=1.0, eyeBlinkLeft=0.75, eyeLookDownLeft=0.2),
    },
    mouth=both_ways({
        "line": {}, "soft": dict(mouthSmile=0.45), "shy": dict(mouthSmile=0.35, mouthPucker=0.4),
        "smile": dict(mouthSmile=0.75), "smirk": dict(mouthSmileLeft=0.55, mouthSmileRight=0.3),
        "pleased": dict(mouthSmileLeft=0.85, mouthSmileRight=0.45), "frown": dict(mouthFrown=0.65),
        "wavy": dict(noseSneer=0.2, mouthFrown=0.3, mouthStretch=0.3, mouthShrugLower=0.3),
    }),
    options=dict(
        backgroundColor=["fbe8d3", "f7d9c4", "e4e6d8", "e0ac84", "ffd23f", "f78fb3", "a8d86b", "8cc4f0", "cdb4e8"],
        borderRadius=[25, 50],
    ),
)
# fmt: on


LENT = {
    "croodles": CROODLES,
    "personas": PERSONAS,
    "cutouts": CUTOUTS,
    "clay": CLAY,
    "marbles": MARBLES,
    "pixel-art": PIXEL_ART,
    "voxel-art": VOXEL_ART,
    "line-face": LINE_FACE,
}
