"""A host on this machine that answers as a test tells it to, counts what it is asked, and can hold its answers back."""

import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import samples

from mirrorme_utils.data.download import Options, download

HOST = "photos.example.test"
QUICK = dict(pause=0.01, timeout=60, tries=3, workers=8)


def jpeg(name: str) -> bytes:
    """A small photo that its name decides."""
    return samples.encoded(samples.oval(name))


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a client that was killed
            super().handle_error(request, client_address)


class Server:
    """Answers each path by a function of (handler, how often it was asked), `usual` where it has none of its own; counts
    questions and crowding."""

    def __init__(self):
        self.asked, self.now, self.most, self.answers, self.agents = Counter(), 0, 0, {}, set()
        self.usual = lambda handler, n: handler.say(body=jpeg(handler.path))
        self._left, self.held, self._go = float("inf"), threading.Event(), threading.Event()
        lock, outer = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # noqa: N802
                with lock:
                    outer.asked[self.path] += 1
                    outer.now += 1
                    outer.most = max(outer.most, outer.now)
                    outer.agents.add(self.headers["User-Agent"])
                    outer._left -= 1
                    wait = outer._left < 0
                answer = outer.answers.get(self.path.split("?")[0], outer.usual)
                try:
                    if wait:
                        outer.held.set()
                        outer._go.wait()
                    answer(self, outer.asked[self.path])
                except ConnectionError:
                    self.close_connection = True
                finally:
                    with lock:
                        outer.now -= 1

            def say(self, status=200, body=b"", length=None, **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.http = _Quiet(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def hold_after(self, n: int) -> None:
        """Answer n more questions and hold back all answers after them, until `release`; then `held` is set."""
        self.held.clear()
        self._go = threading.Event()
        self._left = n

    def release(self) -> None:
        """Answer again, also what was held back."""
        self._left = float("inf")
        self._go.set()

    def get(self, names, folder, **options):
        """Download these pictures of the host; return the ledger's rows by name."""
        hosts = options.pop("hosts", {HOST: self.address})
        rows = download([f"http://{HOST}/{name}" for name in names], folder, Options(hosts=hosts, **QUICK | options))
        return rows.set_index(rows["url"].str.rsplit("/", n=1).str[-1])

    def close(self) -> None:
        """End the server; what it still holds back is answered first."""
        self.release()
        self.http.shutdown()
        self.http.server_close()
