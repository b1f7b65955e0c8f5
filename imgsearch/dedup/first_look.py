"""What the search for copies wants to know of every picture, found while it is indexed."""

from __future__ import annotations

import logging
from collections.abc import Callable

_log = logging.getLogger(__name__)


def first_look(thumbnail: bytes) -> dict[str, bytes]:
    """Sketch a picture, and find what is perhaps inside of a margin.

    Where that fails, which no picture is known to make it, the sketch is blank: the picture can be
    searched for, and no copies of it are found.

    Args:
        thumbnail: As `pack_thumbnail` gives it.

    Returns:
        Values for the cache of the search for copies, by kind.
    """
    from imgsearch.dedup.insides import INSIDE_KIND, inside_of  # OpenCV costs 20 ms to load
    from imgsearch.dedup.portrait import thumbnail_of
    from imgsearch.images.sketch import BLANK, SKETCH_KIND, draw
    from imgsearch.images.thumbnail import unpack_thumbnail

    unpacked = unpack_thumbnail(thumbnail)
    return {
        SKETCH_KIND: _tried(lambda: draw(*unpacked).to_bytes(), BLANK.to_bytes()),
        INSIDE_KIND: _tried(lambda: inside_of(thumbnail_of(*unpacked).pixels), b""),
    }


def _tried(look: Callable[[], bytes], otherwise: bytes) -> bytes:
    try:
        return look()
    except Exception as error:  # noqa: BLE001 - OpenCV has its own; none is worth an index
        _log.warning("copies of a picture will not be found: it cannot be sketched (%s)", error)
        return otherwise
