"""Give one picture the colours of another, as an edit of the whole would: warmer, more vivid.

An edit mixes the three channels, and cuts off what becomes too bright or too dark. So the picture
before the edit says what the one after it must be, and not the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.dedup.photometry import Mask, robust_fit, sampled, turns_hues
from imgsearch.types import Pixels

_SAME: Final = 6.0  # levels
_ENOUGH: Final = 0.9  # of all samples: if so many are the same, nothing was done to the whole
_CUT_OFF: Final = (6, 249)  # levels beyond which there may have been more
_FEWEST: Final = 60
_CLEARLY: Final = 0.7  # times the difference, that is to be left at most
_UNCHANGED: Final = 255 * np.eye(4, 3, dtype=np.float32)
_LUMA: Final = np.array([0.299, 0.587, 0.114])
_TO_COLOUR: Final = np.array([(0.5, -0.419, -0.081), (-0.169, -0.331, 0.5)])  # red, blue
_FROM_COLOUR: Final = np.linalg.pinv(np.vstack([_LUMA, _TO_COLOUR]))[:, 1:]


@dataclass(frozen=True, slots=True)
class _Mixture:
    """How the channels of one picture make those of another.

    Attributes:
        matrix: Shape (3, 4): of red, green, blue and 1.
        left: What is left of the difference, in parts of what there was.
    """

    matrix: npt.NDArray[np.float64]
    left: float


_NONE: Final = _Mixture(np.eye(3, 4), np.inf)


def match_colours(below: Pixels, above: Pixels, shared: Mask) -> tuple[Pixels, Pixels]:
    """Recolour the picture of which the other may have been made; neither if nothing shows that.

    Args:
        below: Shape (rows, columns, 3).
        above: What lies on it, of the same shape.
        shared: Where they are compared.
    """
    one, other = (sampled(each, shared).astype(np.float32) for each in (below, above))
    if np.count_nonzero(np.abs(one - other).max(axis=1) <= _SAME) >= _ENOUGH * len(one):
        return below, above
    forth, back = _mixture(one, other), _mixture(other, one)
    if min(forth.left, back.left) > _CLEARLY:
        return below, above
    if forth.left <= back.left:
        return np.asarray(cv2.transform(below, forth.matrix), np.uint8), above
    return below, np.asarray(cv2.transform(above, back.matrix), np.uint8)


def _mixture(source: npt.NDArray[np.float32], target: npt.NDArray[np.float32]) -> _Mixture:
    """Fit what makes the target of the source, by what is not cut off in the target."""
    whole = (target > _CUT_OFF[0]) & (target < _CUT_OFF[1])
    if np.count_nonzero(whole, axis=0).min() < _FEWEST:
        return _NONE
    terms = np.column_stack([source, np.full(len(source), 255, np.float32)]) / np.float32(255)
    columns = [
        robust_fit(terms[clear], wanted[clear, None], unchanged[:, None], least=_SAME)[0]
        for clear, wanted, unchanged in zip(whole.T, target.T, _UNCHANGED.T, strict=True)
    ]
    solution = np.hstack(columns)
    predicted = np.clip(terms @ solution, 0, 255)
    before, after = (np.abs(target - each).mean() for each in (source, predicted))
    matrix = (solution / np.array([[255], [255], [255], [1]])).T
    if turns_hues(_TO_COLOUR @ matrix[:, :3] @ _FROM_COLOUR):
        return _NONE
    return _Mixture(matrix, float(after / max(before, 1)))
