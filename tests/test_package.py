"""The package keeps its shape: small modules, one direction of imports, documented functions, small checkpoints."""

import ast
import json
import re
import sys
from importlib import metadata

import pytest

from mirrorme_utils import config, environment

PACKAGE = config.ROOT / "mirrorme_utils"
MODULES = sorted(PACKAGE.glob("*.py"))
TREES = {path.stem: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
ENDS = {"app", "plots", "course", "environment"}  # imported by notebooks, or run by `make`, and by nothing else
BANNED = {"utils", "helpers", "misc", "common", "base"}
TABLES = {"cartoon_tables"}  # data, not code
SHIPPED = config.ROOT / "data" / "checkpoints"


def _names(tree) -> set[tuple[str, bool]]:
    """Modules that a module imports: (first name, whether it is one of ours)."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(alias.name.split(".")[0], False) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            found |= {(n, True) for n in ([node.module.split(".")[0]] if node.module else [a.name for a in node.names])}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module.split(".")[0], False))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_modules_are_small_and_have_one_subject(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 300 or path.stem in TABLES, f"{path.name} has {len(lines)} lines: a new subject is a new file"
    assert path.stem not in BANNED
    long = [number for number, line in enumerate(lines, 1) if len(line) > 120]
    assert not long, f"{path.name}: lines over 120 characters: {long}"


@pytest.mark.parametrize("name", TREES)
def test_public_things_have_docstrings(name):
    if name == "__init__":
        return
    assert ast.get_docstring(TREES[name]), f"{name} has no docstring"
    bare = [
        node.name
        for node in TREES[name].body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not bare, f"no docstring in {name}: {bare}"


@pytest.mark.parametrize("name", TREES)
def test_nothing_imports_the_ends(name):
    ours = {module for module, own in _names(TREES[name]) if own} - {name}
    if name in ("app", "diagrams"):
        ours -= {"plots"}
    assert not ours & ENDS, f"{name} imports {ours & ENDS}"
    assert not any(module == "mirrorme_utils" for module, _ in _names(TREES[name])), "imports inside are relative"


def test_no_module_imports_itself_around_a_circle():
    graph = {name: {m for m, own in _names(tree) if own and m in TREES} for name, tree in TREES.items()}
    done, path = set(), []

    def visit(name):
        assert name not in path, f"circle: {' -> '.join([*path[path.index(name):], name])}"
        if name not in done:
            path.append(name)
            for other in sorted(graph[name]):
                visit(other)
            done.add(path.pop())

    for name in graph:
        visit(name)


def test_what_is_imported_is_required():
    """The package, and the tests, import only what requirements.txt lists."""
    required = {
        re.match(r"[\w.-]+", line)[0].lower().replace("_", "-")
        for line in environment.REQUIREMENTS.read_text().splitlines()
        if re.match(r"\w", line)
    }
    trees = {**TREES, **{p.stem: ast.parse(p.read_text()) for p in (config.ROOT / "tests").glob("*.py")}}
    imported = {(module, name) for name, tree in trees.items() for module, own in _names(tree) if not own}
    distributions = metadata.packages_distributions()
    for module, name in sorted(imported):
        if module in sys.stdlib_module_names or module in {"mirrorme_utils", "IPython", "google", *trees}:
            continue
        offered = {d.lower().replace("_", "-") for d in distributions.get(module, [])}
        assert offered & required, f"{name} imports {module} ({offered or 'not installed'}), not in requirements.txt"


def test_no_module_is_left_from_a_trial():
    left = [p.name for p in MODULES if re.search(r"\b(TODO|FIXME|XXX|breakpoint\(\))", p.read_text(encoding="utf-8"))]
    assert not left


def test_checkpoints_ship_complete_and_small():
    cards = sorted(SHIPPED.glob("*.json"))
    assert {"fecnet", "report", "code", "moving"} <= {card.stem for card in cards}
    for card in cards:
        weights = card.with_suffix(".safetensors")
        assert weights.exists(), f"{card.name} has no weights beside it"
        assert weights.stat().st_size <= 20_000_000, f"{weights.name} is larger than 20 MB"
        assert {"type", "settings", "metrics", "history", "seconds"} <= set(json.loads(card.read_text()))
    assert not [p.name for p in SHIPPED.iterdir() if p.suffix not in {".json", ".safetensors", ".npz"}]


@pytest.mark.parametrize(
    "name, part, profile",
    [("fecnet", "fecnet", "laptop"), ("fecnet-128", "borrowed", "laptop"), ("report", "report", "laptop"),
     ("code", "code", "laptop"), ("moving", "move", "laptop"), ("moving-128", "move", "colab")],
)  # fmt: skip
def test_shipped_checkpoints_are_those_of_their_profile(name, part, profile):
    """Else a notebook would train for minutes where a reader expects seconds."""
    from dataclasses import asdict

    settings = json.loads(json.dumps(asdict(getattr(config.PROFILES[profile], part))))
    assert json.loads((SHIPPED / f"{name}.json").read_text())["settings"] == settings


@pytest.mark.parametrize("page", ["README.md", "data/mini_world.md", "data/checkpoints.md", "data/CREDITS.md"])
def test_pages_are_finished_and_their_links_lead_somewhere(page):
    text = (config.ROOT / page).read_text(encoding="utf-8")
    assert "@@" not in text, re.findall(r"@@\w*@@", text)
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert ((config.ROOT / page).parent / link).exists(), f"{page} links to {link}"


def test_readme_shows_each_notebook_and_its_badge():
    text = (config.ROOT / "README.md").read_text(encoding="utf-8")
    for path in (config.ROOT / "notebooks").glob("*.ipynb"):
        assert f"(notebooks/{path.name})" in text and environment.badge(path.name) in text, path.name
