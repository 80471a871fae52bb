"""A photo host on this machine, which misbehaves on purpose as the real one does.

The mini world's links point to a host that does not exist. This server answers in its place, in threads, and a small
seeded share of its photos fails in the ways that FEC's links are known to fail. Only this machine can reach it.

Taught in: notebook 01.
"""

import io
import sys
import threading
import time
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from PIL import Image, ImageDraw

from .. import config

SHARES = {  # of the photos; each fault hits at least one, the placeholder at least five
    "404": 0.005,
    "410": 0.01,
    "browsers only": 0.02,
    "truncated": 0.004,
    "html": 0.004,
    "placeholder": 0.004,
    "503 once": 0.004,
    "slow": 0.0,
}
SLOW = 0.5  # seconds


def choose_faults(names: Iterable[str], seed: int, shares: dict[str, float] = SHARES) -> dict[str, str]:
    """Draw which photos misbehave, and how: photo name to fault; the others are served as they are.

    A small world's triplets leave some photos out, and a placeholder must be met three times to be known as one.
    """
    names = sorted(names)
    names = [names[i] for i in config.rng(seed, "faults").permutation(len(names))]
    faults = {}
    for fault, share in shares.items():
        count = max(5 if fault == "placeholder" else 1, round(share * len(names)))
        for name in names[len(faults) : len(faults) + count]:
            faults[name] = fault
    return faults


def placeholder() -> bytes:
    """Draw the picture that a photo host shows in place of one that is gone."""
    picture = Image.new("RGB", (240, 180), "#e8e8e8")
    ImageDraw.Draw(picture).text((50, 84), "this photo is unavailable", fill="#777777")
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # a client that opens many connections at once is not kept waiting

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a client that hangs up is nobody's error
            super().handle_error(request, client_address)


class PhotoServer:
    """Serves a folder of photos while it is open: `with PhotoServer(folder, faults) as server: ...`.

    Args:
        folder: the photos; faults: see `choose_faults`.
    `address` is "127.0.0.1:port", for `fetch.Options.hosts`; `asked` counts the requests for each name.
    """

    def __init__(self, folder: Path, faults: dict[str, str] | None = None):
        self.folder, self.faults = Path(folder), faults or {}
        self.asked = {}
        self._placeholder = placeholder()
        self._lock = threading.Lock()
        outer = self

        class Handler(_Handler):
            server_of = outer

        self._http = _Quiet(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> "PhotoServer":
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, name: str, user_agent: str) -> tuple[int, dict[str, str], bytes]:
        """Decide how to answer a request: status, headers and body."""
        with self._lock:
            self.asked[name] = self.asked.get(name, 0) + 1
            first = self.asked[name] == 1
        path = self.folder / name
        fault = self.faults.get(name)
        if "/" in name or "\\" in name or name.startswith(".") or not path.is_file():
            return 404, {}, b"no such photo"
        if fault in ("404", "410"):
            return int(fault), {}, b"gone"
        if fault == "browsers only" and "Mozilla" not in user_agent:
            return 403, {}, b"forbidden"
        if fault == "503 once" and first:
            return 503, {"Retry-After": "0"}, b"busy"
        if fault == "html":
            return 200, {"Content-Type": "image/jpeg"}, b"<html><body>Please log in.</body></html>"
        if fault == "placeholder":
            return 200, {"Content-Type": "image/png"}, self._placeholder
        if fault == "slow":
            time.sleep(SLOW)
        body = path.read_bytes()
        return 200, {"Content-Type": "image/jpeg"}, body[: len(body) // 2] if fault == "truncated" else body


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open
    disable_nagle_algorithm = True
    server_of: PhotoServer

    def do_GET(self) -> None:  # noqa: N802 (the name that http.server calls)
        name = unquote(urlsplit(self.path).path.removeprefix("/"))
        status, headers, body = self.server_of.answer(name, self.headers.get("User-Agent", ""))
        self.send_response(status)
        for header, value in headers.items():
            self.send_header(header, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass  # the ledger keeps the record
