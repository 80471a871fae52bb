"""Contact sheets of the mini world: who is in it, what they show, and what photographs vary.

Each function returns pictures for `plots.face_grid` or `plots.triplet_grid`: uint8 RGB, all of one size.

Taught in: notebook 01, the gallery.
"""

from dataclasses import replace

import numpy as np

from . import cartoons, config, expressions, faces, humans, skin
from .config import WorldConfig
from .shoot import sample_shoot

SIDE = 112  # px


def people(world: WorldConfig, rows: int, columns: int) -> list[list[np.ndarray]]:
    """Return the first people of a world, each with an expression and a shoot of their own."""
    shown = [faces.cast(world, "human", i, bank=False)[0][1] for i in range(rows * columns)]
    images, _ = faces.render_faces(shown, SIDE)
    return list(images.reshape(rows, columns, SIDE, SIDE, 3))


def shoots(world: WorldConfig, rows: int, columns: int) -> list[list[np.ndarray]]:
    """Return one person a row, always with the same expression, in shoots that vary as photographs do."""
    grid = []
    for row in range(rows):
        face = faces.cast(world, "human", row)[1][1]
        person = humans.sample_human(face.seed)
        rng = config.rng(world.seed, "sheet", row)
        again = [person, *(replace(person, shoot=sample_shoot(rng)) for _ in range(columns - 1))]
        grid.append([humans.render_human(other, face.actions, SIDE).image for other in again])
    return grid


def characters(world: WorldConfig, columns: int) -> tuple[list[str], list[list[np.ndarray]]]:
    """Return the names of all drawing styles and for each a row: half other characters, half one in other moods."""
    styles = [*cartoons.STYLES_TRAIN, *cartoons.STYLES_HELD_OUT]
    grid = []
    for style in styles:
        rng = config.rng(world.seed, "sheet", style)
        seeds = [*range(columns // 2), *[0] * (columns - columns // 2)]
        drawn = [cartoons.sample_cartoon(faces.identity_seed(world.seed, "cartoon", s), (style,)) for s in seeds]
        names = rng.permutation(list(expressions.PALETTE))[:columns]
        actions = [expressions.sample(str(name), rng, pure=True) for name in names]
        grid.append([cartoons.render_cartoon(who, a, SIDE).image for who, a in zip(drawn, actions)])
    return styles, grid


def palette(world: WorldConfig, people: int, drawn: tuple[str, ...]) -> tuple[list[str], list[list[np.ndarray]]]:
    """Return the names of all expressions and for each a strip: some people of a world, a character of some styles.

    The people are the first who look at a sharp camera with nothing before their face; each picture is exposed
    for the skin, in colour and without grain.
    """
    chosen = []
    for i in range(world.humans):
        person = humans.sample_human(faces.identity_seed(world.seed, "human", i))
        film = person.shoot.film
        light = replace(person.shoot.light, exposure=0.9 * float(skin.linear(person.skin).mean()) ** -0.3)
        if not (film.blur or person.glasses or person.held != "none" or abs(person.shoot.turn[0]) > 12):
            clear = replace(person.shoot, light=light, film=replace(film, noise=0.0, saturation=1.0))
            chosen.append(replace(person, shoot=clear))
        if len(chosen) == people:
            break
    characters = [cartoons.sample_cartoon(faces.identity_seed(world.seed, "cartoon", 0), (style,)) for style in drawn]
    strips = []
    for name in expressions.PALETTE:
        rng = config.rng(world.seed, "sheet", name)
        middle = expressions.compose(**expressions.PALETTE[name])
        shown = [middle, *(expressions.sample(name, rng, pure=True) for _ in chosen[1:])]
        if name in expressions.SECOND:
            shown[-1] = expressions.compose(**expressions.SECOND[name])
        strip = [humans.render_human(person, a, SIDE).image for person, a in zip(chosen, shown)]
        strips.append(strip + [cartoons.render_cartoon(who, middle, SIDE).image for who in characters])
    return list(expressions.PALETTE), strips
