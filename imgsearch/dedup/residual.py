"""Where two pictures that lie on one another differ, once light and colour are evened out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.dedup.alignment import Overlay
from imgsearch.dedup.colour_match import colourings
from imgsearch.dedup.light import slope_of
from imgsearch.dedup.local_features import light_and_colour
from imgsearch.dedup.photometry import Mask, Plane, colour_left, fit_light
from imgsearch.types import Pixels

Bits: TypeAlias = npt.NDArray[np.uint8]
"""0 or 1 for each pixel: shape (rows, columns)."""

_AS_SHARP: Final = 0.04
_RADII: Final = (0.6, 0.9, 1.2, 1.6, 2.0)
_LEAST_NOISE: Final = 2.5
_MOST_NOISE: Final = 7.0
_COLOUR_NOISE: Final = 8.0
_LESS_WHERE_CUT: Final = np.float32(0.4)  # does a difference of colour count
_BRIGHTEST: Final = 251
_DARKEST: Final = 4
_MISPLACED: Final = 0.35  # pixels by which detail may be out of place
_CHANGE: Final = 3.5  # squared deviations, averaged over a window, that are a change
_SHARP_CHANGE: Final = 9.0  # squared deviations of one pixel
_MOST_DEVIATIONS: Final = 25  # squared, that one pixel counts for
_WINDOW: Final = (5, 5)
_AREA: Final = 8  # pixels a side over which light and colour are averaged
_RIM: Final = np.ones((5, 5), np.uint8)  # where what is shared meets what is not
_HALF_WINDOW: Final = (3, 3)
_LITTLE: Final = 0.03  # of what is shared: no other way to recolour need be tried
_STRUCTURE: Final = 4.0  # levels a pixel, after blurring, that are detail


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture as it is compared, pixel by pixel.

    Attributes:
        pixels: Shape (rows, columns, 3).
        light: As of `light_and_colour`.
        colour: Likewise.
    """

    pixels: Pixels
    light: Bits
    colour: Bits

    @classmethod
    def of(cls, pixels: Pixels) -> Seen:
        """Look at a picture."""
        return cls(pixels, *light_and_colour(pixels))


@dataclass(frozen=True, slots=True)
class Residual:
    """What is left of two pictures that lie on one another.

    Attributes:
        shared: Where they are compared.
        changed: Where they differ.
        sharply: The pixels that differ much by themselves, without a window around them.
        structured: Where either has detail.
        toned: By how many of 255 levels light and colour differ, on average.
    """

    shared: Mask
    changed: Mask
    sharply: Mask
    structured: Mask
    toned: float


@dataclass(frozen=True, slots=True)
class Differing:
    """Two pictures that lie on one another, and where they differ.

    Attributes:
        below: Shape (rows, columns, 3).
        above: Likewise.
        sharply: As of `Residual`.
        shared: Where they are compared.
    """

    below: Pixels
    above: Pixels
    sharply: Mask
    shared: Mask

    @property
    def area(self) -> float:
        """How many pixels they share."""
        return float(np.count_nonzero(self.shared))


def residual_of(overlay: Overlay) -> Residual:
    """Compare two pictures that lie on one another."""
    # What is around one of them, a frame or the bars of a screen, bleeds into its rim.
    shared = cv2.erode(
        overlay.shared.astype(np.uint8), _RIM, borderType=cv2.BORDER_CONSTANT, borderValue=0
    )
    pictures = overlay.below.thumbnail.pixels, overlay.above
    best: Residual | None = None
    for below, above in colourings(*pictures, shared > 0):
        same = below is pictures[0]
        seen = Seen(below, *overlay.below.light_and_colour) if same else Seen.of(below)
        found = residual_between(seen, Seen.of(above), shared)
        if same and above is pictures[1]:
            return found
        if best is None or np.count_nonzero(found.changed) < np.count_nonzero(best.changed):
            best = found
        if np.count_nonzero(best.changed) <= _LITTLE * np.count_nonzero(shared):
            break
    assert best is not None  # there is one way at least
    return replace(best, toned=_toned(*pictures, shared))


def residual_between(below: Seen, above: Seen, shared: Bits) -> Residual:
    """Compare two pictures of one size pixel by pixel, where `shared` is 1."""
    inside = shared > 0
    if not inside.any():
        return Residual(inside, inside, inside, inside, 0.0)
    lights = _equally_sharp(_as_floats(below.light), _as_floats(above.light), shared)
    luma, noise, slope = _light_difference(lights, (below.colour, above.colour), inside)
    usual = slope * slope
    usual *= _MISPLACED**2
    usual += noise**2
    light = np.asarray(luma * luma / usual * shared, np.float32)
    colour = _colour_difference(below, above, lights, shared)
    deviant = np.maximum(
        _windowed(light, _WINDOW), _as_fine_as(shared, _windowed(colour, _HALF_WINDOW))
    )
    changed = (deviant > _CHANGE) & inside
    sharply = (np.maximum(light, _as_fine_as(shared, colour)) > _SHARP_CHANGE) & inside
    structured = (np.maximum(slope_of(lights[0]), slope_of(lights[1])) > _STRUCTURE) & inside
    return Residual(
        inside, changed, sharply, structured, _toned(below.pixels, above.pixels, shared)
    )


def _colour_difference(
    below: Seen, above: Seen, lights: tuple[Plane, Plane], shared: Bits
) -> Plane:
    """Return squared deviations of colour, half as fine."""
    halves = [
        _half_planes(*each) for each in zip(lights, (below.colour, above.colour), strict=True)
    ]
    half = shared[::2, ::2]
    left = colour_left(halves[0], halves[1], half > 0) / _COLOUR_NOISE
    left *= np.where(_cut_off(below, above), _LESS_WHERE_CUT, np.float32(1))
    return np.asarray(left * left * half, np.float32)


def _toned(below: Pixels, above: Pixels, shared: Bits) -> float:
    """Return by how many levels areas of several pixels differ, on average."""
    rows, columns = (max(1, length // _AREA) for length in shared.shape)
    size = (columns, rows)
    one, other = (cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (below, above))
    inside = cv2.resize(shared * np.uint8(255), size, interpolation=cv2.INTER_AREA) == 255
    difference = cv2.absdiff(one, other).max(axis=2)[inside]
    return float(difference.mean()) if difference.size else 0.0


def _cut_off(below: Seen, above: Seen) -> Mask:
    """Say where a colour is as strong as it can be in either picture, so that more was lost.

    Returns:
        Of every other pixel along each side.
    """
    one, other = (cv2.split(each.pixels[::2, ::2]) for each in (below, above))
    most = cv2.max(cv2.max(one[0], other[0]), cv2.max(one[1], other[1]))
    most = cv2.max(most, cv2.max(one[2], other[2]))
    least = cv2.min(cv2.min(one[0], other[0]), cv2.min(one[1], other[1]))
    least = cv2.min(least, cv2.min(one[2], other[2]))
    return np.asarray((most >= _BRIGHTEST) | (least <= _DARKEST))


def _as_fine_as(model: Bits, plane: Plane) -> Plane:
    return np.asarray(cv2.resize(plane, model.shape[::-1]), np.float32)


def _as_floats(plane: Bits) -> Plane:
    return np.asarray(plane, np.float32)


def _half_planes(light: Plane, colour: Bits) -> list[Plane]:
    """Return light and two differences of colour, half as fine."""
    centred = colour.astype(np.float32) - 128
    return [light[::2, ::2], centred[..., 0], centred[..., 1]]


def _blurred(plane: Plane, radius: float) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), radius), np.float32)


def _windowed(deviations: Plane, window: tuple[int, int]) -> Plane:
    """Average squared deviations over a window, so that noise counts for little."""
    return np.asarray(cv2.blur(np.minimum(deviations, _MOST_DEVIATIONS), window), np.float32)


def _equally_sharp(one: Plane, other: Plane, shared: Bits) -> tuple[Plane, Plane]:
    """Blur the sharper of two planes until their detail is equally fine."""
    sharp_one, sharp_other = _sharpness(one, shared), _sharpness(other, shared)
    if abs(sharp_one - sharp_other) <= _AS_SHARP * min(sharp_one, sharp_other):
        return one, other
    if sharp_one >= sharp_other:
        return _as_blurred_as(one, sharp_other, shared), other
    return one, _as_blurred_as(other, sharp_one, shared)


def _as_blurred_as(sharp: Plane, wanted: float, shared: Bits) -> Plane:
    best = sharp
    for radius in _RADII:
        blurred = _blurred(sharp, radius)
        if _sharpness(blurred, shared) < wanted:
            break
        best = blurred
    return best


def _sharpness(plane: Plane, shared: Bits) -> float:
    """Return the strength of fine detail relative to that of coarse detail."""
    fine = cv2.mean(cv2.absdiff(plane, _blurred(plane, 1.5)), shared)[0]
    coarse = cv2.mean(cv2.absdiff(plane, cv2.blur(plane, (15, 15))), shared)[0]
    return float(fine / (coarse + 1))


def _light_difference(
    lights: tuple[Plane, Plane], colours: tuple[Bits, Bits], shared: Mask
) -> tuple[Plane, float, Plane]:
    """Return what is left of the light, how much that usually is, and how steep the light is.

    Light that was cut off at white or black cannot be had back, so the change is fitted both ways.
    """
    (target, source), colour = lights, colours[1]
    fit = fit_light(target, source, colour, shared)
    if not fit.unchanged:
        back = fit_light(source, target, colours[0], shared)
        if back.usual / (back.contrast + 5) < fit.usual / (fit.contrast + 5):
            fit, target, source, colour = back, source, target, colours[0]
    noise = float(np.clip(fit.usual, _LEAST_NOISE, _MOST_NOISE))
    return fit.left(target, source, colour), noise, slope_of(target)
