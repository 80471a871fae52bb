"""Links from outside: which may be requested, from which address, and how long to wait when a server says so.

Taught in: notebook 01.
"""

import email.utils
import ipaddress
import socket
import time
from dataclasses import dataclass
from functools import lru_cache

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url


@dataclass(frozen=True)
class Entry:
    """One link: its state, the last HTTP status (0: no answer), the reason in words, and what it cost."""

    url: str
    state: str
    status: int = 0
    reason: str = ""
    bytes: int = 0
    seconds: float = 0.0
    tries: int = 0
    sha256: str = ""


class Refused(Exception):
    """A link that is not worth another request: (reason, HTTP status)."""


class MayPass(Exception):
    """A failure that may pass: (reason, HTTP status, seconds to wait or None)."""


def check_link(url: str) -> Url:
    """Parse a link; refuse what is not plain http(s).

    Raises:
        Refused: another scheme, no host, or a name and password inside.
    """
    try:
        link = parse_url(url)
    except LocationParseError:
        raise Refused("no valid link", 0) from None
    if not url.isprintable():  # line breaks, say, which could add a header
        raise Refused("no valid link", 0)
    if link.scheme not in ("http", "https") or not link.host:
        raise Refused(f"scheme {link.scheme or 'none'!r} is not http(s)", 0)
    if link.auth:
        raise Refused("name and password in a link", 0)
    return link


def address_of(link: Url, hosts: dict[str, str]) -> tuple[str, int]:
    """Return the address and port that a link's request goes to.

    The connection goes to the address that was checked, so a name cannot change its address in between.

    Args:
        hosts: name to "address:port", believed without a check (see `fetch.Options`).
    Raises:
        Refused: the name stands for a loopback, private or otherwise not public address.
        MayPass: the name cannot be resolved.
    """
    host = link.host.strip("[]")
    mapped = hosts.get(host)
    if mapped:
        address, _, port = mapped.rpartition(":")
        return address, int(port)
    port = link.port or (443 if link.scheme == "https" else 80)
    addresses = _resolve(host, port, int(time.monotonic()) // 300)
    for address in addresses:
        parsed = ipaddress.ip_address(address)
        parsed = getattr(parsed, "ipv4_mapped", None) or parsed
        if not parsed.is_global or parsed.is_multicast:
            raise Refused("address is not public", 0)
    return addresses[0], port


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
