"""The index to work with: exact inner products by FAISS, under stable ids.

The only module that imports FAISS. What FAISS leaves to its callers is settled here: it accepts an
id twice, pads short answers with id -1, breaks ties as they come and compares strictly.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import faiss  # noqa: TID251 - the wrapper itself
import numpy as np

from imgsearch.errors import IndexFileError
from imgsearch.index import arrays, faiss_file
from imgsearch.index.base import SCORE_TOLERANCE, Neighbours
from imgsearch.types import Embeddings, Ids, Scores

PAIRS_WORTH_THREADS = 50_000
"""About 5 ms of work for one core at 512 numbers a vector."""

ROWS_PER_COPY = 1 << 16
"""How many vectors at a time leave a mapped file for memory."""

TIE_SLACK = 1e-6
"""Two of FAISS's kernels may differ by this much on the same pair of rows."""


class FaissIndex:
    """A `VectorIndex` over `IndexIDMap2(IndexFlatIP)`: every vector is compared, none is missed.

    Args:
        dim: Length of the vectors, at least 1.

    Raises:
        ValueError: If `dim` is below 1.
    """

    def __init__(self, dim: int) -> None:
        if dim < 1:
            raise ValueError(f"dim must be at least 1, not {dim}")
        self._index: Any = _empty_index(dim)
        self._held: Ids = np.empty(0, dtype=np.int64)  # ascending
        self._mapped = False

    @classmethod
    def _over(cls, index: Any, held: Ids, *, mapped: bool) -> FaissIndex:  # noqa: ANN401 - FAISS is untyped
        """Wrap an index that was read, whose ascending ids are `held`."""
        wrapper = cls(index.d)
        wrapper._index, wrapper._held, wrapper._mapped = index, held, mapped
        return wrapper

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return int(self._index.d)

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
        self._leave_file()
        self._index.add_with_ids(rows, np.ascontiguousarray(ids))
        self._held = _merged(self._held, np.sort(ids))

    def remove(self, ids: Ids) -> int:
        """See `VectorIndex.remove`; an index mapped from a file is first copied into memory.

        Each call moves the vectors behind the removed ones, so remove many ids at once.
        """
        unique = np.unique(arrays.checked_ids(ids))
        gone = unique[arrays.is_held(unique, self._held)]
        if gone.size:
            self._leave_file()
            self._index.remove_ids(gone)
            self._held = np.setdiff1d(self._held, gone, assume_unique=True)
        return int(gone.size)

    def reconstruct(self, ids: Ids) -> Embeddings:
        """See `VectorIndex.reconstruct`."""
        arrays.require_held(ids, self._held)
        if not len(ids):
            return np.empty((0, self.dim), dtype=np.float32)
        return np.asarray(self._index.reconstruct_batch(np.ascontiguousarray(ids)))

    def search(self, queries: Embeddings, k: int) -> list[Neighbours]:
        """See `VectorIndex.search`; ties at the k-th place go to the lowest ids.

        With 20 queries or more FAISS multiplies matrices instead of rows; scores may then differ
        in the last bit, also between byte-identical vectors.
        """
        k = arrays.checked_k(k)
        rows = arrays.checked_rows(queries, self.dim)
        if not len(self):
            return [arrays.no_neighbours() for _ in rows]
        # FAISS itself works block by block; what grows with the queries is the answer.
        blocks = arrays.query_blocks(rows, min(k + 1, len(self)))
        return [answer for block in blocks for answer in self._search_block(block, k)]

    def range_search(self, queries: Embeddings, min_score: float) -> list[Neighbours]:
        """See `VectorIndex.range_search`."""
        lowest = arrays.checked_min_score(min_score) - SCORE_TOLERANCE
        rows = arrays.checked_rows(queries, self.dim)
        if not len(self):
            return [arrays.no_neighbours() for _ in rows]
        return list(self._all_above(rows, lowest))

    def _search_block(self, queries: Embeddings, k: int) -> list[Neighbours]:
        # One more than asked for shows whether a tie is cut at the k-th place.
        wanted = min(k + 1, len(self))
        _share_among_threads(len(queries) * len(self))
        scores, ids = self._index.search(queries, wanted)
        answers = [arrays.ranked(*row, k) for row in zip(ids, scores, strict=True)]
        if wanted > k:
            self._settle_ties(queries, answers, scores[:, k - 1 :])
        return answers

    def _settle_ties(self, queries: Embeddings, answers: list[Neighbours], ends: Scores) -> None:
        """Give the last places of cut ties to the lowest ids.

        Args:
            queries: Shape (q, dim).
            answers: Those of the queries, put right in place.
            ends: Scores of the last neighbour kept and the first one dropped, shape (q, 2).
        """
        last, dropped = np.clip(ends, -1, 1).T
        tied = np.flatnonzero(dropped >= last)
        # Queries that end on the same score share one scan: a thousand copies, all at 1.0.
        for score in np.unique(last[tied]):
            rows = tied[last[tied] == score]
            found = self._all_above(queries[rows], float(score) - TIE_SLACK)
            for row, every in zip(rows, found, strict=True):
                k = len(answers[row].ids)
                answers[row] = Neighbours(every.ids[:k], every.scores[:k])

    def _all_above(self, queries: Embeddings, lowest: float) -> Iterator[Neighbours]:
        """Yield every neighbour that scores more than `lowest`, for each query in turn."""
        for block in arrays.query_blocks(queries, len(self)):
            limits, scores, ids = self._index.range_search(block, lowest)
            for start, end in pairwise(limits):
                yield arrays.ranked(ids[start:end], scores[start:end])

    def _leave_file(self) -> None:
        """Copy a mapped index into memory: FAISS crashes when it changes mapped vectors."""
        if not self._mapped:
            return
        owned = _empty_index(self.dim)
        ids = faiss.vector_to_array(self._index.id_map)
        for start in range(0, len(ids), ROWS_PER_COPY):
            count = min(ROWS_PER_COPY, len(ids) - start)
            rows = self._index.index.reconstruct_n(start, count)
            owned.add_with_ids(rows, ids[start : start + count])
        self._index, self._mapped = owned, False


def write_index(index: FaissIndex, path: Path) -> None:
    """Write an index to exactly this path, replacing what is there, without flushing to the disk.

    Never write over a file that an index is mapped from: write beside it and rename.

    Raises:
        OSError: If the file cannot be opened, written or closed, with the system's own errno.
    """
    # Through Python's file, because FAISS's own loses errno, and errors that only closing shows,
    # and takes no name that is not valid UTF-8.
    with path.open("wb") as file:
        writer = faiss.PyCallbackIOWriter(file.write)  # type: ignore[attr-defined]  # its stubs lack it
        faiss.write_index(index._index, writer)  # noqa: SLF001 - same module


def read_index(path: Path, *, mmap: bool = True) -> FaissIndex:
    """Read what `write_index` wrote.

    Args:
        path: The file.
        mmap: Leave the vectors in the file and let the system page them in as they are searched.
            The file may then be renamed or unlinked, but must not be truncated or overwritten.

    Raises:
        OSError: If the file cannot be opened or read.
        IndexFileError: If its size or header is not that of a whole index, or its ids are not
            distinct. The vectors are not read through.
    """
    with path.open("rb") as file:
        count = faiss_file.checked_count(path, file)
        mapped = mmap and count > 0
        index = _map(path, file) if mapped else _load(file)
        held = np.sort(faiss.vector_to_array(index.id_map))
        if count and (held[0] < 0 or (np.diff(held) <= 0).any()):
            raise IndexFileError(path, "its ids are negative or repeated")
        return FaissIndex._over(index, held, mapped=mapped)  # noqa: SLF001 - same module


def _empty_index(dim: int) -> Any:  # noqa: ANN401 - FAISS is untyped
    return faiss.IndexIDMap2(faiss.IndexFlatIP(dim))


def _map(path: Path, file: BinaryIO) -> Any:  # noqa: ANN401 - FAISS is untyped
    """Map the open file; FAISS insists on a name, and on one that is valid UTF-8."""
    name = os.fsencode(path).decode("utf-8", "replace")
    name = name if name == str(path) else f"/dev/fd/{file.fileno()}"
    return faiss.read_index(name, faiss.IO_FLAG_MMAP_IFC)


def _load(file: BinaryIO) -> Any:  # noqa: ANN401 - FAISS is untyped
    reader = faiss.PyCallbackIOReader(file.read)  # type: ignore[attr-defined]  # its stubs lack it
    return faiss.read_index(reader)


def _share_among_threads(pairs: int) -> None:
    """Let FAISS use every core for much work only: on a busy machine threads wait for each other.

    Args:
        pairs: How many pairs of a query and a vector are to be scored.
    """
    # OpenMP keeps this number for each calling thread, so that other threads are not affected.
    faiss.omp_set_num_threads(1 if pairs < PAIRS_WORTH_THREADS else os.cpu_count() or 1)


def _merged(held: Ids, new: Ids) -> Ids:
    """Merge two ascending id arrays."""
    if not held.size or new[0] > held[-1]:
        return np.concatenate((held, new))
    return np.insert(held, np.searchsorted(held, new), new)
