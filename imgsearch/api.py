"""The Python interface: a gallery as one object."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

from imgsearch.dedup.first_look import first_look
from imgsearch.embedding.base import Embedder
from imgsearch.embedding.registry import Engine, WantedPrecision, create_embedder, identity_of
from imgsearch.gallery.filters import Filter
from imgsearch.gallery.locate import GALLERY_NAME
from imgsearch.gallery.models import choose_model, gallery_of_model, require_gallery_of_model
from imgsearch.gallery.report import ProgressCallback, UpdateOptions, UpdateReport
from imgsearch.gallery.roots import read_roots
from imgsearch.gallery.schema import CATALOG_NAME, translated
from imgsearch.gallery.store import (
    GalleryStore,
    open_for_reading,
    open_for_writing,
    require_identity,
    stored_identity,
)
from imgsearch.gallery.update import update_gallery
from imgsearch.grouping import search_grouped
from imgsearch.images.crop import Crop
from imgsearch.query import Hit, QueryImage, QueryOptions, compare_images, search_gallery
from imgsearch.types import DEFAULT_MAX_PIXELS, EmbedderIdentity

StrPath: TypeAlias = str | os.PathLike[str]
ImageSource: TypeAlias = StrPath | bytes


def create_gallery(
    path: StrPath,
    *,
    preset: str = "default",
    model: StrPath | None = None,
    engine: Engine = "auto",
    precision: WantedPrecision = "auto",
) -> Gallery:
    """Make an empty gallery, or open the one that is there.

    Args:
        path: The gallery's own folder, for example `photos/.imgsearch`.
        preset: How pictures become vectors; see the README.
        model: A model file with a card, or the name of a model, instead of a preset; beside the
            vectors of another model it gets a gallery of its own within this one.
        engine: What runs the network; `"auto"` takes OpenVINO.
        precision: The arithmetic; `"auto"` takes the fastest that this machine does well.

    Raises:
        EmbedderMismatchError: If there is a gallery of another preset.
        GalleryWriteError: If the folder cannot be made or written.
        ModelFileError: If the model's file or card cannot be used.
    """
    folder, chosen = Path(path), None if model is None else choose_model(os.fspath(model))
    if chosen is not None:
        folder = gallery_of_model(folder, chosen.name)
    identity = identity_of(preset) if chosen is None else chosen.identity(stored_identity(folder))
    with open_for_writing(folder) as store:
        require_identity(store, identity)
        with store.catalog.transaction():
            store.catalog.set_identity(identity)
    return Gallery(
        folder.resolve(),
        identity,
        engine=engine,
        precision=precision,
        model_file=None if chosen is None else chosen.path,
    )


def open_gallery(
    path: StrPath,
    *,
    model: StrPath | None = None,
    engine: Engine = "auto",
    precision: WantedPrecision = "auto",
) -> Gallery:
    """Open a gallery.

    Args:
        path: The gallery's own folder, or the folder of photos that it lies in.
        model: Whose vectors are meant, if it has those of several models: a file or a name.
        engine: What runs the network; `"auto"` takes OpenVINO.
        precision: The arithmetic; `"auto"` takes the fastest that this machine does well.

    Raises:
        GalleryNotFoundError: If there is none.
        GalleryVersionError: If a newer release made it.
        ModelFileError: If the model's file is another than the one that made the vectors.
    """
    folder = Path(path).resolve()
    inside = folder / GALLERY_NAME
    if not (folder / CATALOG_NAME).is_file() and inside.is_dir():
        folder = inside
    chosen = None if model is None else choose_model(os.fspath(model))
    if chosen is not None:
        folder = require_gallery_of_model(folder, chosen)
    with open_for_reading(folder) as store:
        identity = store.identity()
    file = None if chosen is None else chosen.path
    return Gallery(folder, identity, engine=engine, precision=precision, model_file=file)


class Gallery:
    """An indexed collection of photos; made by `open_gallery` and `create_gallery`.

    The network is loaded when it is first needed and kept. Use it in a `with` block, or call
    `close`; one object serves one thread at a time.
    """

    def __init__(
        self,
        folder: Path,
        identity: EmbedderIdentity,
        *,
        engine: Engine = "auto",
        precision: WantedPrecision = "auto",
        model_file: Path | None = None,
    ) -> None:
        self._folder = folder
        self._model_file = model_file
        self._identity = identity
        self._engine: Engine = engine
        self._precision: WantedPrecision = precision
        self._embedder: Embedder | None = None
        self._store: GalleryStore | None = None
        self._resources = ExitStack()

    @property
    def path(self) -> Path:
        """The gallery's own folder."""
        return self._folder

    @property
    def identity(self) -> EmbedderIdentity:
        """The embedder that its vectors are of."""
        return self._identity

    @property
    def roots(self) -> list[Path]:
        """The folders of photos that it indexes, sorted."""
        with self._reading() as store:
            return sorted(read_roots(store.catalog).values())

    def __len__(self) -> int:
        """Count the pictures in it."""
        with self._reading() as store:
            return store.catalog.image_count()

    def update(
        self,
        *roots: StrPath,
        options: UpdateOptions | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> UpdateReport:
        """Index what is new or changed in some folders, and drop what is gone.

        Args:
            roots: Folders of photos; all that the gallery knows if none is named.
            options: How to go about it.
            on_progress: Told how far it has come.

        Raises:
            ImageFolderError: If a root is no folder that can be listed.
            EmbedderError: If the network cannot be loaded.
            GalleryError: If the gallery cannot be written, or is being written to.
        """
        return update_gallery(
            self._folder,
            [Path(root) for root in roots] or self.roots,
            identity=self._identity,
            make_embedder=self._get_embedder,
            options=options,
            on_progress=on_progress,
            look=first_look,
        )

    def search(
        self,
        image: ImageSource | Sequence[ImageSource],
        k: int = 10,
        *,
        min_score: float = -1.0,
        exclude_self: bool = False,
        only: Filter | None = None,
        unlike: Sequence[ImageSource] = (),
        crop: Crop | None = None,
        group: bool = False,
        expand: bool | None = None,
    ) -> list[Hit]:
        """Find the most similar pictures.

        Args:
            image: The path of a picture, inside the gallery or outside, or its content. Of several
                together: what is like all of them.
            k: How many hits, at least 1; all if the gallery has fewer.
            min_score: Leave out hits below this cosine similarity; inclusive.
            exclude_self: Leave out the picture itself if it is indexed.
            only: Which pictures to choose among.
            unlike: Pictures that the hits are not to be like.
            crop: Search for this part of the picture, of each one of several.
            group: Let the best hit stand for its copies, each verified by the pictures; they are
                its `copies`.
            expand: Order the nearest anew by what they have near themselves; None does so if the
                gallery's preset does. Scores are cosines all the same.

        Returns:
            Hits, best first; a picture that is itself indexed comes first with score 1.

        Raises:
            ImageReadError: If a picture cannot be read, or the crop lies outside it.
            QueryError: If what the hits are to be like and not to be like cancels out.
            GalleryNotFoundError: If the gallery is empty.
            ValueError: If `k` or `min_score` is out of range, or there is no picture.
        """
        images = [image] if isinstance(image, str | bytes | os.PathLike) else list(image)
        if not images:
            raise ValueError("there is no picture to search for")
        options = QueryOptions(
            k=k,
            min_score=min_score,
            exclude_self=exclude_self,
            only=only or Filter(),
            unlike=tuple(_query_image(each) for each in unlike),
            together=True,
            expand=expand,
        )
        queries = [_query_image(each, crop) for each in images]
        search = search_grouped if group else search_gallery
        with self._reading() as store:
            return search(store, queries, options, self._get_embedder)[0]

    def compare(self, first: ImageSource, second: ImageSource) -> float:
        """Return the cosine similarity of two pictures, in [-1, 1]; they need not be indexed.

        Raises:
            ImageReadError: If one of them cannot be read.
        """
        return compare_images(
            _query_image(first),
            _query_image(second),
            self._get_embedder(self._identity),
            max_pixels=DEFAULT_MAX_PIXELS,
        )

    def close(self) -> None:
        """Let go of the files; the object may be used again, and opens them again."""
        self._resources.close()
        self._store = None

    def __enter__(self) -> Gallery:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _reading(self) -> Iterator[GalleryStore]:
        """Answer the store, opened when it is first needed and kept."""
        if self._store is None:
            self._store = self._resources.enter_context(open_for_reading(self._folder))
        with translated(self._folder):
            yield self._store

    def _get_embedder(self, identity: EmbedderIdentity) -> Embedder:
        if self._embedder is None:
            self._embedder = create_embedder(
                identity,
                engine=self._engine,
                precision=self._precision,
                model_file=self._model_file,
            )
        return self._embedder


def _query_image(image: ImageSource, crop: Crop | None = None) -> QueryImage:
    if isinstance(image, bytes):
        return QueryImage(image, "<bytes>", crop)
    return QueryImage(Path(image), os.fspath(image), crop)
