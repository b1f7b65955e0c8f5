"""The query: pictures in, ranked hits out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from imgsearch.embedding.base import Embedder, EmbedderMaker
from imgsearch.errors import GalleryCorruptError, GalleryNotFoundError
from imgsearch.gallery.records import StoredImage
from imgsearch.gallery.store import GalleryStore
from imgsearch.images.decode import require_picture
from imgsearch.images.fingerprint import content_hash
from imgsearch.images.prepare import PreparedImage, prepare
from imgsearch.images.read import load
from imgsearch.index.base import SCORE_TOLERANCE, Neighbours
from imgsearch.types import DEFAULT_MAX_PIXELS, EmbedderIdentity, Preprocessing

_Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class QueryImage:
    """A picture to search for.

    Attributes:
        source: Its file, or its content.
        name: What it is called in the answer and in error messages.
    """

    source: Path | bytes
    name: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked result.

    Attributes:
        rank: 1 for the best.
        score: Cosine similarity in [-1, 1].
        path: The absolute path of the picture.
        image_id: Its id in the gallery.
    """

    rank: int
    score: float
    path: Path
    image_id: int


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """What to look for.

    Attributes:
        k: How many hits, at least 1; all if the gallery has fewer.
        min_score: Leave out hits below this cosine similarity; inclusive.
        exclude_self: Leave out the query's own file if it is indexed.
        max_pixels: A query that declares more pixels is refused before it is decoded.
    """

    k: int = 10
    min_score: float = -1.0
    exclude_self: bool = False
    max_pixels: int = DEFAULT_MAX_PIXELS

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k must be at least 1, not {self.k}")
        if not -1 <= self.min_score <= 1:
            raise ValueError(f"min_score must be between -1 and 1, not {self.min_score}")


@dataclass(frozen=True, slots=True)
class _Probe:
    """A query on its way: its vector, or what the network is to be shown; the row of its path."""

    vector: _Vector | None
    prepared: PreparedImage | None
    content_hash: bytes
    own_row: StoredImage | None

    @property
    def own_id(self) -> int | None:
        """The id of the query's path, None if it is not indexed."""
        return None if self.own_row is None else self.own_row.image_id

    @property
    def is_current(self) -> bool:
        """Whether the row of the query's path is of the query's content."""
        return self.own_row is not None and self.own_row.facts.content_hash == self.content_hash


def search_gallery(
    store: GalleryStore,
    queries: Sequence[QueryImage],
    options: QueryOptions,
    make_embedder: EmbedderMaker,
) -> list[list[Hit]]:
    """Find the most similar pictures of each query.

    A query whose content is in the gallery is not embedded again: its stored vector is used. A
    query that is itself indexed comes first, with score 1.

    Args:
        store: The gallery, open for reading.
        queries: The pictures to search for.
        options: What to look for.
        make_embedder: Called once, and only if a query's content is not in the gallery.

    Returns:
        For each query its hits, best first; equal scores are ordered by image id.

    Raises:
        ImageReadError: If a query cannot be read.
        GalleryNotFoundError: If the gallery holds no pictures.
        GalleryCorruptError: If its index and its catalogue contradict each other.
        EmbedderError: If the embedder cannot be made.
    """
    identity = store.identity()
    with store.reading() as index:
        probes = [
            _probe(store, query, identity.preprocessing, options.max_pixels) for query in queries
        ]
        if not len(index):
            raise GalleryNotFoundError(
                store.folder, "it holds no pictures; add some with `imgsearch index PHOTOS`"
            )
        vectors = _vectors_of(probes, identity, make_embedder)
        return [
            _hits(store, index.search(vector[np.newaxis], options.k + 1)[0], probe, options)
            for vector, probe in zip(vectors, probes, strict=True)
        ]


def compare_images(
    first: QueryImage, second: QueryImage, embedder: Embedder, *, max_pixels: int
) -> float:
    """Return the cosine similarity of two pictures, in [-1, 1].

    Raises:
        ImageReadError: If one of them cannot be read.
    """
    batch = [
        prepare(
            image.source, embedder.identity.preprocessing, name=image.name, max_pixels=max_pixels
        ).pixels
        for image in (first, second)
    ]
    one, other = embedder.embed(np.stack(batch)).astype(np.float64)
    return float(np.clip(one @ other, -1, 1))


def _probe(
    store: GalleryStore, query: QueryImage, preprocessing: Preprocessing, max_pixels: int
) -> _Probe:
    """Find the stored vector of a query, or prepare it for the network."""
    source = query.source if isinstance(query.source, bytes) else _load(query)
    own_row = store.find(query.source) if isinstance(query.source, Path) else None
    digest = content_hash(source, name=query.name)
    stored = store.catalog.find_content(digest)
    if stored is not None:
        vector = store.catalog.embedding(stored.image_id, store.identity().dim)
        return _Probe(vector, None, digest, own_row)
    prepared = prepare(source, preprocessing, name=query.name, max_pixels=max_pixels)
    return _Probe(None, prepared, digest, own_row)


def _load(query: QueryImage) -> bytes | Path:
    assert isinstance(query.source, Path)
    require = partial(require_picture, name=query.name)
    return load(query.source, name=query.name, require=require)


def _vectors_of(
    probes: list[_Probe], identity: EmbedderIdentity, make_embedder: EmbedderMaker
) -> list[_Vector]:
    """Return the vectors of all queries, embedding in one batch those that have none."""
    batch = [probe.prepared.pixels for probe in probes if probe.prepared is not None]
    fresh = iter(make_embedder(identity).embed(np.stack(batch)) if batch else ())
    return [probe.vector if probe.vector is not None else next(fresh) for probe in probes]


def _hits(
    store: GalleryStore, found: Neighbours, probe: _Probe, options: QueryOptions
) -> list[Hit]:
    ranked = _ranked(found, probe, options)[: options.k]
    images = store.catalog.images([image_id for image_id, _ in ranked])
    for image_id, _ in ranked:
        if image_id not in images:
            raise GalleryCorruptError(
                store.folder,
                f"its index has an image {image_id}, which its catalogue lacks;"
                " run `imgsearch check --repair`",
            )
    paths = store.paths(images)
    return [
        Hit(rank, score, paths[image_id], image_id)
        for rank, (image_id, score) in enumerate(ranked, start=1)
    ]


def _ranked(found: Neighbours, probe: _Probe, options: QueryOptions) -> list[tuple[int, float]]:
    """Put the query's own row first, or leave it out; drop what is below the minimum.

    A row whose file has changed since is like any other, except that it is left out as well.
    """
    goes_first = probe.is_current and not options.exclude_self
    dropped = probe.own_id if goes_first or options.exclude_self else None
    pairs = [
        (int(image_id), float(score))
        for image_id, score in zip(found.ids, found.scores, strict=True)
        if image_id != dropped and score >= options.min_score - SCORE_TOLERANCE
    ]
    return [(probe.own_id, 1.0), *pairs] if goes_first and probe.own_id is not None else pairs
