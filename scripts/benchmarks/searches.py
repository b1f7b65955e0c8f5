"""Searching among random unit vectors: our index beside scikit-learn and plain NumPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.plan import rate
from imgsearch.index.factory import create_index

DIM = 512
K = 10


@dataclass(frozen=True, slots=True)
class SearchSpeed:
    """Queries a second, some at a time.

    Attributes:
        vectors: How many are searched.
        batch: How many queries are asked at a time.
        ours: Our index.
        sklearn: `cosine_similarity` and `argpartition`.
        product: The matrix product alone, by NumPy.
    """

    vectors: int
    batch: int
    ours: float
    sklearn: float
    product: float


def search_speeds(count: int, seconds: float) -> list[SearchSpeed]:
    """Measure a collection of so many vectors, with one query and with 32 at a time."""
    random = np.random.default_rng(3)
    rows = random.standard_normal((count, DIM), np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    index = create_index("faiss", DIM, rows.__getitem__)
    index.add(np.arange(count), rows)
    queries = random.standard_normal((32, DIM), np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    require_same(index.search(queries, K)[0].ids, sklearn_search(rows, queries)[0])

    def speed(search: Callable[[np.ndarray], object], batch: int) -> float:
        return rate(lambda: (search(queries[:batch]), batch)[1], seconds)

    return [
        SearchSpeed(
            count,
            batch,
            speed(lambda some: index.search(some, K), batch),
            speed(lambda some: sklearn_search(rows, some), batch),
            speed(lambda some: rows @ some.T, batch),
        )
        for batch in (1, 32)
    ]


def sklearn_search(rows: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Return the best positions for each query, best first."""
    from sklearn.metrics.pairwise import cosine_similarity

    scores = cosine_similarity(queries, rows)
    best = np.argpartition(-scores, K, axis=1)[:, :K]
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
    return np.take_along_axis(best, order, axis=1)


def require_same(ours: np.ndarray, theirs: np.ndarray) -> None:
    if ours.tolist() != theirs.tolist():
        raise RuntimeError("our index and scikit-learn find different neighbours")
