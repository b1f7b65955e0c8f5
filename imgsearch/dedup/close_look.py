"""A closer look at two files that a thumbnail shows to be one picture: a word may be another."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Final, TypeAlias

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.dedup.light import light_of
from imgsearch.images.decode import decode
from imgsearch.images.sketch import in_turn, turns_of
from imgsearch.types import Pixels

Plane: TypeAlias = npt.NDArray[np.float32]
"""One value for each pixel: shape (rows, columns)."""

_SIDE: Final = 1000  # pixels along the longer side; a word of a page is some 50 wide then
_BLUR: Final = 1.0
_WINDOW: Final = (15, 15)
_LEAST_CONTRAST: Final = 14.0  # levels; a window of less has nothing in it
_LEAST_CORRELATION: Final = 0.6  # of a window's detail in both pictures
_LEAST_AREA: Final = 60  # pixels of windows in which another thing stands
_TINY: Final = 16
_SHIFTS: Final = tuple(product((0, -1, 1), repeat=2))  # pixels by which rounding may move detail


def differ_somewhere(first: Path, second: Path) -> bool:
    """Tell whether something in one picture is not in the other, in the same place.

    Args:
        first: A file that holds the whole of a picture.
        second: One that holds it as well, perhaps turned, mirrored, in another size or encoding.

    Raises:
        ImageReadError: If one cannot be read or is damaged.
    """
    one, other = _overlaid(_grey(first), _grey(second))
    one, contrast = _centred(one)
    _, other_contrast = _centred(other)
    busy = np.maximum(contrast, other_contrast) > _LEAST_CONTRAST
    margin = _WINDOW[0] // 2 + 1
    other_thing = np.zeros_like(busy)
    inside = slice(margin, -margin), slice(margin, -margin)
    other_thing[inside] = busy[inside]
    for down, across in _SHIFTS:
        shifted, shifted_contrast = _centred(np.roll(other, (down, across), (0, 1)))
        common = cv2.blur(one * shifted, _WINDOW)
        strength = np.maximum(contrast, 1) * np.maximum(shifted_contrast, 1)
        other_thing &= common < _LEAST_CORRELATION * strength
        if np.count_nonzero(other_thing) <= _LEAST_AREA:  # most copies need one shift
            return False
    return True


def _grey(path: Path) -> npt.NDArray[np.uint8]:
    pixels: Pixels = decode(path, name=str(path), shrink_to=_SIDE).pixels
    return light_of(pixels)


def _overlaid(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> tuple[Plane, Plane]:
    """Turn and scale the second picture as the first, at the smaller size of both."""
    turn = int(np.argmax(turns_of(_tiny(second)) @ turns_of(_tiny(first))[0]))
    turned = in_turn(second, turn)
    scale = min(1.0, _SIDE / max(first.shape), max(turned.shape) / max(first.shape))
    size = max(32, round(first.shape[1] * scale)), max(32, round(first.shape[0] * scale))
    return _smooth(first, size), _smooth(np.ascontiguousarray(turned), size)


def _tiny(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    tiny = cv2.resize(grey, (_TINY, _TINY), interpolation=cv2.INTER_AREA)
    return np.asarray(tiny, np.uint8)


def _smooth(grey: npt.NDArray[np.uint8], size: tuple[int, int]) -> Plane:
    scaled = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(scaled, (0, 0), _BLUR), np.float32)


def _centred(plane: Plane) -> tuple[Plane, Plane]:
    """Return a plane without its local mean, and how much it varies locally."""
    centred = np.asarray(plane - cv2.blur(plane, _WINDOW), np.float32)
    variance = np.maximum(cv2.blur(centred * centred, _WINDOW), 0)  # rounding may go below
    return centred, np.asarray(np.sqrt(variance), np.float32)
