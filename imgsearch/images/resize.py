"""Resize pixels with antialiasing, several times faster than a filter that weighs every pixel.

Bilinear interpolation never looks at more than two pixels along an axis, so it is used only between
sizes at most `_LARGEST_STEP` apart, to a whole multiple of the size that is wanted. The mean
over whole blocks then does the rest. Both steps have vector instructions in OpenCV, which an
area filter between arbitrary sizes has not.
"""

from __future__ import annotations

import math
from typing import Final

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np

from imgsearch.types import Pixels

_LARGEST_STEP: Final = 1.5  # at 2, stripes of single pixels come through twice as strong
_LEAST_BLOCK: Final = 2  # so that enlarging and shrinking a little are smoothed alike


def resize(pixels: Pixels, width: int, height: int) -> Pixels:
    """Return a picture in another size, each axis scaled by itself.

    Args:
        pixels: Shape (rows, columns, channels), uint8.
        width: Columns wanted, at least 1.
        height: Rows wanted, at least 1.

    Returns:
        Shape (height, width, channels), uint8, C-contiguous.
    """
    rows, columns = pixels.shape[:2]
    multiple = width * _blocks(columns, width), height * _blocks(rows, height)
    if multiple != (columns, rows):
        pixels = _as_pixels(cv2.resize(pixels, multiple, interpolation=cv2.INTER_LINEAR))
    return _as_pixels(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA))


def three_channels(pixels: Pixels) -> Pixels:
    """Return a picture without its fourth channel, if it has one; OpenCV is quicker than a slice.

    Args:
        pixels: Shape (rows, columns, 3 or 4), uint8.

    Returns:
        Shape (rows, columns, 3), uint8, C-contiguous.
    """
    whole = np.ascontiguousarray(pixels)
    return whole if whole.shape[2] == 3 else _as_pixels(cv2.cvtColor(whole, cv2.COLOR_RGBA2RGB))


def sharpened(pixels: Pixels, amount: float) -> Pixels:
    """Return a picture with its finest detail made stronger: an unsharp mask of 3 x 3 pixels.

    `resize` blurs a little, which costs a network more than it seems to cost the eye.

    Args:
        pixels: Shape (rows, columns, channels), uint8.
        amount: How many times the difference from a blurred picture is added; 0 changes nothing.
    """
    if not amount:
        return pixels
    blurred = cv2.GaussianBlur(pixels, (3, 3), 0)  # weighs neighbours 1, 2, 1
    return _as_pixels(cv2.addWeighted(pixels, 1 + amount, blurred, -amount, 0))


def _blocks(length: int, wanted: int) -> int:
    """Return over how many pixels of the intermediate picture one pixel of the result is a mean."""
    return max(_LEAST_BLOCK, math.ceil(length / (_LARGEST_STEP * wanted)))


def _as_pixels(array: object) -> Pixels:
    return np.asarray(array, dtype=np.uint8)
