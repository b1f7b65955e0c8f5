"""The repair: set damaged vectors aside; the next update embeds their pictures again."""

from __future__ import annotations

from collections.abc import Iterator

from imgsearch.errors import GalleryCorruptError
from imgsearch.gallery import vectors
from imgsearch.gallery.catalog import Catalog
from imgsearch.index.arrays import checked_rows


def set_damaged_aside(catalog: Catalog, dim: int) -> int:
    """Take away the vectors that are damaged, and return how many pictures now have none.

    The pictures keep their rows and ids. With no content hash and an impossible time of
    modification the next update takes them for changed, and embeds them again.

    Args:
        catalog: The catalogue, open for writing.
        dim: Length of a sound vector.
    """
    with catalog.transaction():
        ids = list(_damaged(catalog, dim))
        if not ids:
            return 0
        generation = catalog.next_generation()
        for image_id in ids:
            catalog.connection.execute("DELETE FROM embeddings WHERE image_id = ?", (image_id,))
            catalog.connection.execute(
                "UPDATE images SET content_hash = x'', mtime_ns = -1 WHERE image_id = ?",
                (image_id,),
            )
            catalog.connection.execute(
                "INSERT OR REPLACE INTO removals VALUES (?, ?)", (image_id, generation)
            )
    return len(ids)


def _damaged(catalog: Catalog, dim: int) -> Iterator[int]:
    """Yield the pictures, not yet set aside, whose vector is missing, damaged or no unit vector."""
    rows = catalog.connection.execute(
        "SELECT image_id, vector, embeddings.crc32 FROM images"
        " LEFT JOIN embeddings USING (image_id) WHERE content_hash <> x'' ORDER BY image_id"
    )
    for image_id, blob, crc in rows:
        try:
            _, embeddings = vectors.unpack([(image_id, blob or b"", crc or 0)], dim, catalog.folder)
            checked_rows(embeddings, dim)
        except (GalleryCorruptError, ValueError):
            yield image_id
