"""One hit for each picture: what are copies of one another among the hits become one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from imgsearch.dedup.candidates import LEAST_SCORE, Pair
from imgsearch.dedup.contents import Content
from imgsearch.dedup.records import Picture
from imgsearch.embedding.base import EmbedderMaker
from imgsearch.gallery.copy_cache import CopyCache
from imgsearch.gallery.records import StoredImage
from imgsearch.gallery.store import GalleryStore
from imgsearch.query import Hit, QueryImage, QueryOptions, search_gallery
from imgsearch.types import Embeddings

_SPARE = 8
"""How many hits more than those wanted are looked at first; what suffices where copies are few."""

_NEIGHBOURS = 8
"""With how many better hits, those nearest to it, each hit is compared."""


def search_grouped(
    store: GalleryStore,
    queries: Sequence[QueryImage],
    options: QueryOptions,
    make_embedder: EmbedderMaker,
) -> list[list[Hit]]:
    """Find the most similar pictures of each query, and only one of each that there are copies of.

    The best hit stands for its copies, which it carries along. Candidates come from the vectors;
    each is then decided by the pictures themselves, as in a search for duplicates. Here a copy of
    a copy is one as well: nothing is removed. A file that cannot be read, and of which the gallery
    has no thumbnail, is grouped by its bytes alone.

    Args:
        store: The gallery, open for reading.
        queries: The pictures to search for.
        options: What to look for; `k` counts the hits that stand for themselves and their copies.
        make_embedder: As `search_gallery` takes it.

    Returns:
        As `search_gallery` does.

    Raises:
        ImgsearchError: As `search_gallery` raises it.
    """
    count = options.k + _SPARE
    with CopyCache(store.folder) as cache:
        while True:
            found = search_gallery(store, queries, replace(options, k=count), make_embedder)
            grouped = [_grouped(store, hits, cache) for hits in found]
            is_enough = all(
                len(groups) >= options.k or len(hits) < count
                for groups, hits in zip(grouped, found, strict=True)
            )
            if is_enough:
                return [groups[: options.k] for groups in grouped]
            count *= 2


def _grouped(store: GalleryStore, hits: Sequence[Hit], cache: CopyCache) -> list[Hit]:
    """Return the best hit of each picture, with its copies in their order."""
    with store.catalog.transaction("DEFERRED"):
        rows = store.catalog.images([hit.image_id for hit in hits])
        shown = [hit for hit in hits if hit.image_id in rows]  # the others went meanwhile
        vectors = store.catalog.embeddings(np.array([hit.image_id for hit in shown], np.int64))
    contents, places = _contents([(hit, rows[hit.image_id]) for hit in shown])
    groups: dict[int, list[Hit]] = {}
    for hit, leader in zip(shown, _leaders(contents, places, vectors, cache), strict=True):
        groups.setdefault(leader, []).append(hit)
    return [
        replace(best, rank=rank, copies=tuple(others))
        for rank, (best, *others) in enumerate(groups.values(), start=1)
    ]


def _contents(found: Sequence[tuple[Hit, StoredImage]]) -> tuple[list[Content], list[int]]:
    """Return the contents of hits, in the order in which they come up, and the place of each."""
    pictures: dict[bytes, list[Picture]] = {}
    for hit, row in found:
        picture = Picture(row.image_id, hit.path, row.stamp, row.facts)
        pictures.setdefault(row.facts.content_hash, []).append(picture)
    place_of = {digest: place for place, digest in enumerate(pictures)}
    contents = [Content(digest, tuple(files)) for digest, files in pictures.items()]
    return contents, [place_of[row.facts.content_hash] for _, row in found]


def _leaders(
    contents: Sequence[Content], places: Sequence[int], vectors: Embeddings, cache: CopyCache
) -> list[int]:
    """Return for each hit which hit stands for it: itself, or a better one."""
    pairs = _candidates(places, vectors)
    copies = _copies(contents, {(places[better], places[worse]) for better, worse in pairs}, cache)
    leaders = list(range(len(places)))
    for better, worse in pairs:
        is_copy = places[better] == places[worse] or (places[better], places[worse]) in copies
        if is_copy and leaders[worse] == worse:
            leaders[worse] = leaders[better]
    return leaders


def _copies(contents: Sequence[Content], asked: set[Pair], cache: CopyCache) -> set[Pair]:
    """Return those pairs of contents that are copies; each has the smaller place first."""
    different = sorted(pair for pair in asked if pair[0] != pair[1])
    if not different:
        return set()
    from imgsearch.dedup.album import Album  # OpenCV costs 20 ms to load
    from imgsearch.dedup.looking import PairViewer

    viewer = PairViewer(contents, Album(contents, cache), cache)
    likely = viewer.likely(np.array(different, np.int64), lambda _done, _total: None)
    return {pair for pair, verdict in viewer.judge(likely).items() if verdict.removable}


def _candidates(places: Sequence[int], vectors: Embeddings) -> list[Pair]:
    """Return pairs of hits, the better first, that may be copies; ordered by the worse of them.

    A hit whose content a better one has needs no other pair.
    """
    pairs: list[Pair] = []
    seen: dict[int, int] = {}
    for worse, place in enumerate(places):
        first = seen.setdefault(place, worse)
        if first != worse:
            pairs.append((first, worse))
            continue
        scores = vectors[:worse] @ vectors[worse]
        nearest = np.argsort(-scores, kind="stable")[:_NEIGHBOURS]
        pairs += [(int(each), worse) for each in nearest if scores[each] >= LEAST_SCORE]
    return pairs
