"""Pages of other sites: while no access file says who may call, a browser must not call for its user.

A page anywhere can send requests to loopback, and by DNS rebinding read the answers, too. A token would stop
it, since no page has one; without tokens the headers that a page cannot choose do.
Source: Fetch Standard, 4.6 (forbidden request headers); Fetch Metadata Request Headers, 2.3.
"""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from starlette.types import Scope

from archer.errors import Forbidden

OWN_SITES: Final = frozenset({b"same-origin", b"none"})  # none: typed or bookmarked by the user


def refuse_foreign(scope: Scope, *, is_change: bool) -> None:
    """Refuse a request for another host, and a change that a page of another origin sends.

    Raises:
        Forbidden: It is one.
    """
    hosts = _values(scope, b"host")
    host = hosts[0].decode("latin-1") if len(hosts) == 1 else ""
    if not is_loopback(host):
        raise Forbidden("Without an access file, Archer answers for loopback names only, not for this Host.")
    if not is_change:
        return
    origins = {value.decode("latin-1") for value in _values(scope, b"origin")}
    is_own = origins <= {f"http://{host}", f"https://{host}"}
    if not is_own or not OWN_SITES.issuperset(_values(scope, b"sec-fetch-site")):
        raise Forbidden("Without an access file, pages of other origins may change nothing.")


def is_loopback(host: str) -> bool:
    """Whether a ``Host`` header names this machine, whatever its port."""
    try:
        parts = urlsplit(f"//{host}")
        name, _ = parts.hostname or "", parts.port
        if parts.netloc != host or "@" in host:
            return False
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _values(scope: Scope, wanted: bytes) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == wanted]
