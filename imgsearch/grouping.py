"""One hit for each picture: what are copies of one another among the hits become one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from imgsearch.dedup.candidates import LEAST_SCORE
from imgsearch.dedup.contents import Content
from imgsearch.dedup.groups import Pair
from imgsearch.dedup.records import Picture, Verdict
from imgsearch.embedding.base import EmbedderMaker
from imgsearch.gallery.records import StoredImage
from imgsearch.gallery.store import GalleryStore
from imgsearch.query import Hit, QueryImage, QueryOptions, search_gallery
from imgsearch.types import Embeddings

_SPARE = 8
"""How many hits more than twice those wanted are looked at first."""

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
    a copy is one as well: nothing is removed. A file that cannot be read is grouped by its bytes
    alone.

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
    copies = _Copies(store)
    count = 2 * options.k + _SPARE
    while True:
        found = search_gallery(store, queries, replace(options, k=count), make_embedder)
        grouped = [copies.fold(hits) for hits in found]
        is_enough = all(
            len(groups) >= options.k or len(hits) < count
            for groups, hits in zip(grouped, found, strict=True)
        )
        if is_enough:
            return [groups[: options.k] for groups in grouped]
        count *= 2


class _Copies:
    """Knows which of the hits that it has seen are copies of one another."""

    def __init__(self, store: GalleryStore) -> None:
        from imgsearch.dedup.looking import PairViewer  # OpenCV costs 20 ms to load

        self._store = store
        self._contents: list[Content] = []
        self._places: dict[bytes, int] = {}
        self._verdicts: dict[Pair, Verdict] = {}
        self._viewer = PairViewer(self._contents)

    def fold(self, hits: Sequence[Hit]) -> list[Hit]:
        """Return the first hit of each picture, with its copies in their order."""
        with self._store.catalog.transaction("DEFERRED"):
            rows = self._store.catalog.images([hit.image_id for hit in hits])
            shown = [hit for hit in hits if hit.image_id in rows]  # the others went meanwhile
            vectors = self._store.catalog.embeddings(
                np.array([hit.image_id for hit in shown], np.int64)
            )
        places = [self._place(hit, rows[hit.image_id]) for hit in shown]
        leaders = self._leaders(places, vectors)
        groups: dict[int, list[Hit]] = {}
        for hit, leader in zip(shown, leaders, strict=True):
            groups.setdefault(leader, []).append(hit)
        return [
            replace(first, rank=rank, copies=tuple(others))
            for rank, (first, *others) in enumerate(groups.values(), start=1)
        ]

    def _place(self, hit: Hit, row: StoredImage) -> int:
        """Return the place of a hit's content among those that were seen."""
        digest = row.facts.content_hash
        if digest not in self._places:
            self._places[digest] = len(self._contents)
            picture = Picture(row.image_id, hit.path, row.stamp, row.facts)
            self._contents.append(Content(digest, (picture,)))
        return self._places[digest]

    def _leaders(self, places: Sequence[int], vectors: Embeddings) -> list[int]:
        """Return for each hit which hit stands for it: itself, or a better one."""
        pairs = _candidates(places, vectors)
        asked = {(places[first], places[second]) for first, second in pairs} - {
            *self._verdicts,
            *((place, place) for place in places),
        }
        self._verdicts |= self._viewer.judge(sorted(asked))
        leaders = list(range(len(places)))
        for better, worse in pairs:
            is_copy = places[better] == places[worse] or (
                self._verdicts[places[better], places[worse]].removable
            )
            if is_copy and leaders[worse] == worse:
                leaders[worse] = leaders[better]
        return leaders


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
