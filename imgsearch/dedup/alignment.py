"""Lay one small picture over another: first guesses, then to a fraction of a pixel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.dedup.local_features import LocalFeatures, Points, evened
from imgsearch.dedup.margins import Bits
from imgsearch.dedup.portrait import Portrait
from imgsearch.types import Pixels

Transform: TypeAlias = npt.NDArray[np.float64]
"""Takes places in one picture to places in another: shape (3, 3), homogeneous."""
Plane: TypeAlias = npt.NDArray[np.float32]
"""One value for each pixel: shape (rows, columns)."""

_LEAST_CORRELATION: Final = 0.7  # of two tiny pictures, to look whether one is all of the other
_CLEAR_CORRELATION: Final = 0.88  # so that there is no need for local features, most times
_NEARLY_AS_GOOD: Final = 0.05
_MOST_STRETCH: Final = 1.8
_RATIO: Final = 0.92  # of the cosine of the second best match to that of the best
_LEAST_COSINE: Final = 0.75
_LEAST_MATCHES: Final = 5
_TOLERANCE: Final = 4.0  # pixels, from a place to where the transform takes it
_MOST_SCALE: Final = 8.0
_POINTS: Final = 100
_UNTIL: Final = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 12, 0.02)
_STEPS: Final = 3
_RIDGE: Final = 1e-6  # so that places on one line have a solution, too
_SETTLED: Final = 0.1  # pixels; a step that moves less is the last


@dataclass(frozen=True, slots=True)
class Guess:
    """How one picture may lie on another.

    Attributes:
        transform: From the first picture to the second.
        support: How many local features agree; 0 if the guess is of another kind.
        likeness: The correlation of the pictures, tiny and laid so; 0 if it is of another kind.
    """

    transform: Transform
    support: int = 0
    likeness: float = 0.0


@dataclass(frozen=True, slots=True)
class Overlay:
    """Two pictures in the pixels of the coarser one.

    Attributes:
        below: That one.
        finer: The other.
        above: The other's pixels, warped onto those of the one below.
        shared: Where both have more than a margin, shape (rows, columns).
        transform: From the first picture to the second.
        flipped: Whether the first is the one below.
        slip: By how many pixels detail still misses its counterpart: the median over what was
            found at all.
        sought: Where detail of the one below was looked for in the one above.
        met: Which of these were found, nearly where they should be; shape (len(sought),).
    """

    below: Portrait
    finer: Portrait
    above: Pixels
    shared: npt.NDArray[np.bool_]
    transform: Transform
    flipped: bool
    slip: float
    sought: Points
    met: npt.NDArray[np.bool_]

    @property
    def agreement(self) -> float:
        """Of the detail that was looked for, how much was found; in [0, 1]."""
        return int(self.met.sum()) / max(1, len(self.sought))

    def met_outside(self, changed: npt.NDArray[np.bool_]) -> tuple[int, int]:
        """Count the details that were found, and all, where the pictures do not differ."""
        columns, rows = self.sought.astype(int).T
        outside = ~changed[rows, columns]
        return int((self.met & outside).sum()), int(outside.sum())

    def shares(self) -> tuple[float, float]:
        """Return how much of the two pictures, without margins, the other shows."""
        area = float(self.shared.sum())
        scale = abs(float(np.linalg.det(self.transform[:2, :2])))
        below = area / max(1.0, float(self.below.content.sum()))
        above = (
            area
            * (scale if self.flipped else 1 / scale)
            / max(1.0, float(self.finer.content.sum()))
        )
        return (below, min(1.0, above)) if self.flipped else (min(1.0, above), below)


def guesses(first: Portrait, second: Portrait) -> Iterator[Guess]:
    """Propose how two pictures may lie on one another, what is cheap to find first."""
    whole = list(_whole(first, second))
    yield from (guess for guess in whole if guess.likeness >= _CLEAR_CORRELATION)
    yield from _by_features(first, second)
    yield from (guess for guess in whole if guess.likeness < _CLEAR_CORRELATION)


def _whole(first: Portrait, second: Portrait) -> Iterator[Guess]:
    """Propose the turns and mirrors after which all of one picture is like all of the other."""
    alike = first.tiny_turns @ second.tiny_turns[0]
    for turn in np.argsort(-alike)[:2]:
        if alike[turn] < max(_LEAST_CORRELATION, alike.max() - _NEARLY_AS_GOOD):
            return
        transform = _turned(int(turn), first.shape, second.shape)
        stretch = np.linalg.svd(transform[:2, :2], compute_uv=False)
        if stretch[0] <= _MOST_STRETCH * stretch[1]:
            yield Guess(transform, likeness=float(alike[turn]))


def _turned(turn: int, shape: tuple[int, int], other: tuple[int, int]) -> Transform:
    """Return what takes all of a picture to all of another, after a turn as of `tiny_turns`."""
    to_unit = np.linalg.inv(_unit_to(shape))
    quarter = np.array([[0, 1, 0], [-1, 0, 1], [0, 0, 1]], dtype=float)  # anticlockwise
    steps = np.linalg.matrix_power(quarter, turn % 4)
    if turn >= 4:
        steps = np.array([[-1, 0, 1], [0, 1, 0], [0, 0, 1]], dtype=float) @ steps
    return np.asarray(_unit_to(other) @ steps @ to_unit, float)


def _unit_to(shape: tuple[int, int]) -> Transform:
    """Return what takes the unit square to all of a picture; a pixel's place is its middle."""
    rows, columns = shape
    return np.array([[columns, 0, -0.5], [0, rows, -0.5], [0, 0, 1]])


def _by_features(first: Portrait, second: Portrait) -> Iterator[Guess]:
    """Propose what the local features agree on, and what those of the mirrored picture do."""
    plain = _agreed(first.features, second.features)
    if plain is None or plain.support < 3 * _LEAST_MATCHES:
        width = first.shape[1]
        mirrored = _agreed(first.features.mirrored(width), second.features)
        if mirrored is not None:
            swap = np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1]], dtype=float)
            mirrored = Guess(mirrored.transform @ swap, mirrored.support)
        both = [guess for guess in (plain, mirrored) if guess is not None]
        yield from sorted(both, key=lambda guess: -guess.support)
    else:
        yield plain


def _agreed(first: LocalFeatures, second: LocalFeatures) -> Guess | None:
    places, others = matches(first, second)
    if len(places) < _LEAST_MATCHES:
        return None
    found, chosen = cv2.estimateAffinePartial2D(
        places, others, ransacReprojThreshold=_TOLERANCE, maxIters=500, confidence=0.999
    )
    if found is None:
        return None
    agree = np.asarray(chosen).ravel().astype(bool)
    for tolerance in (1.5 * _TOLERANCE, _TOLERANCE):
        if agree.sum() < _LEAST_MATCHES:
            return None
        matrix = _least_squares(places[agree], others[agree])
        agree = np.hypot(*(_moved(matrix, places) - others).T) <= tolerance
    scales = np.linalg.svd(matrix[:2, :2], compute_uv=False)
    sound = scales[1] > 1 / _MOST_SCALE and scales[0] < _MOST_SCALE
    if agree.sum() < _LEAST_MATCHES or not sound or scales[0] > _MOST_STRETCH * scales[1]:
        return None
    return Guess(matrix, int(agree.sum()))


def matches(first: LocalFeatures, second: LocalFeatures) -> tuple[Points, Points]:
    """Return places of features that look alike and like no other: two arrays of one length."""
    if len(first) < 2 or len(second) < 2:
        return np.empty((0, 2), np.float32), np.empty((0, 2), np.float32)
    cosines = first.cosines(second)
    rows = np.arange(len(first))
    best = cosines.argmax(axis=1)
    value = cosines[rows, best]
    cosines[rows, best] = 0
    clear = (value >= _LEAST_COSINE) & (cosines.max(axis=1) < _RATIO * value)
    return first.places[clear], second.places[best[clear]]


def _moved(matrix: Transform, places: Points) -> npt.NDArray[np.float64]:
    moved = np.column_stack([places, np.ones(len(places))]) @ matrix.T
    return np.asarray(moved[:, :2] / moved[:, 2:], float)


def lay_over(first: Portrait, second: Portrait, guess: Guess) -> Overlay | None:
    """Warp the finer picture onto the coarser one, and adjust the guess until detail meets detail.

    Returns:
        None if the pictures share next to nothing.
    """
    scale = np.sqrt(abs(np.linalg.det(guess.transform[:2, :2])))
    flipped = scale > 1  # the first picture is the coarser one
    below, above = (first, second) if flipped else (second, first)
    transform = _inverse(guess.transform) if flipped else guess.transform
    factor = 1 / scale if flipped else scale
    smooth = _smoothed(above.thumbnail.pixels, factor)
    slip, sought, met = np.inf, below.corners[:0], np.zeros(0, bool)
    for step in range(_STEPS):
        warped, shared = _warped(smooth, above.content, transform, below)
        if shared.sum() < 100:
            return None
        if step == _STEPS - 1 and slip < np.inf:
            break
        sought = _inside(below.corners, shared)
        shifts, good = _shifts(below.evened, evened(warped), sought, levels=2 - step)
        places, shifts, met = sought[good], shifts[good], good.copy()
        if len(places) < 6:
            break
        correction = _fit(places, places + shifts)
        left = np.hypot(*(_moved(correction, places) - (places + shifts)).T)
        met[good], slip = left < 1, _median(left)
        transform = np.linalg.inv(correction) @ transform
        if np.abs(_moved(correction, places) - places).max() < _SETTLED:
            break
    whole = _inverse(transform) if flipped else transform
    return Overlay(below, above, warped, shared, whole, flipped, slip, sought, met)


def _inverse(transform: Transform) -> Transform:
    return np.asarray(np.linalg.inv(transform), float)


def _smoothed(pixels: Pixels, factor: float) -> Pixels:
    """Take away the detail that pixels `factor` times as many a side cannot show."""
    if factor > 0.9:
        return pixels
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.5 * np.sqrt(1 / factor**2 - 1)), np.uint8)


def _warped(
    pixels: Pixels, content: Bits, transform: Transform, below: Portrait
) -> tuple[Pixels, npt.NDArray[np.bool_]]:
    """Lay pixels over another picture, and say where both have more than a margin."""
    size = below.shape[1], below.shape[0]
    warped = cv2.warpPerspective(pixels, transform, size, borderMode=cv2.BORDER_REPLICATE)
    shared = cv2.warpPerspective(content * np.uint8(255), transform, size)
    return np.asarray(warped, np.uint8), (np.asarray(shared) == 255) & (below.content > 0)


def _inside(corners: Points, shared: npt.NDArray[np.bool_]) -> Points:
    """Return the best corners that lie well inside of what is shared."""
    mask = cv2.erode(shared.astype(np.uint8), np.ones((5, 5), np.uint8))
    columns, rows = corners.astype(int).T
    return np.asarray(corners[mask[rows, columns] > 0][:_POINTS], np.float32)


def _shifts(
    target: npt.NDArray[np.uint8], source: npt.NDArray[np.uint8], corners: Points, *, levels: int
) -> tuple[Points, npt.NDArray[np.bool_]]:
    """Find corners of the target again in the source: their shifts, and which were found."""
    if not len(corners):
        return corners, np.zeros(0, bool)
    found, state, errors = cv2.calcOpticalFlowPyrLK(
        target,
        source,
        corners[:, None],
        None,
        winSize=(13, 13),
        maxLevel=levels,
        criteria=_UNTIL,
    )
    shifts = found[:, 0] - corners
    good = (state.ravel() == 1) & (errors.ravel() < 20) & (np.abs(shifts).max(axis=1) < 8)
    return shifts, np.asarray(good, np.bool_)


def _fit(places: Points, moved: Points) -> Transform:
    """Fit an affine transform, or where that leaves much, one with a little perspective."""
    matrix, left = _fit_most(places, moved, _least_squares)
    if len(places) >= 20 and _median(left) > 0.25:
        bent, missed = _fit_most(places, moved, _perspective)
        if _median(missed) < 0.8 * _median(left):
            return bent
    return matrix


def _fit_most(
    places: Points, moved: Points, fit: Callable[[Points, Points], Transform]
) -> tuple[Transform, npt.NDArray[np.float64]]:
    """Fit what most places agree on; return it, and by how much it misses each of them."""
    keep = np.ones(len(places), bool)
    matrix, left = np.eye(3), np.zeros(len(places))
    for _ in range(4):
        matrix = fit(places[keep], moved[keep])
        left = np.hypot(*(_moved(matrix, places) - moved).T)
        keep = left <= max(0.3, 2 * _median(left))
        if keep.sum() < 8:
            break
    return matrix, left


def _median(values: npt.NDArray[np.float64]) -> float:
    """Return the upper median, several times faster than NumPy's."""
    return float(np.partition(values, len(values) // 2)[len(values) // 2])


def _least_squares(places: Points, moved: Points) -> Transform:
    """Fit an affine transform."""
    columns = np.column_stack([places, np.ones(len(places))]).astype(float)
    square = columns.T @ columns + _RIDGE * np.eye(3)
    solution = np.linalg.solve(square, columns.T @ moved.astype(float))
    return np.vstack([solution.T, (0, 0, 1)])


def _perspective(places: Points, moved: Points) -> Transform:
    """Fit a homography, by the equations that are linear in its eight numbers."""
    x, y = places.T.astype(float)
    zero, one = np.zeros_like(x), np.ones_like(x)
    u, v = moved.T.astype(float)
    rows = np.concatenate(
        [
            np.stack([x, y, one, zero, zero, zero, -u * x, -u * y], -1),
            np.stack([zero, zero, zero, x, y, one, -v * x, -v * y], -1),
        ]
    )
    solution, *_ = np.linalg.lstsq(rows, np.concatenate([u, v]), rcond=None)
    return np.asarray(np.append(solution, 1).reshape(3, 3), float)
