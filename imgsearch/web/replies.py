"""What the server can say: a reply, and the headers that go with each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

STATIC_HEADERS: Final = {
    # Nothing but what this server has; pictures that were dropped on the page are `blob:`.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-cache",  # ask every time; an ETag may save the answer
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a request.

    Attributes:
        status: Its status.
        content_type: What the body is.
        body: The body.
        headers: Further headers.
    """

    status: HTTPStatus
    content_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def bytes_reply(body: bytes, content_type: str, etag: str | None = None) -> Reply:
    """Reply with bytes; browsers keep them if an `etag` tells this state of them from others."""
    headers = {} if etag is None else {"ETag": f'"{etag}"'}
    return Reply(HTTPStatus.OK, content_type, body, headers)


def json_reply(document: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> Reply:
    """Reply with a JSON document."""
    return Reply(status, "application/json", json.dumps(document).encode("ascii"))


def problem(status: HTTPStatus, reason: str) -> Reply:
    """Reply that something is not to be had, and why, for people."""
    return json_reply({"error": reason}, status)
