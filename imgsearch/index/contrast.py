"""Vectors that are near each other, with what most of them share turned down.

The nearest of a query are alike in what the whole collection has in common: a background, a kind of
light. It tells none from another, and yet it decides most of a cosine. So a part of their mean is
taken away, numbers that vary much are divided by a power of how much, and so is what remains along
the few directions in which they differ most. That is whitening (Jegou and Chum, "Negative evidences
and co-occurrences in image retrieval", 2012), by halves: whole, it also raises noise.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from imgsearch.types import Embeddings

_CENTRING: Final = 0.7
"""How much of their common mean is taken from all vectors."""

_EVENING: Final = 0.5
"""The power of its own deviation that each number is divided by."""

_LEAST_DEVIATION: Final = 0.3
"""What is added to all deviations, as a part of their mean: rare numbers must not count most."""

_DIRECTIONS: Final = 16
"""Along how many directions vectors are shortened, if there are enough of them to tell."""

_VECTORS_EACH: Final = 4
"""How many vectors, and how many numbers in each, must be there for one direction."""

_SHORTENING: Final = 0.25
"""The power of a direction's variance, over that of the next after the last, to divide by."""

_LEAST_PART: Final = 1e-5
"""The least length of a direction, as a part of the longest, that is more than rounding."""

_BLOCK: Final = 24
_ROUNDS: Final = 2
_TINY: Final = np.finfo(np.float32).tiny


def in_contrast(
    query: npt.NDArray[np.float32], rows: Embeddings
) -> tuple[npt.NDArray[np.float32], Embeddings]:
    """Return a query and the vectors near it with what the vectors share turned down.

    Args:
        query: A unit vector, shape (dim,).
        rows: Unit vectors, shape (n, dim), n at least 1.

    Returns:
        Unit vectors of the same shapes, float32; one that nothing is left of becomes 0.
    """
    both = np.vstack((query[np.newaxis], rows)) - np.float32(_CENTRING) * rows.mean(axis=0)
    deviations = rows.std(axis=0)
    floor = np.maximum(_LEAST_DEVIATION * deviations.mean(), _TINY)
    both *= (deviations + floor) ** np.float32(-_EVENING)
    both = unit(_shortened(both, both[1:]))
    return both[0], both[1:]


def unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return rows of length 1, shape (n, dim); zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, _TINY))


def _shortened(vectors: Embeddings, rows: Embeddings) -> Embeddings:
    """Shorten vectors along the directions in which rows differ most."""
    count = min(_DIRECTIONS, (min(rows.shape) - 1) // _VECTORS_EACH)
    if count < 1:
        return vectors
    directions, variances = leading_directions(rows, count + 1)
    ratios = variances[count] / np.maximum(variances[:count], _TINY)
    taken = (1 - ratios**_SHORTENING).astype(np.float32)
    main = directions[:count]
    return np.asarray(vectors - ((vectors @ main.T) * taken) @ main)


def leading_directions(
    rows: Embeddings, count: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    """Find the directions in which vectors differ most, by iterating over a subspace.

    That takes a tenth of the time of an exact decomposition, and is exact where the vectors have
    no more than `_BLOCK` numbers.

    Args:
        rows: Shape (n, dim), n at least 1.
        count: How many, at most `_BLOCK` and `dim`.

    Returns:
        Orthogonal unit vectors, shape (count, dim), float32, and the sum of squares along each,
        shape (count,), descending. If the vectors differ in fewer directions, those that are left
        over are 0.
    """
    differences = rows - rows.mean(axis=0)
    basis = _start(rows.shape[1])
    for _ in range(_ROUNDS):
        basis = _orthogonal(differences.T @ (differences @ basis))
    within = (differences @ basis).astype(np.float64)
    variances, turned = np.linalg.eigh(within.T @ within)
    best = turned[:, ::-1][:, :count]
    return (basis @ best).T.astype(np.float32), np.maximum(variances[::-1][:count], 0)


def _orthogonal(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return orthogonal columns of length 1, or 0, that span what a few columns span.

    By their products with one another, which are few: a decomposition of the columns themselves
    takes several times as long, and on a busy machine tens of times, for its threads wait for one
    another at every column.
    """
    exact = vectors.astype(np.float64)
    squares, turned = np.linalg.eigh(exact.T @ exact)
    lengths = np.sqrt(np.maximum(squares, 0))
    spans = lengths > _LEAST_PART * lengths[-1]
    scales = np.where(spans, 1 / np.where(spans, lengths, 1), 0)
    return np.asarray(exact @ (turned * scales), dtype=np.float32)


@cache
def _start(dim: int) -> npt.NDArray[np.float32]:
    """Return where the iteration begins, always the same, shape (dim, at most `_BLOCK`)."""
    random = np.random.default_rng(0)
    return random.standard_normal((dim, min(_BLOCK, dim))).astype(np.float32)
