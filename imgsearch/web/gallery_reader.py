"""Asks an open gallery questions for many threads, and keeps up with whoever writes to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from imgsearch.embedding.base import Embedder, EmbedderMaker
from imgsearch.errors import GalleryError
from imgsearch.gallery.browse import read_page
from imgsearch.gallery.records import StoredImage
from imgsearch.gallery.schema import CATALOG_NAME, translated
from imgsearch.gallery.store import GalleryStore, open_for_reading
from imgsearch.grouping import search_grouped
from imgsearch.query import Hit, QueryImage, QueryOptions, search_gallery
from imgsearch.types import EmbedderIdentity

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture of the gallery, and where its file is now."""

    image: StoredImage
    path: Path


@dataclass(frozen=True, slots=True)
class Photos:
    """Some pictures, and how many there are of the kind."""

    photos: tuple[Photo, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Found:
    """A hit, its picture, and the copies of it that it stands for."""

    hit: Hit
    photo: Photo
    copies: tuple[Photo, ...] = ()


class GalleryReader:
    """Answers for one gallery; every method may be called by several threads at a time.

    What the page lists does not wait for a search: there is one thread for each.

    Args:
        folder: The gallery's own folder.
        make_embedder: Called when a picture is searched for that is not in the gallery.
    """

    def __init__(self, folder: Path, make_embedder: EmbedderMaker) -> None:
        self._rows = _OwnThread(folder)
        self._searches = _OwnThread(folder)
        self._make_embedder = _kept(make_embedder)

    def close(self) -> None:
        """Close the gallery, once all questions are answered."""
        self._rows.close()
        self._searches.close()

    def page(self, start: int, count: int, containing: str) -> Photos:
        """Return some pictures in the order of their paths; see `read_page`.

        Raises:
            GalleryError: If the gallery cannot be read.
        """

        def answer(store: GalleryStore) -> Photos:
            page = read_page(store, start=start, count=count, containing=containing)
            found = {image.image_id: image for image in page.images}
            return Photos(_photos(store, found), page.total)

        return self._rows.ask(answer)

    def photo(self, image_id: int) -> Photo | None:
        """Return a picture, None if the gallery does not hold it.

        Raises:
            GalleryError: If the gallery cannot be read.
        """

        def answer(store: GalleryStore) -> Photo | None:
            return next(iter(_photos(store, store.catalog.images([image_id]))), None)

        return self._rows.ask(answer)

    def search(
        self, query: QueryImage, options: QueryOptions, *, group: bool = False
    ) -> list[Found]:
        """Return the hits of a picture, best first.

        Args:
            query: The picture.
            options: What to look for.
            group: Whether one hit stands for all copies of a picture; see `search_grouped`.

        Raises:
            ImgsearchError: As `search_gallery` raises it.
        """
        search = search_grouped if group else search_gallery

        def answer(store: GalleryStore) -> list[Found]:
            (hits,) = search(store, [query], options, self._make_embedder)
            return _found(store, hits)

        return self._searches.ask(answer)


class _OwnThread:
    """A gallery, open in a thread that answers one question after the other.

    A writer's changes are seen from the next question on. A catalogue in another's place, as a
    repair leaves it, is opened in its stead; so is one that does not make sense any more to who
    opened it, as when a newer release has migrated it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gallery")
        self._resources = ExitStack()
        self._store: GalleryStore | None = None
        self._file = (0, 0)

    def ask(self, question: Callable[[GalleryStore], _Answer]) -> _Answer:
        return self._thread.submit(self._answer, question).result()

    def close(self) -> None:
        self._thread.submit(self._shut).result()
        self._thread.shutdown()

    def _answer(self, question: Callable[[GalleryStore], _Answer]) -> _Answer:
        was_open = self._store is not None
        try:
            return self._try(question)
        except GalleryError:
            self._shut()
            if not was_open:
                raise
        return self._try(question)

    def _try(self, question: Callable[[GalleryStore], _Answer]) -> _Answer:
        with translated(self._folder):
            return question(self._opened())

    def _opened(self) -> GalleryStore:
        if self._store is not None and self._file != self._current_file():
            self._shut()
        if self._store is None:
            self._file = self._current_file()
            self._store = self._resources.enter_context(open_for_reading(self._folder))
        return self._store

    def _current_file(self) -> tuple[int, int]:
        try:
            state = (self._folder / CATALOG_NAME).stat()
        except FileNotFoundError:
            return 0, 0  # `open_for_reading` says it better
        return state.st_dev, state.st_ino

    def _shut(self) -> None:
        self._store = None
        self._resources.close()


def _photos(store: GalleryStore, images: dict[int, StoredImage]) -> tuple[Photo, ...]:
    paths = store.paths(images)
    return tuple(Photo(image, paths[image_id]) for image_id, image in images.items())


def _found(store: GalleryStore, hits: Sequence[Hit]) -> list[Found]:
    """Look up the pictures of hits; leave out what went while the answer was made."""
    shown = [each for hit in hits for each in (hit, *hit.copies)]
    rows = store.catalog.images([hit.image_id for hit in shown])
    photos = {
        hit.image_id: Photo(rows[hit.image_id], hit.path) for hit in shown if hit.image_id in rows
    }
    return [
        Found(
            hit,
            photos[hit.image_id],
            tuple(photos[copy.image_id] for copy in hit.copies if copy.image_id in photos),
        )
        for hit in hits
        if hit.image_id in photos
    ]


def _kept(make: EmbedderMaker) -> EmbedderMaker:
    """Return a function that makes an embedder once, for one thread."""
    made: dict[EmbedderIdentity, Embedder] = {}

    def get(identity: EmbedderIdentity) -> Embedder:
        if identity not in made:
            made[identity] = make(identity)
        return made[identity]

    return get
