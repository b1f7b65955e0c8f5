"""Many queries at once: blocks of vectors widened to float32 and multiplied, on every core."""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Final

import faiss  # noqa: TID251 - a part of the wrapper
import numpy as np
import numpy.typing as npt

from imgsearch.index.half_precision import Halves, widened
from imgsearch.types import Embeddings, Scores

PAIRS_WORTH_THREADS: Final = 50_000
"""Pairs of a query and a vector, about 5 ms of work for one core at 512 numbers a vector."""

ROWS_PER_BLOCK: Final = 1 << 12
"""How many vectors at a time each thread widens: 8 MB at 512 numbers a vector."""

_MOST_THREADS: Final = 16

# FAISS 1.15 sets this to 128,000, and then compares queries one by one, five times slower.
faiss.cvar.distance_compute_blas_threshold = 20


def nearest_places(
    queries: Embeddings, halves: Halves, wanted: int, chosen: npt.NDArray[np.bool_] | None
) -> tuple[npt.NDArray[np.int64], Scores]:
    """Find the vectors of the highest inner products with each query.

    Args:
        queries: Shape (q, dim), float32, contiguous.
        halves: The vectors, shape (n, dim).
        wanted: How many for each query, at most as many as are chosen.
        chosen: Which vectors to choose from, shape (n,); all if None.

    Returns:
        Places of vectors and scores, shape (q, wanted) each, best first. Where a vector is no
        number, scores may be of any size.
    """
    # OpenMP keeps this for each calling thread. Its own would wait for one another at every step.
    faiss.omp_set_num_threads(1)
    best = faiss.ResultHeap(len(queries), wanted, keep_max=True)
    lock = Lock()

    def search(blocks: Sequence[slice]) -> None:
        faiss.omp_set_num_threads(1)
        buffer = np.empty((blocks[0].stop - blocks[0].start, queries.shape[1]), np.float32)
        for block in blocks:
            places = np.arange(block.start, block.stop)
            places = places if chosen is None else places[chosen[block]]
            if len(places):
                part = halves[block] if chosen is None else halves[places]
                scores, nth = _nearest_rows(queries, widened(part, buffer), wanted)
                with lock:
                    best.add_result(scores, places[nth])

    shares = _shares(len(halves), _thread_count(len(queries) * len(halves)))
    with ThreadPoolExecutor(len(shares)) as pool:
        deque(pool.map(search, shares), maxlen=0)
    best.finalize()
    return best.I, best.D


def _nearest_rows(
    queries: Embeddings, rows: Embeddings, wanted: int
) -> tuple[Scores, npt.NDArray[np.int64]]:
    scores, nth = faiss.knn(
        queries, rows, min(wanted, len(rows)), metric=faiss.METRIC_INNER_PRODUCT
    )
    return scores, nth


def _shares(count: int, threads: int) -> list[list[slice]]:
    """Cut so many rows into blocks, the same number of them for each thread if there are enough.

    The first block of each share is as large as any.
    """
    rounds = math.ceil(count / (threads * ROWS_PER_BLOCK))
    size = math.ceil(count / (threads * rounds))
    blocks = [slice(start, min(start + size, count)) for start in range(0, count, size)]
    return [blocks[first::threads] for first in range(min(threads, len(blocks)))]


def _thread_count(pairs: int) -> int:
    return 1 if pairs < PAIRS_WORTH_THREADS else min(os.cpu_count() or 1, _MOST_THREADS)
