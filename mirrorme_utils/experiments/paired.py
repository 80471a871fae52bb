"""Pairs that teach a translator to move a face: target, truth of the same identity, and a source that shows truth.

Two pictures of one identity show what must move. The source is a picture of somebody else with (nearly) the same
expression, so that a translator cannot learn to copy the identity from it.

Taught in: notebooks 08 (`draw_faces`, `expression_code`) and 09.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .. import config, distributed, training
from ..networks import fecnet, losses, pixels, style_codebook
from ..networks.translator import ExpressionCode, Translator
from ..profiles import CodeConfig, WarpingConfig
from ..world import expressions
from ..world.cartoons import nearest
from ..world.faces import KINDS, FaceSet
from . import part_mixing
from .part_mixing import PartMixer

PARTNERS = 8  # sources of each kind that are kept for a face
NEAR = 0.25  # largest `expressions.distance` of a partner; two random expressions are 1.15 apart
OWN_SHARE = 0.4  # of the sources are the truth's own picture
STYLED = 2_400  # faces by which the style codebook learns to classify styles
TOGETHER = 0.3  # strength with which target and truth are varied alike
FAR = 0.6  # largest `expressions.distance` of a part-mixed cartoon's source


@dataclass(frozen=True)
class LoadedFaces:
    """Faces whose pictures, (N, S, S, 3) uint8, and blendshape weights, (N, 52), lie on the device."""

    faces: FaceSet
    images: Tensor
    blendshapes: Tensor


@dataclass(frozen=True)
class TrainingPairs:
    """What the training steps of a warping generator draw from.

    loaded: N faces of training identities. rows: for each identity the rows of its faces.
    partners: (N, 2, PARTNERS) rows of other identities' faces that show a face's expression, people first, then
    cartoons; -1 where there is none. part_mixed: makes part-mixed cartoons, where there are any.
    """

    loaded: LoadedFaces
    rows: list[np.ndarray]
    partners: np.ndarray
    part_mixed: PartMixer | None = None


@dataclass(frozen=True)
class Batch:
    """One step: t, truth and s, (B, 3, S, S) in [-1, 1], and the true blendshape weights of t and truth, (B, 52).

    Of several processes, each has its share of the batch that the settings name.
    """

    t: Tensor
    truth: Tensor
    s: Tensor
    blendshapes_t: Tensor
    blendshapes_truth: Tensor


def load(faces: FaceSet) -> LoadedFaces:
    """Put faces where steps are drawn from: on a GPU once, so that no step has to carry pictures there."""
    return LoadedFaces(faces, *(torch.from_numpy(x).to(config.device()) for x in (faces.images, faces.blendshapes)))


def pairs(loaded: LoadedFaces, seed: int, mixer: PartMixer | None = None) -> TrainingPairs:
    """List the identities' rows and each face's partners; `seed` breaks ties among partners.

    Args:
        mixer: makes part-mixed cartoons, where a configuration asks for some.
    """
    order = np.argsort(loaded.faces.identity, kind="stable")
    starts = np.unique(loaded.faces.identity[order], return_index=True)[1]
    rows = np.split(order, starts[1:])
    return TrainingPairs(loaded, [r for r in rows if len(r) > 1], find_partners(loaded.faces, rows, seed), mixer)


def find_partners(faces: FaceSet, rows: list[np.ndarray], seed: int) -> np.ndarray:
    """Find for each face the nearest expressions of other identities.

    A drawing style shows an expression by the nearest parts that it has. So for a cartoon the candidates are compared
    as its style would show them.

    Args:
        rows: for each identity the rows of its faces.
    Returns:
        (N, 2, PARTNERS) int64 rows, people first, then cartoons; -1 where nothing is within `NEAR`.
    """
    features, device = torch.from_numpy(expressions.FEATURES.T), config.device()
    wanted = (torch.from_numpy(faces.blendshapes) @ features).to(device)  # (N, F)
    weights = torch.from_numpy(faces.blendshapes)
    shown = {style: ((nearest.nearest(style, weights) if style else weights) @ features).to(device)
             for style in map(str, np.unique(faces.style))}  # fmt: skip
    tie = 1e-3 * torch.rand(len(faces), generator=config.torch_rng(seed, "partners")).to(device)
    of_kind = [np.flatnonzero(faces.kind == kind) for kind in range(len(KINDS))]
    found = np.full((len(faces), len(KINDS), PARTNERS), -1)
    for own in rows:
        distance = torch.cdist(wanted[own], shown[faces.style[own[0]]]) + tie  # (faces of the identity, N)
        distance[:, own] = torch.inf  # nobody is a partner of oneself
        for kind, there in enumerate(of_kind):
            away, at = (x.cpu() for x in distance[:, there].topk(min(PARTNERS, len(there)), largest=False))
            found[own, kind, : at.shape[1]] = np.where(away < NEAR, there[at], -1)
    return found


def draw(data: TrainingPairs, settings: WarpingConfig, at: int, partners: bool = True) -> Batch:
    """Draw the pairs of a step: identities at random, two different faces of each, and a source for the second.

    The source is truth's own picture or a partner's, augmented either way, so that it gives away little of truth's
    identity, light and framing. Target and truth are varied alike. Half of the triples are mirrored as a whole. If the
    data has part-mixed cartoons, they are target and truth of the first pairs, in the share that the settings say (see
    `part_mixing.compose`).

    Args:
        at: number of the step. partners: False takes truth's own picture for the source, always: partners are found by
            true blendshape weights, which some tracks must not use.
    """
    rng, noise = config.rng(settings.seed, "batch", at), _noise(settings.seed, at)
    who = rng.integers(0, len(data.rows), settings.batch)
    rows_t, rows_truth = np.array([rng.choice(data.rows[i], 2, replace=False) for i in who]).T  # (B,) each
    rows_s = sources(data, rows_truth, rng) if partners else rows_truth
    flip = rng.random(settings.batch) < 0.5
    drawn = (_faces(data.loaded, r, flip) for r in (rows_t, rows_truth, rows_s))
    (t, w_t), (truth, w_truth), (s, w_s) = drawn  # pictures (B, 3, S, S) and blendshape weights (B, 52)
    if data.part_mixed:
        n = round(settings.part_mixed * settings.batch)
        # The same character twice, (2, n, 3, S, S): first with the target's expression, then with the source's, as far
        # as its parts can show them. What it does show is the true code, not what it was to show.
        pictures, shown = _part_mixed(data.part_mixed, torch.stack([w_t[:n], w_s[:n]]), flip[:n], noise)
        own = torch.from_numpy(rng.random(n) < OWN_SHARE).to(s.device)
        own |= nearest.distance(w_s[:n], shown[1]) > FAR  # a source of a clearly different expression would mislead
        s = torch.cat([torch.where(own[:, None, None, None], pictures[1], s[:n]), s[n:]])
        t, truth = (torch.cat([first, x[n:]]) for first, x in zip(pictures, (t, truth)))
        w_t, w_truth = (torch.cat([first, x[n:]]) for first, x in zip(shown, (w_t, w_truth)))
    mine = distributed.share(settings.batch)
    t, truth = together(t[mine], truth[mine], noise, TOGETHER, settings.batch)
    s = fecnet.augment(s[mine], noise, of=settings.batch)
    return Batch(_ready(t), _ready(truth), _ready(s), w_t[mine], w_truth[mine])


def sources(data: TrainingPairs, truth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose for each truth (B,) a row that shows its expression: itself, or another identity of any kind there is."""
    b, kinds = len(truth), np.unique(data.loaded.faces.kind)
    kind = kinds[rng.integers(0, len(kinds), b)]
    chosen = data.partners[truth, kind, rng.integers(0, PARTNERS, b)]
    return np.where((rng.random(b) < OWN_SHARE) | (chosen < 0), truth, chosen)


def teacher_forced(settings: WarpingConfig, at: int) -> Tensor:
    """Choose the pairs of a step whose true codes are forced: all at first, none in the end.

    Teacher forcing that fades out (scheduled sampling, arXiv 1506.03099): the generator learns faster from true codes,
    but in use it has only the codes that are read.

    Returns:
        (B, 1) bool, on the device.
    """
    drawn = config.rng(settings.seed, "told", at).random((settings.batch, 1))[distributed.share(settings.batch)]
    return torch.from_numpy(drawn < 1 - at / max(settings.steps - 1, 1)).to(config.device())


def force(c_t: Tensor, c_s: Tensor, batch: Batch, forced: Tensor) -> tuple[Tensor, Tensor]:
    """Replace the codes (B, 52) read from target and source by the true ones, of target and truth, where `forced`."""
    return torch.where(forced, batch.blendshapes_t, c_t), torch.where(forced, batch.blendshapes_truth, c_s)


def together(
    t: Tensor, truth: Tensor, noise: torch.Generator, strength: float, of: int | None = None
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Augment target and truth in the same way (see `fecnet.augment`), so that they differ as they did."""
    state = noise.get_state()  # both draw the same numbers
    first = fecnet.augment(t, noise, strength, of)
    noise.set_state(state)
    return first, fecnet.augment(truth, noise, strength, of)


def draw_faces(
    loaded: LoadedFaces, settings: CodeConfig, at: int, mixer: PartMixer | None = None
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Draw a step of the expression code: augmented pictures (B, 3, S, S) in [-1, 1] and their weights (B, 52).

    Args:
        at: number of the step. mixer: makes part-mixed cartoons of the first, in the share that the settings say.
    """
    rng, noise = config.rng(settings.seed, "batch", at), _noise(settings.seed, at)
    rows, flip = rng.integers(0, len(loaded.faces), settings.batch), rng.random(settings.batch) < 0.5
    x, blendshapes = _faces(loaded, rows, flip)
    if mixer:
        n = round(settings.part_mixed * settings.batch)
        (pictures,), (shown,) = _part_mixed(mixer, blendshapes[None, :n], flip[:n], noise)
        x, blendshapes = torch.cat([pictures, x[n:]]), torch.cat([shown, blendshapes[n:]])
    mine = distributed.share(settings.batch)
    return _ready(fecnet.augment(x[mine], noise, of=settings.batch)), blendshapes[mine]


def expression_code(settings: CodeConfig, faces: Callable[[], LoadedFaces]) -> ExpressionCode:
    """Load the expression code of notebook 08, or train it by the same loop if no checkpoint has these settings.

    Args:
        faces: makes the rendered training set, if anything is left to train.
    Returns:
        the code, on the device, in evaluation mode; it learns no more.
    """
    torch.manual_seed(settings.seed)
    code = training.fast(ExpressionCode(settings.size, settings.width))
    if training.find("code", settings):
        training.load_weights("code", settings, code)
        return code.eval().requires_grad_(False)
    loaded, mixer = faces(), part_mixing.draw(settings.size) if settings.part_mixed else None
    features = torch.from_numpy(expressions.FEATURES).to(config.device())
    optimizer = training.muon(code, code.head[-1])
    run = training.Run("code", settings, code, optimizer)
    for step in run.steps():
        training.anneal(optimizer, settings, step)
        x, true = draw_faces(loaded, settings, step, mixer)
        with training.autocast():
            predicted = code(x).float()
        loss = losses.blendshapes(predicted, true, features)
        optimizer.zero_grad()
        training.backward(loss, optimizer)
        optimizer.step()
        if step % 10 == 9:
            run.log(step, loss=loss)
    code.eval().requires_grad_(False)
    run.finish({"loss": float(np.mean([row["loss"] for row in run.history[-20:]]))})
    return code


def _part_mixed(mixer: PartMixer, wanted: Tensor, flip: np.ndarray, noise: torch.Generator) -> tuple[Tensor, Tensor]:
    """Make B part-mixed cartoons that show n expressions each (n, B, 52), mirrored where `flip` (B,) says so.

    The wanted weights are of mirrored faces already; they are turned back, so that the mirrored picture shows them.
    """
    turned = torch.from_numpy(flip).to(wanted.device)[:, None]
    pictures, shown = part_mixing.compose(mixer, torch.where(turned, expressions.mirror(wanted), wanted), noise)
    pictures = torch.where(turned[..., None, None], pictures.flip(-1), pictures)
    return pictures, torch.where(turned, expressions.mirror(shown), shown)


@torch.no_grad()
def learn_styles(
    model: Translator, loaded: LoadedFaces, settings: WarpingConfig, mixer: PartMixer | None = None
) -> None:  # fmt: skip
    """Fit a model's style codebook: it classifies the training styles, and people, by varied faces.

    Part-mixed cartoons, if there are any, count as faces that can show any expression. The reach is the distance within
    which 99 % of the training cartoons, as they are, are read.
    """
    rng, noise = config.rng(settings.seed, "styles"), config.torch_rng(settings.seed, "styles", device=config.device())
    rows, codebook = rng.permutation(len(loaded.faces)), model.codebook
    model.code.eval()

    def observe(rows: np.ndarray, mirrored: np.ndarray, look_at: Callable[[Tensor], Iterable]) -> Iterator[tuple]:
        """Look at faces, 64 at a time; yield all parts of the first result of `look_at`, then of the second."""
        parts = np.array_split(rows, -(-len(rows) // 64))
        return zip(*(look_at(_ready(_faces(loaded, some, mirrored[: len(some)])[0])) for some in parts))

    varied, drawn = rows[:STYLED], rows[loaded.faces.kind[rows] == 1][: STYLED // 4]
    (looks,) = observe(
        varied, rng.random(64) < 0.5, lambda x: [style_codebook.look(model.seen(fecnet.augment(x, noise)))]
    )
    styles = loaded.faces.style[varied]
    if mixer:
        for some in np.array_split(varied[: STYLED // 4], 8):
            pictures, _ = part_mixing.compose(mixer, loaded.blendshapes[torch.from_numpy(some)][None], noise)
            looks += (style_codebook.look(model.seen(_ready(fecnet.augment(pictures[0], noise)))),)
            styles = np.append(styles, [""] * len(some))
    codebook.learn(torch.cat(looks), styles)
    codes, seen = observe(drawn, np.zeros(64, bool), model.observe)
    codes, styles = torch.cat(codes), torch.cat([codebook.style_of(maps) for maps in seen])
    codebook.reach.fill_(torch.quantile(nearest.distance(codebook.project(codes, styles), codes), 0.99))


def _noise(seed: int, at: int) -> torch.Generator:
    return config.torch_rng(seed, "noise", at, device=config.device())


def _faces(loaded: LoadedFaces, rows: np.ndarray, flip: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return pictures (B, 3, S, S) and weights (B, 52) of some rows, both mirrored where `flip` (B,) says so."""
    rows, flip = (torch.from_numpy(x).to(loaded.images.device) for x in (rows, flip))
    images, blendshapes = pixels.to_tensor(loaded.images[rows]), loaded.blendshapes[rows]
    images = torch.where(flip[:, None, None, None], images.flip(-1), images)
    return images, torch.where(flip[:, None], expressions.mirror(blendshapes), blendshapes)


def _ready(x: Tensor) -> Tensor:
    return x.to(config.device(), memory_format=torch.channels_last)


def batch_transfer(out: Tensor, batch: Batch) -> Tensor:
    """Return the transfer score T of a training batch (see `benchmark.transfer`), a scalar; out: (B, 3, S, S)."""
    missing, change = ((x - batch.truth).abs().sum() for x in (out.detach(), batch.t))
    return 1 - distributed.mean(missing) / distributed.mean(change)
