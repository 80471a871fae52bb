"""Networks and losses: a face to its expression (`fecnet`), an expression onto a face (`report`, `translator`)."""

from ..lazy import attach

submodules = [
    "control", "features", "fecnet", "finder", "inception", "losses", "pixels", "report",
    "style_codebook", "translator", "warping",
]
__getattr__, __dir__ = attach(__name__, submodules)
