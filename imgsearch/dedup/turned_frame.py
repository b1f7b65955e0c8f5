"""Find the frame of a picture that was turned by any angle and lies on a ground of one colour.

Its four corners touch the four edges. One flat triangle in a corner of the whole tells where two
of them do; the other two lie opposite, for the turned picture is in the middle.
"""

from __future__ import annotations

from itertools import product
from typing import Final, TypeAlias

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.dedup.geometry import Transform
from imgsearch.dedup.margins import frame_of
from imgsearch.types import Pixels

Mask: TypeAlias = npt.NDArray[np.bool_]
"""Whether a pixel has the colour of the ground; shape (rows, columns)."""

_FLAT: Final = 14  # levels by which the ground may vary
_LEAST_OF_EDGES: Final = 0.06  # of the four edges that is ground, or there are no triangles
_LEAST_SIDE: Final = 16  # pixels, of what is not ground
_EMPTY: Final = 0.99  # of a row or column that is ground, and little else
_LEAST_LEG: Final = 0.02  # of an edge that a triangle takes
_MOST_ASLANT: Final = 0.06  # cosine of what should be a right angle
_LOOKED_AT: Final = 40  # rows and columns of pixels, to see where there is ground
_NEAR_EDGE: Final = 0.03  # of a side of the turned picture
_LEAST_GROUND: Final = 0.85  # around it
_MOST_GROUND: Final = 0.8  # within it
_INSIDE: Final = ((0.33, 0.33), (0.6, 0.2), (0.2, 0.6))  # of a triangle, in parts of its legs
_TOUCH: Final = 0.5  # of a pixel: the middles of pixels are their places


def turned_frame(pixels: Pixels) -> Transform | None:
    """Return the frame of a turned picture, as of `margins.Content`, None if it is none.

    Args:
        pixels: Shape (rows, columns, 3), in the picture's own proportions.
    """
    corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
    edges = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    for colour in np.array(sorted(set(map(tuple, corners.tolist()))), np.uint8):
        if np.count_nonzero(_is_near(edges, colour)) < _LEAST_OF_EDGES * len(edges):
            continue
        near = _is_near(pixels, colour)
        rows, columns = (np.flatnonzero(_share_of(near, axis) < _EMPTY) for axis in (1, 0))
        if len(rows) < _LEAST_SIDE or len(columns) < _LEAST_SIDE:
            continue
        part = near[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        found = _turned_on(part)
        if found is not None and _is_ground_around(part, found):
            return frame_of(np.asarray(found + np.array([columns[0], rows[0]]), np.float32))
    return None


def _is_near(pixels: Pixels, colour: Pixels) -> npt.NDArray[np.bool_]:
    """Tell which pixels have nearly a colour; shape (..., 3) to (...)."""
    least = tuple(max(0, level - _FLAT) for level in colour.tolist())
    most = tuple(min(255, level + _FLAT) for level in colour.tolist())
    near = cv2.inRange(pixels.reshape(-1, pixels.shape[-2], 3), least, most)
    return (np.asarray(near, np.uint8) & 1).view(np.bool_).reshape(pixels.shape[:-1])


def _share_of(near: Mask, axis: int) -> npt.NDArray[np.float64]:
    """Return how much of each row (axis 1) or column (axis 0) is near."""
    counts = cv2.reduce(near.view(np.uint8), axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S)
    return np.asarray(counts.ravel() / near.shape[axis], np.float64)


def _turned_on(ground: Mask) -> npt.NDArray[np.float64] | None:
    """Return the corners of a turned picture that touches all edges, in turn; shape (4, 2)."""
    best, least = None, _MOST_ASLANT
    for step in product((1, -1), repeat=2):
        corners = _corners(ground[:: step[0], :: step[1]])
        if corners is not None and (aslant := _aslant(corners)) <= least:
            best, least = _back(corners, ground.shape, step), aslant
    return best


def _corners(ground: Mask) -> npt.NDArray[np.float64] | None:
    """Return where a turned picture touches the top, right, bottom and left edge; shape (4, 2).

    By the triangle in the upper left corner, None if there is none.
    """
    rows, columns = ground.shape
    across, down = int(ground[0].argmin()), int(ground[:, 0].argmin())
    if not _LEAST_LEG <= across / columns <= 1 - _LEAST_LEG:
        return None
    if not _LEAST_LEG <= down / rows <= 1 - _LEAST_LEG:
        return None
    if not all(ground[int(y * down), int(x * across)] for x, y in _INSIDE):
        return None
    touches = [(across, 0), (columns, rows - down), (columns - across, rows), (0, down)]
    return np.array(touches, float) - _TOUCH


def _is_ground_around(ground: Mask, corners: npt.NDArray[np.float64]) -> bool:
    """Tell whether it is ground around a turned picture, and mostly is not where that lies."""
    rows, columns = ground.shape
    steps = (slice(0, side, max(1, side // _LOOKED_AT)) for side in (rows, columns))
    down, across = np.mgrid[tuple(steps)]
    places = np.stack([across.ravel(), down.ravel(), np.ones(across.size)])
    inside = np.linalg.inv(frame_of(corners.astype(np.float32))) @ places
    beyond = np.maximum(-inside[:2], inside[:2] - 1).max(axis=0)
    seen = ground[down.ravel(), across.ravel()]
    around, within = seen[beyond > _NEAR_EDGE], seen[beyond < -_NEAR_EDGE]
    if not len(around) or not len(within):
        return False
    return bool(around.mean() >= _LEAST_GROUND and within.mean() <= _MOST_GROUND)


def _aslant(corners: npt.NDArray[np.float64]) -> float:
    """Return how far the angle at the first corner is from a right one: the cosine's amount."""
    one, other = corners[1] - corners[0], corners[3] - corners[0]
    return float(abs(one @ other) / max(1e-9, np.hypot(*one) * np.hypot(*other)))


def _back(
    corners: npt.NDArray[np.float64], shape: tuple[int, ...], step: tuple[int, ...]
) -> npt.NDArray[np.float64]:
    """Return corners that were found in a flipped view where they are in the picture, in turn."""
    placed = corners.copy()
    for axis, side, way in zip((1, 0), shape, step, strict=True):
        if way < 0:
            placed[:, axis] = side - 1 - placed[:, axis]
    return placed[::-1] if step[0] != step[1] else placed
