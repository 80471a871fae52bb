"""Links from outside: which may be requested and where, which statuses may pass, and what a host forbids.

A link is read as browsers read it (the WHATWG's URL standard, by `ada_url`): spaces and letters of any kind are
percent-encoded, names become IDNA, and 2130706433 is 127.0.0.1. A control character makes it no link.

Taught in: notebook 01.
"""

import email.utils
import ipaddress
import re
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

from ada_url import URL
from requests.utils import get_environ_proxies, prepend_scheme_if_needed, select_proxy

REGISTERED = {status.value for status in HTTPStatus}
PASSING = {202, 407, 408, 409, 421, 423, 424, 425, 429}  # of the registered ones between 200 and 499
TOO_MANY = {420, 429}
FORBIDDING = {"noai", "noimageai", "noml", "noindex", "noimageindex", "none"}
WITH_VALUE = {"max-snippet", "max-image-preview", "max-video-preview", "unavailable_after"}
FORBIDDEN = "the host says"


@dataclass(frozen=True)
class Entry:
    """One link: its state, the last HTTP status (0: no answer), the reason in words, and what it cost.

    sha256: of the photo; of a refusal, what it has in common with equal ones ("" where the link alone is to blame).
    """

    url: str
    state: str
    status: int = 0
    reason: str = ""
    bytes: int = 0
    seconds: float = 0.0
    tries: int = 0
    sha256: str = ""


class Refused(Exception):
    """A link that is not worth another request: (reason, HTTP status, what equal refusals have in common or "")."""

    def __init__(self, reason: str, status: int = 0, mark: str = ""):
        super().__init__(reason, status, mark)
        self.reason, self.status, self.mark = reason, status, mark


class MayPass(Exception):
    """A failure that may pass: (reason, HTTP status, seconds to wait or None)."""


def check_link(url: str, base: str | None = None) -> URL:
    """Read a link; refuse what is not plain http(s).

    Args:
        base: the link that it is relative to, as a redirect's place may be.
    Raises:
        Refused: another scheme, no host, a name and password inside, or control characters.
    """
    if re.search("[\x00-\x1f\x7f-\x9f]", url):  # line breaks, say, which could add a header
        raise Refused("no valid link")
    try:
        link = URL(re.sub("%(?![0-9A-Fa-f]{2})", "%25", url), base)
    except ValueError:
        raise Refused("no valid link" if ":" in url else "scheme 'none' is not http(s)") from None
    if link.protocol not in ("http:", "https:"):
        raise Refused(f"scheme {link.protocol[:-1]!r} is not http(s)")
    if link.username or link.password:
        raise Refused("name and password in a link")
    link.hash = ""
    return link


def redirected(location: str) -> str:
    """Return the place of a redirect, which browsers take in raw bytes of any encoding (headers are read as Latin-1)."""
    return re.sub("[^\x00-\x7f]", lambda raw: f"%{ord(raw[0]):02X}", location)


def address_of(link: URL, hosts: dict[str, str]) -> tuple[str, int] | str:
    """Return the address and port that a link's request goes to, or the proxy that is to be asked.

    The connection goes to the address that was checked, so a name cannot change its address in between. A proxy, which
    the environment names as for `requests` (http_proxy, https_proxy, all_proxy, no_proxy), resolves names itself: behind
    one, only what is written as a private address is known to be one.

    Args:
        hosts: name to "address:port", believed without a check, and never behind a proxy (see `fetch.Options`).
    Raises:
        Refused: the link names a loopback, private or otherwise not public address, or its name stands for one.
        MayPass: the name cannot be resolved.
    """
    host = link.hostname.strip("[]")
    if mapped := hosts.get(host):
        address, _, port = mapped.rpartition(":")
        return address, int(port)
    name = host.rstrip(".")
    if name == "localhost" or name.endswith(".localhost") or not _all_public([host]):
        raise Refused("address is not public")
    if proxy := select_proxy(link.href, get_environ_proxies(link.href)):
        return prepend_scheme_if_needed(proxy, "http")
    port = int(link.port or (443 if link.protocol == "https:" else 80))
    addresses = _resolve(host, port, int(time.monotonic()) // 300)
    if not _all_public(addresses):
        raise Refused("address is not public", 0, addresses[0])  # as the network here says, which may lie
    return addresses[0], port


def _all_public(hosts: Iterable[str]) -> bool:
    """Tell whether none of these hosts is written as an address that is not public."""
    for host in hosts:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            continue
        address = getattr(address, "ipv4_mapped", None) or address
        if not address.is_global or address.is_multicast:
            return False
    return True


@lru_cache(maxsize=1024)
def _resolve(host: str, port: int, _minutes: int) -> list[str]:
    """Look addresses of a host up, IPv4 first; `_minutes`, which counts on, makes the cache forget after a while."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise MayPass("host not found", 0, None) from None
    return sorted({entry[4][0].split("%")[0] for entry in found}, key=lambda address: ":" in address)


def seconds_to_wait(retry_after: str | None) -> float | None:
    """Read a Retry-After header: seconds or an HTTP date; None where it says nothing usable."""
    if not retry_after:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max(email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time(), 0)
    except (TypeError, ValueError):
        return None


def may_pass(status: int) -> bool:
    """Tell whether another request may get another answer than this HTTP status.

    The server's troubles pass (500 and above), and so do 1xx, `PASSING`, such as 202 (not ready yet), and whatever
    nobody has registered (420, 440, 498, 499, ...). What is said of the link or of who asks is final: 400, 401, 403,
    404, 410, 451.
    """
    return status >= 500 or status < 200 or status in PASSING or status not in REGISTERED


def forbids(robots: Iterable[str]) -> str:
    """Return the word in X-Robots-Tag headers by which a host keeps a picture out of data sets, or "".

    The words are those that img2dataset obeys (noai, noimageai, noindex, noimageindex), `none`, which means noindex too,
    and noml. What is said to another robot by name ("googlebot: noai") is not said to us.
    """
    for header in robots:
        robot = "*"
        for part in header.lower().split(","):
            name, colon, rest = part.partition(":")
            if colon and name.strip() not in WITH_VALUE:
                robot, part = name.strip(), rest
            if robot in ("*", "mirrorme") and part.strip() in FORBIDDING:
                return part.strip()
    return ""
