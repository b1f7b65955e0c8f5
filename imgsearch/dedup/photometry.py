"""Make one picture's light and colour those of another, as far as an edit of the whole could."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Plane: TypeAlias = npt.NDArray[np.float32]
"""One value for each pixel: shape (rows, columns)."""
Planes: TypeAlias = npt.NDArray[np.float32]
"""Light and two differences of colour for each pixel: shape (3, rows, columns)."""
Mask: TypeAlias = npt.NDArray[np.bool_]
"""Yes or no for each pixel: shape (rows, columns)."""

_ROUNDS: Final = 4
_STEP: Final = 3  # every third pixel along each side is enough to fit light and colour
_MOST_HUE_TURN: Final = 0.6  # radians; what turns further is another colour, not another light
_STIFFNESS: Final = 1e-2


def light_left(target: Plane, source: Plane, shared: Mask) -> Plane:
    """Return how the target differs from the source, whose light is changed to be like its.

    An edit may change light by one curve, and smoothly from the middle to the corners.
    """
    rows, columns = source.shape
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j].astype(np.float32)
    light = source / 255
    curve = [np.ones_like(light), light, light**2, light**3]
    terms = np.stack([*curve, x, y, x * light, y * light, (x * x + y * y) * light], -1)
    thin = _thinned(shared)
    solution, _ = _robust_fit(terms[thin], target[thin][:, None], least=4.0)
    return target - (terms @ solution)[..., 0]


def colour_left(below: Planes, above: Planes, shared: Mask) -> Plane:
    """Return how far colours differ, in the terms of the picture that has less colour."""
    strengths = [np.hypot(each[1][shared], each[2][shared]).mean() for each in (below, above)]
    target, source = (below, above) if strengths[0] <= strengths[1] else (above, below)
    terms = np.stack([source[1], source[2], source[0] / 255, np.ones_like(source[0])], -1)
    thin = _thinned(shared)
    chosen, wanted = terms[thin], np.stack([target[1][thin], target[2][thin]], -1)
    solution, weights = _robust_fit(chosen, wanted, least=5.0)
    turn = solution[:2]
    angle = np.arctan2(turn[0, 1] - turn[1, 0], turn[0, 0] + turn[1, 1])
    if abs(angle) > _MOST_HUE_TURN or np.linalg.det(turn) < 0:
        solution = _less_colour(chosen[:, :2], wanted, weights)
    left = np.stack([target[1], target[2]], -1) - terms @ solution
    return np.hypot(left[..., 0], left[..., 1])


def _less_colour(chosen: Planes, wanted: Planes, weights: Plane) -> npt.NDArray[np.float32]:
    """Fit saturation alone."""
    product = float((weights[:, None] * wanted * chosen).sum())
    square = float((weights[:, None] * chosen**2).sum())
    solution = np.zeros((4, 2), np.float32)
    solution[0, 0] = solution[1, 1] = max(0.0, product / (square + 1))
    return solution


def _thinned(shared: Mask) -> Mask:
    thin = np.zeros_like(shared)
    thin[::_STEP, ::_STEP] = shared[::_STEP, ::_STEP]
    return thin if thin.any() else shared


def _robust_fit(
    terms: npt.NDArray[np.float32], wanted: npt.NDArray[np.float32], *, least: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Fit by least squares what most rows agree on.

    Args:
        terms: Shape (n, terms).
        wanted: Shape (n, values).
        least: A difference that is never suspicious.

    Returns:
        The solution, shape (terms, values), and how much each row counts, shape (n,).
    """
    weights = np.ones(len(terms), np.float32)
    ridge = _STIFFNESS * np.eye(terms.shape[1], dtype=np.float32)
    solution = np.zeros((terms.shape[1], wanted.shape[1]), np.float32)
    for _ in range(_ROUNDS):
        weighted = terms * weights[:, None]
        solution = np.linalg.solve(weighted.T @ terms + ridge, weighted.T @ wanted)
        left = np.linalg.norm(wanted - terms @ solution, axis=1)
        weights = 1 / (1 + (left / max(least, 1.5 * float(np.median(left)))) ** 2) ** 2
    return solution, weights
