"""Vectors in half precision under ids, kept, written and searched by FAISS.

Half precision is half the memory to read through; a score may be off by `rounding_bound`. What
FAISS leaves to its callers, this leaves to its own: an id may be added twice, and ties come in any
order.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, Final

import faiss  # noqa: TID251 - a part of the wrapper
import numpy as np
import numpy.typing as npt

from imgsearch.errors import IndexFileError
from imgsearch.index import faiss_file
from imgsearch.index.faiss_matrices import PAIRS_WORTH_THREADS, nearest_places
from imgsearch.index.half_precision import Halves
from imgsearch.types import Embeddings, Ids, Scores

QUERIES_WORTH_MATRICES: Final = 8
"""From here on, rounded rows are widened block by block and multiplied as matrices."""

ROWS_PER_COPY: Final = 1 << 13
"""How many vectors at a time leave a mapped file: 16 MB at 512 numbers a vector."""

_ABOVE_COSINES = 2

_IDS_FAR_APART = 1000
"""From here on, a table of the chosen ids is smaller than a bit for each up to the highest."""

_OPEN_FILES = "/dev/fd"
"""Where most systems, but not all of them, have a name for every open file."""


class FaissHalves:
    """An `IndexIDMap2(IndexScalarQuantizer)` of inner products: every vector is compared.

    Args:
        dim: Length of the vectors, at least 1.
    """

    def __init__(self, dim: int) -> None:
        half = faiss.ScalarQuantizer.QT_fp16
        vectors = faiss.IndexScalarQuantizer(dim, half, faiss.METRIC_INNER_PRODUCT)
        self._index: Any = faiss.IndexIDMap2(vectors)
        self._file: Path | None = None  # that it was read from
        self._mapped = False

    @classmethod
    def read(cls, path: Path, *, mmap: bool) -> FaissHalves:
        """Read what `write` wrote; see `imgsearch.index.faiss_index.read_index`."""
        with path.open("rb") as file:
            count = faiss_file.checked_count(path, file)
            mapped = _map(path, file) if mmap and count > 0 else None
            index = _load(file) if mapped is None else mapped
        halves = cls(index.d)
        halves._index, halves._file, halves._mapped = index, path, mapped is not None
        return halves

    def write(self, path: Path) -> None:
        """Write them to a file; see `imgsearch.index.faiss_index.write_index`."""
        # Through Python's file, because FAISS's own loses errno, and errors that only closing
        # shows, and takes no name that is not valid UTF-8.
        with path.open("wb") as file:
            writer = faiss.PyCallbackIOWriter(file.write)  # type: ignore[attr-defined]  # its stubs lack it
            faiss.write_index(self._index, writer)

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return int(self._index.d)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def ids(self) -> Ids:
        """Return the ids in the order of the vectors, shape (n,)."""
        ids: Ids = faiss.vector_to_array(self._index.id_map)
        return ids

    def add(self, ids: Ids, rows: Embeddings) -> None:
        """Add rows, shape (m, dim), contiguous; what is mapped is first copied into memory."""
        self._leave_file()
        self._index.add_with_ids(rows, np.ascontiguousarray(ids))

    def remove(self, ids: Ids) -> None:
        """Remove what is held under these ids; what is mapped is first copied into memory."""
        self._leave_file()
        self._index.remove_ids(ids)

    def holds(self, ids: Ids, rows: Embeddings) -> npt.NDArray[np.bool_]:
        """Tell which rows, shape (m, dim), are what is held under their ids; shape (m,)."""
        held = self._index.reconstruct_batch(np.ascontiguousarray(ids))
        # Not by NumPy: FAISS may round what lies in the middle of two numbers to the other one.
        vectors = self._index.index
        rounded = vectors.sa_decode(vectors.sa_encode(np.ascontiguousarray(rows)))
        return np.asarray((held == rounded).all(axis=1))

    def nearest(self, queries: Embeddings, wanted: int, chosen: Ids | None) -> tuple[Ids, Scores]:
        """Find the best of each query.

        Args:
            queries: Shape (q, dim), float32, contiguous.
            wanted: How many of each, no more than are chosen: FAISS pads what it cannot fill.
            chosen: Held ids to choose from, ascending; all if None.

        Returns:
            Ids and rounded scores, shape (q, wanted) each, best first.

        Raises:
            IndexFileError: If the file is seen to hold damaged vectors.
        """
        if len(queries) >= QUERIES_WORTH_MATRICES:
            ids, scores = self._nearest_by_matrices(queries, wanted, chosen)
            if np.abs(scores).max() <= _ABOVE_COSINES:
                return ids, scores
            # A vector is damaged; what FAISS makes of it counts.
        _share_among_threads(len(queries), len(self))
        selector = None if chosen is None else _selector(chosen)
        parameters = selector and faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        scores, ids = self._index.search(queries, wanted, params=parameters)
        self._require_cosines(scores)
        return ids, scores

    def above(self, queries: Embeddings, lowest: float) -> Iterator[Ids]:
        """Yield for each query the ids of all that score more than `lowest`, in any order."""
        _share_among_threads(len(queries), len(self))
        limits, _, ids = self._index.range_search(queries, lowest)
        for start, end in pairwise(limits):
            yield ids[start:end]

    def _nearest_by_matrices(
        self, queries: Embeddings, wanted: int, chosen: Ids | None
    ) -> tuple[Ids, Scores]:
        ids = self.ids()
        is_chosen = None if chosen is None else np.isin(ids, chosen)
        places, scores = nearest_places(queries, self._stored(), wanted, is_chosen)
        return ids[places], scores

    def _stored(self) -> Halves:
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

    def _leave_file(self) -> None:
        """Copy what is mapped into memory: FAISS crashes when it changes mapped vectors."""
        if not self._mapped:
            return
        owned, ids = FaissHalves(self.dim), self.ids()
        for start in range(0, len(self), ROWS_PER_COPY):
            count = min(ROWS_PER_COPY, len(self) - start)
            owned.add(ids[start : start + count], self._index.index.reconstruct_n(start, count))
        self._index, self._mapped = owned._index, False


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

    One query reads memory nearly as fast as one core can, so that sharing it out gains little.
    Threads that have nothing to do wait for the others, and keep a core busy with that.
    """
    is_much = queries * vectors >= PAIRS_WORTH_THREADS
    # OpenMP keeps this number for each calling thread, so that other threads are not affected.
    faiss.omp_set_num_threads(min(queries, os.cpu_count() or 1) if is_much else 1)
