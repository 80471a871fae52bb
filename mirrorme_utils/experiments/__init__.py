"""What the notebooks train: loops, the pairs they draw from, and the shipped networks by name."""

from ..lazy import attach

submodules = [
    "ablation", "checkpoints", "face_swap", "moving", "paired", "part_mixing", "report_gan", "triplet_training",
]
__getattr__, __dir__ = attach(__name__, submodules)
