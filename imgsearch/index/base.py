"""The seam of the vector index: what every neighbour structure promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from imgsearch.types import Embeddings, Ids, Scores

SCORE_TOLERANCE = 1e-5
"""How far below `min_score` a float32 cosine may lie and still count as equal to it.

A unit row times itself can come out as 0.9999996, so an inclusive bound needs this slack.
"""


RowsById: TypeAlias = Callable[[Ids], Embeddings]
"""Returns the float32 rows of these ids in their order, shape (n, dim)."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The answer to one query, best first; equal scores are ordered by id.

    Attributes:
        ids: Shape (m,), int64.
        scores: Cosine similarities, shape (m,), float32, clipped to [-1, 1].
    """

    ids: Ids
    scores: Scores


class VectorIndex(Protocol):
    """Unit vectors under stable ids, searched by cosine similarity.

    Implementations pass `tests/contracts/test_vector_index_contract.py`.
    """

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        ...

    def __len__(self) -> int:
        """Count the vectors held."""
        ...

    def ids(self) -> Ids:
        """Return the ids held, ascending, shape (n,), int64; the array is the caller's own."""
        ...

    def add(self, ids: Ids, embeddings: Embeddings) -> None:
        """Add unit rows, shape (n, dim), float32, under ids that are not yet held.

        Raises:
            ValueError: If the shapes, the dtype or the row lengths are wrong, or an id is
                negative, repeated or already held.
        """
        ...

    def remove(self, ids: Ids) -> int:
        """Remove the vectors of these ids and return how many were held; others are ignored."""
        ...

    def reconstruct(self, ids: Ids) -> Embeddings:
        """Return the vectors of these ids as they were added, in this order, shape (n, dim).

        Raises:
            KeyError: If an id is not held.
        """
        ...

    def search(self, queries: Embeddings, k: int, among: Ids | None = None) -> list[Neighbours]:
        """Find the `k` most similar vectors of each query row, or all if fewer are held.

        Args:
            queries: Unit rows, shape (q, dim), float32.
            k: How many, at least 1.
            among: The ids to choose from, in any order; all that are held if None. Those that
                are not held are ignored.

        Raises:
            ValueError: If `queries` is not (q, dim) float32 unit rows, `k` is below 1, or `among`
                is not int64 of shape (n,).
        """
        ...

    def range_search(self, queries: Embeddings, min_score: float) -> list[Neighbours]:
        """Find all vectors whose score reaches `min_score`, inclusive within `SCORE_TOLERANCE`.

        Raises:
            ValueError: If `queries` is not (q, dim) float32 unit rows, or `min_score` is NaN.
        """
        ...
