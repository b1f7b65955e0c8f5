"""Look through a gallery page by page."""

from __future__ import annotations

from dataclasses import dataclass

from imgsearch.gallery.records import StoredImage
from imgsearch.gallery.store import GalleryStore


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a gallery.

    Attributes:
        images: Its rows, by folder and name.
        total: How many rows there are on all pages.
    """

    images: tuple[StoredImage, ...]
    total: int


def read_page(store: GalleryStore, *, start: int, count: int, containing: str = "") -> Page:
    """Return some pictures of a gallery, in the order of their paths.

    Args:
        store: The gallery, open for reading.
        start: How many to pass over, at least 0.
        count: How many to return, at most.
        containing: Only those with this text in their path below the root; for the letters of
            ASCII, upper or lower case.

    Raises:
        GalleryCorruptError: If one of the rows is damaged.
    """
    condition = "instr(lower(CAST(path AS TEXT)), lower(?)) > 0" if containing else "?1 = ''"
    connection = store.catalog.connection
    with store.catalog.transaction("DEFERRED"):
        query = f"SELECT count(*) FROM images WHERE {condition}"
        total = int(connection.execute(query, (containing,)).fetchone()[0])
        rows = connection.execute(
            f"SELECT image_id FROM images WHERE {condition}"
            " ORDER BY root_id, path LIMIT ? OFFSET ?",
            (containing, count, start),
        )
        ids = [row[0] for row in rows]
        found = store.catalog.images(ids)
    return Page(tuple(found[image_id] for image_id in ids), total)
