"""The page shows the app and leaves the lessons out."""

import ast
import builtins

import nbformat

from mirrorme_utils import environment
from mirrorme_utils.app import chooser, page


def test_kernels_of_visitors_who_are_gone_end_and_uploads_have_room():
    settings = page.settings()
    assert 0 < settings.MappingKernelManager.cull_idle_timeout <= 300 and settings.MappingKernelManager.cull_interval < 60
    assert settings.Voila.tornado_settings["websocket_max_message_size"] > chooser.UPLOAD_BYTES


def test_the_page_shows_the_app_and_needs_no_cell_that_it_leaves_out():
    notebook = nbformat.read(page.NOTEBOOK, as_version=4)
    shown = page.without_lessons(None, notebook, "").cells
    code = [cell.source for cell in shown if cell.cell_type == "code"]
    assert shown[0].source == "# Mirror me" and code[0] == environment.SETUP_CELL and code[-1].endswith("studio")
    tree, known = ast.parse("\n".join(code)), {*dir(builtins)}
    for node in ast.walk(tree):
        if isinstance(node, ast.alias):
            known.add(node.asname or node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            known.add(node.id)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert used <= known, f"cells that are left out define {used - known}"
