"""Find what somebody put around a picture: a border, bars, the ground that a turned one lies on."""

from __future__ import annotations

import itertools
from typing import Final, TypeAlias

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.types import Pixels

Bits: TypeAlias = npt.NDArray[np.uint8]
"""0 or 1 for each pixel: shape (rows, columns)."""

_FLAT: Final = 8  # levels by which the colour of a margin may vary
_SEEDS: Final = (0.01, 0.25, 0.5, 0.75, 0.99)  # of each side
_LEAST_MARGIN: Final = 0.03  # of the picture
_LEAST_CONTENT: Final = 0.2
_MOST_ISLANDS: Final = 0.12  # of the margins: the clock and the buttons of a screen
_RECTANGLE: Final = 0.96


def content_of(pixels: Pixels) -> Bits:
    """Say which pixels of a picture are no margin.

    A margin is flat and reaches to the edge, and what it leaves is a rectangle, perhaps aslant.
    Where there is none of this kind, all pixels are content.
    """
    everything = np.ones(pixels.shape[:2], np.uint8)
    margin = _flat_from_the_edge(pixels)
    if margin.sum() < _LEAST_MARGIN * margin.size:
        return everything
    rest = cv2.morphologyEx(1 - margin, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    outlines, _ = cv2.findContours(rest, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return everything
    largest = max(outlines, key=cv2.contourArea)
    content = cv2.drawContours(np.zeros_like(margin), [largest], -1, 1, cv2.FILLED)
    area, box = float(content.sum()), cv2.minAreaRect(largest)
    (width, height) = box[1]
    islands = margin.size - area - float((margin & ~content).sum())
    if (
        area < _LEAST_CONTENT * margin.size
        or area < _RECTANGLE * (width + 1) * (height + 1)
        or islands > _MOST_ISLANDS * (margin.size - area)
    ):
        return everything
    return np.asarray(content, np.uint8)


def _flat_from_the_edge(pixels: Pixels) -> Bits:
    """Fill what has the colour of a place on the edge, from there."""
    rows, columns = pixels.shape[:2]
    filled = np.zeros((rows + 2, columns + 2), np.uint8)
    picture = np.ascontiguousarray(pixels)
    how = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | (1 << 8)
    edge = [(x, y) for x in _SEEDS for y in (0.0, 1.0)]
    for x, y in itertools.chain(edge, ((y, x) for x, y in edge)):
        place = min(columns - 1, int(x * columns)), min(rows - 1, int(y * rows))
        if not filled[place[1] + 1, place[0] + 1]:
            cv2.floodFill(picture, filled, place, 0, (_FLAT,) * 3, (_FLAT,) * 3, how)
    return np.ascontiguousarray(filled[1:-1, 1:-1])
