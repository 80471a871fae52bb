"""MirrorBench: transfer scored where the right answer is known, and on photographs where it is not."""

from ..lazy import attach

submodules = ["benchmark", "groups", "held_out", "intervals", "outside", "photographs", "scoring", "tables"]
__getattr__, __dir__ = attach(__name__, submodules)
