"""The query: pictures in, ranked hits out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from imgsearch.embedding.base import Embedder, EmbedderMaker
from imgsearch.embedding.registry import expands
from imgsearch.embedding.several import embed_each
from imgsearch.errors import GalleryCorruptError, GalleryNotFoundError
from imgsearch.gallery.filters import Filter, choose
from imgsearch.gallery.records import StoredImage
from imgsearch.gallery.store import GalleryStore
from imgsearch.images.crop import Crop, cut_out
from imgsearch.images.decode import require_picture
from imgsearch.images.fingerprint import content_hash
from imgsearch.images.prepare import PreparedImage, prepare
from imgsearch.images.read import load
from imgsearch.index.base import SCORE_TOLERANCE, Neighbours, VectorIndex
from imgsearch.index.combination import combined
from imgsearch.index.expansion import CONSIDERED, in_expanded_order
from imgsearch.types import DEFAULT_MAX_PIXELS, EmbedderIdentity, Ids

_Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class QueryImage:
    """A picture to search for.

    Attributes:
        source: Its file, or its content.
        name: What it is called in the answer and in error messages.
        crop: The part of it that is meant; all of it if None.
    """

    source: Path | bytes
    name: str
    crop: Crop | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked result.

    Attributes:
        rank: 1 for the best.
        score: Cosine similarity in [-1, 1].
        path: The absolute path of the picture.
        image_id: Its id in the gallery.
        copies: Further hits that it stands for, where copies are grouped.
    """

    rank: int
    score: float
    path: Path
    image_id: int
    copies: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """What to look for.

    Attributes:
        k: How many hits, at least 1; all if the gallery has fewer.
        min_score: Leave out hits below this cosine similarity; inclusive.
        exclude_self: Leave out the query's own file if it is indexed.
        max_pixels: A query that declares more pixels is refused before it is decoded.
        only: Which pictures to choose among.
        unlike: Pictures that the hits are not to be like.
        together: Answer all queries as one: what is like all of them.
        expand: Order the nearest anew by what they have near themselves, see
            `imgsearch.index.expansion`; None does so if the gallery's preset does.
    """

    k: int = 10
    min_score: float = -1.0
    exclude_self: bool = False
    max_pixels: int = DEFAULT_MAX_PIXELS
    only: Filter = field(default_factory=Filter)
    unlike: tuple[QueryImage, ...] = ()
    together: bool = False
    expand: bool | None = None

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k must be at least 1, not {self.k}")
        if not -1 <= self.min_score <= 1:
            raise ValueError(f"min_score must be between -1 and 1, not {self.min_score}")


Search: TypeAlias = Callable[
    [GalleryStore, Sequence[QueryImage], QueryOptions, EmbedderMaker], list[list[Hit]]
]
"""What answers questions: `search_gallery`, or something that goes on from there."""


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


@dataclass(frozen=True, slots=True)
class _Question:
    """A vector to search for, the rows of the pictures it is made of, and the one that it is."""

    vector: _Vector
    own_ids: frozenset[int]
    same_id: int | None


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
        For each query its hits, best first; equal scores are ordered by image id. Scores are
        cosines in any case: those of an answer that was ordered by expansion may rise again.
        One list for all of them if they are asked together.

    Raises:
        ImageReadError: If a query cannot be read.
        QueryError: If what they are to be like and not to be like cancels out.
        GalleryNotFoundError: If the gallery holds no pictures.
        GalleryCorruptError: If its index and its catalogue contradict each other.
        EmbedderError: If the embedder cannot be made.
    """
    identity = store.identity()
    if options.expand is None:
        options = replace(options, expand=expands(identity))
    with store.reading() as index:
        probes = [_probe(store, query, options) for query in (*queries, *options.unlike)]
        if not len(index):
            raise GalleryNotFoundError(
                store.folder, "it holds no pictures; add some with `imgsearch index PHOTOS`"
            )
        vectors = _vectors_of(probes, identity, make_embedder)
        among = choose(store, options.only)
        questions = _questions(probes, vectors, len(queries), options)
        answers = _nearest(index, questions, options, among)
        return [
            _hits(store, _ranked(index, question, found, options, among))
            for question, found in zip(questions, answers, strict=True)
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
        ).network_input
        for image in (first, second)
    ]
    one, other = embed_each(embedder, batch).astype(np.float64)
    return float(np.clip(one @ other, -1, 1))


def _probe(store: GalleryStore, query: QueryImage, options: QueryOptions) -> _Probe:
    """Find the stored vector of a query, or prepare it for the network."""
    source = query.source if isinstance(query.source, bytes) else _load(query)
    own_row = store.find(query.source) if isinstance(query.source, Path) else None
    if query.crop is not None:
        source = cut_out(source, query.crop, name=query.name, max_pixels=options.max_pixels)
    identity = store.identity()
    digest = content_hash(source, name=query.name)
    stored = store.catalog.find_content(digest)
    if stored is not None:
        vector = store.catalog.embedding(stored.image_id, identity.dim)
        return _Probe(vector, None, digest, own_row)
    prepared = prepare(
        source, identity.preprocessing, name=query.name, max_pixels=options.max_pixels
    )
    return _Probe(None, prepared, digest, own_row)


def _load(query: QueryImage) -> bytes | Path:
    assert isinstance(query.source, Path)
    require = partial(require_picture, name=query.name)
    return load(query.source, name=query.name, require=require)


def _vectors_of(
    probes: list[_Probe], identity: EmbedderIdentity, make_embedder: EmbedderMaker
) -> list[_Vector]:
    """Return the vectors of all queries, embedding in one batch those that have none."""
    batch = [probe.prepared.network_input for probe in probes if probe.prepared is not None]
    fresh = iter(embed_each(make_embedder(identity), batch) if batch else ())
    return [probe.vector if probe.vector is not None else next(fresh) for probe in probes]


def _questions(
    probes: list[_Probe], vectors: list[_Vector], wanted: int, options: QueryOptions
) -> list[_Question]:
    """Make the vectors to search for: of each query, or of all, without what is unwanted.

    Args:
        probes: Those of the queries, then those of what is unwanted.
        vectors: Of each probe.
        wanted: How many are queries.
        options: How to put them together.
    """
    unwanted = vectors[wanted:]
    groups = [list(range(wanted))] if options.together and wanted else [[i] for i in range(wanted)]
    questions = []
    for group in groups:
        is_plain = len(group) == 1 and not unwanted
        one = probes[group[0]]
        vector = vectors[group[0]] if is_plain else combined([vectors[i] for i in group], unwanted)
        parts = [*(probes[i] for i in group), *probes[wanted:]]
        own_ids = frozenset(probe.own_id for probe in parts if probe.own_id is not None)
        same_id = one.own_id if is_plain and one.is_current else None
        questions.append(_Question(vector, own_ids, same_id))
    return questions


def _nearest(
    index: VectorIndex, questions: list[_Question], options: QueryOptions, among: Ids | None
) -> list[Neighbours]:
    """Search for all questions at once, which is faster than for one after the other.

    Each answer has room for the pictures that a question is made of, which `_ranked` may take out.
    """
    if not questions:
        return []
    room = max(len(question.own_ids) for question in questions)
    vectors = np.stack([question.vector for question in questions])
    return index.search(vectors, _considered(options) + room, among)


def _considered(options: QueryOptions) -> int:
    """Return how many of the nearest take part in an answer."""
    return max(options.k, CONSIDERED) if options.expand else options.k


def _ranked(
    index: VectorIndex,
    question: _Question,
    found: Neighbours,
    options: QueryOptions,
    among: Ids | None,
) -> list[tuple[int, float]]:
    """Put the query's own row first, or leave it out; drop what is below the minimum.

    A row whose file has changed since is like any other, except that it is left out as well.
    """
    first = None if options.exclude_self else question.same_id
    if among is not None and first is not None and first not in among:
        first = None
    dropped = {first} if first is not None else set()
    if options.exclude_self:
        dropped = set(question.own_ids)
    kept = np.flatnonzero(~np.isin(found.ids, list(dropped)))[: _considered(options)]
    found = Neighbours(found.ids[kept], found.scores[kept])
    if options.expand:
        found = in_expanded_order(index, question.vector, found)
    pairs = [
        (int(image_id), float(score))
        for image_id, score in zip(found.ids, found.scores, strict=True)
        if score >= options.min_score - SCORE_TOLERANCE
    ]
    return ([(first, 1.0), *pairs] if first is not None else pairs)[: options.k]


def _hits(store: GalleryStore, ranked: list[tuple[int, float]]) -> list[Hit]:
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
