"""Embeddings as the catalogue keeps them: little-endian float32 with a checksum each."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from imgsearch.errors import GalleryCorruptError
from imgsearch.types import Embeddings, Ids

BLOCK_ROWS = 8192
"""How many rows are read at a time: 16 MiB of 512-d vectors."""

_STORED = np.dtype("<f4")
_IDS_PER_QUERY = 500  # SQLite has a limit


def pack(embedding: npt.NDArray[np.float32]) -> tuple[bytes, int]:
    """Return a vector's bytes, as they are stored, and their CRC-32."""
    blob = embedding.astype(_STORED, copy=False).tobytes()
    return blob, zlib.crc32(blob)


def unpack(rows: list[tuple[int, bytes, int]], dim: int, folder: Path) -> tuple[Ids, Embeddings]:
    """Join stored rows (image_id, vector, crc32) into arrays, and check each.

    Raises:
        GalleryCorruptError: If a vector has another length or other bytes than were stored.
    """
    for image_id, blob, crc in rows:
        if len(blob) != dim * _STORED.itemsize or zlib.crc32(blob) != crc:
            raise GalleryCorruptError(
                folder,
                f"the vector of image {image_id} is damaged; run `imgsearch check --repair`",
            )
    ids = np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))
    joined = b"".join(row[1] for row in rows)
    matrix = np.frombuffer(joined, dtype=_STORED).reshape(len(rows), dim)
    return ids, matrix.astype(np.float32)


def fetch_embeddings(
    connection: sqlite3.Connection, ids: Ids, dim: int, folder: Path
) -> Embeddings:
    """Return the embeddings of these ids in their order, shape (n, dim).

    Raises:
        GalleryCorruptError: If one is missing or damaged.
    """
    rows: list[tuple[int, bytes, int]] = []
    for start in range(0, len(ids), _IDS_PER_QUERY):
        part = ids[start : start + _IDS_PER_QUERY].tolist()
        marks = ",".join("?" * len(part))
        rows += connection.execute(
            f"SELECT image_id, vector, crc32 FROM embeddings WHERE image_id IN ({marks})", part
        )
    found, matrix = unpack(rows, dim, folder)
    missing = np.setdiff1d(ids, found)
    if missing.size:
        reason = f"image {missing[0]} has no vector; run `imgsearch check --repair`"
        raise GalleryCorruptError(folder, reason)
    order = np.argsort(found)
    in_order: Embeddings = matrix[order[np.searchsorted(found, ids, sorter=order)]]
    return in_order


def iterate_embeddings(
    connection: sqlite3.Connection, dim: int, folder: Path, *, newer_than: int = -1
) -> Iterator[tuple[Ids, Embeddings]]:
    """Yield all embeddings in blocks, ordered by id, with bounded memory.

    Args:
        connection: The catalogue.
        dim: Length of a vector.
        folder: The gallery's folder, for messages.
        newer_than: Leave out vectors that this generation already had.

    Yields:
        Ids, shape (n,), and unit rows, shape (n, dim), with 1 <= n <= `BLOCK_ROWS`.

    Raises:
        GalleryCorruptError: If a stored vector is damaged.
    """
    last_id = -1
    while True:
        rows = connection.execute(
            "SELECT image_id, vector, embeddings.crc32 FROM embeddings JOIN images USING (image_id)"
            " WHERE image_id > ? AND generation > ? ORDER BY image_id LIMIT ?",
            (last_id, newer_than, BLOCK_ROWS),
        ).fetchall()
        if not rows:
            return
        yield unpack(rows, dim, folder)
        last_id = rows[-1][0]
