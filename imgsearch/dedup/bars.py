"""Bars of one colour along the sides of a picture, with words on them or not, that hide a part.

A border hides nothing, and is a margin; see `imgsearch.dedup.margins`. But where its picture is a
crop, or the border was not told from it, it lies over what the other picture shows there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.dedup.photometry import Mask
from imgsearch.dedup.residual import Differing
from imgsearch.types import Pixels

_OF_ITS_COLOUR: Final = 16  # levels
_EDGE: Final = 3  # rows whose usual colour is the bar's
_LEAST_IN_A_ROW: Final = 0.35  # of its colour; the rest are words
_LEAST_FLAT: Final = 0.6  # of the bar
_DEPTH: Final = (0.03, 0.3)  # of the picture
_MOST_ALIKE: Final = 0.4  # of what lies below is of the bar's colour as well
_LEAST_CHANGED: Final = 0.4  # of the bar
_ROUNDING: Final = 1e-9


def bars(view: Differing, explained: Mask) -> Mask:
    """Say which pixels of one of two pictures lie under a bar that the other has not.

    Args:
        view: The pictures.
        explained: What differs for another reason.

    Returns:
        Shape (2, rows, columns): on the one below, and on the one above.
    """
    covered = np.zeros((2, *view.shared.shape), bool)
    box = _box(view.shared)
    pictures = view.below[box], view.above[box]
    changed = view.sharply[box] | explained[box]
    for which in (0, 1):
        inside = covered[which][box]  # a view of it
        for place in _edges(pictures[which], pictures[1 - which], changed):
            inside[place] = True
    return covered


def _box(shared: Mask) -> tuple[slice, slice]:
    """Return the smallest box around what is shared."""
    left, top, width, height = cv2.boundingRect(shared.astype(np.uint8))
    return slice(top, top + height), slice(left, left + width)


def _edges(picture: Pixels, other: Pixels, changed: Mask) -> Iterator[tuple[slice, slice]]:
    """Find the bars along the four sides of a picture."""
    for across in (False, True):
        if across:
            picture, other, changed = (
                picture.swapaxes(0, 1),
                other.swapaxes(0, 1),
                changed.swapaxes(0, 1),
            )
        length, everywhere = len(picture), slice(None)
        first = slice(0, _depth(picture, other, changed))
        last = slice(length - _depth(picture[::-1], other[::-1], changed[::-1]), length)
        for rows in (first, last):
            yield (everywhere, rows) if across else (rows, everywhere)


def _depth(picture: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8], changed: Mask) -> int:
    """Return how many rows a bar has that begins at the first; 0 if there is none."""
    least, most = (share * len(picture) for share in _DEPTH)
    if len(picture) < _EDGE or not _may_hide(changed[: int(most)], least):
        return 0
    colour = np.median(picture[:_EDGE].reshape(-1, 3), axis=0)
    flat = _are_of(picture[: int(most) + 1], colour)
    ends = np.flatnonzero(flat.mean(axis=1) < _LEAST_IN_A_ROW)
    depth = int(ends[0]) if len(ends) else len(flat)
    if not least <= depth <= most:
        return 0
    is_bar = flat[:depth].mean() >= _LEAST_FLAT
    hides = _are_of(other[:depth], colour).mean() <= _MOST_ALIKE
    return depth if is_bar and hides and changed[:depth].mean() >= _LEAST_CHANGED else 0


def _may_hide(changed: Mask, least: float) -> bool:
    """Say whether enough differs for a bar of any depth from the least on."""
    depths = np.arange(1, len(changed) + 1)
    shares = np.cumsum(changed.mean(axis=1)) / depths
    return bool((shares[depths >= least] >= _LEAST_CHANGED - _ROUNDING).any())


def _are_of(pixels: npt.NDArray[np.uint8], colour: npt.NDArray[np.float64]) -> Mask:
    least = np.clip(np.ceil(colour - _OF_ITS_COLOUR), 0, 255).astype(np.uint8)
    most = np.clip(np.floor(colour + _OF_ITS_COLOUR), 0, 255).astype(np.uint8)
    red, green, blue = np.moveaxis(pixels - least <= most - least, -1, 0)  # less than least wraps
    return np.asarray(red & green & blue)
