"""A notebook is run from top to bottom, stored clean, and left alone when a cell fails."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mirrorme_utils import config, course

WIDGET = "import ipywidgets\nipywidgets.IntSlider()"


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a notebook of some cells; a heading is a string that starts with #."""

    def write(name, *cells):
        cells = [new_markdown_cell(c) if c.startswith("#") else new_code_cell(c) for c in cells]
        path = tmp_path / name
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": {"name": "other", "display_name": "x"}}), path)
        return path

    return write


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A notebook that does all that has to be cleaned away, run in place."""
    path = tmp_path_factory.mktemp("course") / "01_toy.ipynb"
    sources = [
        "import sys, warnings\nprint('kept')\nprint('warned', file=sys.stderr)",
        WIDGET,
        f"print({str(config.ROOT)!r} + '/figures/x.png')\n6 * 7",
        "",
        "import pathlib\npathlib.Path.cwd().name",
    ]
    nbformat.write(new_notebook(cells=[new_code_cell(s) for s in sources]), path)
    result = course.run(path)
    return path, result, json.loads(path.read_text())


def test_cells_are_counted_from_one_and_empty_ones_are_not(ran):
    assert [cell["execution_count"] for cell in ran[2]["cells"]] == [1, 2, 3, None, 4]
    assert ran[2]["cells"][2]["outputs"][1]["execution_count"] == 3


def test_outputs_are_kept_without_stderr_and_folders(ran):
    first, _, third, *_ = ran[2]["cells"]
    assert first["outputs"] == [{"name": "stdout", "output_type": "stream", "text": ["kept\n"]}]
    assert third["outputs"][0]["text"] == ["mirrorme/figures/x.png\n"]
    assert third["outputs"][1]["data"] == {"text/plain": ["42"]}
    assert ran[1].noisy == [1]


def test_a_widget_is_not_stored_and_its_cell_is_not_compared(ran):
    cell = ran[2]["cells"][1]
    assert cell["outputs"] == [] and cell["metadata"] == {"tags": ["nbval-ignore-output"]}


@pytest.mark.parametrize(("text", "tags"), [("Button()", ["nbval-ignore-output"]), ("fecnet:   0%|  | 0/20", [])])
def test_a_progress_bar_leaves_its_cell_compared(text, tags):
    data = {course.WIDGET: {"model_id": "1"}, "text/plain": text}
    cell = new_code_cell("train()", outputs=[new_output("display_data", data)])
    course.scrub(new_notebook(cells=[cell]))
    assert cell.outputs == [] and cell.metadata.get("tags", []) == tags


def test_metadata_name_the_kernel_and_nothing_else(ran):
    assert ran[2]["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert all(set(cell["metadata"]) <= {"tags"} for cell in ran[2]["cells"])


def test_a_notebook_runs_in_its_own_folder_and_is_measured(ran):
    path, result, notebook = ran
    assert notebook["cells"][4]["outputs"][0]["data"]["text/plain"] == [repr(path.parent.name)]
    assert result.seconds > 0 and result.peak > 2**24


def test_a_failing_cell_is_named_and_the_stored_notebook_stays(write, capsys, monkeypatch):
    path = write("02_bad.ipynb", "# Bad", "print(1)", "## 1. Divide", "1 / 0", "print('never')")
    monkeypatch.setattr(course, "NOTEBOOKS", path.parent)
    before = path.read_bytes()
    assert course.run_all(["02"], store=True) == 1
    said = capsys.readouterr().err
    assert "02_bad.ipynb, code cell 2 (## 1. Divide) failed" in said and "ZeroDivisionError" in said
    assert "\x1b" not in said
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_a_kernel_that_dies_is_a_failure(write):
    path = write("02_bad.ipynb", "import os\nos._exit(1)")
    before = path.read_bytes()
    with pytest.raises(course.CourseError, match="code cell 1 .*failed"):
        course.run(path)
    assert path.read_bytes() == before


def test_a_dead_kernel_of_another_installation_is_not_used(write, tmp_path, monkeypatch):
    other = tmp_path / "share" / "kernels" / "python3"
    other.mkdir(parents=True)
    (other / "kernel.json").write_text(
        json.dumps({"argv": ["/nowhere/python"], "display_name": "x", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    path = write("01_a.ipynb", "import sys\nprint(sys.executable)")
    course.run(path, tmp_path / "out.ipynb")
    (cell,) = json.loads((tmp_path / "out.ipynb").read_text())["cells"]
    assert "nowhere" not in cell["outputs"][0]["text"][0]


def test_an_interrupt_leaves_the_stored_notebook(write, monkeypatch):
    path = write("01_slow.ipynb", "print(1)", "print(2)")
    before = path.read_bytes()
    execute = course.NotebookClient.execute_cell

    def interrupted(client, cell, index):
        if index == 1:
            raise KeyboardInterrupt
        return execute(client, cell, index)

    monkeypatch.setattr(course.NotebookClient, "execute_cell", interrupted)
    monkeypatch.setattr(course, "NOTEBOOKS", path.parent)
    assert course.run_all(store=True) == 130
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_copies_go_where_they_are_asked_for(write, tmp_path, monkeypatch, capsys):
    path, other = write("01_a.ipynb", "print(1)"), write("02_b.ipynb", "print(2)")
    monkeypatch.setattr(course, "NOTEBOOKS", tmp_path)
    before = path.read_bytes()
    assert course.run_all(["01"], tmp_path / "out") == 0
    assert path.read_bytes() == before and not (tmp_path / "out" / other.name).exists()
    assert json.loads((tmp_path / "out" / path.name).read_text())["cells"][0]["execution_count"] == 1
    assert "01_a.ipynb" in capsys.readouterr().out


def test_a_number_names_one_notebook(write):
    path, beside = write("03_a.ipynb", "print(1)"), write("03b_b.ipynb", "print(2)")
    assert course.find(["03"], path.parent) == [path]
    assert course.find(["03b"], path.parent) == [beside]
    assert course.find([], path.parent) == [path, beside]


def test_a_number_that_is_none_lists_those_there_are(write):
    path = write("01_a.ipynb", "print(1)")
    with pytest.raises(course.CourseError, match="no notebook 12 .* there are: 01"):
        course.find(["12"], path.parent)
