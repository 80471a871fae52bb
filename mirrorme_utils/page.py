"""Serve the app of notebook 09 as a page of its own, with Voila: `python -m mirrorme_utils.page`.

Voila runs the notebook for each visitor and shows its outputs without the code. Cells with the tag `lesson` are left
out, so the app comes up as soon as its own cells have run.
"""

import sys

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from traitlets.config import Config

from . import config, pictures

NOTEBOOK = config.ROOT / "notebooks" / "09_mirror_me.ipynb"


def without_lessons(request, notebook: NotebookNode, cwd: str) -> NotebookNode:
    """Return the notebook without the cells that only teach, under a title of its own."""
    needed = [cell for cell in notebook.cells if "lesson" not in cell.metadata.get("tags", ())]
    notebook.cells = [new_markdown_cell("# Mirror me"), *needed]
    return notebook


def settings() -> Config:
    """Return Voila's configuration: the app alone, and room for uploads (Tornado's own limit is 10 MB)."""
    return Config(
        VoilaConfiguration={"prelaunch_hook": without_lessons},
        Voila={"tornado_settings": {"websocket_max_message_size": 2 * pictures.MAX_BYTES}},
    )


def main(arguments: list[str] | None = None) -> None:
    """Serve until stopped; arguments go to Voila (`--port`, `--no-browser`, …)."""
    from voila.app import Voila

    Voila.launch_instance([str(NOTEBOOK), *(sys.argv[1:] if arguments is None else arguments)], config=settings())


if __name__ == "__main__":
    main()
