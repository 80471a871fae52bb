"""The set-up that every notebook starts with: find the course, install what is missing, link to Colab.

Imports the standard library only, since it runs before the requirements are there.
"""

import importlib
import re
import subprocess
import sys
import tempfile
import tomllib
from importlib import metadata
from pathlib import Path

REPOSITORY = "https://github.com/mirrorme-course/mirrorme"
PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"

# Whatever version a machine has, a running kernel (and Colab's GPU) depends on it: never swapped.
KEPT = {"torch", "torchvision", "numpy", "pillow", "pandas", "ipywidgets", "ipython"}
# Colab brings OpenCV under other names; a second one would overwrite its files.
SAME = {"opencv-python-headless": ("opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless")}

SETUP_CELL = f'''\
import glob, os, subprocess, sys
homes = [home for where in (".", "..", "*", "/content/*", "/content/drive/MyDrive/*", "/content/drive/MyDrive/*/*")
         for home in sorted(glob.glob(where)) if os.path.isdir(home + "/mirrorme_utils")]
if not homes:  # on Colab: fetch the course
    subprocess.check_call("git clone -q --depth=1 {REPOSITORY} mirrorme".split())
sys.path.insert(0, os.path.abspath(homes[0] if homes else "mirrorme"))
import mirrorme_utils
mirrorme_utils.environment.prepare()'''


def badge(notebook: str) -> str:
    """Return the Markdown of the badge that opens a notebook (its file name) on Colab."""
    picture = "https://colab.research.google.com/assets/colab-badge.svg"
    place = REPOSITORY.removeprefix("https://github.com/")
    page = f"https://colab.research.google.com/github/{place}/blob/main/notebooks/{notebook}"
    return f"[![Open in Colab]({picture})]({page})"


def missing(project: Path = PROJECT) -> list[str]:
    """List the requirements of the notebooks (pyproject.toml's dependencies) that this Python lacks, as pip wants them.

    A package in `KEPT` is missing only if no version of it is there.
    """
    from packaging.requirements import Requirement

    lacking = []
    for line in tomllib.loads(project.read_text())["project"]["dependencies"]:
        requirement = Requirement(line)
        name = requirement.name.lower()
        if requirement.marker and not requirement.marker.evaluate():
            continue
        versions = [v for v in map(_version, (name, *SAME.get(name, ()))) if v]
        if not any(name in KEPT or requirement.specifier.contains(v, prereleases=True) for v in versions):
            lacking.append(line)
    return lacking


def prepare() -> None:
    """Install what the notebooks need and this Python lacks; say nothing if that is nothing.

    Raises:
        RuntimeError: pip could not install it; the message holds what pip said and what to do.
    """
    lacking = missing()
    if not lacking:
        return
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder, "kept.txt")
        pins.write_text("".join(f"{name}=={version}\n" for name in sorted(KEPT) if (version := _version(name))))
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--constraint", str(pins), *lacking]
        pip = subprocess.run(command, capture_output=True, text=True)
    if pip.returncode:
        said = "\n".join((pip.stderr or pip.stdout).strip().splitlines()[-3:])
        raise RuntimeError(
            f"pip could not install {', '.join(lacking)}. It said:\n{said}\n"
            "Connect to the internet and run this cell again, or run `make` in the course's folder."
        )
    importlib.invalidate_caches()
    print("installed", ", ".join(re.match(r"[\w.-]+", line)[0] for line in lacking))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
