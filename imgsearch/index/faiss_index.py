"""The index to work with: inner products by FAISS, under stable ids, exact by a second look.

FAISS holds the vectors in half precision, which is half the memory to read through. What it finds
is scored again with the float32 rows, which the owner of the index keeps, so that answers and
scores are those of float32: a vector that FAISS dropped could not have come in, because rounding
moves no score by more than `rounding_bound`.

No module but this and `faiss_matrices` imports FAISS. What FAISS leaves to its callers is settled
here: it accepts an id twice, pads short answers with id -1, breaks ties as they come and compares
strictly.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import faiss  # noqa: TID251 - the wrapper itself
import numpy as np
import numpy.typing as npt

from imgsearch.errors import IndexFileError
from imgsearch.index import arrays, faiss_file
from imgsearch.index.base import SCORE_TOLERANCE, Neighbours, RowsById
from imgsearch.index.faiss_matrices import PAIRS_WORTH_THREADS, nearest_places
from imgsearch.index.half_precision import Halves, rounding_bound
from imgsearch.types import Embeddings, Ids, Scores

QUERIES_WORTH_MATRICES = 8
"""From here on, rounded rows are widened block by block and multiplied as matrices."""

ROWS_PER_BLOCK = 1 << 13
"""How many vectors at a time leave a mapped file, or are scored exactly: 16 MB."""

SPARE = 32
"""How many more candidates than asked for are scored again at once; mostly they are enough."""

_ABOVE_COSINES = 2

_IDS_FAR_APART = 1000
"""From here on, a table of the chosen ids is smaller than a bit for each up to the highest."""

_OPEN_FILES = "/dev/fd"
"""Where most systems, but not all of them, have a name for every open file."""


class FaissIndex:
    """A `VectorIndex` over `IndexIDMap2(IndexScalarQuantizer)`: every vector is compared.

    Args:
        dim: Length of the vectors, at least 1.
        exact_rows: Returns the float32 rows that were added under these ids.

    Raises:
        ValueError: If `dim` is below 1.
    """

    def __init__(self, dim: int, exact_rows: RowsById) -> None:
        if dim < 1:
            raise ValueError(f"dim must be at least 1, not {dim}")
        self._index: Any = _empty_index(dim)
        self._exact_rows = exact_rows
        self._held: Ids = np.empty(0, dtype=np.int64)  # ascending
        self._mapped = False
        self._file: Path | None = None  # that it was read from

    @classmethod
    def _over(
        cls,
        index: Any,  # noqa: ANN401 - FAISS is untyped
        held: Ids,
        exact_rows: RowsById,
        file: Path,
        *,
        mapped: bool,
    ) -> FaissIndex:
        """Wrap an index that was read from a file, whose ascending ids are `held`."""
        wrapper = cls(index.d, exact_rows)
        wrapper._index, wrapper._held = index, held
        wrapper._file, wrapper._mapped = file, mapped
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
        if not len(ids):
            return np.empty(0, dtype=np.bool_)
        held = self._index.reconstruct_batch(np.ascontiguousarray(ids))
        # Not by NumPy: FAISS may round what lies in the middle of two numbers to the other one.
        vectors = self._index.index
        rounded = vectors.sa_decode(vectors.sa_encode(np.ascontiguousarray(rows)))
        return np.asarray((held == rounded).all(axis=1))

    def candidates(self, queries: Embeddings, k: int) -> tuple[Ids, Scores]:
        """Find the `k` most similar vectors of each query row, as half precision has them.

        For callers that look closer themselves: many times faster than `search` for many
        queries, and a score may be off by `rounding_bound`.

        Returns:
            Ids and scores, shape (q, min(k, n)) each, best first.

        Raises:
            ValueError: As `search` does.
            IndexFileError: As `search` does.
        """
        wanted = min(arrays.checked_k(k), len(self))
        rows = arrays.checked_rows(queries, self.dim)
        blocks = list(arrays.query_blocks(rows, max(wanted, ROWS_PER_BLOCK)))
        found = [self._nearest(block, wanted, self._held) for block in blocks] if wanted else []
        if not found:
            return np.empty((len(rows), 0), np.int64), np.empty((len(rows), 0), np.float32)
        return np.concatenate([ids for ids, _ in found]), np.concatenate([s for _, s in found])

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
        ids, scores = self._nearest(queries, min(k + SPARE, len(chosen)), chosen)
        for query, candidates, approximate in zip(queries, ids, scores, strict=True):
            found = self._scored(query, candidates)
            if len(candidates) < len(chosen):
                worst = float(found.scores[k - 1])
                # What was not fetched scores no more than the last that was, give or take rounding.
                if approximate[-1] >= worst - rounding_bound(self.dim):
                    [found] = self._all_above(query[np.newaxis], worst, chosen)
            yield Neighbours(found.ids[:k], found.scores[:k])

    def _nearest(self, queries: Embeddings, wanted: int, chosen: Ids) -> tuple[Ids, Scores]:
        """Return the best ids and half-precision scores of each query, shape (q, wanted).

        Args:
            queries: A block of them.
            wanted: No more than are chosen: FAISS pads what it cannot fill.
            chosen: Held ids to choose from, ascending.
        """
        if len(queries) >= QUERIES_WORTH_MATRICES:
            ids, scores = self._nearest_by_matrices(queries, wanted, chosen)
            if np.abs(scores).max() <= _ABOVE_COSINES:
                return ids, scores
            # A vector is damaged; what FAISS makes of it counts.
        _share_among_threads(len(queries), len(self))
        selector = None if len(chosen) == len(self) else _selector(chosen)
        parameters = selector and faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        scores, ids = self._index.search(queries, wanted, params=parameters)
        self._require_cosines(scores)
        return ids, scores

    def _nearest_by_matrices(
        self, queries: Embeddings, wanted: int, chosen: Ids
    ) -> tuple[Ids, Scores]:
        ids = faiss.vector_to_array(self._index.id_map)
        is_chosen = None if len(chosen) == len(self) else np.isin(ids, chosen)
        places, scores = nearest_places(queries, self._halves(), wanted, is_chosen)
        return ids[places], scores

    def _halves(self) -> Halves:
        """Return what FAISS stores, in its own order, without copying it."""
        vectors: Any = faiss.downcast_index(self._index.index)
        codes = vectors.codes
        halves: Halves = faiss.rev_swig_ptr(codes.data(), codes.size()).view(np.int16)
        return halves.reshape(len(self), self.dim)

    def _require_cosines(self, scores: Scores) -> None:
        """Refuse scores far below any cosine, with which FAISS also pads the places it cannot fill.

        Only damage to a file that is trusted unread makes them: it has a vector that is no number.
        """
        if scores.min() < -_ABOVE_COSINES:
            assert self._file is not None  # every row that is added was checked
            reason = "some of its vectors are damaged; run `imgsearch check --repair`"
            raise IndexFileError(self._file, reason)

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
        for block in arrays.query_blocks(queries, len(self)):
            _share_among_threads(len(block), len(self))
            limits, _, ids = self._index.range_search(block, lowest - rounding_bound(self.dim))
            for query, (start, end) in zip(block, pairwise(limits), strict=True):
                found = ids[start:end]
                is_all = len(chosen) == len(self)
                yield self._scored(query, found if is_all else found[arrays.is_held(found, chosen)])

    def _leave_file(self) -> None:
        """Copy a mapped index into memory: FAISS crashes when it changes mapped vectors."""
        if not self._mapped:
            return
        owned = _empty_index(self.dim)
        ids = faiss.vector_to_array(self._index.id_map)
        for start in range(0, len(self), ROWS_PER_BLOCK):
            count = min(ROWS_PER_BLOCK, len(self) - start)
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
    with path.open("rb") as file:
        count = faiss_file.checked_count(path, file)
        index = _map(path, file) if mmap and count > 0 else None
        mapped = index is not None
        index = _load(file) if index is None else index
        held = np.sort(faiss.vector_to_array(index.id_map))
        if count and (held[0] < 0 or (np.diff(held) <= 0).any()):
            raise IndexFileError(path, "its ids are negative or repeated")
        return FaissIndex._over(index, held, exact_rows, path, mapped=mapped)  # noqa: SLF001 - same module


def _empty_index(dim: int) -> Any:  # noqa: ANN401 - FAISS is untyped
    half = faiss.ScalarQuantizer.QT_fp16
    return faiss.IndexIDMap2(faiss.IndexScalarQuantizer(dim, half, faiss.METRIC_INNER_PRODUCT))


def _map(path: Path, file: BinaryIO) -> Any:  # noqa: ANN401 - FAISS is untyped
    """Map the open file, which FAISS wants by its name.

    A writer may have deleted that name since, and FAISS takes valid UTF-8 only: where the system
    has a name for whatever is open, it is that one. (Windows deletes no open file.)

    Returns:
        None if the system has no such name, or no room for the mapping.
    """
    name = str(path) if os.name == "nt" else f"{_OPEN_FILES}/{file.fileno()}"
    try:
        return faiss.read_index(name, faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError:
        return None


def _load(file: BinaryIO) -> Any:  # noqa: ANN401 - FAISS is untyped
    reader = faiss.PyCallbackIOReader(file.read)  # type: ignore[attr-defined]  # its stubs lack it
    return faiss.read_index(reader)


def _selector(chosen: Ids) -> Any:  # noqa: ANN401 - FAISS is untyped
    """Return what tells FAISS which ids to choose from: a bit each, unless they lie far apart."""
    highest = int(chosen[-1])
    if highest > _IDS_FAR_APART * len(chosen):
        return faiss.IDSelectorBatch(chosen)
    bits = np.zeros(highest + 1, dtype=np.bool_)
    bits[chosen] = True
    packed: Any = np.packbits(bits, bitorder="little")
    return faiss.IDSelectorBitmap(packed)  # type: ignore[call-arg]  # its stubs lack it


def _share_among_threads(queries: int, vectors: int) -> None:
    """Let FAISS answer each query on a core of its own, if it is much work: it shares out no query.

    Threads that have nothing to do wait for the others, and keep a core busy with that.
    """
    is_much = queries * vectors >= PAIRS_WORTH_THREADS
    # OpenMP keeps this number for each calling thread, so that other threads are not affected.
    faiss.omp_set_num_threads(min(queries, os.cpu_count() or 1) if is_much else 1)


def _merged(held: Ids, new: Ids) -> Ids:
    """Merge two ascending id arrays."""
    if not held.size or new[0] > held[-1]:
        return np.concatenate((held, new))
    return np.insert(held, np.searchsorted(held, new), new)
