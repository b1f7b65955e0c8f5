"""The light of a picture, and how steep it is."""

from __future__ import annotations

from typing import Any

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.types import Pixels


def light_of(pixels: Pixels) -> npt.NDArray[np.uint8]:
    """Return grey levels, shape (rows, columns), of pixels of shape (rows, columns, 3)."""
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY), np.uint8)


def slope_of(plane: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return by how many levels light changes from pixel to pixel, shape (rows, columns)."""
    across = cv2.Sobel(plane, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(plane, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(cv2.magnitude(across, down), np.float32)
