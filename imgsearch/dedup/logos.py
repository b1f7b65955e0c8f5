"""Logos that somebody put onto a picture, among what differs between two.

A logo is flat, and its outline is an edge only in the picture that has it; or it has the outline
of a rectangle or an ellipse besides, and then more may be written on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.dedup.captions import MARGIN
from imgsearch.dedup.photometry import Mask
from imgsearch.dedup.residual import Bits, Differing
from imgsearch.types import Pixels

Colour: TypeAlias = npt.NDArray[np.int16]

_LEAST_AREA: Final = 0.003  # of what is shared; a smaller logo is not told from a change
_FLAT: Final = 16  # levels from the middle of a flat colour to its ends
_LEAST_FLAT: Final = 0.53  # of a logo, and of its rim, has one colour
_DRAWN_FLAT: Final = 0.36  # of one that has the outline of a figure
_SOLID: Final = 0.88
_NEARLY_SOLID: Final = 0.84  # part of its outline may be lost on ground of its colour
_LEAST_SOLID: Final = 0.6  # of one that has the outline of a figure where it is clear
_FIGURE_FLAT: Final = 0.75
_FIGURE_FLATTER: Final = 0.2
_NEW_OUTLINE: Final = 0.4  # of a figure's, that is an edge only in the picture that has it
_BESIDE: Final = 3  # pixels from an outline to what is on either side of it
_CLEAR: Final = 24  # levels between two colours that nobody confuses
_LEAST_APART: Final = 0.45  # of what is around a logo; the rest may be of its colour
_FLATTER: Final = 0.2  # is a logo than what it covers; a thing of another colour is as flat
_DRAWN_FLATTER: Final = 0.1
_LARGEST: Final = 0.09
_LARGEST_DRAWN: Final = 0.14
_PLAIN: Final = 0.7  # of a logo that may be larger
_LIKE_A_FIGURE: Final = 0.92  # of an outline and a figure together lies within both
_LEAST_PIXELS: Final = 12


@dataclass(frozen=True, slots=True)
class _Flatness:
    """How flat a patch is in a picture, and what is around it.

    Attributes:
        degree: From 0 to 1.
        colour: Its usual colour.
        blends: Whether the usual colour around it is the same.
    """

    degree: float
    colour: Colour
    blends: bool


def logos(view: Differing, explained: Mask) -> Mask:
    """Say which pixels lie under logos that one of two pictures has and the other has not.

    Two of one colour, in either picture one, are a thing that moved.

    Args:
        view: The pictures.
        explained: What differs for another reason.

    Returns:
        Shape (2, rows, columns): on the one below, and on the one above.
    """
    found: list[tuple[Bits, int, Colour]] = []
    for patch in patches(view.sharply & ~explained, view.area, solid_part=_LEAST_SOLID):
        if not _is_solid(patch):
            found += _figure(patch, view)
            continue
        flats = [_flatness(patch, each, view.shared) for each in (view.below, view.above)]
        area = float(np.count_nonzero(patch)) / view.area
        drawn = has_the_outline_of_a_figure(patch)
        for which in np.argsort([-flat.degree for flat in flats], kind="stable").tolist():
            if _is_logo(flats[which], flats[1 - which], area, drawn=drawn):
                found.append((patch, which, flats[which].colour))
                break
    covered = np.zeros((2, *view.shared.shape), bool)
    for patch, which, colour in found:
        if not any(other != which and _alike(colour, same) for _, other, same in found):
            covered[which] |= under(patch)
    return covered


def _is_logo(with_it: _Flatness, without: _Flatness, area: float, *, drawn: bool) -> bool:
    clearly_flatter = without.degree <= with_it.degree - _FLATTER
    if area <= _LARGEST and with_it.degree >= _LEAST_FLAT and clearly_flatter:
        return True
    flat_enough = with_it.degree >= (_DRAWN_FLAT if area <= _LARGEST else _PLAIN)
    flatter = without.degree <= with_it.degree - _DRAWN_FLATTER
    return drawn and flat_enough and not with_it.blends and (flatter or without.blends)


def patches(
    sharply: Mask,
    size: float,
    *,
    gap: int = 5,
    largest: float = _LARGEST_DRAWN,
    solid_part: float = _SOLID,
) -> Iterator[Bits]:
    """Find changes that hang together and bulge, filled.

    Args:
        sharply: What differs.
        size: How many pixels the pictures share.
        gap: Pixels between changes that hang together all the same.
        largest: How much of what is shared a patch may be.
        solid_part: How much of its hull it fills at least.
    """
    left = sharply.astype(np.uint8)
    solid = cv2.morphologyEx(left, cv2.MORPH_CLOSE, _square(gap))
    solid = cv2.morphologyEx(solid, cv2.MORPH_OPEN, _square(5))
    outlines, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    for outline in outlines:
        area = cv2.contourArea(outline)
        hull = cv2.contourArea(cv2.convexHull(outline))
        if _LEAST_AREA <= area / size <= largest and area >= solid_part * hull:
            yield cv2.drawContours(np.zeros_like(left), [outline], -1, 1, cv2.FILLED)


def under(patch: Bits) -> Mask:
    """Return what lies under a patch, and so near that the window of a change reaches it."""
    return np.asarray(cv2.dilate(patch, _square(2 * MARGIN + 1)) > 0)


def _is_solid(patch: Bits) -> bool:
    outlines, _ = cv2.findContours(patch, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.contourArea(cv2.convexHull(outlines[0]))
    return cv2.contourArea(outlines[0]) >= _NEARLY_SOLID * hull


def _figure(patch: Bits, view: Differing) -> list[tuple[Bits, int, Colour]]:
    """Look for a flat figure of which a patch is the part that is not of its ground's colour."""
    pictures = view.below, view.above
    for figure in _figures(patch):
        if np.count_nonzero(figure) > _LARGEST_DRAWN * view.area:
            continue
        flats = [_one_colour(figure, picture) for picture in pictures]
        which = int(flats[1][0] > flats[0][0])
        degree, colour = flats[which]
        flat = degree >= max(_FIGURE_FLAT, flats[1 - which][0] + _FIGURE_FLATTER)
        if flat and _new_outline(figure, pictures[which], pictures[1 - which]) >= _NEW_OUTLINE:
            return [(figure, which, colour)]
    return []


def _figures(patch: Bits) -> tuple[Bits, Bits]:
    """Return the upright rectangle and ellipse around a patch."""
    left, top, width, height = cv2.boundingRect(patch)
    rectangle, ellipse = np.zeros_like(patch), np.zeros_like(patch)
    rectangle[top : top + height, left : left + width] = 1
    box = (left + (width - 1) / 2, top + (height - 1) / 2), (width, height), 0
    return rectangle, np.asarray(cv2.ellipse(ellipse, box, 1, cv2.FILLED), np.uint8)


def _one_colour(figure: Bits, picture: Pixels) -> tuple[float, Colour]:
    """Return how much of a figure has one colour, and which."""
    pixels = picture[cv2.erode(figure, _square(5)) > 0].astype(np.int16)
    if len(pixels) < _LEAST_PIXELS:
        return 0.0, np.zeros(3, np.int16)
    colour = _usual_colour(pixels)
    return float(_alike(pixels, colour).mean()), colour


def _new_outline(figure: Bits, with_it: Pixels, without: Pixels) -> float:
    """Return how much of a figure's outline is an edge in one picture and none in the other."""
    outlines, _ = cv2.findContours(figure, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = outlines[0][:, 0].astype(float)
    outwards = outline - outline.mean(axis=0)
    outwards *= _BESIDE / np.maximum(np.hypot(*outwards.T), 1)[:, None]
    inside, outside = (np.rint(outline + sign * outwards).astype(int) for sign in (-1, 1))
    there = ((outside >= 0) & (outside < figure.shape[::-1])).all(axis=1)
    edges = [
        np.abs(_at(picture, inside[there]) - _at(picture, outside[there])).max(axis=1) >= _CLEAR
        for picture in (with_it, without)
    ]
    return float(np.count_nonzero(edges[0] & ~edges[1])) / len(outline)


def _at(picture: Pixels, places: npt.NDArray[np.int_]) -> Colour:
    columns, rows = places.T
    return np.asarray(picture[rows, columns], np.int16)


def has_the_outline_of_a_figure(patch: Bits) -> bool:
    """Say whether a patch is a rectangle or an ellipse, upright or aslant."""
    outlines, _ = cv2.findContours(patch, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    middle, (width, height), angle = cv2.minAreaRect(outlines[0])
    box = middle, (width + 1, height + 1), angle
    corners = np.rint(cv2.boxPoints((middle, (width, height), angle))).astype(np.int32)
    rectangle = cv2.fillConvexPoly(np.zeros_like(patch), corners, 1)
    ellipse = cv2.ellipse(np.zeros_like(patch), box, 1, cv2.FILLED)
    return any(
        np.count_nonzero(patch & figure) >= _LIKE_A_FIGURE * np.count_nonzero(patch | figure)
        for figure in (rectangle, ellipse)
    )


def _flatness(patch: Bits, picture: Pixels, shared: Mask) -> _Flatness:
    """Measure how far a patch has one colour up to its rim, and what is around it has others."""
    ring = cv2.dilate(patch, _square(7)) - cv2.dilate(patch, _square(5))
    around = picture[(ring > 0) & shared].astype(np.int16)
    found = _Flatness(0.0, np.zeros(3, np.int16), blends=False)
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
            found = _Flatness(degree, colour, blends=found.blends)
        if steps == 2 and len(around):
            usual = np.median(pixels, axis=0) - np.median(around, axis=0)
            found = _Flatness(
                found.degree, found.colour, blends=bool(np.abs(usual).max() <= _CLEAR)
            )
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
