"""The package keeps its shape: imports, docstrings, requirements, checkpoints and pages."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import pytest

from mirrorme_utils import config, environment, profiles

PACKAGE, SHIPPED = config.ROOT / "mirrorme_utils", config.ROOT / "data" / "checkpoints"
MODULES = {path.relative_to(config.ROOT).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}
PAGES = [path for folder in (".", "docs", "data") for path in sorted((config.ROOT / folder).glob("*.md"))]
AROUND = {
    "mirrorme_utils/course.py",
    "mirrorme_utils/app/page.py",
}  # they run and serve notebooks, which do not need them
OPTIONAL = {
    "mirrorme_utils/data/engine.py": "cluster",
    "mirrorme_utils/distributed.py": "cluster",
    "mirrorme_utils/evaluation/outside.py": "outside",
}  # they use what few need, of an extra of its own, and say so where it is missing
NAMED = {"accelerate": "accelerate", "ray": "ray", "ai_edge_litert": "ai-edge-litert"}  # packages that may be missing


def _linted(*arguments):
    check = "from importlinter.cli import lint_imports_command as check; check()"
    command = [sys.executable, "-c", check, "--no-cache", *arguments]
    return subprocess.run(command, cwd=config.ROOT, capture_output=True, text=True)


def test_imports_go_down():
    """The contracts stand in pyproject.toml (docs/architecture.md)."""
    done = _linted()
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_module_imports_itself_around_a_circle(tmp_path):
    contract = (
        '[[tool.importlinter.contracts]]\nname = "none"\ntype = "acyclic_siblings"\nancestors = ["mirrorme_utils"]\n'
    )
    settings = '[tool.importlinter]\nroot_package = "mirrorme_utils"\nexclude_type_checking_imports = true\n'
    (tmp_path / "circles.toml").write_text(settings + contract)
    done = _linted("--config", str(tmp_path / "circles.toml"))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", TREES)
def test_public_things_have_docstrings(name):
    assert ast.get_docstring(TREES[name]), f"{name} has no docstring"
    bare = [
        node.name
        for node in TREES[name].body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not bare, f"no docstring in {name}: {bare}"


def _imported(tree) -> set[str]:
    """Names of the packages of others that a module imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module.split(".")[0])
    return found - sys.stdlib_module_names - {"mirrorme_utils"}


def _required(*groups: str) -> set[str]:
    """Names of the packages in pyproject.toml: what notebooks need, and what these optional groups need."""
    project = tomllib.loads(environment.PROJECT.read_text())["project"]
    lines = sum((project["optional-dependencies"][group] for group in groups), project["dependencies"])
    return {re.match(r"[\w.-]+", line)[0].lower().replace("_", "-") for line in lines}


def _code_of(notebook: Path) -> str:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


TESTS = sorted((config.ROOT / "tests").rglob("*.py"))
NOTEBOOKS = sorted((config.ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("what", ["package", "notebooks", "course", "cluster", "outside", "tests"])
def test_what_is_imported_is_required(what):
    """The package and the notebooks import only what a notebook's set-up installs; what is around them, more."""
    trees = {
        "package": {name: tree for name, tree in TREES.items() if name not in AROUND | set(OPTIONAL)},
        "notebooks": {path.name: ast.parse(_code_of(path)) for path in NOTEBOOKS},
        "course": {name: TREES[name] for name in AROUND},
        "cluster": {name: TREES[name] for name, extra in OPTIONAL.items() if extra == "cluster"},
        "outside": {name: TREES[name] for name, extra in OPTIONAL.items() if extra == "outside"},
        "tests": {path.name: ast.parse(path.read_text(encoding="utf-8")) for path in TESTS},
    }[what]
    extras = {extra: [extra] for extra in ("course", "cluster", "outside")}
    extras["tests"] = ["course", "cluster", "outside", "tests"]
    required = _required(*extras.get(what, []))
    distributions, own = metadata.packages_distributions(), {path.stem for path in TESTS}
    for name, tree in trees.items():
        for module in sorted(_imported(tree) - own):
            offered = {d.lower().replace("_", "-") for d in distributions.get(module, [])}
            if module in NAMED:
                offered = {NAMED[module]}
            assert offered & required, f"{name} imports {module} ({offered or 'not installed'}), which is not required"


def test_no_module_is_left_from_a_trial():
    left = [
        name
        for name, path in MODULES.items()
        if re.search(r"\b(TODO|FIXME|XXX|breakpoint\(\))", path.read_text("utf-8"))
    ]
    assert not left


def test_checkpoints_ship_complete_and_small():
    cards = sorted(SHIPPED.glob("*.json"))
    assert {"fecnet", "report", "code", "moving"} <= {card.stem for card in cards}
    for card in cards:
        weights = card.with_suffix(".safetensors")
        if not json.loads(card.read_text()).get("weights", True):
            assert not weights.exists(), f"{card.name} says that it has no weights"
            continue
        assert weights.exists(), f"{card.name} has no weights beside it"
        assert weights.stat().st_size <= 20_000_000, f"{weights.name} is larger than 20 MB"
        assert {"type", "settings", "metrics", "history", "seconds"} <= set(json.loads(card.read_text()))
    assert not [p.name for p in SHIPPED.iterdir() if p.suffix not in {".json", ".safetensors", ".npz"}]


@pytest.mark.parametrize(
    "name, part, profile",
    [("fecnet", "fecnet", "laptop"), ("fecnet-128", "borrowed", "laptop"), ("report", "report", "laptop"),
     ("code", "code", "laptop"), ("moving", "warping", "laptop"), ("moving-128", "warping", "colab")],
)  # fmt: skip
def test_shipped_checkpoints_are_those_of_their_profile(name, part, profile):
    """Else a notebook would train for minutes where a reader expects seconds."""
    settings = json.loads(json.dumps(asdict(getattr(profiles.PROFILES[profile], part))))
    assert json.loads((SHIPPED / f"{name}.json").read_text())["settings"] == settings


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_are_finished_and_their_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r"@@|@[A-Z]+@|«|⟦|<<\w+>>", text), "something is left to fill in"
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", text) + re.findall(r'(?:src|href)="(?!https?:)([^"#]+)"', text):
        assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_readme_shows_each_notebook_and_its_badge():
    text = (config.ROOT / "README.md").read_text(encoding="utf-8")
    for path in NOTEBOOKS:
        assert f"(notebooks/{path.name})" in text and environment.badge(path.name) in text, path.name
