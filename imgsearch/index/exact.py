"""The oracle: cosine similarities by scikit-learn, against which every other index is held."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from imgsearch.index import arrays
from imgsearch.index.base import SCORE_TOLERANCE, Neighbours
from imgsearch.types import Embeddings, Ids, Scores

ROWS_PER_BLOCK = 4096
"""scikit-learn copies its arguments to normalise them, so it is shown this many at a time."""


def exact_scores(queries: Embeddings, embeddings: Embeddings) -> npt.NDArray[np.float32]:
    """Compute scikit-learn's `cosine_similarity` of every query with every embedding.

    Args:
        queries: Shape (q, dim), float32.
        embeddings: Shape (n, dim), float32.

    Returns:
        Shape (q, n), float32, clipped to [-1, 1].
    """
    # Imported here because it costs about a second, which a warm query must not pay.
    from sklearn.metrics.pairwise import cosine_similarity  # noqa: TID251 - the wrapper itself

    scores = np.empty((len(queries), len(embeddings)), dtype=np.float32)
    if not scores.size:
        return scores
    for start in range(0, len(embeddings), ROWS_PER_BLOCK):
        block = slice(start, start + ROWS_PER_BLOCK)
        scores[:, block] = cosine_similarity(queries, embeddings[block])
    return np.clip(scores, np.float32(-1), np.float32(1), out=scores)


class ExactIndex:
    """A `VectorIndex` that compares each query with every vector, for checks and tests.

    Args:
        dim: Length of the vectors, at least 1.

    Raises:
        ValueError: If `dim` is below 1.
    """

    def __init__(self, dim: int) -> None:
        if dim < 1:
            raise ValueError(f"dim must be at least 1, not {dim}")
        self._dim = dim
        self._ids: Ids = np.empty(0, dtype=np.int64)
        self._embeddings: Embeddings = np.empty((0, dim), dtype=np.float32)

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self._dim

    def __len__(self) -> int:
        return len(self._ids)

    def ids(self) -> Ids:
        """See `VectorIndex.ids`."""
        return self._ids.copy()

    def add(self, ids: Ids, embeddings: Embeddings) -> None:
        """See `VectorIndex.add`."""
        rows = arrays.checked_rows(embeddings, self._dim)
        arrays.check_new_ids(ids, len(rows), self._ids)
        all_ids = np.concatenate((self._ids, ids))
        order = np.argsort(all_ids)
        self._ids = all_ids[order]
        self._embeddings = np.concatenate((self._embeddings, rows))[order]

    def remove(self, ids: Ids) -> int:
        """See `VectorIndex.remove`."""
        gone = np.isin(self._ids, arrays.checked_ids(ids))
        self._ids, self._embeddings = self._ids[~gone], self._embeddings[~gone]
        return int(gone.sum())

    def reconstruct(self, ids: Ids) -> Embeddings:
        """See `VectorIndex.reconstruct`."""
        arrays.require_held(ids, self._ids)
        return self._embeddings[np.searchsorted(self._ids, ids)]

    def search(self, queries: Embeddings, k: int, among: Ids | None = None) -> list[Neighbours]:
        """See `VectorIndex.search`; ties at the k-th place go to the lowest ids."""
        k = arrays.checked_k(k)
        chosen = np.isin(self._ids, arrays.held_among(among, self._ids))
        return [
            arrays.ranked(self._ids[chosen], scores[chosen], k)
            for scores in self._score_rows(queries)
        ]

    def range_search(self, queries: Embeddings, min_score: float) -> list[Neighbours]:
        """See `VectorIndex.range_search`."""
        lowest = arrays.checked_min_score(min_score) - SCORE_TOLERANCE
        return [
            arrays.ranked(self._ids[scores >= lowest], scores[scores >= lowest])
            for scores in self._score_rows(queries)
        ]

    def _score_rows(self, queries: Embeddings) -> Iterator[Scores]:
        """Score every vector for one query after the other: arrays of shape (n,)."""
        rows = arrays.checked_rows(queries, self._dim)
        for block in arrays.query_blocks(rows, len(self)):
            yield from exact_scores(block, self._embeddings)
