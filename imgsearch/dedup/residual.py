"""Where two pictures that lie on one another differ, once light and colour are evened out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np

from imgsearch.dedup.alignment import Overlay
from imgsearch.dedup.photometry import Mask, Plane, Planes, colour_left, light_left
from imgsearch.types import Pixels

_BLUR: Final = 1.0
_RADII: Final = (0.6, 0.9, 1.2, 1.6, 2.0)
_LEAST_NOISE: Final = 2.5
_MOST_NOISE: Final = 7.0
_COLOUR_NOISE: Final = 8.0
_MISPLACED: Final = 0.35  # pixels by which detail may be out of place
_CHANGE: Final = 3.5  # squared deviations, averaged over a window, that are a change
_MOST_DEVIATIONS: Final = 25  # squared, that one pixel counts for
_WINDOW: Final = (5, 5)
_STRUCTURE: Final = 4.0  # levels a pixel, after blurring, that are detail


@dataclass(frozen=True, slots=True)
class Residual:
    """What is left of two pictures that lie on one another.

    Attributes:
        shared: Where they are compared.
        changed: Where they differ.
        structured: Where either has detail.
    """

    shared: Mask
    changed: Mask
    structured: Mask


def residual_of(overlay: Overlay) -> Residual:
    """Compare two pictures pixel by pixel."""
    shared = cv2.erode(overlay.shared.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if not shared.any():
        return Residual(shared, shared, shared)
    below, above = _planes(overlay.below), _planes(overlay.above)
    below[0], above[0] = _equally_sharp(below[0], above[0], shared)
    luma, noise, slope = _light_difference(below[0], above[0], shared)
    light = _windowed(luma**2 / (noise**2 + (_MISPLACED * slope) ** 2))
    colour = _windowed((colour_left(below, above, shared) / _COLOUR_NOISE) ** 2)
    changed = (np.maximum(light, colour) > _CHANGE) & shared
    structured = (np.maximum(_slope(below[0]), _slope(above[0])) > _STRUCTURE) & shared
    return Residual(shared, changed, structured)


def _planes(pixels: Pixels) -> Planes:
    """Return light, and the two differences of colour, a little blurred."""
    planes = np.moveaxis(cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb).astype(np.float32), 2, 0)
    blurs = (_BLUR, 2 * _BLUR, 2 * _BLUR)
    blurred = [_blurred(np.ascontiguousarray(p), b) for p, b in zip(planes, blurs, strict=True)]
    return np.stack(blurred) - np.array((0, 128, 128), np.float32)[:, None, None]


def _blurred(plane: Plane, radius: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), radius), np.float32)


def _windowed(deviations: Plane) -> Plane:
    """Average squared deviations over a window, so that noise counts for little."""
    return np.asarray(cv2.blur(np.minimum(deviations, _MOST_DEVIATIONS), _WINDOW), np.float32)


def _slope(plane: Plane) -> Plane:
    across = cv2.Sobel(plane, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(plane, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(cv2.magnitude(across, down), np.float32)


def _equally_sharp(one: Plane, other: Plane, shared: Mask) -> tuple[Plane, Plane]:
    """Blur the sharper of two planes until their detail is equally fine."""
    if _sharpness(one, shared) >= _sharpness(other, shared):
        return _as_blurred_as(one, other, shared), other
    return one, _as_blurred_as(other, one, shared)


def _as_blurred_as(sharp: Plane, other: Plane, shared: Mask) -> Plane:
    wanted, best = _sharpness(other, shared), sharp
    for radius in _RADII:
        blurred = _blurred(sharp, radius)
        if _sharpness(blurred, shared) < wanted:
            break
        best = blurred
    return best


def _sharpness(plane: Plane, shared: Mask) -> float:
    """Return the strength of fine detail relative to that of coarse detail."""
    fine = np.abs(plane - _blurred(plane, 1.5))[shared].mean()
    coarse = np.abs(plane - cv2.blur(plane, (15, 15)))[shared].mean()
    return float(fine / (coarse + 1))


def _light_difference(below: Plane, above: Plane, shared: Mask) -> tuple[Plane, float, Plane]:
    """Return what is left of the light, how much that usually is, and how steep the light is.

    Light that was cut off at white or black cannot be had back, so the change is fitted both ways.
    """
    choices = []
    for target, source in ((below, above), (above, below)):
        left = light_left(target, source, shared)
        usual = 1.4826 * float(np.median(np.abs(left[shared])))
        choices.append((usual / (float(target[shared].std()) + 5), usual, left, target))
    _, usual, left, target = min(choices, key=lambda choice: choice[0])
    return left, float(np.clip(usual, _LEAST_NOISE, _MOST_NOISE)), _slope(target)
