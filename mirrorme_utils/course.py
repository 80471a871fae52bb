"""Run the notebooks from top to bottom, each in a fresh kernel of this Python, into copies with clean outputs.

    mirrorme course                        all of them, into build/notebooks; what they draw goes to build/figures
    mirrorme course --only 03 07           some of them
    mirrorme course --store                in place, and figures/ anew: how what is stored is renewed

A notebook is written only when every cell of it has run.
"""

import os
import re
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import nbformat
import psutil
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from traitlets import default

from . import config, files

NOTEBOOKS = config.ROOT / "notebooks"
CELL_SECONDS = 6 * 3600
WIDGET = "application/vnd.jupyter.widget-view+json"
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class CourseError(RuntimeError):
    """A notebook is missing, or one of its cells failed."""


def find(only: list[str] = (), folder: Path | None = None) -> list[Path]:
    """List the notebooks in order, or those of the given numbers, such as 03.

    Raises:
        CourseError: a number has no notebook, or there is none at all.
    """
    folder = folder or NOTEBOOKS
    every = {path.name.split("_")[0]: path for path in sorted(folder.glob("[0-9][0-9]*_*.ipynb"))}
    if unknown := [number for number in only or every or [""] if number not in every]:
        raise CourseError(f"no notebook {unknown[0]} in {folder.name}/; there are: {', '.join(every) or 'none'}")
    return [path for number, path in every.items() if not only or number in only]


class OwnPython(AsyncKernelManager):
    """Starts kernels of the Python that runs this, and of no other that was installed under the name of "python3"."""

    @default("kernel_spec_manager")
    def _no_kernel_folders(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])


class Ran(NamedTuple):
    """What a notebook took: seconds, peak memory in bytes with its worker processes, cells that wrote to stderr."""

    seconds: float
    peak: int
    noisy: list[int]


def run(path: Path, out: Path | None = None) -> Ran:
    """Run one notebook in a fresh kernel, in its own folder, and store it with clean outputs.

    Args:
        out: where to write the executed notebook; the notebook itself by default.
    Raises:
        CourseError: a cell failed; the message names it and holds its error. What was stored is left alone.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, kernel_manager_class=OwnPython, kernel_name="python3", timeout=CELL_SECONDS, record_timing=False,
        coalesce_streams=True, resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as log, client.setup_kernel(stderr=log):
        with _Memory(client.km.provisioner.pid) as memory:
            for index, cell in enumerate(notebook.cells):
                try:
                    client.execute_cell(cell, index)
                except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                    log.seek(0)
                    said = getattr(error, "traceback", "") or f"{log.read()}\n{error}"
                    raise CourseError(_failure(path, notebook, index, said)) from None
    seconds = time.monotonic() - start
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    noisy = [n for n, cell in enumerate(code, 1) if any(output.get("name") == "stderr" for output in cell.outputs)]
    scrub(notebook)
    _store(notebook, out or path)
    return Ran(seconds, memory.peak, noisy)


def scrub(notebook: NotebookNode) -> NotebookNode:
    """Take out of an executed notebook, in place, all that differs from run to run or from machine to machine.

    Standard error, widgets (their cells get the tag `nbval-ignore-output`, but for progress bars, which a training that
    is loaded does not show), timings, versions, and folders of this machine go; cells are counted from 1.
    """
    notebook.metadata = NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    count = 0
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = NotebookNode()
        if cell.cell_type == "code":
            shown = [output.data for output in cell.outputs if WIDGET in output.get("data", {})]
            if any("%|" not in data.get("text/plain", "") for data in shown):
                tags = [*tags, *{"nbval-ignore-output"}.difference(tags)]
            cell.outputs = [_clean(output) for output in cell.outputs if _kept(output)]
            if cell.source.strip():
                count += 1
                cell.execution_count = count
                for output in cell.outputs:
                    if output.output_type == "execute_result":
                        output.execution_count = count
        if tags:
            cell.metadata.tags = tags
    return notebook


def _kept(output: NotebookNode) -> bool:
    return output.get("name") != "stderr" and WIDGET not in output.get("data", {})


def _clean(output: NotebookNode) -> NotebookNode:
    if "text" in output:
        output.text = _without_folders(output.text)
    for kind, content in output.get("data", {}).items():
        if kind.startswith("text/"):
            output.data[kind] = _without_folders(content)
    return output


def _without_folders(text: str) -> str:
    for folder in (config.DATA.resolve(), config.ROOT):
        name = "data" if folder != config.ROOT else "mirrorme"
        text = text.replace(str(folder), name)
    return text.replace(str(Path.home()), "~")


def _store(notebook: NotebookNode, path: Path) -> None:
    nbformat.validate(notebook)
    files.write(path, nbformat.writes(notebook) + "\n")


def _failure(path: Path, notebook: NotebookNode, index: int, said: str) -> str:
    number = sum(c.cell_type == "code" for c in notebook.cells[: index + 1])
    headings = [c.source.splitlines()[0] for c in notebook.cells[:index] if c.source.startswith("#")]
    said = _ANSI.sub("", said).strip().splitlines()
    shown = "\n".join(f"    {line}" for line in said[-40:])
    return f"{path.name}, code cell {number} ({headings[-1] if headings else 'top'}) failed:\n{shown}"


class _Memory:
    """The peak of the resident memory of a process and its children, looked at twice a second."""

    def __init__(self, pid: int):
        self.peak = 0
        self._process, self._done = psutil.Process(pid), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while True:
            try:
                tree = (self._process, *self._process.children(recursive=True))
                self.peak = max(self.peak, sum(process.memory_info().rss for process in tree))
            except psutil.Error:  # one of them has just ended
                pass
            if self._done.wait(0.5):
                return

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._done.set()
        self._thread.join()


def run_all(only: list[str] = (), out: Path | None = None, store: bool = False) -> int:
    """Run notebooks and print the minutes and memory that each takes; return the exit status.

    Args:
        only: their numbers, such as 03; all if none is given. out: folder for executed copies; build/notebooks if not
            given. store: write the notebooks in place instead, and figures/.
    """
    out = None if store else Path(out or config.ROOT / "build" / "notebooks")
    if not store:
        os.environ.setdefault("MIRRORME_FIGURES", str(config.ROOT / "build" / "figures"))
    try:
        for path in find(only):
            print(f"{path.name:<32}", end=" ", flush=True)
            ran = run(path, out and out / path.name)
            note = f"  (code cells {ran.noisy} wrote to stderr)" if ran.noisy else ""
            print(f"{ran.seconds / 60:5.1f} min  {ran.peak / 2**30:4.1f} GiB{note}", flush=True)
    except CourseError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the notebook that was running is left as it was", file=sys.stderr)
        return 130
    return 0
