"""Cartoons: `drawing` is the front door; the three `styles` modules say what each drawn part expresses; `nearest` finds
the expression that a style can show."""

from ...lazy import attach

submodules = ["drawing", "nearest", "styles", "styles_held_out", "styles_lent"]
__getattr__, __dir__ = attach(__name__, submodules)
