"""The layout of a FAISS file that holds `IndexIDMap2(IndexScalarQuantizer)` in half precision.

It is checked before FAISS reads it: FAISS believes what a header says, and garbage makes it
allocate terabytes or crash. All numbers are little-endian:

    header of the map      37 bytes, fourcc "IxM2"
    header of the vectors  37 bytes, fourcc "IxSQ"
    quantiser              36 bytes: type 4 (float16), no range, dim, bytes a vector, no training
    byte count             int64, count * 2 * dim
    vectors                float16, count * dim
    id count               int64, count
    ids                    int64, count

A header is fourcc, dim (int32), count (int64), two unused int64, trained (1 byte), metric (int32,
0 for the inner product).
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

from imgsearch.errors import IndexFileError

_HEADER = struct.Struct("<4siqqqBi")
_QUANTISER = struct.Struct("<iifqqq")
_COUNT = struct.Struct("<q")
_INNER_PRODUCT = 0
_FLOAT16 = 4
_NUMBER_BYTES = 2
_VECTORS_AT = 2 * _HEADER.size + _QUANTISER.size + _COUNT.size


def checked_count(path: Path, file: BinaryIO) -> int:
    """Count the vectors in an open file whose layout is sound; leave it at its beginning.

    Args:
        path: Its name, for the error.
        file: The file, seekable, at any position.

    Raises:
        IndexFileError: If a header, a count or the file's size is not as `write_index` makes it.
        OSError: If the file cannot be read.
    """
    file.seek(0)
    head = file.read(_VECTORS_AT)
    if len(head) < _VECTORS_AT:
        raise IndexFileError(path, f"it has {len(head)} bytes, too few for a header")
    dim, count = _shape(path, head)
    ids_at = _VECTORS_AT + _NUMBER_BYTES * dim * count
    _require_size(path, file, ids_at + _COUNT.size + 8 * count)
    file.seek(ids_at)
    _require_counts(path, file.read(_COUNT.size), count)
    file.seek(0)
    return count


def _shape(path: Path, head: bytes) -> tuple[int, int]:
    """Read (dim, count), on which both headers and the quantiser must agree."""
    fourcc, dim, count, *_, trained, metric = _HEADER.unpack_from(head)
    inner_fourcc, *inner = _HEADER.unpack_from(head, _HEADER.size)
    if (fourcc, inner_fourcc) != (b"IxM2", b"IxSQ") or metric != _INNER_PRODUCT or not trained:
        raise IndexFileError(path, "it is no half-precision inner-product index with ids")
    if dim < 1 or count < 0 or (inner[0], inner[1], *inner[-2:]) != (dim, count, trained, metric):
        raise IndexFileError(path, f"its headers declare {count} vectors of length {dim}")
    wanted = _QUANTISER.pack(_FLOAT16, 0, 0.0, dim, _NUMBER_BYTES * dim, 0)
    if head[2 * _HEADER.size : -_COUNT.size] != wanted:
        raise IndexFileError(path, "its numbers are not of half precision")
    _require_counts(path, head[-_COUNT.size :], _NUMBER_BYTES * dim * count)
    return dim, count


def _require_counts(path: Path, found: bytes, wanted: int) -> None:
    if found != _COUNT.pack(wanted):
        raise IndexFileError(path, "its headers contradict each other")


def _require_size(path: Path, file: BinaryIO, wanted: int) -> None:
    size = os.fstat(file.fileno()).st_size
    if size != wanted:
        raise IndexFileError(path, f"it has {size} bytes, but its header declares {wanted}")
