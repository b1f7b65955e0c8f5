"""The web page of a gallery, offered to browsers on this machine."""

from __future__ import annotations

import errno
import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Final

from imgsearch.embedding.base import EmbedderMaker
from imgsearch.errors import ServerError
from imgsearch.types import DEFAULT_MAX_PIXELS
from imgsearch.web.gallery_pages import GalleryPages
from imgsearch.web.gallery_reader import GalleryReader
from imgsearch.web.page_requests import PageRequest
from imgsearch.web.trust import is_loopback

_REASONS: Final = {
    errno.EADDRINUSE: "something else is using it; choose another with --port, or any with 0",
    errno.EACCES: "the system does not allow it; choose a port above 1023 with --port",
    errno.EADDRNOTAVAIL: "this machine has no such address; leave --host out",
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is asked to listen.

    Attributes:
        host: A name or an address of this machine.
        port: A port; 0 for any that is free.
    """

    host: str = "127.0.0.1"
    port: int = 0


class GalleryServer(ThreadingHTTPServer):
    """A gallery's web page at an address; listens once it is made.

    `serve_forever` answers until `shutdown` is called, or an exception ends it.

    Args:
        address: Where to listen.
        pages: What to answer.

    Raises:
        ServerError: If the address is not to be had.
    """

    daemon_threads = True
    request_queue_size = 64
    allow_reuse_address = os.name == "posix"  # elsewhere it means to share a port with others

    def __init__(self, address: Address, pages: GalleryPages) -> None:
        answer = partial(PageRequest, pages=pages, named_host=address.host)
        try:
            self.address_family = _family_of(address)
            super().__init__((address.host, address.port), answer)
        except OSError as error:
            reason = _REASONS.get(error.errno or 0) or (error.strerror or str(error)).lower()
            raise ServerError(address.host, address.port, reason) from error
        except OverflowError as error:
            raise ServerError(address.host, address.port, "there is no such port") from error

    @property
    def url(self) -> str:
        """The page's address, for a browser on this machine."""
        host = str(self.server_address[0])
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}/"

    @property
    def is_private(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(str(self.server_address[0]))

    def server_bind(self) -> None:
        """Take the address, without asking the network for this machine's name."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """Note what ended a connection; a browser that went away is nothing wrong."""
        error = sys.exception()
        is_gone = isinstance(error, ConnectionError | TimeoutError)
        level = logging.DEBUG if is_gone else logging.ERROR
        _log.log(level, "a request of %s failed: %r", client_address, error)


@contextmanager
def serving(
    folder: Path,
    make_embedder: EmbedderMaker,
    address: Address,
    *,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> Iterator[GalleryServer]:
    """Make a server for a gallery, and close both when the block ends.

    Args:
        folder: The gallery's own folder.
        make_embedder: Called once, when a picture is searched for that is not in the gallery.
        address: Where to listen.
        max_pixels: A picture that declares more is refused before it is decoded.

    Raises:
        ServerError: If the address is not to be had.
        GalleryError: If the gallery cannot be read.
    """
    reader = GalleryReader(folder, make_embedder)
    try:
        reader.page(0, 1, "")
        with GalleryServer(address, GalleryPages(reader, max_pixels)) as server:
            yield server
    finally:
        reader.close()


def _family_of(address: Address) -> socket.AddressFamily:
    found = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    return found[0][0]
