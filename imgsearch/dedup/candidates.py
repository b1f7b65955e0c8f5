"""Candidates: which pairs of contents are worth a look: by vectors, as a whole, by landmarks."""

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
_BANDS: Final = 4  # sets of bits of a landmark's looks, of which one has to be the same
_LEAST_BITS: Final = 20
_MOST_BITS: Final = 32
_RARER: Final = 48  # times as many values as there are landmarks: few are alike by chance
_MOST_OF_ONE_LOOK: Final = 16  # landmarks; what looks as many others do tells nothing
_LEAST_VOTES: Final = 4  # landmarks that look alike
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


def landmark_pairs(looks: Sequence[npt.NDArray[np.uint64]]) -> Pairs:
    """Return the pairs of pictures of which several landmarks look nearly the same.

    These are found whatever their angle: the vectors of a picture that was turned a little and
    laid on black are not near those of the picture.

    Args:
        looks: What the landmarks of each picture look like, 64 bits each; shape (landmarks,).
    """
    owners = np.repeat(np.arange(len(looks)), [len(each) for each in looks])
    every = np.concatenate([np.empty(0, np.uint64), *looks])
    bits = int(np.clip(np.log2(_RARER * max(1, len(every))), _LEAST_BITS, _MOST_BITS))
    votes = [np.empty(0, np.int64)]
    for band in range(_BANDS):
        chosen = np.random.default_rng(band).permutation(64)[:bits]
        mask = np.bitwise_or.reduce(np.uint64(1) << chosen.astype(np.uint64))
        order = np.argsort(every & mask, kind="stable")
        votes += _alike(every[order] & mask, owners[order], len(looks))
    pairs, count = np.unique(np.concatenate(votes), return_counts=True)
    return np.column_stack(np.divmod(pairs[count >= _LEAST_VOTES], max(1, len(looks))))


def _alike(
    looks: npt.NDArray[np.uint64], owners: npt.NDArray[np.int64], count: int
) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the pairs of owners of the same looks, as numbers; the looks are sorted."""
    starts = np.flatnonzero(np.append(True, looks[1:] != looks[:-1])[: len(looks)])
    sizes = np.diff(np.append(starts, len(looks)))
    rare = np.repeat(sizes <= _MOST_OF_ONE_LOOK, sizes)
    looks, owners = looks[rare], owners[rare]
    for step in range(1, _MOST_OF_ONE_LOOK):
        same = np.flatnonzero(looks[step:] == looks[:-step])
        one, other = owners[same], owners[same + step]
        smaller, larger = np.minimum(one, other), np.maximum(one, other)
        yield (smaller * count + larger)[smaller < larger]


def united(lists: Sequence[Pairs], count: int) -> Pairs:
    """Return the pairs that are in any of some lists, of `count` contents."""
    return _joined(lists, count)


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
