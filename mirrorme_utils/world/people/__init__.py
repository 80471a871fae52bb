"""Rendered people: `human` is the front door; geometry from `anny_head`, `wardrobe` and `props`, seen by `rays`,
coloured by `skin` and `wrinkles`, lit by `shading`."""

from ...lazy import attach

submodules = ["anny_head", "human", "props", "rays", "shading", "skin", "wardrobe", "wrinkles"]
__getattr__, __dir__ = attach(__name__, submodules)
