"""Patches of a picture that somebody covered with something see-through, or blurred, or pixelated.

What was there before still shows: the patch is the same but for contrast and colour, or but for
its detail.
"""

from __future__ import annotations

from itertools import permutations
from typing import Final

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np

from imgsearch.dedup.light import light_of, slope_of
from imgsearch.dedup.logos import has_the_outline_of_a_figure, patches, under
from imgsearch.dedup.photometry import Mask, Plane
from imgsearch.dedup.residual import Bits, Differing
from imgsearch.types import Pixels

_GAP: Final = 11  # pixels between changes: here and there even a coarse patch is as it was
_LARGEST: Final = 0.25  # of what is shared
_STEPS_INSIDE: Final = 2  # from the rim of a patch, which is neither the one nor the other
_FEWEST: Final = 60  # pixels
_CONTRAST: Final = (0.15, 0.95)  # of what is seen through something, in parts of what it was
_SHOWS: Final = 2.5  # times what is left, is what shows through
_LEAST_LEFT: Final = 2.0  # levels, of compression
_LEAST_DETAIL: Final = 4.0  # levels, that blurring took away
_RADII: Final = (2.0, 3.5, 5.0, 8.0, 12.0)  # pixels
_AS_COARSE: Final = 0.35  # of the detail that was lost may be left
_MOST_STEEP: Final = 0.35  # of the slopes of what was there has a patch that is blurred


def veils(view: Differing, explained: Mask) -> Mask:
    """Say which pixels of one of two pictures are veiled or coarse, and the same otherwise.

    Args:
        view: The pictures.
        explained: What differs for another reason.

    Returns:
        Shape (2, rows, columns): on the one below, and on the one above.
    """
    covered = np.zeros((2, *view.shared.shape), bool)
    for patch in patches(view.sharply & ~explained, view.area, gap=_GAP, largest=_LARGEST):
        inner = cv2.erode(patch, np.ones((3, 3), np.uint8), iterations=_STEPS_INSIDE)
        if np.count_nonzero(inner) < _FEWEST:
            continue
        is_figure = has_the_outline_of_a_figure(patch)
        for which, (changed, clear) in enumerate(permutations((view.below, view.above))):
            veiled = is_figure and _shows_through(clear, changed, inner)
            if veiled or _is_coarse(clear, changed, inner):
                covered[which] |= under(patch)
                break
    return covered


def _shows_through(clear: Pixels, veiled: Pixels, inner: Bits) -> bool:
    """Say whether a patch is a mixture of what was there and one colour."""
    below, above = (each[inner > 0].astype(np.float64) for each in (clear, veiled))
    shade, wanted = below - below.mean(axis=0), above - above.mean(axis=0)
    contrast = float((shade * wanted).sum() / max((shade * shade).sum(), 1.0))
    if not _CONTRAST[0] <= contrast <= _CONTRAST[1]:
        return False
    left = float(np.sqrt(np.mean((wanted - contrast * shade) ** 2)))
    return contrast * float(shade.std()) >= _SHOWS * max(left, _LEAST_LEFT)


def _is_coarse(clear: Pixels, coarse: Pixels, inner: Bits) -> bool:
    """Say whether a patch is what was there, without its detail."""
    left, top, width, height = cv2.boundingRect(inner)
    box = slice(top, top + height), slice(left, left + width)
    fine, rough, inner = light_of(clear), light_of(coarse), np.ascontiguousarray(inner[box])
    inside = inner > 0
    slopes = [slope_of(each)[box][inside] for each in (fine, rough)]
    fine, rough = fine[box], rough[box]
    # Text leaves most of its ground flat, and coarse pixels have steep sides.
    if all(each(slopes[1]) > _MOST_STEEP * each(slopes[0]) for each in (np.median, np.mean)):
        return False
    for radius in _RADII:
        blurred = _blurred_within(fine, inner, radius)
        lost = _apart(fine, blurred, inside)
        # As blurred as that; or of coarse pixels, which are to be blurred as well.
        left = min(
            _apart(each, blurred, inside) for each in (rough, _blurred_within(rough, inner, radius))
        )
        if lost >= _LEAST_DETAIL and left <= _AS_COARSE * lost:
            return True
    return False


def _apart(one: Bits | Plane, other: Plane, inside: Mask) -> float:
    """Return by how many levels two planes differ, on average."""
    return float(np.abs(one - other)[inside].mean())


def _blurred_within(plane: Bits, inner: Bits, radius: float) -> Plane:
    """Blur a patch by itself, whatever is around it."""
    weights, values = (
        cv2.GaussianBlur(each, (0, 0), radius, borderType=cv2.BORDER_CONSTANT)
        for each in (inner.astype(np.float32), plane.astype(np.float32) * inner)
    )
    return np.asarray(values / np.maximum(weights, np.float32(1e-3)), np.float32)
