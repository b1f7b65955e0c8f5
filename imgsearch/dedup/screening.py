"""Tell quickly which of many pictures could be copies of one, before any is looked at closely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from imgsearch.dedup.sketch import Landmarks, Sketch

_LEAST_CORRELATION: Final = 0.9  # of two tiny pictures
_LEAST_AGREEING: Final = 6  # landmarks,
_LEAST_SHARE: Final = 0.17  # and this much of those that look like some of the other picture
_MOST_BITS: Final = 14  # of 64 in which two landmarks that are the same may differ
_ANGLE: Final = 0.3  # by how much matches that agree may differ: radians,
_SIZE: Final = 0.35  # logarithms,
_ROUNDS: Final = 2
_SLIP: Final = 0.02  # of the longer side: by how much a place may be off one turn, scale and shift
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
        likely[place] = has_the_landmarks(first, seconds[place])
    return likely


def has_the_landmarks(first: Sketch, second: Sketch) -> bool:
    """Tell whether landmarks of a picture, or of its mirror image, lie alike in another.

    That is: all turned, scaled and moved in the same way.
    """
    for marks in (first.plain, first.mirrored):
        seen, found = matched(marks, second.plain)
        least = max(_LEAST_AGREEING, _LEAST_SHARE * len(seen))
        if len(seen) >= least and agreeing(seen, found) >= least:
            return True
    return False


def agreeing(marks: Landmarks, found: Landmarks) -> int:
    """Count the matches that one turn, scale and shift explains.

    Args:
        marks: Landmarks of a picture, at least one.
        found: Those of another that look like them, one for each.
    """
    turn = found["angle"].astype(np.float32) - marks["angle"]
    growth = found["size"].astype(np.float32) - marks["size"]
    middle = _middle(marks, found, turn, growth)
    reach = _PLACE * np.maximum(1, np.exp(growth))
    alike = np.abs(growth[:, None] - growth) < _SIZE
    alike &= np.cos(turn[:, None] - turn) > np.cos(_ANGLE)
    alike &= np.abs(middle[:, None] - middle) < reach[:, None]
    fullest = alike[alike.sum(axis=1).argmax()]
    return _fitting(_place(marks), _place(found), fullest)


def _fitting(
    places: npt.NDArray[np.complex64],
    found: npt.NDArray[np.complex64],
    chosen: npt.NDArray[np.bool_],
) -> int:
    """Count the matches that one turn, scale and shift explains, beginning with some of them."""
    for _ in range(_ROUNDS):
        if chosen.sum() < 2:
            return 0
        from_middle = places[chosen] - places[chosen].mean()
        spread = float(np.square(np.abs(from_middle)).sum())
        factor = (from_middle.conj() @ found[chosen]) / max(spread, 1e-9)
        shift = found[chosen].mean() - factor * places[chosen].mean()
        off = np.abs(factor * places + shift - found)
        chosen = off < _SLIP * max(1.0, float(abs(factor)))
    return int(chosen.sum())


def matched(marks: Landmarks, others: Landmarks) -> tuple[Landmarks, Landmarks]:
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
