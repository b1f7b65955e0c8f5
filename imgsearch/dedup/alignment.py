"""Lay one small picture over another, to a fraction of a pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.dedup.geometry import (
    Points,
    Transform,
    distances,
    fit_affine,
    fit_most,
    fit_perspective,
    fit_sides,
    inverse,
    median,
    moved,
)
from imgsearch.dedup.guesses import Guess
from imgsearch.dedup.local_features import evened
from imgsearch.dedup.margins import Bits
from imgsearch.dedup.portrait import Portrait
from imgsearch.types import Pixels

_LEAST_SHARED: Final = 100  # pixels
_FEWEST: Final = 6  # details to adjust a guess by
_ENOUGH_TO_BEND: Final = 12
_POINTS: Final = 100
_UNTIL: Final = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 12, 0.02)
_STEPS: Final = 3
_LOST: Final = 0.12  # of the detail that is met after one step, with less the guess is wrong
_LOST_FROM_SIGHT: Final = 0.5  # of the detail that is found anywhere near, likewise
_SETTLED: Final = 0.1  # pixels; a step that moves less is the last
_CLEARLY: Final = 0.8  # times as far off that a transform with more freedom has to be at most
_OFF: Final = 0.25  # pixels; details that are less far off need no more freedom


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
        likeness: Of the guess that it came of.
        met: Which of these were found, nearly where they should be; shape (len(sought),).
    """

    below: Portrait
    finer: Portrait
    above: Pixels
    shared: npt.NDArray[np.bool_]
    transform: Transform
    flipped: bool
    likeness: float
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
        area = float(np.count_nonzero(self.shared))
        scale = abs(float(np.linalg.det(self.transform[:2, :2])))
        finer = area * (scale if self.flipped else 1 / scale)
        below, above = area / self.below.content.area, min(1.0, finer / self.finer.content.area)
        return (below, above) if self.flipped else (above, below)


def lay_over(first: Portrait, second: Portrait, guess: Guess) -> Overlay | None:
    """Warp the finer picture onto the coarser one, and adjust the guess until detail meets detail.

    Returns:
        None if the pictures share next to nothing.
    """
    scale = np.sqrt(abs(np.linalg.det(guess.transform[:2, :2])))
    flipped = scale > 1  # the first picture is the coarser one
    below, above = (first, second) if flipped else (second, first)
    transform = inverse(guess.transform) if flipped else guess.transform
    factor = 1 / scale if flipped else scale
    smooth = _smoothed(above.thumbnail.pixels, factor)
    slip, sought, met = np.inf, below.corners[:0], np.zeros(0, bool)
    for step in range(_STEPS):
        warped, shared = _warped(smooth, above.content.mask, transform, below)
        if np.count_nonzero(shared) < _LEAST_SHARED:
            return None
        if step == _STEPS - 1 and slip < np.inf:
            break
        sought = _inside(below.corners, shared)
        shifts, good = _shifts(below.evened, evened(warped), sought, levels=2 - step)
        places, shifts, met = sought[good], shifts[good], good.copy()
        if len(places) < _FEWEST:
            break
        correction = _fit(places, places + shifts)
        left = distances(correction, places, places + shifts)
        met[good], slip = left < 1, median(left)
        if not guess.likeness and _is_lost(good, met):
            break
        transform = inverse(correction) @ transform
        if np.abs(moved(correction, places) - places).max() < _SETTLED:
            break
    whole = inverse(transform) if flipped else transform
    return Overlay(below, above, warped, shared, whole, flipped, guess.likeness, slip, sought, met)


def _is_lost(good: npt.NDArray[np.bool_], met: npt.NDArray[np.bool_]) -> bool:
    """Tell that further steps would lead nowhere, by what was found near and what was met."""
    return bool(met.mean() < _LOST and good.mean() < _LOST_FROM_SIGHT)


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
    return np.asarray(warped, np.uint8), (np.asarray(shared) == 255) & (below.content.mask > 0)


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


def _fit(places: Points, others: Points) -> Transform:
    """Fit an affine transform, or where that leaves much, one with a little perspective.

    To a few details only a shift and a scale of each side: more would bend than mend.
    """
    if len(places) < _ENOUGH_TO_BEND:
        return fit_most(places, others, fit_sides)[0]
    matrix, left = fit_most(places, others, fit_affine)
    if len(places) >= 20 and median(left) > _OFF:
        bent, missed = fit_most(places, others, fit_perspective)
        if median(missed) < _CLEARLY * median(left):
            return bent
    return matrix
