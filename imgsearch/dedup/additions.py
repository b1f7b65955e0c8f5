"""Which changes are captions and logos that somebody put onto a picture.

What the other picture has in another place was not put there: it moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Final

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.dedup.alignment import Overlay
from imgsearch.dedup.bars import bars
from imgsearch.dedup.captions import Box, captions
from imgsearch.dedup.light import light_of
from imgsearch.dedup.logos import logos
from imgsearch.dedup.photometry import Mask
from imgsearch.dedup.residual import Bits, Differing, Residual
from imgsearch.dedup.veils import veils

_LEAST_LOOKED_AT: Final = 0.006
_LEAST_ANGLE: Final = 2.0  # degrees
_CORE: Final = 0.7  # of each side of an addition, that is looked for elsewhere
_AS_MOVED: Final = 0.6  # the correlation with what is there
_LEAST_CONTRAST: Final = 8.0  # levels; the deviation of a thing that could be found again
_AS_CHANGED: Final = 0.4  # of a place differs, if a thing moved there or away


@dataclass(frozen=True, slots=True)
class _Part:
    """What of a mask hangs together: its pixels, and the smallest box around them."""

    mask: Mask
    box: Box


def added_to(overlay: Overlay, residual: Residual) -> Mask:
    """Say which pixels lie under something that was put onto one of the pictures.

    Returns:
        Shape (2, rows, columns): on the one below, and on the one above; on both where it is not
        clear which of them has it.
    """
    shared = residual.shared
    if np.count_nonzero(residual.changed) < _LEAST_LOOKED_AT * np.count_nonzero(shared):
        return np.zeros((2, *shared.shape), bool)
    view = Differing(overlay.below.thumbnail.pixels, overlay.above, residual.sharply, shared)
    explained = _added(view)
    angle = _angle(overlay)
    if abs(angle) > _LEAST_ANGLE:  # captions of the one above are aslant here
        for mask, found in zip(explained, _added(_turned(view, angle)), strict=True):
            mask |= _turned_back(found, angle, shared.shape)
    return explained


def _added(view: Differing) -> Mask:
    explained = captions(view, vertical=False) | captions(view, vertical=True)
    for find in (logos, veils, bars):
        explained = explained | find(view, np.asarray(explained.any(axis=0)))
    greys = light_of(view.below), light_of(view.above)
    for mask, (there, elsewhere) in zip(explained, permutations(greys), strict=True):
        for part in _parts(mask):
            if _moved(part, (there, elsewhere), view.sharply):
                mask[part.mask] = False
    return explained


def _parts(mask: Mask) -> list[_Part]:
    count, numbers, found, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    boxes = [
        (slice(top, top + height), slice(left, left + width))
        for left, top, width, height, _ in found.tolist()
    ]
    return [_Part(np.asarray(numbers == each), boxes[each]) for each in range(1, count)]


def _moved(part: _Part, greys: tuple[Bits, Bits], sharply: Mask) -> bool:
    """Say whether another picture has the same where it differs, too: a thing that moved."""
    core = tuple(_middle(side) for side in part.box)
    thing = greys[0][core]
    if thing.std() < _LEAST_CONTRAST:
        return False
    likeness = cv2.matchTemplate(greys[1], thing, cv2.TM_CCOEFF_NORMED)
    rows, columns = likeness.shape
    down, across = (length // 2 for length in thing.shape)
    differs = cv2.blur(sharply.astype(np.float32), thing.shape[::-1]) >= _AS_CHANGED
    differs[tuple(_around(side) for side in part.box)] = False
    places = differs[down : down + rows, across : across + columns]
    under = float(likeness[core[0].start, core[1].start])  # what it lies on, seen through it
    return bool((likeness[places] >= max(_AS_MOVED, under)).any())


def _around(side: slice) -> slice:
    """Add half a side at either end: what was moved by less is no other place."""
    half = (side.stop - side.start) // 2
    return slice(max(0, side.start - half), side.stop + half)


def _middle(side: slice) -> slice:
    """Leave out the ends of a side, where what is around may be another."""
    margin = int((1 - _CORE) / 2 * (side.stop - side.start))
    return slice(side.start + margin, side.stop - margin)


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


def _turned(view: Differing, angle: float) -> Differing:
    matrix, size = _turning(angle, view.shared.shape)
    masks = [
        cv2.warpAffine(each.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST) > 0
        for each in (view.sharply, view.shared)
    ]
    below, above = (cv2.warpAffine(each, matrix, size) for each in (view.below, view.above))
    return Differing(below, above, *masks)


def _turned_back(mask: Mask, angle: float, shape: tuple[int, ...]) -> Mask:
    matrix, _ = _turning(angle, shape)
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(mask.astype(np.uint8), matrix, shape[::-1], flags=flags) > 0)


def compact(changed: Mask) -> Mask:
    """Leave out specks and thin outlines, which come of other sharpness and rounding."""
    window = np.ones((7, 7), np.uint8)
    return np.asarray(cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_OPEN, window) > 0)
