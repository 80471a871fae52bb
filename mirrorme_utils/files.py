"""Write a file whole or not at all: under another name first, then renamed. And name what code made it."""

import ast
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path


@contextmanager
def whole(path: Path, sync: bool = False) -> Iterator[Path]:
    """Yield a path to write to; when the block ends well, that file takes the place of `path`, else it is deleted.

    The temporary name is nobody else's, so two processes that write the same file never mix. It starts with a dot, so
    that nobody takes what a kill leaves behind for a file, and ends with the same suffix, by which many writers choose
    a format. Missing folders are made.

    Args:
        sync: wait until the bytes are on the disk, so that a power cut cannot leave the name without them.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.part{path.suffix}")
    try:
        yield part
        if sync:
            with open(part, "rb") as file:
                os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write(path: Path, content: str | bytes) -> None:
    """Write text (UTF-8) or bytes, whole or not at all."""
    with whole(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


@cache  # parsing takes 50 ms, and some names of caches are asked for with each picture
def digest_of_code(*modules: Path) -> str:
    """Return a short digest of Python files as they are when first asked, for the names of caches of what they made.

    Comments, docstrings and layout do not count.
    """
    dumps = []
    for path in sorted(modules):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
                node.body = node.body[1:]
        dumps.append(ast.dump(tree))
    return hashlib.sha1("".join(dumps).encode()).hexdigest()[:8]
