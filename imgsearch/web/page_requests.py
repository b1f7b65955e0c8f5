"""The requests of one connection: who may ask, what they ask for, how it is sent."""

from __future__ import annotations

import logging
from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from importlib import resources
from socketserver import BaseServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from imgsearch.errors import ImgsearchError
from imgsearch.web.gallery_pages import BadRequestError, GalleryPages, image_id_of
from imgsearch.web.replies import STATIC_HEADERS, Reply, bytes_reply, problem
from imgsearch.web.trust import refusal

MOST_UPLOADED_BYTES: Final = 64 * 1024 * 1024
"""A picture that is sent to be searched for may have so many bytes."""

_PATIENCE_S: Final = 30  # with a browser that says nothing, or takes nothing
_DISCARDED_BYTES: Final = 1_000_000
_MOST_FIELDS: Final = 16
_STATIC: Final = {
    "/": ("gallery.html", "text/html; charset=utf-8"),
    "/gallery.css": ("gallery.css", "text/css; charset=utf-8"),
    "/gallery.js": ("gallery.js", "text/javascript; charset=utf-8"),
    "/gallery.svg": ("gallery.svg", "image/svg+xml"),
}

_log = logging.getLogger(__name__)


class PageRequest(BaseHTTPRequestHandler):
    """Answers the requests of one connection, all of them while it is made.

    Args:
        request: The connection.
        client_address: Who has connected.
        server: Where.
        pages: What to answer.
        named_host: The name or address that the server was told to listen at.
    """

    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE_S
    disable_nagle_algorithm = True  # head and body are two writes

    def __init__(
        self,
        request: Any,  # noqa: ANN401 - a socket, as the base class wants it
        client_address: Any,  # noqa: ANN401
        server: BaseServer,
        pages: GalleryPages,
        named_host: str,
    ) -> None:
        self._pages = pages
        self._named_host = named_host
        super().__init__(request, client_address, server)

    def do_GET(self) -> None:
        """Answer a request for something."""
        self._send(self._reply(self._read))

    def do_HEAD(self) -> None:
        """Answer a request for what would be said about something."""
        self._send(self._reply(self._read))

    def do_POST(self) -> None:
        """Answer a picture that is sent."""
        self._send(self._reply(self._receive))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no request."""
        self.close_connection = True
        status = HTTPStatus(code)
        self._send(problem(status, message or explain or status.phrase))

    def version_string(self) -> str:
        """Name the server, and not its version."""
        return "imgsearch"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Keep requests off the terminal."""
        _log.debug(format, *args)

    def _reply(self, answer: Callable[[str, dict[str, str]], Reply]) -> Reply:
        """Answer whoever may ask."""
        try:
            target = urlsplit(self.path)
            wanted = dict(parse_qsl(target.query, max_num_fields=_MOST_FIELDS))
        except ValueError:
            return self._refuse(HTTPStatus.BAD_REQUEST, "this is no address")
        refused = refusal(
            self.command, self.headers, host=self._named_host, is_page=target.path == "/"
        )
        if refused is not None:
            return self._refuse(HTTPStatus.FORBIDDEN, refused)
        try:
            return answer(target.path, wanted)
        except BadRequestError as error:
            return problem(HTTPStatus.BAD_REQUEST, str(error))
        except ImgsearchError as error:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))

    def _read(self, path: str, wanted: dict[str, str]) -> Reply:
        if path in _STATIC:
            return _static(*_STATIC[path])
        if path == "/api/photos":
            return self._pages.photos(wanted)
        if path == "/api/similar":
            return self._pages.similar(wanted)
        folder, _, name = path.rpartition("/")
        if folder == "/thumb":
            return self._pages.thumbnail(image_id_of(name))
        if folder == "/photo":
            return self._pages.photo(image_id_of(name))
        return problem(HTTPStatus.NOT_FOUND, "there is no such page")

    def _receive(self, path: str, wanted: dict[str, str]) -> Reply:
        if path != "/api/search":
            return self._refuse(HTTPStatus.NOT_FOUND, "nothing can be sent there")
        if "Transfer-Encoding" in self.headers or "Content-Length" not in self.headers:
            return self._refuse(HTTPStatus.LENGTH_REQUIRED, "say how long the picture is")
        length = self._content_length()
        if length is None:
            return self._refuse(HTTPStatus.BAD_REQUEST, "its length is no number")
        if length > MOST_UPLOADED_BYTES:
            reason = f"a picture may have {MOST_UPLOADED_BYTES // 2**20} MB"
            return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)
        content = self.rfile.read(length)
        if len(content) < length:
            raise ConnectionAbortedError("the picture ended early")
        return self._pages.search(content, wanted)

    def _content_length(self) -> int | None:
        """Return how long the body is, None where that cannot be told."""
        lengths = self.headers.get_all("Content-Length", [])
        text = lengths[0].strip() if len(lengths) == 1 else ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None

    def _refuse(self, status: HTTPStatus, reason: str) -> Reply:
        """Refuse a request, and hear no more of this connection.

        A short body is listened to: a browser that is cut off would not read the answer.
        """
        self.close_connection = True
        length = self._content_length() or 0
        if length <= _DISCARDED_BYTES:
            self.rfile.read(length)
        return problem(status, reason)

    def _send(self, reply: Reply) -> None:
        etag = reply.headers.get("ETag")
        is_known = etag is not None and etag == self.headers.get("If-None-Match")
        body = b"" if is_known else reply.body
        self.send_response(HTTPStatus.NOT_MODIFIED if is_known else reply.status)
        for name, value in {**STATIC_HEADERS, **reply.headers}.items():
            self.send_header(name, value)
        if not is_known:
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _static(name: str, content_type: str) -> Reply:
    content = (resources.files("imgsearch.web") / name).read_bytes()
    return bytes_reply(content, content_type, sha256(content).hexdigest()[:32])
