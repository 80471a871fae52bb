"""The setup cell finds the course; what is there is not installed again; what Colab needs is never swapped."""

import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata

import pytest

from mirrorme_utils import config, environment


@pytest.fixture
def installed(monkeypatch):
    """A machine's packages, as the tests want them; starts with all of ours."""
    versions = {}

    def version(name):
        if versions.get(name, "1") is None:
            raise metadata.PackageNotFoundError(name)
        return versions.get(name) or real(name)

    real = metadata.version
    monkeypatch.setattr(metadata, "version", version)
    return versions


@pytest.fixture
def pip(monkeypatch):
    """Record pip's command lines and the constraints they hold to; `status` is what pip answers."""
    calls = []

    class Done:
        stdout, stderr = "", "line\nERROR: no network\n"
        returncode = 0

    def run(command, **_):
        pins = command[command.index("--constraint") + 1]
        calls.append((command, open(pins).read()))
        return Done

    monkeypatch.setattr(environment.subprocess, "run", run)
    calls_and_answer = type("Pip", (), {"calls": calls, "answer": Done})
    return calls_and_answer


def test_nothing_to_do_says_nothing(pip, capsys):
    environment.prepare()
    assert not pip.calls and capsys.readouterr().out == ""


def test_only_what_is_missing_is_installed(pip, installed, capsys):
    installed |= {"anny": None, "resvg-py": None}
    environment.prepare()
    ((command, pins),) = pip.calls
    assert command[-2:] == ["anny>=0.6.2,<0.7", "resvg-py>=0.2"]
    assert f"torch=={metadata.version('torch')}\n" in pins
    assert capsys.readouterr().out == "installed anny, resvg-py\n"


def test_what_a_kernel_stands_on_is_kept_in_any_version(installed):
    installed |= dict.fromkeys(environment.KEPT, "0.0.1")
    assert environment.missing() == []


def test_too_old_is_missing_unless_kept(installed):
    installed |= {"safetensors": "0.1", "pillow": "1.0"}
    assert environment.missing() == ["safetensors>=0.4,<1"]


def test_opencv_counts_under_any_of_its_names(installed):
    installed |= {"opencv-python-headless": None, "opencv-python": "4.12.0"}
    assert environment.missing() == []


def test_what_runs_notebooks_is_not_installed_by_them(installed):
    groups = tomllib.loads(environment.PROJECT.read_text())["project"]["optional-dependencies"]
    around = {re.match(r"[\w.-]+", line)[0].lower() for lines in groups.values() for line in lines}
    installed |= dict.fromkeys(around, None)
    assert {"jupyterlab", "pytest"} <= around and environment.missing() == []


def test_pip_failing_is_said_with_what_to_do(pip, installed):
    installed["anny"] = None
    pip.answer.returncode = 1
    with pytest.raises(RuntimeError, match=r"(?s)anny.*no network.*make"):
        environment.prepare()


def test_every_kept_package_is_a_requirement_of_the_notebooks():
    lines = tomllib.loads(environment.PROJECT.read_text())["project"]["dependencies"]
    assert environment.KEPT <= {re.match(r"[\w.-]+", line)[0].lower() for line in lines}


def test_requirements_are_the_package_itself_with_what_the_course_and_its_tests_need():
    groups = tomllib.loads(environment.PROJECT.read_text())["project"]["optional-dependencies"]
    lines = (config.ROOT / "requirements.txt").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["-e .[course,tests]"]
    package = "".join(path.read_text("utf-8") for path in (config.ROOT / "mirrorme_utils").rglob("*.py"))
    unnamed = [extra for extra in groups if extra not in ("course", "tests") and f"[{extra}]" not in package]
    assert not unnamed, "what an extra brings is missed in a sentence that names it"


def test_setup_cell_is_short_and_holds_the_address_once():
    lines = environment.SETUP_CELL.splitlines()
    assert len(lines) <= 8 and max(map(len, lines)) <= 120
    assert environment.SETUP_CELL.count(environment.REPOSITORY) == 1


@pytest.mark.parametrize("place", [".", "notebooks", "..", "elsewhere"])
def test_setup_cell_finds_the_course(tmp_path, place):
    """From its root, from its notebooks, beside it; and else by cloning (here: from this folder)."""
    course = tmp_path / "course"
    (course / "mirrorme_utils").mkdir(parents=True)
    (course / "notebooks").mkdir()
    (course / "mirrorme_utils" / "__init__.py").write_text("from . import environment\n")
    (course / "mirrorme_utils" / "environment.py").write_text("def prepare():\n    print(__file__)\n")
    where = {".": course, "notebooks": course / "notebooks", "..": tmp_path}.get(place, tmp_path / "a" / "b")
    where.mkdir(parents=True, exist_ok=True)
    cell = environment.SETUP_CELL
    if place == "elsewhere":
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(course)]
        subprocess.run([*git[:-2], "init", "-q", str(course)], check=True)
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-q", "-m", "course"], check=True)
        cell = cell.replace(environment.REPOSITORY, course.as_uri())
    for _ in range(2):  # the second time the clone is found
        said = subprocess.run(
            [sys.executable, "-c", cell], cwd=where, capture_output=True, text=True,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        )  # fmt: skip
        assert said.returncode == 0, said.stderr
        found = where / "mirrorme" if place == "elsewhere" else course
        assert said.stdout.strip() == str(found / "mirrorme_utils" / "environment.py")


def test_badge_links_to_the_notebook():
    place = environment.REPOSITORY.removeprefix("https://github.com/")
    line = environment.badge("14_mirror_me.ipynb")
    assert line.startswith("[![Open in Colab](") and line.endswith(f"{place}/blob/main/notebooks/14_mirror_me.ipynb)")
    assert "\n" not in line and line in (config.ROOT / "README.md").read_text()
