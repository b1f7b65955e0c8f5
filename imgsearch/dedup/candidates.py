"""Candidates: which pairs of contents are worth a look, by the vectors of the gallery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from imgsearch.dedup.contents import Content
from imgsearch.dedup.groups import Pair
from imgsearch.gallery.store import GalleryStore
from imgsearch.types import Embeddings

NEIGHBOURS: Final = 40
"""How many of the most similar pictures of each are looked at."""

LEAST_SCORE: Final = 0.55
"""The cosine similarity from which on a pair may be copies."""

_ROWS_PER_BLOCK: Final = 1024


def candidate_pairs(store: GalleryStore, contents: Sequence[Content]) -> list[Pair]:
    """Return the pairs of contents whose vectors are near one another, in order.

    Memory grows with the number of contents, and never with that of all pairs.

    Raises:
        GalleryCorruptError: If a vector is missing or damaged.
    """
    ids = np.array([content.first.image_id for content in contents], np.int64)
    rows = store.catalog.embeddings(ids)
    pairs: set[Pair] = set()
    for start in range(0, len(rows), _ROWS_PER_BLOCK):
        pairs |= _near(rows, start)
    return sorted(pairs)


def _near(rows: Embeddings, start: int) -> set[Pair]:
    """Return the pairs of a block of rows with its nearest rows, the smaller place first."""
    scores = rows[start : start + _ROWS_PER_BLOCK] @ rows.T
    places = np.arange(start, start + len(scores))
    scores[np.arange(len(scores)), places] = -1
    count = min(NEIGHBOURS, len(rows))
    nearest = np.argpartition(scores, -count, axis=1)[:, -count:]
    reached = np.take_along_axis(scores, nearest, axis=1) >= LEAST_SCORE
    found = zip(np.repeat(places, count)[reached.ravel()], nearest[reached], strict=True)
    return {(int(min(pair)), int(max(pair))) for pair in found}
