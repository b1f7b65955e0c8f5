"""The index file: a cache of the catalogue's vectors that may be lost, stale or damaged.

Whatever is on disk, `load_index` answers with exactly the vectors of the catalogue's current
generation: it takes the file if the manifest vouches for it, adds what has changed since, and
builds the index anew where that cannot be done. A file that has to be caught up is compared with
the manifest's sha256 first, for what is caught up may be published; a file that is current is
mapped, and trusted by its size and its headers alone, so that a query need not read it through.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from imgsearch.errors import GalleryCorruptError, GalleryWriteError, IndexFileError
from imgsearch.faultpoints import reached
from imgsearch.gallery.catalog import Catalog
from imgsearch.gallery.durable import write_durably
from imgsearch.gallery.manifest import Manifest, file_digest, read_manifest, write_manifest

if TYPE_CHECKING:
    from imgsearch.index.faiss_index import FaissIndex

_OWN_FILES = re.compile(
    r"index-\d{8,}\.faiss|\.(index-\d{8,}\.faiss|manifest\.json|writer\.json)\.\d+\.tmp"
)
_LOG_START = "removals_complete_since"
_TOKEN = "index_token"


def load_index(catalog: Catalog, dim: int) -> FaissIndex:
    """Return an index of the vectors of the catalogue's current generation.

    Args:
        catalog: The catalogue, in a transaction if others may write to it.
        dim: Length of its vectors.

    Raises:
        GalleryCorruptError: If a vector in the catalogue is damaged, or cannot be indexed.
    """
    manifest = read_manifest(catalog.folder)
    index = _read(catalog, manifest, dim)
    if manifest is None or index is None:
        return build_index(catalog, dim)
    if manifest.generation != catalog.generation():
        with _refused_vectors(catalog.folder):
            _catch_up(index, catalog, manifest.generation, dim)
    return index if len(index) == catalog.vector_count() else build_index(catalog, dim)


def build_index(catalog: Catalog, dim: int) -> FaissIndex:
    """Make an index from the catalogue's vectors alone.

    Raises:
        GalleryCorruptError: If a vector is damaged, or cannot be indexed.
    """
    from imgsearch.index.faiss_index import FaissIndex  # FAISS costs 0.1 s to load

    index = FaissIndex(dim, catalog.embeddings)
    with _refused_vectors(catalog.folder):
        for ids, embeddings in catalog.iterate_embeddings(dim):
            index.add(ids, embeddings)
    return index


def is_current(catalog: Catalog) -> bool:
    """Tell whether the index file holds the catalogue's current generation."""
    manifest = read_manifest(catalog.folder)
    if manifest is None or not is_ours(catalog, manifest):
        return False
    if manifest.generation != catalog.generation():
        return False
    path = catalog.folder / manifest.index_file
    return path.is_file() and path.stat().st_size == manifest.size_bytes


def publish_index(catalog: Catalog, index: FaissIndex) -> None:
    """Write an index of the current generation beside the old one, and make it the current one.

    Only the holder of the writer lock may call this.

    Raises:
        GalleryWriteError: If the disk refuses; the old index file then stays the current one.
    """
    from imgsearch.index.faiss_index import write_index  # FAISS costs 0.1 s to load

    generation = catalog.generation()
    path = catalog.folder / f"index-{generation:08d}.faiss"
    old = read_manifest(catalog.folder)
    try:
        write_durably(path, lambda temporary: write_index(index, temporary))
        reached("publish.index_written")
        manifest = Manifest(
            path.name,
            _renew_token(catalog),
            generation,
            len(index),
            path.stat().st_size,
            file_digest(path),
        )
        reached("publish.token_renewed")
        write_manifest(catalog.folder, manifest)
        reached("publish.manifest_written")
        _delete_others(catalog.folder, path)
    except OSError as error:
        what = f"its index cannot be written ({error.strerror or error}); nothing is lost"
        reason = f"{what}: see to that, and run it again"
        raise GalleryWriteError(catalog.folder, reason) from error
    reached("publish.others_deleted")
    if old is not None:
        _prune_removals(catalog, min(old.generation, generation))
        reached("publish.removals_pruned")


def _read(catalog: Catalog, manifest: Manifest | None, dim: int) -> FaissIndex | None:
    """Return the index of the file, or None where it cannot be brought up to date."""
    from imgsearch.index.faiss_index import read_index  # FAISS costs 0.1 s to load

    if manifest is None or not is_ours(catalog, manifest):
        return None
    path = catalog.folder / manifest.index_file
    try:
        if path.stat().st_size != manifest.size_bytes:
            return None
        current = manifest.generation == catalog.generation()
        if not current and file_digest(path) != manifest.sha256:
            return None  # else its damage would be signed anew with the next publication
        index = read_index(path, catalog.embeddings, mmap=current)
    except (OSError, IndexFileError):
        return None  # a cache that cannot be read is built anew
    return index if index.dim == dim and len(index) == manifest.images else None


@contextmanager
def _refused_vectors(folder: Path) -> Iterator[None]:
    """Say what to do where an index takes no vector of the catalogue: it is no unit vector."""
    try:
        yield
    except ValueError as error:
        raise GalleryCorruptError(
            folder, f"its vectors cannot be indexed ({error}); run `imgsearch check --repair`"
        ) from error


def _catch_up(index: FaissIndex, catalog: Catalog, generation: int, dim: int) -> None:
    """Apply to an index what has changed in the catalogue since a generation."""
    index.remove(catalog.removed_since(generation))
    for ids, embeddings in catalog.iterate_embeddings(dim, newer_than=generation):
        index.remove(ids)
        index.add(ids, embeddings)


def is_ours(catalog: Catalog, manifest: Manifest) -> bool:
    """Tell whether this catalogue, in a state up to this one, published what a manifest names.

    All removals since must still be listed, too.
    """
    oldest = catalog.get_number(_LOG_START)
    return (
        manifest.token == catalog.get_meta(_TOKEN)
        and oldest <= manifest.generation <= catalog.generation()
    )


def _renew_token(catalog: Catalog) -> str:
    """Disown the index file published before this one; a crash now costs a rebuild."""
    token = secrets.token_hex(16)
    with catalog.transaction():
        catalog.set_meta(_TOKEN, token)
    return token


def _prune_removals(catalog: Catalog, generation: int) -> None:
    """Forget removals that no index file in use can still need."""
    with catalog.transaction():
        catalog.connection.execute("DELETE FROM removals WHERE generation <= ?", (generation,))
        catalog.set_meta(_LOG_START, str(generation))


def _delete_others(folder: Path, current: Path) -> None:
    """Delete the index files that no manifest names any more, and leftovers of killed writers.

    Windows refuses while a reader has one open; a later publication deletes it then.
    """
    for path in folder.iterdir():
        if _OWN_FILES.fullmatch(path.name) and path != current:
            with suppress(OSError):
                path.unlink()
                reached("publish.file_deleted")
