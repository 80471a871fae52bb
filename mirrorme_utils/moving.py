"""Pairs that teach a translator to move a face: target, truth of the same identity, and a source that shows truth.

The paired track: two pictures of one identity say what must move, and a picture of somebody else with (nearly) the
same expression says it without telling who is meant. Taught in: notebook 07, section 4.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from . import chimeras, config, expressions, fecnet, pixels, vocabulary
from .chimeras import Chimeras
from .config import CodeConfig, MoveConfig
from .faces import KINDS, FaceSet
from .translator import MirrorMe

PARTNERS = 8  # sources of each kind that are kept for a face
NEAR = 0.25  # largest `expressions.distance` of a partner; two random expressions are 1.15 apart
OWN_SHARE = 0.4  # of the sources are the truth's own picture
STYLED = 2_400  # faces by which the vocabulary learns to tell styles apart
TOGETHER = 0.3  # strength with which target and truth are varied alike
FAR = 0.6  # largest `expressions.distance` of a chimera's source


@dataclass(frozen=True)
class Held:
    """Faces whose pictures, (N, S, S, 3) uint8, and action weights, (N, 52), lie on the device."""

    faces: FaceSet
    images: Tensor
    actions: Tensor


@dataclass(frozen=True)
class Pairs:
    """What the steps of a mover draw from.

    held: N faces of training identities. rows: for each identity the rows of its faces.
    partners: (N, 2, PARTNERS) rows of other identities' faces that show a face's expression, people first, then
    drawings; -1 where there is none. chimeras: what those are made of, if there are any.
    """

    held: Held
    rows: list[np.ndarray]
    partners: np.ndarray
    chimeras: Chimeras | None = None


@dataclass(frozen=True)
class Batch:
    """One step: t, truth and s, (B, 3, S, S) in [-1, 1], and the true action weights of t and truth, (B, 52)."""

    t: Tensor
    truth: Tensor
    s: Tensor
    actions_t: Tensor
    actions_truth: Tensor


def hold(faces: FaceSet) -> Held:
    """Put faces where steps are drawn from: on a GPU once, so that no step has to carry pictures there."""
    return Held(faces, *(torch.from_numpy(x).to(config.device()) for x in (faces.images, faces.actions)))


def pairs(held: Held, seed: int, made_of: Chimeras | None = None) -> Pairs:
    """List the identities' rows and each face's partners; `seed` breaks ties among partners.

    Args:
        made_of: what chimeras are made of, where a configuration asks for some.
    """
    order = np.argsort(held.faces.identity, kind="stable")
    starts = np.unique(held.faces.identity[order], return_index=True)[1]
    rows = np.split(order, starts[1:])
    return Pairs(held, [r for r in rows if len(r) > 1], find_partners(held.faces, rows, seed), made_of)


def find_partners(faces: FaceSet, rows: list[np.ndarray], seed: int) -> np.ndarray:
    """Find for each face the nearest expressions of other identities.

    A drawing style shows an expression by the nearest parts that it has; so do the candidates for its faces.

    Args:
        rows: for each identity the rows of its faces.
    Returns:
        (N, 2, PARTNERS) int64 rows, people first, then drawings; -1 where nothing is within `NEAR`.
    """
    features, device = torch.from_numpy(expressions.FEATURES.T), config.device()
    asked = (torch.from_numpy(faces.actions) @ features).to(device)
    weights = torch.from_numpy(faces.actions)
    shown = {style: ((vocabulary.nearest(style, weights) if style else weights) @ features).to(device)
             for style in map(str, np.unique(faces.style))}  # fmt: skip
    tie = 1e-3 * torch.rand(len(faces), generator=config.generator(seed, "partners")).to(device)
    of_kind = [np.flatnonzero(faces.kind == kind) for kind in range(len(KINDS))]
    found = np.full((len(faces), len(KINDS), PARTNERS), -1)
    for own in rows:
        distance = torch.cdist(asked[own], shown[faces.style[own[0]]]) + tie
        distance[:, own] = torch.inf
        for kind, there in enumerate(of_kind):
            nearest, at = (x.cpu() for x in distance[:, there].topk(min(PARTNERS, len(there)), largest=False))
            found[own, kind, : at.shape[1]] = np.where(nearest < NEAR, there[at], -1)
    return found


def draw(data: Pairs, settings: MoveConfig, at: int, partners: bool = True) -> Batch:
    """Draw the pairs of a step: identities at random, two different faces of each, and a source for the second.

    The source is truth's own picture or a partner's, augmented either way, so that it gives away little of truth's
    identity, light and framing. Partners are found by true action weights; without `partners` none are needed. Target
    and truth are varied alike. Half of the triples are mirrored as a whole. If the data has chimeras, they are target
    and truth of the first pairs, in the share that the settings say (see `chimeras.compose`).
    """
    rng, noise = config.rng(settings.seed, "batch", at), _noise(settings.seed, at)
    who = rng.integers(0, len(data.rows), settings.batch)
    target, truth = np.array([rng.choice(data.rows[i], 2, replace=False) for i in who]).T
    source = sources(data, truth, rng) if partners else truth
    flip = rng.random(settings.batch) < 0.5
    drawn = (_faces(data.held, r, flip) for r in (target, truth, source))
    (t, actions_t), (wanted, actions_truth), (s, actions_s) = drawn
    if data.chimeras:
        n = round(settings.chimeras * settings.batch)
        asked = torch.stack([actions_t[:n], actions_s[:n]])
        pictures, shown = _chimeras(data.chimeras, asked, flip[:n], noise)
        own = torch.from_numpy(rng.random(n) < OWN_SHARE).to(s.device)
        own |= vocabulary.distance(actions_s[:n], shown[1]) > FAR
        s = torch.cat([torch.where(own[:, None, None, None], pictures[1], s[:n]), s[n:]])
        t, wanted = (torch.cat([first, x[n:]]) for first, x in zip(pictures, (t, wanted)))
        actions_t, actions_truth = (torch.cat([a, x[n:]]) for a, x in zip(shown, (actions_t, actions_truth)))
    t, wanted = together(t, wanted, noise, TOGETHER)
    return Batch(_ready(t), _ready(wanted), _ready(fecnet.augment(s, noise)), actions_t, actions_truth)


def sources(data: Pairs, truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose for each truth (B,) a row that shows its expression: itself, or another identity of either kind."""
    b = len(truth)
    chosen = data.partners[truth, rng.integers(0, 2, b), rng.integers(0, PARTNERS, b)]
    return np.where((rng.random(b) < OWN_SHARE) | (chosen < 0), truth, chosen)


def told(settings: MoveConfig, at: int) -> Tensor:
    """Choose the pairs (B, 1) of a step whose true codes are given: all at first, none in the end.

    Scheduled sampling (arXiv 1506.03099): a mover learns faster from true codes, but must live with the ones it reads.
    """
    drawn = config.rng(settings.seed, "told", at).random((settings.batch, 1))
    return torch.from_numpy(drawn < 1 - at / max(settings.steps - 1, 1)).to(config.device())


def teach(c_t: Tensor, c_s: Tensor, batch: Batch, given: Tensor) -> tuple[Tensor, Tensor]:
    """Replace the codes (B, 52) read from target and source by the true weights of target and truth where `given`."""
    return torch.where(given, batch.actions_t, c_t), torch.where(given, batch.actions_truth, c_s)


def together(t: Tensor, truth: Tensor, noise: torch.Generator, strength: float) -> tuple[Tensor, Tensor]:
    """Augment target and truth in the same way (see `fecnet.augment`), so that they differ as they did."""
    state = noise.get_state()
    first = fecnet.augment(t, noise, strength)
    noise.set_state(state)
    return first, fecnet.augment(truth, noise, strength)


def draw_faces(
    held: Held, settings: CodeConfig, at: int, made_of: Chimeras | None = None
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Draw a step of the expression code: augmented pictures (B, 3, S, S) in [-1, 1] and their actions (B, 52).

    The first are chimeras, in the share that the settings say, if it is given what they are made of.
    """
    rng, noise = config.rng(settings.seed, "batch", at), _noise(settings.seed, at)
    rows, flip = rng.integers(0, len(held.faces), settings.batch), rng.random(settings.batch) < 0.5
    x, actions = _faces(held, rows, flip)
    if made_of:
        n = round(settings.chimeras * settings.batch)
        (pictures,), (shown,) = _chimeras(made_of, actions[None, :n], flip[:n], noise)
        x, actions = torch.cat([pictures, x[n:]]), torch.cat([shown, actions[n:]])
    return _ready(fecnet.augment(x, noise)), actions


def _chimeras(made_of: Chimeras, wishes: Tensor, flip: np.ndarray, noise: torch.Generator) -> tuple[Tensor, Tensor]:
    """Make chimeras that show n wishes (n, B, 52), mirrored where `flip` (B,) says so."""
    turned = torch.from_numpy(flip).to(wishes.device)[:, None]
    pictures, shown = chimeras.compose(made_of, torch.where(turned, expressions.mirror(wishes), wishes), noise)
    pictures = torch.where(turned[..., None, None], pictures.flip(-1), pictures)
    return pictures, torch.where(turned, expressions.mirror(shown), shown)


@torch.no_grad()
def learn_styles(model: MirrorMe, held: Held, settings: MoveConfig, made_of: Chimeras | None = None) -> None:
    """Teach a model's vocabulary to tell the training styles apart, and people from drawings, by varied faces.

    Chimeras, if there are any, are taken for what can show any expression. The reach is the distance within which 99 %
    of the training drawings, as they are, are read.
    """
    rng, noise = config.rng(settings.seed, "styles"), config.generator(settings.seed, "styles", device=config.device())
    rows, words = rng.permutation(len(held.faces)), model.vocabulary
    model.code.eval()

    def observe(rows, mirrored, look_at):
        parts = np.array_split(rows, -(-len(rows) // 64))
        return zip(*(look_at(_ready(_faces(held, some, mirrored[: len(some)])[0])) for some in parts))

    varied, drawn = rows[:STYLED], rows[held.faces.kind[rows] == 1][: STYLED // 4]
    (looks,) = observe(varied, rng.random(64) < 0.5, lambda x: [vocabulary.look(model.seen(fecnet.augment(x, noise)))])
    styles = held.faces.style[varied]
    if made_of:
        for some in np.array_split(varied[: STYLED // 4], 8):
            pictures, _ = chimeras.compose(made_of, held.actions[torch.from_numpy(some)][None], noise)
            looks += (vocabulary.look(model.seen(_ready(fecnet.augment(pictures[0], noise)))),)
            styles = np.append(styles, [""] * len(some))
    words.learn(torch.cat(looks), styles)
    codes, seen = observe(drawn, np.zeros(64, bool), model.observe)
    codes, styles = torch.cat(codes), torch.cat([words.style(maps) for maps in seen])
    words.reach.fill_(torch.quantile(vocabulary.distance(words.say(codes, styles), codes), 0.99))


def _noise(seed: int, at: int) -> torch.Generator:
    return config.generator(seed, "noise", at, device=config.device())


def _faces(held: Held, rows: np.ndarray, flip: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return pictures (B, 3, S, S) and actions (B, 52) of some rows, both mirrored where `flip` (B,) says so."""
    rows, flip = (torch.from_numpy(x).to(held.images.device) for x in (rows, flip))
    images, actions = pixels.to_tensor(held.images[rows]), held.actions[rows]
    images = torch.where(flip[:, None, None, None], images.flip(-1), images)
    return images, torch.where(flip[:, None], expressions.mirror(actions), actions)


def _ready(x: Tensor) -> Tensor:
    return x.to(config.device(), memory_format=torch.channels_last)


def batch_transfer(out: Tensor, batch: Batch) -> Tensor:
    """Return the transfer score T of a training batch: 1 - sum|out - truth| / sum|t - truth| (see `bench.transfer`)."""
    return 1 - (out.detach() - batch.truth).abs().sum() / (batch.t - batch.truth).abs().sum()
