"""Contact sheets of the mini world: who is in it, what they show, and what photographs vary.

Each function returns pictures for `plots.face_grid` or `plots.triplet_grid`: uint8 RGB, all of one size.
"""

from dataclasses import replace

import numpy as np

from .. import config
from ..profiles import WorldConfig
from . import expressions, faces
from .capture import sample_capture
from .cartoons import drawing
from .people import human, skin

SIDE = 112  # px


def people(world: WorldConfig, rows: int, columns: int) -> list[list[np.ndarray]]:
    """Return the first people of a world, each with an expression and capture conditions of their own."""
    shown = [faces.cast(world, "human", i, bank=False)[0][1] for i in range(rows * columns)]
    images, _ = faces.render_faces(shown, SIDE)
    return list(images.reshape(rows, columns, SIDE, SIDE, 3))


def captures(world: WorldConfig, rows: int, columns: int) -> list[list[np.ndarray]]:
    """Return one person a row, always with the same expression, under capture conditions as varied as photographs'."""
    grid = []
    for row in range(rows):
        face = faces.cast(world, "human", row)[1][1]
        person = human.sample_human(face.seed)
        rng = config.rng(world.seed, "sheet", row)
        again = [person, *(replace(person, capture=sample_capture(rng)) for _ in range(columns - 1))]
        grid.append([human.render_human(other, face.blendshapes, SIDE).image for other in again])
    return grid


def characters(world: WorldConfig, columns: int) -> tuple[list[str], list[list[np.ndarray]]]:
    """Return the names of all drawing styles and for each a row: half other characters, half one in other moods."""
    styles = [*drawing.STYLES_TRAIN, *drawing.STYLES_HELD_OUT]
    grid = []
    for style in styles:
        rng = config.rng(world.seed, "sheet", style)
        seeds = [*range(columns // 2), *[0] * (columns - columns // 2)]
        drawn = [drawing.sample_cartoon(faces.identity_seed(world.seed, "cartoon", s), (style,)) for s in seeds]
        names = rng.permutation(list(expressions.PALETTE))[:columns]
        blendshapes = [expressions.sample(str(name), rng, pure=True) for name in names]
        grid.append([drawing.render_cartoon(who, a, SIDE).image for who, a in zip(drawn, blendshapes)])
    return styles, grid


def palette(world: WorldConfig, people: int, drawn: tuple[str, ...]) -> tuple[list[str], list[list[np.ndarray]]]:
    """Return the names of all expressions and for each a strip: some people of a world, a character of some styles.

    The people are the first who look at a sharp camera with nothing before their face; each picture is exposed
    for the skin, in colour and without grain.
    """
    chosen = []
    for i in range(world.humans):
        person = human.sample_human(faces.identity_seed(world.seed, "human", i))
        response = person.capture.response
        light = replace(person.capture.light, exposure=0.9 * float(skin.linear(person.skin).mean()) ** -0.3)
        if not (response.blur or person.glasses or person.held != "none" or abs(person.capture.turn[0]) > 12):
            clear = replace(person.capture, light=light, response=replace(response, noise=0.0, saturation=1.0))
            chosen.append(replace(person, capture=clear))
        if len(chosen) == people:
            break
    characters = [drawing.sample_cartoon(faces.identity_seed(world.seed, "cartoon", 0), (style,)) for style in drawn]
    strips = []
    for name in expressions.PALETTE:
        rng = config.rng(world.seed, "sheet", name)
        middle = expressions.compose(**expressions.PALETTE[name])
        shown = [middle, *(expressions.sample(name, rng, pure=True) for _ in chosen[1:])]
        if name in expressions.SECOND:
            shown[-1] = expressions.compose(**expressions.SECOND[name])
        strip = [human.render_human(person, a, SIDE).image for person, a in zip(chosen, shown)]
        strips.append(strip + [drawing.render_cartoon(who, middle, SIDE).image for who in characters])
    return list(expressions.PALETTE), strips
