"""Find what somebody put around a picture: a border, bars, the ground that a turned one lies on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.dedup.geometry import Transform
from imgsearch.types import Pixels

Bits: TypeAlias = npt.NDArray[np.uint8]
"""0 or 1 for each pixel: shape (rows, columns)."""

_FLAT: Final = 8  # levels by which the colour of a margin may vary
_MOST_SPREAD: Final = 3.5  # its standard deviation in levels
_SEEDS: Final = (0.01, 0.08, 0.16, 0.25, 0.37, 0.5, 0.63, 0.75, 0.84, 0.92, 0.99)  # of each side
_AROUND_DOWN, _AROUND_ACROSS = (each.ravel() for each in np.mgrid[-2:3, -2:3])
_LEAST_REGION: Final = 0.01  # of the picture
_LEAST_HOLE: Final = 0.1
_OFF_LINE: Final = 2.0  # pixels by which an outline may miss a straight line
_OFF_AREA: Final = 0.04
_MOST_CORNERS: Final = 10
_LEAST_MARGIN: Final = 0.03  # of the picture
_LEAST_CONTENT: Final = 0.2
_MOST_ISLANDS: Final = 0.12  # of the margins: the clock and the buttons of a screen
_RECTANGLE: Final = 0.96  # how much of the smallest rectangle around it a picture fills
_LIKELY_FULL: Final = 0.8
_LIKELY_ISLANDS: Final = 0.3


@dataclass(frozen=True, slots=True)
class Content:
    """What of a picture is no margin: a rectangle, perhaps aslant.

    Attributes:
        mask: Its pixels, 1, and the margin's, 0; shape (rows, columns).
        frame: Takes the unit square to it; the middle of a pixel is its place.
        framed: Whether there is a margin at all.
    """

    mask: Bits
    frame: Transform
    framed: bool

    @property
    def area(self) -> int:
        """How many pixels it has."""
        return int(np.count_nonzero(self.mask))


def content_of(pixels: Pixels) -> Content:
    """Find a picture's margin, and what it surrounds.

    A margin is flat and reaches to the edge, and what it leaves is a rectangle. Where there is
    none of this kind, all pixels are content.
    """
    inside = _inside(pixels)
    if inside is None or inside.fullness < _RECTANGLE or inside.islands > _MOST_ISLANDS:
        rows, columns = pixels.shape[:2]
        whole = np.array([[columns, 0, -0.5], [0, rows, -0.5], [0, 0, 1]], float)
        return Content(np.ones((rows, columns), np.uint8), whole, framed=False)
    content = cv2.erode(inside.mask, np.ones((5, 5), np.uint8))  # the edge may be half margin
    return Content(np.asarray(content, np.uint8), inside.frame, framed=True)


def likely_frame(pixels: Pixels) -> Transform | None:
    """Return the frame of what is perhaps within a margin, None if nothing speaks for one.

    It finds more frames than `content_of` does, and some that are none: for looking where a copy
    could be, not for saying that it is one.
    """
    inside = _inside(pixels)
    if inside is None or inside.fullness < _LIKELY_FULL or inside.islands > _LIKELY_ISLANDS:
        return None
    return inside.frame


@dataclass(frozen=True, slots=True)
class _Inside:
    """The largest thing that a margin leaves.

    Attributes:
        mask: Its pixels, as of `Content`.
        frame: The smallest rectangle around it, as of `Content`.
        fullness: How much of that rectangle it fills, in [0, 1].
        islands: How much of the margin is something else, in [0, 1].
    """

    mask: Bits
    frame: Transform
    fullness: float
    islands: float


def _inside(pixels: Pixels) -> _Inside | None:
    margin = _flat_from_the_edge(pixels)
    if cv2.countNonZero(margin) < _LEAST_MARGIN * margin.size:
        return None
    rest = cv2.morphologyEx(1 - margin, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    outlines, _ = cv2.findContours(rest, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return None
    largest = max(outlines, key=cv2.contourArea)
    content = cv2.drawContours(np.zeros_like(margin), [largest], -1, 1, cv2.FILLED)
    area, box = float(content.sum()), cv2.minAreaRect(largest)
    if area < _LEAST_CONTENT * margin.size:
        return None
    width, height = box[1]
    if not min(width, height):
        return None
    islands = margin.size - area - float((margin & ~content).sum())
    return _Inside(
        np.asarray(content, np.uint8),
        frame_of(cv2.boxPoints(box)),
        area / ((width + 1) * (height + 1)),
        islands / max(1.0, margin.size - area),
    )


def flattened(pixels: Pixels, frame: Transform, side: int) -> Pixels:
    """Return what is in a frame, as a small square.

    Args:
        pixels: Shape (rows, columns, 3).
        frame: Takes the unit square to places in the picture.
        side: Of the square, in pixels.
    """
    if not frame[0, 1] and not frame[1, 0] and min(frame[0, 0], frame[1, 1]) > 0:
        left, top = np.rint(frame[:2, 2] + 0.5).astype(int)
        right, bottom = np.rint(frame[:2, :2].diagonal() + frame[:2, 2] + 0.5).astype(int)
        part = np.ascontiguousarray(pixels[top:bottom, left:right])
    else:
        fine = 4 * side
        shrink = np.array([[1 / fine, 0, 0.5 / fine], [0, 1 / fine, 0.5 / fine], [0, 0, 1]])
        back = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
        part = cv2.warpAffine(pixels, (frame @ shrink)[:2], (fine, fine), flags=back)
    return np.asarray(cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def frame_of(corners: npt.NDArray[np.float32]) -> Transform:
    """Return what takes the unit square to a rectangle, given by its corners' middles."""
    start = int(corners.sum(axis=1).argmin())
    first, second, _, last = np.roll(corners, -start, axis=0).astype(float)
    across, down = second - first, last - first
    if abs(across[0]) < abs(down[0]):
        across, down = down, across
    across, down = (each * (1 + 1 / max(1.0, np.hypot(*each))) for each in (across, down))
    corner = first - 0.5 * (across / np.hypot(*across) + down / np.hypot(*down))
    return np.array([[across[0], down[0], corner[0]], [across[1], down[1], corner[1]], [0, 0, 1]])


def _flat_from_the_edge(pixels: Pixels) -> Bits:
    """Find what has one colour, reaches to the edge, and is bounded by straight lines."""
    rows, columns = pixels.shape[:2]
    filled = np.zeros((rows + 2, columns + 2), np.uint8)
    picture, inside = np.ascontiguousarray(pixels), filled[1:-1, 1:-1]
    margin = np.zeros((rows, columns), np.uint8)
    for number, (x, y) in enumerate(_seeds(picture), start=1):
        if not inside[y, x]:
            how = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | (number << 8)
            area, _, _, box = cv2.floodFill(
                picture, filled, (x, y), 0, (_FLAT,) * 3, (_FLAT,) * 3, how
            )
            place = slice(box[1], box[1] + box[3]), slice(box[0], box[0] + box[2])
            region = (inside[place] == number).astype(np.uint8)
            if area >= _LEAST_REGION * margin.size and _is_margin(
                region, picture[place], margin.size
            ):
                margin[place] |= region
    return margin


def _seeds(picture: Pixels) -> list[tuple[int, int]]:
    """Return places on the edge around which it is flat, as x and y."""
    rows, columns = picture.shape[:2]
    seeds: list[tuple[int, int]] = []
    for share in _SEEDS:
        x, y = (min(side - 1, int(share * side)) for side in (columns, rows))
        seeds += [(x, 0), (x, rows - 1), (0, y), (columns - 1, y)]
    x, y = np.array(seeds).T[..., None]
    across = np.clip(x + _AROUND_ACROSS, 0, columns - 1)
    around = picture[np.clip(y + _AROUND_DOWN, 0, rows - 1), across]
    varies = (around.max(axis=1) - around.min(axis=1)).max(axis=1)
    return [seed for seed, levels in zip(seeds, varies.tolist(), strict=True) if levels <= _FLAT]


def _is_margin(region: Bits, pixels: Pixels, size: int) -> bool:
    """Say whether a region has one colour without a slope, and is a bar, a corner or a frame."""
    _, spread = cv2.meanStdDev(pixels, mask=region)
    if spread.max() > _MOST_SPREAD:
        return False
    outlines, levels = cv2.findContours(region, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outer = max(outlines, key=cv2.contourArea)
    holes = [each for each, level in zip(outlines, levels[0], strict=True) if level[3] >= 0]
    large = [each for each in holes if cv2.contourArea(each) > _LEAST_HOLE * size]
    return _is_straight(outer) and all(_is_straight(each) or _fills(each) for each in large)


def _fills(outline: npt.NDArray[np.int32]) -> bool:
    """Say whether an outline is nearly that of a rectangle, be it ragged: colours bleed."""
    _, (width, height), _ = cv2.minAreaRect(outline)
    return bool(cv2.contourArea(outline) >= _RECTANGLE * width * height)


def _is_straight(outline: npt.NDArray[np.int32]) -> bool:
    """Say whether an outline is nearly that of a polygon with few corners."""
    corners = cv2.approxPolyDP(outline, _OFF_LINE, closed=True)
    area = cv2.contourArea(outline)
    alike = abs(cv2.contourArea(corners) - area) <= _OFF_AREA * area
    return bool(len(corners) <= _MOST_CORNERS and alike)
