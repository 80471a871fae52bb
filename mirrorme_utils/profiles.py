"""Configurations: one frozen dataclass for each experiment, and one table of profiles that sets them all."""

from dataclasses import dataclass, replace

REPORT_FACES = (75_135, 389_678)  # people and cartoons that the report had
FEC_TRIPLETS = 500_203  # in FEC's two files

@dataclass(frozen=True)
class WorldConfig:
    """Size of the mini world: identities of each kind, expressions of each identity, pixels of a crop, triplets of
    people, and the seed of everything."""

    humans: int
    cartoons: int
    expressions: int = 24
    size: int = 64
    triplets: int = 150_000
    seed: int = 0


@dataclass(frozen=True)
class SplitLeakageConfig:
    """Split leakage: one head on ImageNet's features, trained on two splits (notebook 02); `batch` triplets a step."""

    size: int = 64
    dimensions: int = 16
    steps: int = 1_000
    batch: int = 512
    learning_rate: float = 1e-3
    seed: int = 12


@dataclass(frozen=True)
class FecnetConfig:
    """FECNet's training (notebook 03): `warm_steps` on the categories that the triplets' types hold,
    `pretrain_steps` on triplets of people, then `steps` on triplets of people and cartoons; `batch` faces a step."""

    size: int = 64
    width: int = 16
    dimensions: int = 16
    steps: int = 2_000
    batch: int = 192
    learning_rate: float = 2e-3
    warm_steps: int = 900
    pretrain_steps: int = 2_000
    frozen_steps: int = 200
    overfit_steps: int = 400
    overfit_images: int = 4_000
    seed: int = 3


@dataclass(frozen=True)
class BorrowedConfig:
    """FECNet on the backbone of the large model's expression code (notebook 10); `size` and `width` are that code's."""

    size: int = 128
    width: int = 48
    dimensions: int = 16
    steps: int = 400
    batch: int = 192
    learning_rate: float = 1e-3
    seed: int = 8


@dataclass(frozen=True)
class JudgeConfig:
    """MirrorBench's judge (notebook 04): another backbone, another seed, and people and cartoons of another world."""

    humans: int = 1_600
    cartoons: int = 800
    size: int = 64
    width: int = 24
    dimensions: int = 16
    steps: int = 10_000
    batch: int = 64
    learning_rate: float = 2e-3
    world: int = 1
    seed: int = 11


@dataclass(frozen=True)
class ReportConfig:
    """The report's translator and discriminator (notebooks 06 and 07).

    levels: how many halve the picture; depth: levels in all, if more; dimensions: of the embedding; source_at_input:
    stack the source's picture onto the target's instead; skips: False cuts the UNet's; halvings: of the discriminator;
    rotation: most degrees of turning; alpha, beta, gamma: weights in `losses.report`; alone: steps for alpha alone.
    """

    size: int = 64
    levels: int = 4
    width: int = 16
    depth: int | None = None
    dimensions: int = 16
    source_at_input: bool = False
    skips: bool = True
    halvings: int = 3
    rotation: float = 45.0
    steps: int = 1_500
    batch: int = 8
    learning_rate: float = 1e-3
    alpha: float = 1.0
    beta: float = 4.0
    gamma: float = 10.0
    alone: int = 0
    seed: int = 5


@dataclass(frozen=True)
class CodeConfig:
    """The expression code, supervised by blendshape weights (notebook 08); part_mixed: share of part-mixed cartoons
    among a step's faces."""

    size: int = 64
    width: int = 24
    steps: int = 6_000
    batch: int = 64
    learning_rate: float = 2e-3
    part_mixed: float = 0.0
    seed: int = 6


@dataclass(frozen=True)
class WarpingConfig:
    """The warping generator (notebooks 09 and 10); code_width: channels of its expression code's network; part_mixed:
    share of part-mixed cartoons among a step's pairs."""

    size: int = 64
    width: int = 40
    code_width: int = 24
    steps: int = 6_500
    batch: int = 32
    learning_rate: float = 2e-3
    part_mixed: float = 0.0
    seed: int = 7


@dataclass(frozen=True)
class Profile:
    """One row of the table of profiles (docs/profiles.md).

    world: the mini world, which notebooks 01 to 07 read as files. training_set: the rendered training set of notebooks
    08, 09, 10 and 12, more identities with fewer expressions each. people: the warping generator that sees people
    only; warping: the one that sees all. cases: identity pairs in each direction of the notebooks' MirrorBench.
    """

    name: str
    world: WorldConfig
    training_set: WorldConfig
    split_leakage: SplitLeakageConfig
    fecnet: FecnetConfig
    borrowed: BorrowedConfig
    judge: JudgeConfig
    report: ReportConfig
    code: CodeConfig
    people: WarpingConfig
    warping: WarpingConfig
    cases: int = 24


# The large model: its sizes, and as steps the sum of the three stages in which the shipped one was trained. They ran
# with other batches, shares and rates (data/checkpoints.md); one run of so many steps has not been made.
CODE_128 = CodeConfig(size=128, width=48, steps=27_000, batch=256, part_mixed=0.25)
WARPING_128 = WarpingConfig(size=128, width=56, code_width=48, steps=24_956, batch=256, part_mixed=0.25)
PEOPLE_128 = replace(WARPING_128, steps=6_000, part_mixed=0.0)
TRAINING_SET_128 = WorldConfig(humans=16_000, cartoons=6_000, expressions=8, size=128)

PROFILES = {
    "smoke": Profile(
        "smoke",
        WorldConfig(humans=30, cartoons=30, expressions=16, triplets=300),
        WorldConfig(humans=30, cartoons=30, expressions=8),
        SplitLeakageConfig(steps=20, batch=24),
        FecnetConfig(
            width=4, steps=20, batch=24, warm_steps=20, pretrain_steps=20, frozen_steps=10, overfit_steps=20,
            overfit_images=40,
        ),
        BorrowedConfig(steps=20, batch=24),
        JudgeConfig(humans=30, cartoons=30, width=4, steps=20, batch=8),
        ReportConfig(width=4, steps=20, batch=4),
        CodeConfig(width=4, steps=20, batch=8),
        WarpingConfig(width=8, code_width=4, steps=20, batch=4),
        WarpingConfig(width=8, code_width=4, steps=20, batch=4),
        cases=4,
    ),
    "laptop": Profile(
        "laptop",
        WorldConfig(humans=800, cartoons=400),
        WorldConfig(humans=2_400, cartoons=1_200, expressions=8),
        SplitLeakageConfig(),
        FecnetConfig(),
        BorrowedConfig(),
        JudgeConfig(),
        ReportConfig(),
        CodeConfig(),
        WarpingConfig(steps=3_000),
        WarpingConfig(),
    ),
    "colab": Profile(
        "colab",
        WorldConfig(humans=1_000, cartoons=1_000, size=128, triplets=200_000),
        TRAINING_SET_128,
        SplitLeakageConfig(),
        FecnetConfig(size=128, width=48, steps=12_000, batch=192, pretrain_steps=8_000, frozen_steps=3_000),
        BorrowedConfig(),
        JudgeConfig(),
        ReportConfig(size=128, levels=5, width=64, steps=10_000, batch=32),
        CODE_128,
        PEOPLE_128,
        WARPING_128,
    ),
    "report": Profile(
        "report",
        WorldConfig(humans=REPORT_FACES[0], cartoons=REPORT_FACES[1], expressions=1, size=224, triplets=FEC_TRIPLETS),
        TRAINING_SET_128,
        SplitLeakageConfig(),
        FecnetConfig(size=224, width=48, steps=20_000, batch=192, pretrain_steps=30_000, frozen_steps=5_000),
        BorrowedConfig(),
        JudgeConfig(),
        ReportConfig(size=224, levels=6, width=64, steps=50_000, batch=16),
        CODE_128,
        PEOPLE_128,
        WARPING_128,
    ),
}


def world_of(n_faces: int) -> WorldConfig:
    """Size a mini world by one number.

    Two thirds of the faces are people, but at most the report's 75,135; the others are cartoons, up to its 389,678.
    Each identity shows 24 expressions; there are as many triplets to a face as in the default world, at most FEC's
    500,203.

    Raises:
        ValueError: fewer than 500 faces, or more than the report had.
    """
    people, drawn = REPORT_FACES
    if not 500 <= n_faces <= people + drawn:
        raise ValueError(f"a mini world has 500 to {people + drawn:,} faces, not {n_faces:,}")
    humans = min(round(n_faces * 2 / 3), people)
    usual = PROFILES["laptop"].world
    triplets = round(usual.triplets * humans / (usual.humans * usual.expressions))
    identities = [-(-n // usual.expressions) for n in (humans, n_faces - humans)]
    return replace(usual, humans=identities[0], cartoons=identities[1], triplets=min(triplets, FEC_TRIPLETS))
