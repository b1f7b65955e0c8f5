"""A gallery on disk: opened for reading, or for writing under the lock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from imgsearch.errors import (
    EmbedderMismatchError,
    GalleryCorruptError,
    GalleryNotFoundError,
    GalleryWriteError,
)
from imgsearch.gallery.catalog import Catalog
from imgsearch.gallery.index_file import load_index
from imgsearch.gallery.lock import writer_lock
from imgsearch.gallery.ownership import refuse_foreign_files
from imgsearch.gallery.records import StoredImage
from imgsearch.gallery.roots import locate, read_roots
from imgsearch.gallery.schema import CATALOG_NAME, connect_reader, connect_writer, translated
from imgsearch.index.base import VectorIndex
from imgsearch.types import EmbedderIdentity


class GalleryStore:
    """The indexed collection of one folder.

    Open it with `open_for_reading` or `open_for_writing`; both are context managers.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._index: VectorIndex | None = None
        self._index_generation = -1

    @property
    def folder(self) -> Path:
        """The gallery's own folder."""
        return self.catalog.folder

    def identity(self) -> EmbedderIdentity:
        """Return the identity of the embedder that made the vectors.

        Raises:
            GalleryNotFoundError: If nothing has ever been indexed into it.
        """
        identity = self.catalog.identity()
        if identity is None:
            raise GalleryNotFoundError(self.folder, _how_to_make("it is empty"))
        return identity

    @contextmanager
    def reading(self) -> Iterator[VectorIndex]:
        """Hold one state of catalogue and index, whatever a writer does meanwhile.

        Raises:
            GalleryCorruptError: If the catalogue is damaged.
        """
        with self.catalog.transaction("DEFERRED"):
            yield self._current_index()

    def paths(self, images: dict[int, StoredImage]) -> dict[int, Path]:
        """Return where the files of these rows are now.

        Raises:
            GalleryCorruptError: If a row belongs to no root.
        """
        roots = read_roots(self.catalog)
        return {image_id: self.place(image, roots) for image_id, image in images.items()}

    def place(self, image: StoredImage, roots: dict[int, Path]) -> Path:
        """Return where the file of a row is now, given where the roots are.

        Raises:
            GalleryCorruptError: If it belongs to none of them.
        """
        root = roots.get(image.stamp.root_id)
        if root is None:
            raise GalleryCorruptError(
                self.folder,
                f"image {image.image_id} belongs to no indexed folder;"
                " run `imgsearch check --repair`",
            )
        return root / image.stamp.path

    def find(self, path: Path) -> StoredImage | None:
        """Return the row of a file, or None if it is not indexed."""
        return self.find_all([path])[0]

    def find_all(self, paths: Iterable[Path]) -> list[StoredImage | None]:
        """Return the row of each file, or None where it is not indexed."""
        roots = read_roots(self.catalog)
        real_folder = cache(Path.resolve)
        return [
            # A link to a file outside the root has a row under the link's own name.
            self._find(roots, real_folder(path.parent) / path.name)
            or self._find(roots, path.resolve())
            for path in paths
        ]

    def _find(self, roots: dict[int, Path], path: Path) -> StoredImage | None:
        place = locate(roots, path)
        return None if place is None else self.catalog.find_image(*place)

    def _current_index(self) -> VectorIndex:
        generation = self.catalog.generation()
        if self._index is None or self._index_generation != generation:
            self._index = load_index(self.catalog, self.identity().dim)
            self._index_generation = generation
        return self._index


@contextmanager
def open_for_reading(folder: Path) -> Iterator[GalleryStore]:
    """Open a gallery to ask it questions; writers do not disturb, and are not disturbed.

    Raises:
        GalleryNotFoundError: If there is none in that folder.
        GalleryVersionError: If a newer release made it.
        GalleryCorruptError: If its catalogue is damaged.
    """
    folder = _resolved(folder)
    if not (folder / CATALOG_NAME).is_file():
        raise GalleryNotFoundError(folder, _how_to_make("there is none"))
    catalog = Catalog(connect_reader(folder), folder)
    try:
        with translated(folder):
            yield GalleryStore(catalog)
    finally:
        catalog.close()


@contextmanager
def open_for_writing(
    folder: Path, *, wait_s: float = 0, must_exist: bool = False
) -> Iterator[GalleryStore]:
    """Open a gallery as its only writer, and make it if there is none.

    Args:
        folder: Missing, a gallery's, or one without files of the names of a gallery's; other
            files in it are left alone.
        wait_s: How long to wait for another writer, in seconds.
        must_exist: Whether a missing gallery is an error, and not something to make.

    Raises:
        GalleryNotFoundError: If there has to be one and is none.
        GalleryLockedError: If another process is writing to it.
        GalleryVersionError: If a newer release made it.
        GalleryCorruptError: If its catalogue is damaged.
        GalleryWriteError: If the folder cannot be made or written, or has somebody else's files
            of the names of ours.
    """
    folder = _resolved(folder)
    if must_exist:
        with open_for_reading(folder):
            pass
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"it cannot be made ({error.strerror}); name another with --gallery DIR"
        raise GalleryWriteError(folder, reason) from error
    refuse_foreign_files(folder)
    with writer_lock(folder, wait_s=wait_s):
        catalog = Catalog(connect_writer(folder), folder)
        try:
            with translated(folder):
                yield GalleryStore(catalog)
        finally:
            catalog.close()


def _resolved(folder: Path) -> Path:
    """Return a gallery's folder without symbolic links.

    Raises:
        GalleryNotFoundError: If its links lead in a circle.
    """
    try:
        return Path(folder).resolve()
    except (OSError, RuntimeError) as error:  # which of them depends on Python's version
        reason = "its links lead in a circle; name another with --gallery DIR"
        raise GalleryNotFoundError(folder, reason) from error


def stored_identity(folder: Path) -> EmbedderIdentity | None:
    """Return what the vectors of a gallery mean, None if there is no gallery or it is empty."""
    try:
        with open_for_reading(folder) as store:
            return store.catalog.identity()
    except GalleryNotFoundError:
        return None


def require_identity(store: GalleryStore, wanted: EmbedderIdentity | None) -> None:
    """Check that a gallery's vectors are of the identity that was asked for.

    Raises:
        EmbedderMismatchError: If they are of another.
    """
    stored = store.catalog.identity()
    if stored is not None and wanted is not None and stored != wanted:
        raise EmbedderMismatchError(
            store.folder,
            f"it was made with {describe(stored)}, not with {describe(wanted)};"
            " leave --preset out, choose with --model to have both, or index into another folder"
            " with --gallery DIR",
        )


def describe(identity: EmbedderIdentity) -> str:
    """Return an identity in a few words."""
    return (
        f"{identity.model} ({identity.preprocessing.in_words()}, {identity.pooling},"
        f" weights {identity.weights[:8]})"
    )


def _how_to_make(what: str) -> str:
    return f"{what}; make one with `imgsearch index PHOTOS`, or name another with --gallery DIR"
