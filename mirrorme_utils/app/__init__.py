"""What a person clicks: the mirror, the chooser, the labeller, the page."""

from ..lazy import attach

submodules = ["chooser", "labeller", "page", "widget"]
__getattr__, __dir__ = attach(__name__, submodules)
