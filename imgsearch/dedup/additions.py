"""Which changes are captions and logos that somebody put onto a picture.

A caption is a line of marks of one colour, much steeper than what it covers. A logo is flat, and
its outline is an edge only in the picture that has it. What is natural in both pictures, as a
subject that moved is, is neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.dedup.alignment import Overlay
from imgsearch.dedup.photometry import Mask
from imgsearch.dedup.residual import Residual
from imgsearch.types import Pixels

Bits: TypeAlias = npt.NDArray[np.uint8]
Colour: TypeAlias = npt.NDArray[np.int16]
Box: TypeAlias = tuple[slice, slice]

_LEAST_AREA: Final = 0.003  # of what is shared; a smaller logo is not told from a change
_LEAST_LOOKED_AT: Final = 0.006
_LEAST_ANGLE: Final = 2.0  # degrees
_WORD_GAP: Final = 0.06  # of the side along a line: what separates its words, at most
_TALLEST_LINE: Final = 0.2  # of the side across the line
_LEAST_LENGTH: Final = 3.0  # times a line's height
_LINE_AREA: Final = 0.01
_MARGIN: Final = 3  # pixels around marks within which the window of `Residual.changed` reaches
_LEAST_SLOPE: Final = 5.0
_LEAST_TURNS: Final = 1.6  # from ink to ground or back, over as many pixels as the line is tall
_BUSIER: Final = 2.2  # slopes times turns, with the text and without
_FLAT: Final = 16  # levels from the middle of a flat colour to its ends
_LEAST_FLAT: Final = 0.53  # of a logo, and of its rim, has one colour
_SOLID: Final = 0.88
_CLEAR: Final = 24  # levels between two colours that nobody confuses
_LEAST_APART: Final = 0.45  # of what is around a logo; the rest may be of its colour
_FLATTER: Final = 0.2  # is a logo than what it covers; a thing of another colour is as flat
_LARGEST_LOGO: Final = 0.09
_LEAST_PIXELS: Final = 12


@dataclass(frozen=True, slots=True)
class _View:
    """Two pictures that lie on one another, where they differ, and where both are."""

    below: Pixels
    above: Pixels
    sharply: Mask
    shared: Mask

    @property
    def area(self) -> float:
        """How many pixels they share."""
        return float(np.count_nonzero(self.shared))


@dataclass(frozen=True, slots=True)
class _Flatness:
    """How flat a patch is in a picture, from 0 to 1, and its colour."""

    degree: float
    colour: Colour


def added_to(overlay: Overlay, residual: Residual) -> Mask:
    """Say which pixels lie under something that was put onto one of the pictures.

    Returns:
        Shape (rows, columns).
    """
    shared = residual.shared
    if np.count_nonzero(residual.changed) < _LEAST_LOOKED_AT * np.count_nonzero(shared):
        return np.zeros_like(shared)
    view = _View(overlay.below.thumbnail.pixels, overlay.above, residual.sharply, shared)
    explained = _added(view)
    angle = _angle(overlay)
    if abs(angle) > _LEAST_ANGLE:  # captions of the one above are aslant here
        explained |= _turned_back(_added(_turned(view, angle)), angle, shared.shape)
    return explained


def _added(view: _View) -> Mask:
    explained = np.zeros_like(view.shared)
    for vertical in (False, True):
        for box in _lines(view.sharply, view.area, vertical=vertical):
            if _is_text(view.below[box], view.above[box], vertical=vertical):
                explained[box] = True
    for patch in _logos(view, explained):
        explained |= cv2.dilate(patch, _square(2 * _MARGIN + 1)) > 0
    return explained


def _angle(overlay: Overlay) -> float:
    """Return by how much one picture is turned against the other, beyond quarter turns; degrees."""
    across = overlay.transform[:2, 0]
    degrees = float(np.degrees(np.arctan2(across[1], across[0])))
    turn = (degrees + 45) % 90 - 45
    mirrored = np.linalg.det(overlay.transform[:2, :2]) < 0
    return -turn if overlay.flipped != mirrored else turn


def _turning(
    angle: float, shape: tuple[int, ...]
) -> tuple[npt.NDArray[np.float64], tuple[int, int]]:
    """Return what turns a picture around its middle, and the size that then holds all of it."""
    side = int(np.ceil(np.hypot(shape[0], shape[1])))
    matrix = cv2.getRotationMatrix2D(((shape[1] - 1) / 2, (shape[0] - 1) / 2), angle, 1)
    matrix[:, 2] += (side - shape[1]) / 2, (side - shape[0]) / 2
    return matrix, (side, side)


def _turned(view: _View, angle: float) -> _View:
    matrix, size = _turning(angle, view.shared.shape)
    masks = [
        cv2.warpAffine(each.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST) > 0
        for each in (view.sharply, view.shared)
    ]
    below, above = (cv2.warpAffine(each, matrix, size) for each in (view.below, view.above))
    return _View(below, above, *masks)


def _turned_back(mask: Mask, angle: float, shape: tuple[int, ...]) -> Mask:
    matrix, _ = _turning(angle, shape)
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(mask.astype(np.uint8), matrix, shape[::-1], flags=flags) > 0)


def compact(changed: Mask) -> Mask:
    """Leave out specks and thin outlines, which come of other sharpness and rounding."""
    return np.asarray(cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_OPEN, _square(7)) > 0)


def _slope(grey: Bits) -> npt.NDArray[np.float32]:
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(cv2.magnitude(across, down), np.float32)


def _lines(sharply: Mask, size: float, *, vertical: bool) -> Iterator[Box]:
    """Find what has the shape of a line of text among the pixels that differ."""
    sharp = sharply.astype(np.uint8)
    sharp = np.ascontiguousarray(sharp.T) if vertical else sharp
    gap = np.ones((1, max(3, round(_WORD_GAP * max(sharp.shape)))), np.uint8)
    joined = cv2.morphologyEx(sharp, cv2.MORPH_CLOSE, gap)
    joined = cv2.morphologyEx(joined, cv2.MORPH_OPEN, gap)  # cuts what joins two lines
    _, _, found, _ = cv2.connectedComponentsWithStats(joined, connectivity=4)
    for left, top, width, height, area in found[1:].tolist():
        long = width >= _LEAST_LENGTH * height and 2 * area >= width * height
        if long and area >= _LINE_AREA * size and height <= _TALLEST_LINE * len(sharp):
            rows = slice(max(0, top - _MARGIN), top + height + _MARGIN)
            columns = slice(max(0, left - _MARGIN), left + width + _MARGIN)
            yield (columns, rows) if vertical else (rows, columns)


def _is_text(one: Pixels, other: Pixels, *, vertical: bool) -> bool:
    """Say whether one of two cut-outs shows a line of text that the other does not."""
    greys = [cv2.cvtColor(np.ascontiguousarray(each), cv2.COLOR_RGB2GRAY) for each in (one, other)]
    slopes = [float(_slope(each).mean()) for each in greys]
    if slopes[0] < slopes[1]:
        slopes, greys = slopes[::-1], greys[::-1]
    turns = [_turns(each.T if vertical else each) for each in greys]
    busier = slopes[0] * turns[0] / (slopes[1] * turns[1] + 1e-6)
    return slopes[0] >= _LEAST_SLOPE and turns[0] >= _LEAST_TURNS and busier >= _BUSIER


def _turns(line: Bits) -> float:
    """Count the turns from dark to light and back along a line, by its height."""
    height, width = line.shape
    middle = line[height // 4 : 3 * height // 4 + 1]
    light = middle > middle.mean()
    turns = int(np.count_nonzero(light[:, 1:] != light[:, :-1]))
    return float(turns * height / (len(light) * width))


def _logos(view: _View, explained: Mask) -> list[Bits]:
    """Find flat patches that one of the pictures has and the other has not.

    Two of one colour, in either picture one, are a thing that moved.
    """
    found: list[tuple[Bits, int, Colour]] = []
    for patch in _patches(view.sharply & ~explained, view.area):
        flats = [_flatness(patch, each, view.shared) for each in (view.below, view.above)]
        which = int(flats[1].degree > flats[0].degree)
        most, least = flats[which], flats[1 - which]
        if most.degree >= _LEAST_FLAT and least.degree <= most.degree - _FLATTER:
            found.append((patch, which, most.colour))
    return [
        patch
        for patch, which, colour in found
        if not any(other != which and _alike(colour, same) for _, other, same in found)
    ]


def _patches(sharply: Mask, size: float) -> Iterator[Bits]:
    """Find changes that hang together and bulge, filled."""
    left = sharply.astype(np.uint8)
    solid = cv2.morphologyEx(left, cv2.MORPH_CLOSE, _square(5))
    solid = cv2.morphologyEx(solid, cv2.MORPH_OPEN, _square(5))
    outlines, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for outline in outlines:
        area = cv2.contourArea(outline)
        hull = cv2.contourArea(cv2.convexHull(outline))
        if _LEAST_AREA <= area / size <= _LARGEST_LOGO and area >= _SOLID * hull:
            yield cv2.drawContours(np.zeros_like(left), [outline], -1, 1, cv2.FILLED)


def _flatness(patch: Bits, picture: Pixels, shared: Mask) -> _Flatness:
    """Measure how far a patch has one colour up to its rim, and what is around it has others."""
    found = _Flatness(0.0, np.zeros(3, np.int16))
    ring = cv2.dilate(patch, _square(7)) - cv2.dilate(patch, _square(5))
    around = picture[(ring > 0) & shared].astype(np.int16)
    for steps in (2, 4):  # the colour of a clear patch may bleed into what is around it
        inner = cv2.erode(patch, _square(3), iterations=steps)
        pixels = picture[inner > 0].astype(np.int16)
        if len(pixels) < _LEAST_PIXELS:
            break
        colour = _usual_colour(pixels)
        rim = (inner > 0) & (cv2.erode(inner, _square(5)) == 0)
        degree = min(float(_alike(each, colour).mean()) for each in (pixels, picture[rim]))
        if len(around):
            apart = np.abs(around - colour).max(axis=1) >= _CLEAR
            degree = min(degree, float(apart.mean()) / _LEAST_APART * _LEAST_FLAT)
        if degree > found.degree:
            found = _Flatness(degree, colour)
    return found


def _alike(pixels: npt.NDArray[Any], colour: Colour) -> Mask:
    return np.asarray(np.abs(pixels.astype(np.int16) - colour).max(axis=-1) <= _FLAT)


def _usual_colour(pixels: npt.NDArray[np.int16]) -> Colour:
    """Return the colour around which most pixels are."""
    codes = (pixels >> 4) @ np.array([1, 16, 256], np.int16)
    most = np.bincount(codes).argmax()
    return np.asarray(np.median(pixels[codes == most], axis=0), np.int16)


def _square(side: int) -> Bits:
    return np.ones((side, side), np.uint8)
