"""Likeness that spreads from neighbour to neighbour.

Two pictures of a kind need not be alike themselves if others lie between them. So a query's
likeness to its nearest is handed on over the graph of neighbours until it settles (Zhou et al.,
"Ranking on data manifolds", 2003; Iscen et al., "Efficient diffusion on region manifolds", 2017).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from imgsearch.index.arrays import best_places
from imgsearch.types import Embeddings, Scores

_LINKS: Final = 10
"""How many others each vector is linked with, apart from those that link to it."""

_SOURCES: Final = 8
"""How many of the vectors most like the query hand its likeness on."""

_POWER: Final = 3
"""The power of a cosine that a link, or a source, has as its weight."""

_HANDED_ON: Final = 0.9
"""How much of what a vector has comes from its neighbours, the rest from the query itself."""

_ROUNDS: Final = 12
_TINY: Final = np.finfo(np.float32).tiny


def spread(rows: Embeddings, similarities: Scores) -> Scores:
    """Return how much of a query's likeness reaches each vector, in [0, 1], shape (n,).

    Args:
        rows: Unit vectors, shape (n, dim), n at least 1.
        similarities: Their cosines with the query, shape (n,).
    """
    links = _links(rows)
    sources = best_places(similarities[np.newaxis], _SOURCES)[0]
    given = np.zeros(len(rows), np.float32)
    given[sources] = np.maximum(similarities[sources], 0) ** _POWER
    reached = given
    for _ in range(_ROUNDS):
        reached = _HANDED_ON * (links @ reached) + (1 - _HANDED_ON) * given
    return np.asarray(reached / np.maximum(reached.max(), _TINY))


def _links(rows: Embeddings) -> npt.NDArray[np.float32]:
    """Return the links' weights, shape (n, n), so scaled that no vector gains by having many."""
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -np.inf)
    nearest = best_places(cosines, _LINKS)
    weights = np.maximum(np.take_along_axis(cosines, nearest, axis=1), 0) ** _POWER
    links = np.zeros_like(cosines)
    np.put_along_axis(links, nearest, weights, axis=1)
    links = np.maximum(links, links.T)
    scales = 1 / np.sqrt(np.maximum(links.sum(axis=1), _TINY))
    return np.asarray(links * scales * scales[:, np.newaxis])
