"""The index to work with: inner products by FAISS, under stable ids, exact by a second look.

FAISS holds the vectors in half precision. What it finds is scored again with the float32 rows,
which the owner of the index keeps, so that answers and scores are those of float32: a vector that
FAISS dropped could not have come in, because rounding moves no score by more than
`rounding_bound`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from imgsearch.errors import IndexFileError
from imgsearch.index import arrays
from imgsearch.index.base import SCORE_TOLERANCE, Neighbours, RowsById
from imgsearch.index.faiss_halves import FaissHalves
from imgsearch.index.half_precision import rounding_bound
from imgsearch.types import Embeddings, Ids

ROWS_PER_BLOCK = 1 << 13
"""How many vectors at a time are scored exactly: 16 MB at 512 numbers a vector."""

SPARE = 32
"""How many more candidates than asked for are scored again at once; mostly they are enough."""


class FaissIndex:
    """A `VectorIndex` that compares every vector.

    Args:
        dim: Length of the vectors, at least 1.
        exact_rows: Returns the float32 rows that were added under these ids.

    Raises:
        ValueError: If `dim` is below 1.
    """

    def __init__(self, dim: int, exact_rows: RowsById) -> None:
        if dim < 1:
            raise ValueError(f"dim must be at least 1, not {dim}")
        self._halves = FaissHalves(dim)
        self._exact_rows = exact_rows
        self._held: Ids = np.empty(0, dtype=np.int64)  # ascending

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self._halves.dim

    def __len__(self) -> int:
        return len(self._held)

    def ids(self) -> Ids:
        """See `VectorIndex.ids`."""
        return self._held.copy()

    def add(self, ids: Ids, embeddings: Embeddings) -> None:
        """See `VectorIndex.add`; an index mapped from a file is first copied into memory."""
        rows = arrays.checked_rows(embeddings, self.dim)
        arrays.check_new_ids(ids, len(rows), self._held)
        if not len(rows):
            return
        self._halves.add(ids, rows)
        self._held = _merged(self._held, np.sort(ids))

    def remove(self, ids: Ids) -> int:
        """See `VectorIndex.remove`; an index mapped from a file is first copied into memory.

        Each call moves the vectors behind the removed ones, so remove many ids at once.
        """
        unique = np.unique(arrays.checked_ids(ids))
        gone = unique[arrays.is_held(unique, self._held)]
        if gone.size:
            self._halves.remove(gone)
            self._held = np.setdiff1d(self._held, gone, assume_unique=True)
        return int(gone.size)

    def reconstruct(self, ids: Ids) -> Embeddings:
        """See `VectorIndex.reconstruct`."""
        arrays.require_held(ids, self._held)
        return self._exact_rows(ids) if len(ids) else np.empty((0, self.dim), dtype=np.float32)

    def holds(self, ids: Ids, rows: Embeddings) -> npt.NDArray[np.bool_]:
        """Tell which of these rows are what FAISS holds under their ids, rounded as it rounds.

        Args:
            ids: Ids that are held, shape (n,).
            rows: Shape (n, dim), float32.

        Returns:
            Shape (n,).

        Raises:
            KeyError: If an id is not held.
        """
        arrays.require_held(ids, self._held)
        return self._halves.holds(ids, rows) if len(ids) else np.empty(0, dtype=np.bool_)

    def search(self, queries: Embeddings, k: int, among: Ids | None = None) -> list[Neighbours]:
        """See `VectorIndex.search`; ties at the k-th place go to the lowest ids.

        Raises:
            IndexFileError: If the file is seen to hold damaged vectors, which rank below any other.
        """
        k = arrays.checked_k(k)
        rows = arrays.checked_rows(queries, self.dim)
        chosen = arrays.held_among(among, self._held)
        if not len(chosen):
            return [arrays.no_neighbours() for _ in rows]
        blocks = arrays.query_blocks(rows, max(min(k + SPARE, len(chosen)), ROWS_PER_BLOCK))
        return [answer for block in blocks for answer in self._search_block(block, k, chosen)]

    def range_search(self, queries: Embeddings, min_score: float) -> list[Neighbours]:
        """See `VectorIndex.range_search`."""
        lowest = arrays.checked_min_score(min_score) - SCORE_TOLERANCE
        rows = arrays.checked_rows(queries, self.dim)
        if not len(self):
            return [arrays.no_neighbours() for _ in rows]
        return [arrays.cut(found, lowest) for found in self._all_above(rows, lowest, self._held)]

    def _search_block(self, queries: Embeddings, k: int, chosen: Ids) -> Iterator[Neighbours]:
        some = None if len(chosen) == len(self) else chosen
        ids, scores = self._halves.nearest(queries, min(k + SPARE, len(chosen)), some)
        for query, candidates, approximate in zip(queries, ids, scores, strict=True):
            found = self._scored(query, candidates)
            if len(candidates) < len(chosen):
                worst = float(found.scores[k - 1])
                # What was not fetched scores no more than the last that was, give or take rounding.
                if approximate[-1] >= worst - rounding_bound(self.dim):
                    [found] = self._all_above(query[np.newaxis], worst, chosen)
            yield Neighbours(found.ids[:k], found.scores[:k])

    def _scored(self, query: Embeddings, candidates: Ids) -> Neighbours:
        """Score candidates of one query, shape (dim,), with their float32 rows."""
        kept = candidates[candidates >= 0]
        parts = [
            # Not by BLAS: byte-identical rows must score the same wherever they stand.
            np.einsum(
                "ij,j->i", self._exact_rows(part).astype(np.float64), query.astype(np.float64)
            )
            for part in np.split(kept, range(ROWS_PER_BLOCK, len(kept), ROWS_PER_BLOCK))
            if len(part)
        ]
        scores = np.concatenate(parts) if parts else np.empty(0)
        return arrays.ranked(kept, scores.astype(np.float32))

    def _all_above(self, queries: Embeddings, lowest: float, chosen: Ids) -> Iterator[Neighbours]:
        """Yield for each query, scored exactly, all chosen that may score `lowest` or more."""
        is_all = len(chosen) == len(self)
        for block in arrays.query_blocks(queries, len(self)):
            near = self._halves.above(block, lowest - rounding_bound(self.dim))
            for query, found in zip(block, near, strict=True):
                yield self._scored(query, found if is_all else found[arrays.is_held(found, chosen)])


def write_index(index: FaissIndex, path: Path) -> None:
    """Write an index to exactly this path, replacing what is there, without flushing to the disk.

    Never write over a file that an index is mapped from: write beside it and rename.

    Raises:
        OSError: If the file cannot be opened, written or closed, with the system's own errno.
    """
    index._halves.write(path)  # noqa: SLF001 - same module


def read_index(path: Path, exact_rows: RowsById, *, mmap: bool = True) -> FaissIndex:
    """Read what `write_index` wrote.

    Args:
        path: The file.
        exact_rows: See `FaissIndex`.
        mmap: Leave the vectors in the file and let the system page them in as they are searched.
            The file may then be renamed or unlinked, but must not be truncated or overwritten.

    Raises:
        OSError: If the file cannot be opened or read.
        IndexFileError: If its size or header is not that of a whole index, or its ids are not
            distinct. The vectors are not read through.
    """
    halves = FaissHalves.read(path, mmap=mmap)
    held = np.sort(halves.ids())
    if len(held) and (held[0] < 0 or (np.diff(held) <= 0).any()):
        raise IndexFileError(path, "its ids are negative or repeated")
    index = FaissIndex(halves.dim, exact_rows)
    index._halves, index._held = halves, held  # noqa: SLF001 - same module
    return index


def _merged(held: Ids, new: Ids) -> Ids:
    """Merge two ascending id arrays."""
    if not held.size or new[0] > held[-1]:
        return np.concatenate((held, new))
    return np.insert(held, np.searchsorted(held, new), new)
