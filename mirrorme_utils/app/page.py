"""Serve the app of notebook 14 as a page of its own, with Voila: `mirrorme app`.

Voila runs the notebook for each visitor and shows its outputs without the code. Cells with the tag `lesson` are left
out, so the app comes up as soon as its own cells have run.
"""

import os

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from traitlets.config import Config

from .. import config
from .chooser import UPLOAD_BYTES

IDLE_SECONDS = 120  # after which the kernel of a page that nobody has open is ended
NOTEBOOK = config.ROOT / "notebooks" / "14_mirror_me.ipynb"


def without_lessons(request, notebook: NotebookNode, cwd: str) -> NotebookNode:
    """Return the notebook without the cells that only teach, under a title of its own."""
    needed = [cell for cell in notebook.cells if "lesson" not in cell.metadata.get("tags", ())]
    notebook.cells = [new_markdown_cell("# Mirror me"), *needed]
    return notebook


def settings() -> Config:
    """Return Voila's configuration: the app alone, room for uploads (Tornado's own limit is 10 MB), and an end to the
    kernels of visitors who are gone."""
    return Config(
        MappingKernelManager={"cull_idle_timeout": IDLE_SECONDS, "cull_interval": 30},
        VoilaConfiguration={"prelaunch_hook": without_lessons},
        Voila={"tornado_settings": {"websocket_max_message_size": 2 * UPLOAD_BYTES}},
    )


def serve(port: int, browser: bool = True) -> None:
    """Serve the page on this machine until stopped; open it in a browser if asked.

    Its kernels are of the Python that runs this, whatever else was installed as "python3" on this machine.
    """
    os.environ.pop("JUPYTER_PATH", None)
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # else each visitor's threads spin where others want to work
    from voila.app import Voila

    arguments = [str(NOTEBOOK), f"--port={port}"] + ([] if browser else ["--no-browser"])
    Voila.launch_instance(arguments, config=settings())
