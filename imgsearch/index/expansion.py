"""Order the nearest vectors anew by what they have near themselves.

A vector is replaced by a weighted mean of itself and its nearest neighbours (database-side
augmentation: Turcot and Lowe, "Better matching with fewer features", 2009), and so is the query
(query expansion: Chum et al., "Total recall", 2007), with weights that fall evenly by rank (Gordo
et al., "End-to-end learning of deep visual representations for image retrieval", 2017). What a
picture shares with its neighbours is then weighed more than what it has by chance. Before that, a
part of what all of the nearest have in common is taken away (as in Jegou and Chum, "Negative
evidences and co-occurrences in image retrieval", 2012). That finds more of a kind, but it blurs
what tells one picture from the next: so a high power of the plain cosine is added, which is next
to nothing for pictures of a kind and much for copies and views of one thing.

All of it is done for one query, among the vectors nearest to it: nothing is stored, and whatever
the index holds now is what counts.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from imgsearch.index.base import SCORE_TOLERANCE, Neighbours, VectorIndex
from imgsearch.types import Embeddings, Scores

CONSIDERED: Final = 400
"""How many of the nearest are ordered anew; those after them keep their order."""

_NEIGHBOURS: Final = 8
"""How many others a vector is averaged with."""

_EXPANDED_BY: Final = 6
"""How many vectors the query is averaged with."""

_CENTRING: Final = 0.6
"""How much of their common mean is taken from all vectors first: it tells none from another."""

_CLOSENESS: Final = 8
"""The power of the plain cosine that is added: 0.04 at 0.66, and 0.66 at 0.95."""

_TINY: Final = np.finfo(np.float32).tiny


def in_expanded_order(
    index: VectorIndex, query: npt.NDArray[np.float32], found: Neighbours
) -> Neighbours:
    """Return an answer in the order of `expanded_order`, with the scores that it had.

    Args:
        index: What was searched.
        query: What was searched for, shape (dim,).
        found: The answer; those after the first `CONSIDERED` keep their order.
    """
    rows = index.reconstruct(found.ids[:CONSIDERED])
    first = expanded_order(query, rows, found.scores[:CONSIDERED])
    order = np.concatenate((first, np.arange(len(first), len(found.ids))))
    return Neighbours(found.ids[order], found.scores[order])


def expanded_order(
    query: npt.NDArray[np.float32], rows: Embeddings, scores: Scores
) -> npt.NDArray[np.intp]:
    """Return in which order a query's nearest vectors come once all of them are expanded.

    Copies of the query, whose cosine is 1, stay before all others.

    Args:
        query: A unit vector, shape (dim,).
        rows: The vectors nearest to it, best first, shape (n, dim); n may be 0.
        scores: Their cosines with the query, shape (n,).

    Returns:
        Places in `rows`, shape (n,); of equals, the one that was first.
    """
    if not len(rows):
        return np.empty(0, dtype=np.intp)
    centre = _CENTRING * rows.mean(axis=0)
    nearest = _Expanded(_unit(rows - centre))
    question = _unit(query[np.newaxis] - centre)[0]
    similarities = nearest.cosines(nearest.expand(question))
    closeness = np.maximum(scores, 0) ** _CLOSENESS
    is_copy = scores >= 1 - SCORE_TOLERANCE
    return np.lexsort((-(similarities + closeness), ~is_copy))


class _Expanded:
    """Vectors averaged with their nearest, none of which is formed unless it is needed itself.

    Args:
        rows: Unit vectors, shape (n, dim), n at least 1.
    """

    def __init__(self, rows: Embeddings) -> None:
        self._rows = rows
        cosines = rows @ rows.T
        np.fill_diagonal(cosines, np.inf)  # a copy must not come before itself
        self._nearest = _best(cosines, _NEIGHBOURS + 1)
        self._weights = _weights(self._nearest.shape[1])
        np.fill_diagonal(cosines, 1)
        among = cosines[self._nearest[:, :, np.newaxis], self._nearest[:, np.newaxis, :]]
        squares = np.einsum("i,nij,j->n", self._weights, among, self._weights)
        self._lengths = np.sqrt(np.maximum(squares, _TINY))

    def cosines(self, vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the cosines of all with a unit vector, shape (n,)."""
        sums = (self._rows @ vector)[self._nearest] @ self._weights
        return np.asarray(sums / self._lengths)

    def expand(self, query: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Average a query with those nearest to it, of length 1."""
        best = _best(self.cosines(query)[np.newaxis], _EXPANDED_BY)[0]
        weights = _weights(len(best) + 1)
        sums = np.einsum("j,njd->nd", self._weights, self._rows[self._nearest[best]])
        total = weights[0] * query + (weights[1:] / self._lengths[best]) @ sums
        return np.asarray(_unit(total[np.newaxis])[0])


def _best(scores: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.intp]:
    """Return the places of each row's highest scores, best first."""
    if count < scores.shape[1]:
        some = np.argpartition(-scores, count, axis=1)[:, :count]
    else:
        some = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    order = np.argsort(-np.take_along_axis(scores, some, axis=1), axis=1, kind="stable")
    return np.asarray(np.take_along_axis(some, order, axis=1))


def _weights(count: int) -> npt.NDArray[np.float32]:
    """Return weights that fall evenly from 1, by 1 / count a rank."""
    return ((count - np.arange(count)) / count).astype(np.float32)


def _unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, _TINY))
