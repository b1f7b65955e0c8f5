"""The export: paths and embeddings of a gallery in one NumPy archive."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from imgsearch.errors import GalleryCorruptError, GalleryWriteError
from imgsearch.gallery.durable import write_durably
from imgsearch.gallery.roots import read_roots
from imgsearch.gallery.store import GalleryStore

_ROWS_PER_WRITE = 8192


def export_gallery(store: GalleryStore, target: Path) -> int:
    """Write the arrays `paths` (n,) and `embeddings` (n, dim) float32, in the order of the ids.

    `np.load(target, allow_pickle=False)` reads them. Memory stays bounded: both arrays are
    written block by block.

    Args:
        store: The gallery.
        target: The file to write; it must not exist.

    Returns:
        How many pictures were written.

    Raises:
        GalleryWriteError: If the file exists or cannot be written.
        GalleryCorruptError: If the catalogue is damaged.
    """
    if target.exists():
        raise GalleryWriteError(store.folder, f"{target} exists already; name another file")
    try:
        with store.catalog.transaction("DEFERRED"):
            write_durably(target, lambda path: _write(store, path))
            return store.catalog.image_count()
    except OSError as error:
        reason = f"cannot write {target} ({error.strerror or error}); name another file"
        raise GalleryWriteError(store.folder, reason) from error


def _write(store: GalleryStore, path: Path) -> None:
    count, dim = store.catalog.image_count(), store.identity().dim
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        width = max((len(text) for text in _paths(store)), default=1)
        with archive.open("paths.npy", "w", force_zip64=True) as member:
            _write_header(member, np.dtype(f"<U{width}"), (count,))
            for block in _blocks(_paths(store)):
                member.write(np.array(block, dtype=f"<U{width}").tobytes())
        with archive.open("embeddings.npy", "w", force_zip64=True) as member:
            _write_header(member, np.dtype("<f4"), (count, dim))
            written = 0
            for ids, embeddings in store.catalog.iterate_embeddings(dim):
                member.write(embeddings.astype("<f4", copy=False).tobytes())
                written += len(ids)
    if written != count:
        raise GalleryCorruptError(
            store.folder,
            f"{count - written} images have no vector; run `imgsearch index` on their folders",
        )


def _write_header(member: IO[bytes], dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    header = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(member, header)


def _paths(store: GalleryStore) -> Iterator[str]:
    """Yield the absolute paths in the order of the ids."""
    roots = read_roots(store.catalog)
    for image in store.catalog.iterate_images():
        yield str(store.place(image, roots))


def _blocks(texts: Iterator[str]) -> Iterator[list[str]]:
    block: list[str] = []
    for text in texts:
        block.append(text)
        if len(block) == _ROWS_PER_WRITE:
            yield block
            block = []
    if block:
        yield block
