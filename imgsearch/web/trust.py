"""Which requests come from the page itself, and not from another page in the same browser.

Any page that a browser shows may send requests to this machine. It cannot choose three headers,
though: `Host`, `Origin` and `Sec-Fetch-Site`.
"""

from __future__ import annotations

import ipaddress
import socket
from email.message import Message
from typing import Final
from urllib.parse import urlsplit

_OWN_SITES: Final = frozenset((None, "same-origin", "none"))


def refusal(method: str, headers: Message, *, host: str, is_page: bool) -> str | None:
    """Say why a request is not answered; None if it is.

    Args:
        method: `"GET"`, `"HEAD"` or `"POST"`.
        headers: Its headers.
        host: The name or address that the server was told to listen at.
        is_page: Whether it asks for the page itself, which other pages may link to.
    """
    named = headers.get("Host", "")
    if not _is_own_name(named, host):
        # A name of somebody else's that leads here: DNS rebinding.
        return "this name is not of this server; use the address that `imgsearch serve` printed"
    if not is_page and headers.get("Sec-Fetch-Site") not in _OWN_SITES:
        return "another page has asked for this"
    origin = headers.get("Origin")
    if method == "POST" and origin is not None and not _is_same(origin, named):
        return "another page has sent this"
    return None


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address, given as text."""
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def _is_own_name(named: str, host: str) -> bool:
    """Tell whether a `Host` header names this machine: by an address, or by a name of its own.

    Rebinding takes a name, so every address will do, and any port: a tunnel may change it.
    """
    try:
        name = urlsplit(f"//{named}").hostname or ""
    except ValueError:
        return False
    own = {"localhost", host.lower(), socket.gethostname().lower()}
    if name in own:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_same(origin: str, named: str) -> bool:
    """Compare what follows the scheme: before a tunnel it may be https."""
    scheme, _, rest = origin.partition("://")
    return scheme in ("http", "https") and rest == named
