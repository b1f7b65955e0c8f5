"""Order the nearest vectors anew by what they have near themselves.

What the nearest have in common is turned down first (`imgsearch.index.contrast`). Then a vector is
replaced by a weighted mean of itself and its nearest neighbours (database-side augmentation: Turcot
and Lowe, "Better matching with fewer features", 2009), and so is the query (query expansion: Chum
et al., "Total recall", 2007), with weights that fall evenly by rank (Gordo et al., "End-to-end
learning of deep visual representations for image retrieval", 2017) and with the cosine, so that a
picture of which there are few is not drowned in neighbours that are none of its kind. What a
picture shares with its neighbours is then weighed more than what it has by chance. The likeness to
the query is handed on among neighbours as well (`imgsearch.index.diffusion`), which reaches those
of a kind that are not like the query themselves. All that finds more of a kind, but it blurs what
tells one picture from the next: so a high power of the plain cosine is added, which is next to
nothing for pictures of a kind and much for copies and views of one thing.

All of it is done for one query, among the vectors nearest to it: nothing is stored, and whatever
the index holds now is what counts.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from imgsearch.index.arrays import best_places
from imgsearch.index.base import SCORE_TOLERANCE, Neighbours, VectorIndex
from imgsearch.index.contrast import in_contrast, unit
from imgsearch.index.diffusion import spread
from imgsearch.index.one_thread import on_one_thread
from imgsearch.types import Embeddings, Scores

CONSIDERED: Final = 400
"""How many of the nearest are ordered anew; those after them keep their order."""

_NEIGHBOURS: Final = 6
"""How many others a vector is averaged with."""

_EXPANDED_BY: Final = 5
"""How many vectors the query is averaged with."""

_SPREAD: Final = 0.5
"""How much the likeness that is handed on counts, beside the expanded cosine."""

_CLOSENESS: Final = 8
"""The power of the plain cosine that is added: 0.04 at 0.66, and 0.66 at 0.95."""

_CLOSE: Final = 2
"""How much that power counts, beside the expanded cosine."""


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
    with on_one_thread():
        keys = _keys(query, rows, scores)
    is_copy = scores >= 1 - SCORE_TOLERANCE
    return np.lexsort((-keys, ~is_copy))


def _keys(query: npt.NDArray[np.float32], rows: Embeddings, scores: Scores) -> Scores:
    """Return how well each vector answers the query once all are expanded, shape (n,)."""
    question, nearest = in_contrast(query, rows)
    expanded = _expand_all(nearest)
    similarities = expanded @ _expand(question, expanded)
    closeness = np.maximum(scores, 0) ** _CLOSENESS
    handed_on = spread(expanded, similarities)
    return np.asarray(similarities + _SPREAD * handed_on + _CLOSE * closeness)


def _expand_all(rows: Embeddings) -> Embeddings:
    """Average each vector with its nearest; it is its own nearest, and counts most."""
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -np.inf)
    nearest = best_places(cosines, min(_NEIGHBOURS, len(rows) - 1))
    weights = _weights(np.take_along_axis(cosines, nearest, axis=1))
    mixing = np.zeros_like(cosines)  # mostly zeros, and yet faster than to gather rows
    np.put_along_axis(mixing, nearest, weights, axis=1)
    np.fill_diagonal(mixing, 1)
    return unit(mixing @ rows)


def _expand(query: npt.NDArray[np.float32], expanded: Embeddings) -> npt.NDArray[np.float32]:
    """Average the query with those nearest to it once they are expanded."""
    cosines = expanded @ query
    nearest = best_places(cosines[np.newaxis], _EXPANDED_BY)[0]
    total = query + _weights(cosines[nearest]) @ expanded[nearest]
    return np.asarray(unit(total[np.newaxis])[0])


def _weights(cosines: Scores) -> npt.NDArray[np.float32]:
    """Weigh neighbours, best first, beside the vector itself, which has 1; shape (..., count).

    What is as far away as chance would have it counts for nothing, however few are nearer.
    """
    count = cosines.shape[-1] + 1
    ranks = ((count - np.arange(1, count)) / count).astype(np.float32)
    return np.asarray(ranks * np.maximum(cosines, 0))
