"""Fetch one link at a time: politely, safely, and judging what comes by its bytes.

What may pass (429, 503, a timeout) is requested again after a growing pause or after the pause that the server names; a
body is read up to a size limit; only http and https, and never a private address, checked again at each redirect. A
file is kept only when it decodes to its last pixel, and is written under another name first. It is named by a hash of
its link, so no link can leave the folder. What a host keeps out of data sets (X-Robots-Tag: noai) is not read.

Taught in: notebook 01.
"""

import hashlib
import random
import re
import ssl
import threading
import time
import zlib
from collections.abc import Callable, MutableSequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import urllib3
from ada_url import URL
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, TimeoutError

from .. import files, pictures
from . import links
from .crops import Wanted, cut_faces
from .links import Entry, MayPass, Refused

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
MAX_REDIRECTS = 5
MAX_PAGE = 2**16  # bytes of what comes in place of a photo
RESTS = 1024  # hosts that share a slot by their hash rest together


@dataclass(frozen=True)
class Options:
    """How to fetch.

    workers: links in flight; per_host: of these, at one host; tries: per link and run; pause, longest_pause: seconds
    before the first repeat (doubled each time) and at most; timeout: seconds of silence; deadline: seconds for one
    answer in all; max_bytes: of one file; user_agent: some hosts answer 403 to what is no browser; hosts: name to
    "address:port", used in place of what the name resolves to. That is how the mini world's links reach its server on
    this machine, and the only way to a loopback or private address; ignore_noai: also take what a host keeps out of data
    sets (see `links.forbids`).
    """

    workers: int = 32
    per_host: int = 8
    tries: int = 4
    pause: float = 0.5
    longest_pause: float = 60
    timeout: float = 20
    deadline: float = 120
    max_bytes: int = 20_000_000
    user_agent: str = BROWSER
    hosts: dict[str, str] = field(default_factory=dict)
    ignore_noai: bool = False


def photo_path(folder: Path, url: str) -> Path:
    """Return where the photo of a link lies: named by its hash, whatever the link says."""
    name = hashlib.sha256(url.encode()).hexdigest()[:32]
    return Path(folder) / "photos" / name[:2] / name


class Fetcher:
    """Fetches links, from each host through its own few connections.

    Args:
        folder: with the subfolders of `photo_path`; wanted: the crops to cut while a photo is open; rests: times of
        `time.monotonic` before which hosts want their rest, `RESTS` of them, which processes can share.
    """

    def __init__(self, folder: Path, options: Options, wanted: Wanted, rests: MutableSequence[float]):
        self.folder, self.options, self.wanted, self.rests = Path(folder), options, wanted, rests
        self._desk = threading.Lock()  # one at a time, since a decoded photo can take 200 MB
        self._hosts, self._lock = {}, threading.Lock()
        self._tls, self._proxies = ssl.create_default_context(), HTTPAdapter(pool_maxsize=options.workers)

    def fetch(self, url: str) -> Entry:
        """Fetch one link into its file, with repeats; failures come back as an entry too."""
        start = time.monotonic()
        path = photo_path(self.folder, url)
        if path.exists():  # written by a run that was stopped before its ledger was
            try:
                return self._keep(url, path.read_bytes(), 200, start, 0)
            except Refused:
                path.unlink()
        for attempt in range(1, self.options.tries + 1):
            try:
                body, status, moved = self._get(url)
                return self._keep(url, body, status, start, attempt, moved)
            except Refused as refusal:
                reason, status, mark = refusal.args
                mark = mark and hashlib.sha256(mark.encode()).hexdigest()
                return Entry(url, "dead", status, reason, 0, time.monotonic() - start, attempt, mark)
            except MayPass as failure:
                reason, status, wait = failure.args
            pause = self.options.pause * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)
            pause = min(pause if wait is None else wait, self.options.longest_pause)
            if attempt < self.options.tries:
                time.sleep(pause)
        return Entry(url, "later", status, reason, 0, time.monotonic() - start, attempt)

    def shows_another(self, url: str, pictures_sha256: set[str]) -> bool:
        """Tell whether a link gives a photo now that is none of these; nothing is stored."""
        try:
            body, *_ = self._get(url)
            pictures.read(body, animated=False)
        except (Refused, MayPass, pictures.PictureError):
            return False
        return hashlib.sha256(body).hexdigest() not in pictures_sha256

    def _keep(self, url: str, body: bytes, status: int, start: float, attempt: int, moved: str = "") -> Entry:
        """Cut the faces of a photo and store it; raise `Refused` where the bytes are no picture."""
        with self._desk:
            try:
                picture = pictures.read(body, animated=False)
            except pictures.PictureError as error:
                raise Refused(error.reason, status, _known_by(status, body, moved)) from error
            cut_faces(picture, self.wanted.faces.get(url, ()), self.wanted.folder, self.wanted.size, "fraction")
            del picture
        files.write(photo_path(self.folder, url), body)
        digest = hashlib.sha256(body).hexdigest()
        return Entry(url, "ok", status, "", len(body), time.monotonic() - start, attempt, digest)

    def _get(self, url: str) -> tuple[bytes, int, str]:
        """Follow redirects, each checked like the first link, to a body; return it, its status, and the host of another
        name that it came from ("" if there is none)."""
        link, moved = links.check_link(url), ""
        first = link.hostname
        try:
            for _ in range(MAX_REDIRECTS + 1):
                place = links.address_of(link, self.options.hosts)
                host = self._host(link)
                with host.room:
                    time.sleep(max(self.rests[host.slot] - time.monotonic(), 0))
                    try:
                        answer = self._answer(link, place, host, moved)
                    except TimeoutError:
                        raise MayPass("timeout", 0, None) from None
                    except HTTPError as error:
                        raise MayPass(f"connection failed: {type(error).__name__}", 0, None) from error
                if not isinstance(answer, str):
                    return *answer, moved
                moved = answer.partition("?")[0]
                link = links.check_link(answer, link.href)
                moved = link.hostname if link.hostname != first else ""
            raise Refused("too many redirects", 0, "too many redirects")
        except Refused as refusal:
            raise Refused(refusal.reason, refusal.status, refusal.mark or moved) from None

    def _answer(self, link: URL, place: tuple[str, int] | str, host: "_Host", moved: str) -> tuple[bytes, int] | str:
        """Send a request to an address and port, or to a proxy; return (body, status), or the place of a redirect."""
        headers = {"Host": link.host, "User-Agent": self.options.user_agent, "Accept-Encoding": "identity"}
        end = time.monotonic() + self.options.deadline
        with closing(host.ask(place, link, headers)) as response:
            status = response.status
            if location := response.get_redirect_location():
                return links.redirected(location)
            if links.may_pass(status):
                wait = links.seconds_to_wait(response.headers.get("retry-after"))
                if status in links.TOO_MANY:  # the whole host gets a rest, not this link alone
                    rest = self.options.pause if wait is None else wait
                    self.rests[host.slot] = time.monotonic() + min(rest, self.options.longest_pause)
                raise MayPass(f"HTTP {status}", status, wait)
            if status not in (200, 203):  # 203: a photo that passed through somebody's filter
                page = _page(response, end)
                raise Refused(
                    f"HTTP {status}", status, _known_by(status, page, moved) if moved or _is_html(page) else ""
                )
            word = links.forbids(response.headers.getlist("x-robots-tag"))
            if word and not self.options.ignore_noai:
                raise Refused(f"{links.FORBIDDEN} {word}", status)
            body = _read(response, end, self.options.max_bytes)
            if len(body) > self.options.max_bytes:
                raise Refused(f"larger than {self.options.max_bytes / 1e6:g} MB", status)
            return body, status

    def _host(self, link: URL) -> "_Host":
        """Return the one `_Host` of a link's scheme, name and port."""
        with self._lock:
            if link.origin not in self._hosts:
                self._hosts[link.origin] = _Host(link, self.options, self._tls, self._proxies)
            return self._hosts[link.origin]


def _read(response: urllib3.BaseHTTPResponse, end: float, limit: int) -> bytes:
    """Read a body to its end, or a little beyond a limit; raise `MayPass` where the time is up."""
    body = bytearray()
    while len(body) <= limit and (chunk := response.read1(2**16)):
        body += chunk
        if time.monotonic() > end:
            raise MayPass("too slow", response.status, None)
    return bytes(body)


def _page(response: urllib3.BaseHTTPResponse, end: float) -> bytes:
    """Read the beginning of what comes with a status that has said everything already."""
    try:
        return _read(response, end, MAX_PAGE)
    except (HTTPError, MayPass):
        return b""


def _is_html(page: bytes) -> bool:
    return page.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _known_by(status: int, page: bytes, moved: str) -> str:
    """Return what equal refusals have in common: the host that a redirect led to, or else the page's words.

    A sign-in page names the link that was asked for, and tokens: words with digits, escapes or slashes do not count.
    """
    words = [word for word in re.split(rb"[\s<>\"']+", page[:MAX_PAGE]) if not re.search(rb"[\d/%]", word)]
    return f"{status} {moved or hashlib.sha256(b' '.join(words)).hexdigest()}"


def fetch_all(
    urls: list[str], folder: Path, options: Options, wanted: Wanted, rests: MutableSequence[float],
    tell: Callable[[Entry | Exception], None],
) -> None:  # fmt: skip
    """Fetch links in threads (see `Fetcher`), and tell an entry, or an error, of each, one at a time."""
    fetcher, tasks, lock = Fetcher(folder, options, wanted, rests), iter(urls), threading.Lock()

    def work() -> None:
        while True:
            with lock:
                url = next(tasks, None)
            if url is None:
                return
            try:
                answer = fetcher.fetch(url)
            except Exception as error:
                answer = error
            with lock:
                tell(answer)

    threads = [threading.Thread(target=work) for _ in range(min(options.workers, len(urls)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class _Host:
    """One host: room for `per_host` requests at once, the slot of its time of rest, and its connections.

    Connections go to an address, and hosts that share one must not share a connection.
    """

    def __init__(self, link: URL, options: Options, tls: ssl.SSLContext, proxies: HTTPAdapter):
        self.room = threading.BoundedSemaphore(options.per_host)
        self.slot = zlib.crc32(link.hostname.encode()) % RESTS
        self._asking = dict(timeout=options.timeout, retries=False, redirect=False, preload_content=False)
        self._settings, self._kind = dict(maxsize=options.per_host), urllib3.HTTPConnectionPool
        if link.protocol == "https:":
            self._kind = urllib3.HTTPSConnectionPool
            name = link.hostname.strip("[]")
            self._settings |= dict(ssl_context=tls, server_hostname=name, assert_hostname=name)
        self._pools, self._proxies, self._tls = {}, proxies, tls

    def ask(self, place: tuple[str, int] | str, link: URL, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        """Send a request to an address and port, or to a proxy; a connection whose answer is read to its end is used
        again."""
        if isinstance(place, str):
            proxy = self._proxies.proxy_manager_for(place, ssl_context=self._tls)
            return proxy.urlopen("GET", link.href, headers=headers, **self._asking)
        pool = self._pools.setdefault(place, self._kind(*place, **self._settings))
        return pool.urlopen("GET", link.pathname + link.search, headers=headers, **self._asking)
