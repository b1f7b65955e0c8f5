"""What the search for copies wants to know of every picture, found while it is indexed."""

from __future__ import annotations


def first_look(thumbnail: bytes) -> dict[str, bytes]:
    """Sketch a picture, and find what is perhaps inside of a margin.

    Args:
        thumbnail: As `pack_thumbnail` gives it.

    Returns:
        Values for the cache of the search for copies, by kind.
    """
    from imgsearch.dedup.insides import INSIDE_KIND, inside_of  # OpenCV costs 20 ms to load
    from imgsearch.dedup.portrait import thumbnail_of
    from imgsearch.images.sketch import SKETCH_KIND, draw
    from imgsearch.images.thumbnail import unpack_thumbnail

    unpacked = unpack_thumbnail(thumbnail)
    return {
        SKETCH_KIND: draw(*unpacked).to_bytes(),
        INSIDE_KIND: inside_of(thumbnail_of(*unpacked).pixels),
    }
