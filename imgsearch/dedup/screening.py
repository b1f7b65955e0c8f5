"""Tell quickly which of many pictures could be copies of one, before any is looked at closely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from imgsearch.dedup.sketch import Landmarks, Sketch

_LEAST_CORRELATION: Final = 0.8  # of two tiny pictures
_LEAST_AGREEING: Final = 6  # landmarks
_MOST_BITS: Final = 14  # of 64 in which two landmarks that are the same may differ
_ANGLE: Final = 0.3  # by how much matches that agree may differ: radians,
_SIZE: Final = 0.35  # logarithms,
_PLACE: Final = 0.1  # and parts of the picture's longer side


def screen(first: Sketch, seconds: Sequence[Sketch]) -> npt.NDArray[np.bool_]:
    """Say of each of many pictures whether it could be a copy of the first.

    Args:
        first: A picture.
        seconds: Others.

    Returns:
        Shape (len(seconds),).
    """
    if not seconds:
        return np.zeros(0, bool)
    whole = np.stack([second.turns[0] for second in seconds]) @ first.turns.T
    likely: npt.NDArray[np.bool_] = whole.max(axis=1) >= _LEAST_CORRELATION
    for place in np.flatnonzero(~likely).tolist():
        likely[place] = agreeing(first, seconds[place]) >= _LEAST_AGREEING
    return likely


def agreeing(first: Sketch, second: Sketch) -> int:
    """Count the landmarks of a picture that lie alike in another: turned, scaled, moved as one.

    Returns:
        The larger of the counts for the first picture and for its mirror image.
    """
    return max(_agreeing(marks, second.plain) for marks in (first.plain, first.mirrored))


def _agreeing(marks: Landmarks, others: Landmarks) -> int:
    marks, found = _matched(marks, others)
    if len(marks) < _LEAST_AGREEING:
        return len(marks)
    turn = found["angle"].astype(np.float32) - marks["angle"]
    growth = found["size"].astype(np.float32) - marks["size"]
    middle = _middle(marks, found, turn, growth)
    reach = _PLACE * np.maximum(1, np.exp(growth))
    alike = np.abs(growth[:, None] - growth) < _SIZE
    alike &= np.cos(turn[:, None] - turn) > np.cos(_ANGLE)
    alike &= np.abs(middle[:, None] - middle) < reach[:, None]
    return int(alike.sum(axis=1).max())


def _matched(marks: Landmarks, others: Landmarks) -> tuple[Landmarks, Landmarks]:
    """Return the landmarks of two pictures that are each other's most alike, of one length."""
    if not len(marks) or not len(others):
        return marks[:0], others[:0]
    bits = np.bitwise_count(marks["looks"][:, None] ^ others["looks"])
    places, rows = bits.argmin(axis=1), np.arange(len(marks))
    mutual = (bits.argmin(axis=0)[places] == rows) & (bits[rows, places] <= _MOST_BITS)
    return marks[mutual], others[places[mutual]]


def _middle(
    marks: Landmarks,
    found: Landmarks,
    turn: npt.NDArray[np.float32],
    growth: npt.NDArray[np.float32],
) -> npt.NDArray[np.complex64]:
    """Return where each match alone puts the first picture's middle in the second, as x + iy."""
    return np.asarray(_place(found) - _place(marks) * np.exp(growth + 1j * turn), np.complex64)


def _place(marks: Landmarks) -> npt.NDArray[np.complex64]:
    return np.ascontiguousarray(marks["place"], np.float32).view(np.complex64)[:, 0]
