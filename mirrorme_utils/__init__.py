"""MirrorMe: one face wears another face's expression.

Rooms, from the top floor down; a room imports only from those below it (docs/architecture.md):

    app             what a person clicks
    evaluation      MirrorBench: test pairs, scores, groups, photographs
    experiments     what the notebooks train
    networks        FECNet, the report's UNet and PatchGAN, the warping generator, losses
    data            FEC and iCartoonFace: download, crops, triplets, votes
    world           the mini world: people and cartoons whose true expression is known
"""

from .lazy import attach

submodules = [
    "app", "cli", "config", "course", "data", "diagrams", "distributed", "environment", "evaluation", "experiments", "files",
    "framing", "mirror", "networks", "parallel", "pictures", "plots", "profiles", "train", "training", "world",
]
__getattr__, __dir__ = attach(__name__, submodules, {"MirrorMe": "mirror"})
