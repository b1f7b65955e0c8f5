"""Which changes are captions and logos that somebody put onto a picture."""

from __future__ import annotations

from typing import Final

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.dedup.alignment import Overlay
from imgsearch.dedup.captions import captions
from imgsearch.dedup.logos import logos
from imgsearch.dedup.photometry import Mask
from imgsearch.dedup.residual import Differing, Residual
from imgsearch.dedup.veils import veils

_LEAST_LOOKED_AT: Final = 0.006
_LEAST_ANGLE: Final = 2.0  # degrees


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
    for find in (logos, veils):
        explained = explained | find(view, np.asarray(explained.any(axis=0)))
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
