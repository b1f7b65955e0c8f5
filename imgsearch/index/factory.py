"""Make a vector index by name, loading only the library that it needs."""

from __future__ import annotations

from typing import Literal

from imgsearch.index.base import RowsById, VectorIndex


def create_index(kind: Literal["faiss", "exact"], dim: int, exact_rows: RowsById) -> VectorIndex:
    """Make an empty index.

    Args:
        kind: `"faiss"` for the one to work with, `"exact"` for scikit-learn's answers.
        dim: Length of the vectors, at least 1.
        exact_rows: Returns the rows that were added under some ids; `"exact"` keeps its own.

    Raises:
        ValueError: If there is no such kind, or `dim` is below 1.
    """
    # Each module is imported only when asked for: FAISS costs 0.2 s, scikit-learn a second.
    if kind == "faiss":
        from imgsearch.index.faiss_index import FaissIndex

        return FaissIndex(dim, exact_rows)
    if kind == "exact":
        from imgsearch.index.exact import ExactIndex

        return ExactIndex(dim)
    raise ValueError(f"there is no index of kind {kind!r}; use 'faiss' or 'exact'")
