"""Rooms import their modules when they are first asked for: `from mirrorme_utils import data`, then `data.fec`.

So one name brings a whole room, and a command loads only what it uses (torch alone takes two seconds). The package
lazy_loader does the same, but the notebooks' set-up cell runs this before anything is installed.
"""

import importlib
from collections.abc import Callable, Mapping


def attach(package: str, modules: list[str], attributes: Mapping[str, str] = {}) -> tuple[Callable, Callable]:
    """Return `__getattr__` and `__dir__` of a package (PEP 562).

    Args:
        package: its `__name__`. modules: its submodules. attributes: name of a function or class to its submodule.
    """
    names = [*modules, *attributes]

    def get(name: str):
        if name in attributes:
            return getattr(importlib.import_module(f"{package}.{attributes[name]}"), name)
        if name in modules:
            return importlib.import_module(f"{package}.{name}")
        raise AttributeError(f"{package} has no {name!r}; it has {', '.join(names)}")

    return get, lambda: names
