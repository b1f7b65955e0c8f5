"""What every vector index checks about its arguments, and how it orders and cuts its answers."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from imgsearch.index.base import Neighbours
from imgsearch.types import Embeddings, Ids, Scores

LENGTH_TOLERANCE = 1e-5
"""How far a row's Euclidean length may be from 1; float32 rounding alone stays below 1e-6."""

PAIRS_PER_BLOCK = 1 << 22
"""Queries are answered in blocks of at most this many (query, vector) pairs: about 50 MB."""


def checked_rows(rows: Embeddings, dim: int) -> Embeddings:
    """Return `rows` C-contiguous, copied only if they were not.

    Args:
        rows: Unit rows, shape (n, dim), float32; n may be 0.
        dim: Length that each row must have.

    Raises:
        ValueError: If the shape or dtype is another, or a row is not finite and of length 1.
    """
    if rows.ndim != 2 or rows.shape[1] != dim:
        raise ValueError(f"rows must have shape (n, {dim}), not {rows.shape}")
    if rows.dtype != np.float32:
        raise ValueError(f"rows must be float32, not {rows.dtype}")
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    # Written so that NaN, which compares as false, counts as wrong.
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= LENGTH_TOLERANCE))
    if wrong.size:
        row = int(wrong[0])
        raise ValueError(f"rows must have length 1, but row {row} has length {lengths[row]:g}")
    return np.ascontiguousarray(rows)


def checked_ids(ids: Ids) -> Ids:
    """Return `ids` unchanged.

    Raises:
        ValueError: If they are not of shape (n,) and dtype int64.
    """
    if ids.ndim != 1 or ids.dtype != np.int64:
        raise ValueError(f"ids must be int64 of shape (n,), not {ids.dtype} of shape {ids.shape}")
    return ids


def check_new_ids(ids: Ids, row_count: int, held: Ids) -> None:
    """Refuse ids that cannot be given to `row_count` new rows.

    Args:
        ids: The new ids, in any order.
        row_count: How many rows they are for.
        held: Ids in use, ascending.

    Raises:
        ValueError: If there is not one id per row, or one is negative, repeated or in use.
    """
    if len(checked_ids(ids)) != row_count:
        raise ValueError(f"{row_count} rows need as many ids, not {len(ids)}")
    if ids.size and ids.min() < 0:
        raise ValueError(f"ids must not be negative, but {ids.min()} is")
    unique, counts = np.unique(ids, return_counts=True)
    if unique.size < ids.size:
        raise ValueError(f"ids must not repeat, but {unique[counts > 1][0]} does")
    in_use = unique[is_held(unique, held)]
    if in_use.size:
        raise ValueError(f"id {in_use[0]} is already held")


def checked_k(k: int) -> int:
    """Return `k` as Python's own int, for FAISS takes no integer of NumPy.

    Raises:
        TypeError: If it is no integer.
        ValueError: If it is below 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    return operator.index(k)


def checked_min_score(min_score: float) -> float:
    """Return `min_score`, cut to [-2, 2], where no cosine is near: FAISS takes float32 only.

    Raises:
        ValueError: If it is NaN, which nothing reaches and nothing misses.
    """
    if math.isnan(min_score):
        raise ValueError("min_score must be a number, not NaN")
    return min(max(float(min_score), -2.0), 2.0)


def is_held(ids: Ids, held: Ids) -> npt.NDArray[np.bool_]:
    """Tell which of `ids` are among the ascending `held`: shape of `ids`, in O(log n) each."""
    if not held.size:
        return np.zeros(ids.shape, dtype=np.bool_)
    places = np.minimum(np.searchsorted(held, ids), held.size - 1)
    return np.asarray(held[places] == ids)


def held_among(ids: Ids | None, held: Ids) -> Ids:
    """Return those of the ascending `held` that are to be chosen from: all if `ids` is None."""
    if ids is None:
        return held
    unique = np.unique(checked_ids(ids))
    return unique[is_held(unique, held)]


def require_held(ids: Ids, held: Ids) -> None:
    """Refuse ids that are not among the ascending `held`.

    Raises:
        KeyError: With the first id that is missing.
    """
    missing = checked_ids(ids)[~is_held(ids, held)]
    if missing.size:
        raise KeyError(int(missing[0]))


def query_blocks(queries: Embeddings, scores_per_query: int) -> Iterator[Embeddings]:
    """Cut the queries so that the scores of a block stay within `PAIRS_PER_BLOCK`."""
    step = max(1, PAIRS_PER_BLOCK // max(1, scores_per_query))
    for start in range(0, len(queries), step):
        yield queries[start : start + step]


def ranked(ids: Ids, scores: Scores, k: int | None = None) -> Neighbours:
    """Order candidates by (-score, id), after clipping to [-1, 1], and keep the first `k` or all.

    Args:
        ids: Candidates, shape (m,); those below 0 are FAISS's padding and are dropped.
        scores: Their cosine similarities, shape (m,), float32.
        k: How many to keep.
    """
    found = ids >= 0
    ids, scores = ids[found], np.clip(scores[found], np.float32(-1), np.float32(1))
    order = np.lexsort((ids, -scores))[:k]
    return Neighbours(ids[order], scores[order])


def cut(found: Neighbours, lowest: float) -> Neighbours:
    """Keep the neighbours of an ordered answer that score `lowest` or more."""
    kept = found.scores >= lowest
    return Neighbours(found.ids[kept], found.scores[kept])


def no_neighbours() -> Neighbours:
    """Make the answer of an index that holds nothing."""
    return Neighbours(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32))


def best_places(scores: Scores, count: int) -> npt.NDArray[np.intp]:
    """Return the places of each row's highest scores, best first, shape (n, at most `count`)."""
    if count < scores.shape[1]:
        some = np.argpartition(-scores, count, axis=1)[:, :count]
    else:
        some = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    order = np.argsort(-np.take_along_axis(scores, some, axis=1), axis=1, kind="stable")
    return np.asarray(np.take_along_axis(some, order, axis=1))
