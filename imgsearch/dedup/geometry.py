"""Transforms of the plane: applied, and fitted to what most pairs of places agree on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Points: TypeAlias = npt.NDArray[np.floating]
"""Places in a picture: shape (n, 2), x to the right and y down, in pixels."""
Transform: TypeAlias = npt.NDArray[np.float64]
"""Takes places in one picture to places in another: shape (3, 3), homogeneous."""
Distances: TypeAlias = npt.NDArray[np.float64]
"""One for each place: shape (n,)."""

_ROUNDS: Final = 4
_CLOSE: Final = 0.3  # pixels; what is missed by no more is never left out
_FEWEST: Final = 8
_RIDGE: Final = 1e-6  # so that places on one line have a solution, too


def moved(transform: Transform, places: Points) -> Points:
    """Return where a transform takes places."""
    taken = np.column_stack([places, np.ones(len(places))]) @ transform.T
    return np.asarray(taken[:, :2] / taken[:, 2:])


def distances(transform: Transform, places: Points, others: Points) -> Distances:
    """Return by how much a transform takes each place beside another."""
    return np.asarray(np.hypot(*(moved(transform, places) - others).T))


def inverse(transform: Transform) -> Transform:
    """Return what takes places back."""
    return np.asarray(np.linalg.inv(transform), float)


def stretch(transform: Transform) -> tuple[float, float]:
    """Return how many times longer lines become, at most and at least."""
    most, least = np.linalg.svd(transform[:2, :2], compute_uv=False)
    return float(most), float(least)


def fit_most(
    places: Points, others: Points, fit: Callable[[Points, Points], Transform]
) -> tuple[Transform, Distances]:
    """Fit what most places agree on; return it, and by how much it misses each of them."""
    keep = np.ones(len(places), bool)
    transform, left = np.eye(3), np.zeros(len(places))
    for _ in range(_ROUNDS):
        transform = fit(places[keep], others[keep])
        left = distances(transform, places, others)
        keep = left <= max(_CLOSE, 2 * median(left))
        if keep.sum() < _FEWEST:
            break
    return transform, left


def fit_sides(places: Points, others: Points) -> Transform:
    """Fit a shift and a scale of either side by least squares."""
    matrix = np.eye(3)
    for side in (0, 1):
        from_middle = places[:, side] - places[:, side].mean()
        scale = float(from_middle @ others[:, side]) / (float(from_middle @ from_middle) + _RIDGE)
        matrix[side, side] = scale
        matrix[side, 2] = others[:, side].mean() - scale * places[:, side].mean()
    return matrix


def fit_affine(places: Points, others: Points) -> Transform:
    """Fit an affine transform by least squares."""
    columns = np.column_stack([places, np.ones(len(places))]).astype(float)
    square = columns.T @ columns + _RIDGE * np.eye(3)
    solution = np.linalg.solve(square, columns.T @ others.astype(float))
    return np.vstack([solution.T, (0, 0, 1)])


def fit_perspective(places: Points, others: Points) -> Transform:
    """Fit a homography, by the equations that are linear in its eight numbers."""
    x, y = places.T.astype(float)
    zero, one = np.zeros_like(x), np.ones_like(x)
    u, v = others.T.astype(float)
    rows = np.concatenate(
        [
            np.stack([x, y, one, zero, zero, zero, -u * x, -u * y], -1),
            np.stack([zero, zero, zero, x, y, one, -v * x, -v * y], -1),
        ]
    )
    solution, *_ = np.linalg.lstsq(rows, np.concatenate([u, v]), rcond=None)
    return np.asarray(np.append(solution, 1).reshape(3, 3), float)


def median(values: npt.NDArray[np.floating]) -> float:
    """Return the upper median, several times faster than NumPy's."""
    return float(np.partition(values, len(values) // 2)[len(values) // 2])
