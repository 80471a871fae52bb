"""The mini world: rendered people and drawn cartoons, whose true expression is known.

`expressions` says what a face does, `people` and `cartoons` draw it, `capture` is how it is photographed, `faces` makes
sets of aligned crops, `raters` vote on them, `build` writes all of it in the file formats of FEC and iCartoonFace, and
`gallery` shows it.
"""

from ..lazy import attach

submodules = [
    "build", "capture", "cartoons", "expressions", "faces", "formats", "gallery", "people", "raters", "sheets",
]
__getattr__, __dir__ = attach(__name__, submodules)
