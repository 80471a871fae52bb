"""Every notebook is stored as a reader and nbval need it: one skeleton, outputs kept, nothing of this machine."""

import ast
import json
import re
from pathlib import Path

import pytest

from mirrorme_utils import config, environment

FOLDER = config.ROOT / "notebooks"
NAMES = (
    "01_clean_the_data",
    "02_label_triplets",
    "03_train_fecnet",
    "04_question_fecnet",
    "05_measure_a_transfer",
    "06_train_the_translator",
    "07_ablate_the_losses",
    "08_read_expressions",
    "09_make_people_move",
    "10_make_drawings_move",
    "11_control_the_face",
    "12_what_each_idea_adds",
    "13_report_figures",
    "14_mirror_me",
)
THERE = sorted(FOLDER.glob("*.ipynb"))
HEADINGS = ["setup", "configuration", "checks", "what we learned", "try it yourself", "next"]
FOLDERS = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|work|Users|private|opt|usr/lib|var)/\w")
UNSTABLE = re.compile(r"0x[0-9a-f]{8,}|\d(?:it/s|s/it)|\d%\|")
UNCOMPARED = {"nbval-ignore-output", "nbval-skip"}


def _text(source) -> str:
    return "".join(source)


def _outputs_text(cell) -> str:
    parts = []
    for output in cell.get("outputs", []):
        parts.append(_text(output.get("text", "")))
        parts += [_text(value) for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    return "\n".join(parts)


class Notebook:
    """One notebook's JSON, with the views that the tests ask for."""

    def __init__(self, path: Path):
        self.path, self.raw = path, path.read_text(encoding="utf-8")
        content = json.loads(self.raw)
        self.metadata, self.cells = content["metadata"], content["cells"]
        self.code = [c for c in self.cells if c["cell_type"] == "code"]
        self.markdown = [_text(c["source"]) for c in self.cells if c["cell_type"] == "markdown"]
        self.headings = [
            line.lstrip("#").strip() for text in self.markdown for line in text.splitlines() if re.match("##? ", line)
        ]


@pytest.fixture(scope="module", params=THERE, ids=lambda path: path.stem)
def notebook(request):
    return Notebook(request.param)


def test_all_are_there():
    assert [path.stem for path in THERE] == list(NAMES)


def test_title_badge_and_run_line(notebook):
    first = _text(notebook.cells[0]["source"])
    assert first.startswith("# "), "the first cell starts with the title"
    assert environment.badge(notebook.path.name) in first, "the badge is environment.badge(...)"
    assert re.search(r"\d+(\.\d+)? (min|s\b|seconds)", first) and re.search(r"\d GB|\d GiB|\d MB", first), (
        "the run line gives minutes and memory"
    )


def test_no_placeholder_is_left(notebook):
    assert not [text for text in notebook.markdown if re.search(r"^[A-Z0-9]{6,}$", text, re.M)]


def test_setup_cell_is_the_one_of_all(notebook):
    assert _text(notebook.code[0]["source"]) == environment.SETUP_CELL
    assert notebook.code[0]["outputs"] == []


def test_one_skeleton(notebook):
    found = [h.lower() for h in notebook.headings]
    at = [next((i for i, h in enumerate(found) if h.startswith(start)), None) for start in HEADINGS]
    assert None not in at, f"missing: {[h for h, i in zip(HEADINGS, at) if i is None]}; there are {notebook.headings}"
    assert at == sorted(at), f"the order is {HEADINGS}"
    assert any("you will see" in h or "you will do" in h for h in found[:3]), "'What you will see' opens"
    sections = [int(m[1]) for h in found[1:] if (m := re.match(r"(\d+)\.? ", h))]
    assert sections and sections == list(range(1, len(sections) + 1)), sections


def test_a_stored_notebook_is_light(notebook):
    assert len(notebook.raw.encode()) < 1_500_000, "its figures make the repository heavy for good"


def test_at_most_eight_names_come_from_the_package(notebook):
    names = set()
    for node in ast.walk(ast.parse("\n".join(_text(cell["source"]) for cell in notebook.code[1:]))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name.split(".")[0] == "mirrorme_utils"}
        elif isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "mirrorme_utils":
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    assert len(names) <= 8, sorted(names)


def test_outputs_are_stored_and_counted_from_one(notebook):
    counts = [c["execution_count"] for c in notebook.code if _text(c["source"]).strip()]
    assert counts == list(range(1, len(counts) + 1))
    shown = [c for c in notebook.code if c["outputs"]]
    compared = [c for c in shown if not {*c["metadata"].get("tags", [])} & UNCOMPARED]
    assert 2 * len(compared) > len(shown), f"nbval compares the outputs of only {len(compared)} cells of {len(shown)}"


def test_nothing_of_a_run_or_a_machine_is_stored(notebook):
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata["kernelspec"]["name"] == "python3"
    assert notebook.metadata["language_info"] == {"name": "python"}
    for cell in notebook.cells:
        assert set(cell["metadata"]) <= {"tags"}, cell["metadata"]
        for output in cell.get("outputs", []):
            assert output["output_type"] != "error" and output.get("name") != "stderr", output
            kinds = set(output.get("data", {}))
            assert not any("widget" in kind or kind in {"image/svg+xml", "application/pdf"} for kind in kinds), kinds
        shown = _text(cell["source"]) + _outputs_text(cell)
        assert not FOLDERS.search(shown), f"a folder of one machine: {FOLDERS.search(shown)[0]!r} in {shown[:200]!r}"
        assert not UNSTABLE.search(_outputs_text(cell)), f"unstable output: {_outputs_text(cell)[:200]!r}"


def test_every_figure_is_followed_by_a_paragraph_that_reads_it(notebook):
    for i, cell in enumerate(notebook.cells):
        kinds = {kind for output in cell.get("outputs", []) for kind in output.get("data", {})}
        if any(kind.startswith("image/") for kind in kinds):
            following = notebook.cells[i + 1] if i + 1 < len(notebook.cells) else {"cell_type": "nothing"}
            assert following["cell_type"] == "markdown", f"nothing reads the figure of: {_text(cell['source'])[:200]}"
            first = _text(following["source"]).strip().split("\n")[0]
            assert not first.startswith("#"), (
                f"a heading and no paragraph follows the figure of: {_text(cell['source'])[:200]}"
            )


def test_there_are_figures_in_a_kind_that_nbval_leaves_alone(notebook):
    shown = [kind for c in notebook.code for o in c["outputs"] for kind in o.get("data", {})]
    kinds = {kind for kind in shown if kind.startswith("image/")}
    assert kinds and kinds <= {"image/png", "image/jpeg"}, kinds


def test_cells_leave_alone_what_nbval_trips_over(notebook):
    for cell in notebook.code:
        source = _text(cell["source"])
        assert "clear_output(" not in source and "update_display(" not in source, source
        assert not re.search(r";\s*$", source), f"a trailing semicolon hides an output: {source!r}"
        assert not re.search(r"^\s*[!%]", source, re.M), f"no shell and no magics: {source!r}"


def test_checks_are_asserts_with_messages(notebook):
    cells, inside = [], False
    for cell in notebook.cells:
        headings = re.findall(r"^##? (.*)", _text(cell["source"]), re.M) if cell["cell_type"] == "markdown" else []
        if headings:
            inside = headings[-1].lower().startswith("checks")
        if inside and cell["cell_type"] == "code":
            cells.append(_text(cell["source"]))
    assert re.search(r"assert .+,", "\n".join(cells), re.S), "a Checks section asserts something, with a message"


def test_nothing_is_left_to_fill_in(notebook):
    text = "\n".join(_text(c["source"]) + _outputs_text(c) for c in notebook.cells)
    left = re.findall(r"@@|@[A-Z]+@|«|⟦|TODO|FIXME|XXX|lorem", text)
    assert not left, sorted(set(left))
