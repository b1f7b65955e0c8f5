"""Candidates: which pairs of contents are worth a look, by their vectors or as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from imgsearch.dedup.contents import Content
from imgsearch.gallery.store import GalleryStore
from imgsearch.types import Embeddings

Pair: TypeAlias = tuple[int, int]
"""Two contents by their places in a list, the smaller first."""
Pairs: TypeAlias = npt.NDArray[np.int64]
"""Pairs of contents, each once and in order: shape (n, 2)."""

NEIGHBOURS: Final = 64
"""How many of the most similar pictures of each are looked at."""

LEAST_SCORE: Final = 0.55
"""The cosine similarity from which on a pair may be copies."""

_LEAST_CORRELATION: Final = 0.93  # of two whole pictures, tiny
_SCORES_AT_ONCE: Final = 1 << 24  # 64 MB


def near_pairs(store: GalleryStore, contents: Sequence[Content]) -> Pairs:
    """Return the pairs of contents whose vectors are near one another.

    Memory grows with the number of contents, and never with that of all pairs.

    Raises:
        GalleryCorruptError: If a vector is missing or damaged.
    """
    ids = np.array([content.first.image_id for content in contents], np.int64)
    rows = store.catalog.embeddings(ids)
    return _joined(_nearest(rows, rows, LEAST_SCORE), len(rows))


def whole_pairs(turns: npt.NDArray[np.float32]) -> Pairs:
    """Return the pairs of pictures that are alike as a whole, perhaps turned or mirrored.

    Args:
        turns: Each picture tiny, in its eight turns and mirrors; shape (pictures, 8, n), rows of
            length 1 at most.
    """
    upright = np.ascontiguousarray(turns[:, 0])
    return _joined(
        (
            pairs
            for turn in range(turns.shape[1])
            for pairs in _nearest(np.ascontiguousarray(turns[:, turn]), upright, _LEAST_CORRELATION)
        ),
        len(turns),
    )


def united(some: Pairs, others: Pairs, count: int) -> Pairs:
    """Return the pairs that are in either of two lists, of `count` contents."""
    return _joined([some, others], count)


def _nearest(rows: Embeddings, others: Embeddings, least: float) -> Iterator[Pairs]:
    """Yield each row's nearest other rows, block by block, as pairs in any order."""
    count = min(NEIGHBOURS + 1, len(others))
    block = max(1, _SCORES_AT_ONCE // max(1, len(others)))
    for start in range(0, len(rows), block):
        scores = rows[start : start + block] @ others.T
        nearest = np.argpartition(scores, -count, axis=1)[:, -count:]
        reached = np.take_along_axis(scores, nearest, axis=1) >= least
        places = np.repeat(np.arange(start, start + len(scores)), count)
        yield np.column_stack([places[reached.ravel()], nearest[reached]])


def _joined(found: Iterator[Pairs] | Sequence[Pairs], count: int) -> Pairs:
    """Return all pairs once and in order, without those of a row with itself."""
    parts = [np.empty((0, 2), np.int64)]
    for pairs in found:
        smaller, larger = pairs.min(axis=1), pairs.max(axis=1)
        keys = np.unique(smaller[smaller < larger] * count + larger[smaller < larger])
        parts.append(np.column_stack(np.divmod(keys, max(1, count))))
    every = np.concatenate(parts)
    keys = np.unique(every[:, 0] * count + every[:, 1])
    return np.column_stack(np.divmod(keys, max(1, count)))
