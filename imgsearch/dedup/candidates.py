"""Candidates: which pairs of contents are worth a look, by vectors and as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final, NamedTuple, TypeAlias

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

CLOSE_SCORE: Final = 0.7
"""The one from which on a pair is looked at whatever else is known of it."""

LEAST_VOTES: Final = ((1, 0.65), (2, LEAST_SCORE))
"""How many landmarks of pictures that are less similar have to look alike, by similarity."""

CLOSEST: Final = 3
"""How many of the most similar pictures of each are looked at likewise."""

_LEAST_CORRELATION: Final = 0.93  # of two whole pictures, tiny
_QUARTER: Final = 1  # turn; it and three quarters are each other's opposites,
_THREE_QUARTERS: Final = 3  # the other turns and mirrors their own
_SCORES_AT_ONCE: Final = 1 << 24  # 64 MB


class NearPairs(NamedTuple):
    """Pairs of contents whose vectors are near one another.

    Attributes:
        close: Worth a look.
        far: Further pairs, by how many landmarks have to look alike to make them worth one.
    """

    close: Pairs
    far: Mapping[int, Pairs]


def near_pairs(store: GalleryStore, contents: Sequence[Content]) -> NearPairs:
    """Return the pairs of contents whose vectors are near one another.

    Memory grows with the number of contents, and never with that of all pairs.

    Raises:
        GalleryCorruptError: If a vector is missing or damaged.
    """
    ids = np.array([content.first.image_id for content in contents], np.int64)
    rows = store.catalog.embeddings(ids)
    close: list[Pairs] = []
    far: dict[int, list[Pairs]] = {votes: [] for votes, _ in LEAST_VOTES}
    for near in _nearest(rows, rows, LEAST_SCORE):
        left = (near.scores < CLOSE_SCORE) & ~_is_among_first(near, CLOSEST)
        close.append(near.pairs[~left])
        for votes, least in LEAST_VOTES:
            far[votes].append(near.pairs[left & (near.scores >= least)])
            left &= near.scores < least
    return NearPairs(
        _joined(close, len(rows)),
        {votes: _joined(found, len(rows)) for votes, found in far.items()},
    )


def whole_pairs(turns: Iterable[npt.NDArray[np.float32]]) -> Pairs:
    """Return the pairs of pictures that are alike as a whole, perhaps turned or mirrored.

    Args:
        turns: All pictures tiny, in the eight turns and mirrors of `Sketch.turns`; shape
            (pictures, n) each, rows of length 1 at most.
    """
    turned = enumerate(turns)
    _, upright = next(turned)
    found = (
        near.pairs
        for turn, rows in chain([(0, upright)], turned)
        if turn != _THREE_QUARTERS  # such a pair is found a quarter turned, in the other order
        for near in _nearest(rows, upright, _LEAST_CORRELATION, later=turn != _QUARTER)
    )
    return _joined(found, len(upright))


def united(lists: Sequence[Pairs], count: int) -> Pairs:
    """Return the pairs that are in any of some lists, of `count` contents."""
    return _joined(lists, count)


class _Near(NamedTuple):
    """Pairs of rows by row, in any order, and their scores."""

    pairs: Pairs
    scores: npt.NDArray[np.float32]


def _nearest(
    rows: Embeddings, others: Embeddings, least: float, *, later: bool = False
) -> Iterator[_Near]:
    """Yield each row's nearest other rows, block by block.

    Args:
        rows: Shape (n, dimensions).
        others: Likewise.
        least: The least score.
        later: Whether it is enough to look at others from a row's block on, because scores are
            the same the other way round.
    """
    count = min(NEIGHBOURS + 1, len(others))
    block = max(1, _SCORES_AT_ONCE // max(1, len(others)))
    for start in range(0, len(rows), block):
        first = start if later else 0
        scores = rows[start : start + block] @ others[first:].T
        reached = scores >= least
        for row in np.flatnonzero(np.count_nonzero(reached, axis=1) > count).tolist():
            places = np.flatnonzero(reached[row])
            reached[row, places[np.argpartition(scores[row, places], -count)[:-count]]] = False
        places, nearest = np.divmod(np.flatnonzero(reached), max(1, len(others) - first))
        pairs = np.column_stack([places + start, nearest + first])
        yield _Near(pairs, scores[places, nearest])


def _is_among_first(near: _Near, count: int) -> npt.NDArray[np.bool_]:
    """Tell which pairs are among the first by score of their row, the row itself not counted."""
    order = np.lexsort((-near.scores, near.pairs[:, 0]))
    rows = near.pairs[order, 0]
    ranks = np.arange(len(rows)) - np.searchsorted(rows, rows)
    first = np.zeros(len(rows), bool)
    first[order] = ranks <= count
    return first


def _joined(found: Iterable[Pairs], count: int) -> Pairs:
    """Return all pairs once and in order, without those of a row with itself."""
    parts = [np.empty((0, 2), np.int64)]
    for pairs in found:
        smaller, larger = pairs.min(axis=1), pairs.max(axis=1)
        keys = np.unique(smaller[smaller < larger] * count + larger[smaller < larger])
        parts.append(np.column_stack(np.divmod(keys, max(1, count))))
    every = np.concatenate(parts)
    keys = np.unique(every[:, 0] * count + every[:, 1])
    return np.column_stack(np.divmod(keys, max(1, count)))
