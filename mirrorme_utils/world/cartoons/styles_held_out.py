"""What each drawn part means in the styles that are held out: nothing is ever trained on them."""

from .styles import LAUGH, LAUGHING, SHUT, SMALL_O, SQUEEZED, TEETH, TO_LEFT, WINK_LEFT, Drawing, both_ways

# fmt: off
MICAH = Drawing(
    box=(76, 72, 214),
    eyes={
        "eyes": {}, "eyesShadow": dict(eyeWide=0.6), "smiling": LAUGHING,
    },
    brows={"up": {}, "down": dict(browInnerUp=0.8)},
    mouth={
        "smirk": dict(mouthSmile=0.25), "smile": dict(mouthSmile=0.6), "laughing": LAUGH,
        "frown": dict(mouthFrown=0.6), "sad": dict(mouthFrown=0.9, mouthPucker=0.2), "nervous": TEETH,
        "pucker": dict(mouthPucker=0.85), "surprised": dict(jawOpen=0.8, mouthFunnel=0.3),
    },
    options=dict(glassesProbability=0),
    without=dict(hair=("dannyPhantom", "pixie")),
)

NOTIONISTS = Drawing(
    box=(570, 470, 640),
    eyes={
        "variant05": {}, "variant04": dict(eyeWide=0.3), "variant01": dict(eyeBlink=0.45),
        "variant03": dict(eyeBlink=0.9),
    },
    brows={
        "variant05": {}, "variant02": dict(browDown=0.9), "variant03": dict(browDown=0.5),
        "variant06": dict(browInnerUp=0.6), "variant13": dict(browInnerUp=0.95),
        "variant01": dict(browOuterUp=0.8, browInnerUp=0.6),
        "variant10": dict(browOuterUpLeft=0.8, browDownRight=0.3),
    },
    mouth={
        "variant21": {}, "variant22": dict(mouthSmile=0.45), "variant03": dict(mouthSmile=0.75),
        "variant25": dict(mouthSmile=0.6, jawOpen=0.45), "variant14": dict(mouthSmile=0.8, jawOpen=0.25),
        "variant17": dict(mouthSmileRight=0.6), "variant19": dict(mouthFrown=0.45),
        "variant18": dict(mouthFrown=0.75), "variant24": dict(noseSneer=0.3, mouthFrown=0.4, mouthStretch=0.3),
        "variant26": TEETH, "variant07": dict(mouthStretch=0.5, mouthFrown=0.4, jawOpen=0.25),
        "variant11": dict(jawOpen=0.7, mouthFrown=0.3, mouthStretch=0.3),
        "variant15": dict(jawOpen=0.75, mouthFunnel=0.3), "variant29": SMALL_O, "variant12": dict(tongueOut=0.8),
    },
    options=dict(
        beardProbability=0, glassesProbability=0, gestureProbability=0,
        paperColor=["ffffff", "fdebdc", "f6d9bd", "e3b48f", "c98f66", "eaf3ff"],
    ),
)

CRITTERS = Drawing(
    box=(16, 22, 68),
    brows_part="",
    eyes=both_ways({
        "round": {}, "wide": dict(eyeWide=0.8), "sideeye": TO_LEFT, "happy": LAUGHING, "closedLine": SHUT,
        "wink": WINK_LEFT, "squint": SQUEEZED, "sleepy": dict(eyeBlink=0.6), "angry": dict(browDown=0.95),
    }),
    mouth=both_ways({
        "line": {}, "tinySmile": dict(mouthSmile=0.35), "smile": dict(mouthSmile=0.65),
        "smirk": dict(mouthSmileLeft=0.65), "grin": dict(mouthSmile=0.75, jawOpen=0.55),
        "laugh": dict(mouthSmile=0.85, jawOpen=0.35, mouthUpperUp=0.5),
        "teeth": dict(mouthStretch=0.6, mouthUpperUp=0.4, jawOpen=0.3), "ooh": SMALL_O,
        "open": dict(jawOpen=0.75, mouthFunnel=0.2), "dot": dict(mouthPucker=0.7), "sad": dict(mouthFrown=0.45),
        "frown": dict(mouthFrown=0.85),
        "wavy": dict(noseSneer=0.4, mouthStretch=0.3, mouthFrown=0.4, mouthUpperUp=0.3),
        "zigzag": dict(mouthStretch=0.8, mouthFrown=0.4, mouthUpperUp=0.3),
        "slant": dict(mouthSmileLeft=0.3, mouthFrownRight=0.3), "tongue": dict(tongueOut=0.7, mouthSmile=0.5),
    }),
)
# fmt: on

HELD_OUT = {"micah": MICAH, "notionists": NOTIONISTS, "critters": CRITTERS}
