"""Which of two copies is the other without what somebody put around it or on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.dedup.geometry import Points, Transform, inverse, moved
from imgsearch.dedup.light import light_of, slope_of
from imgsearch.dedup.margins import Bits
from imgsearch.dedup.portrait import Portrait
from imgsearch.dedup.records import Plainer
from imgsearch.types import Pixels

Two: TypeAlias = tuple[float, float]
"""A share for either of two pictures, in [0, 1]."""

_WHOLE: Final = 0.94
_NOTHING: Final = 0.003
_MUCH_LESS: Final = 0.1
_LEAST_AROUND: Final = 0.03  # of a picture: less is no margin
_LEAST_CLEARLY: Final = 0.01  # of a picture, more than two pixels away from what is inside
_COLOURS: Final = 3  # that a margin has: an app's ground and its bars
_OF_ONE_COLOUR: Final = 3  # levels from it, as a thumbnail is kept
_NEARLY_OF_IT: Final = 12
_MOST_GOING_ON: Final = 0.6  # of its edge, where a picture is not simply a part of the other
_REACH: Final = 17  # pixels: from the inside of an edge to what is around
_LEAST_REACHED: Final = 0.02
_STEEP: Final = 6.0  # levels a pixel
_MOST_STEEP: Final = 0.03  # of what is around
_FLAT: Final = 0.7  # of a margin, with words and buttons on it; a sky has more colours


@dataclass(frozen=True, slots=True)
class Laid:
    """How one picture lies on another.

    Attributes:
        transform: From places in the first thumbnail to places in the second, shape (3, 3).
        shares: How much of each, without its margin, the other shows.
        added: How much of what both show lies under captions and logos of each.
    """

    transform: Transform
    shares: Two
    added: Two = (0.0, 0.0)

    @property
    def swapped(self) -> Laid:
        """The same for the pictures in the other order."""
        return Laid(inverse(self.transform), self.shares[::-1], self.added[::-1])


def plainer_of(first: Portrait, second: Portrait, laid: Laid) -> Plainer:
    """Say which of two pictures has less around it or on it, be it larger or smaller."""
    if _is_plainer(second, first, laid.swapped):
        return "second"
    return "first" if _is_plainer(first, second, laid) else ""


def _is_plainer(plain: Portrait, other: Portrait, laid: Laid) -> bool:
    """Say whether the first of two pictures is the second without what was added."""
    around = _has_around(other, plain, laid)
    less_on_it = laid.added[1] > _NOTHING and laid.added[0] <= _MUCH_LESS * laid.added[1]
    more_on_it = laid.added[0] > _NOTHING and laid.added[0] > laid.added[1]
    if around:
        return not more_on_it
    whole = laid.shares[1] >= _WHOLE
    return whole and less_on_it and not _has_around(plain, other, laid.swapped)


def _has_around(framed: Portrait, plain: Portrait, laid: Laid) -> bool:
    """Say whether all of a picture lies in another, with flat or smooth colours around it.

    These end at the picture, which would else be a part of the other.

    Args:
        framed: What may have something around it.
        plain: What would be in it.
        laid: How the plain one lies on the framed one.
    """
    corners = np.rint(_place(plain, laid.transform)).astype(np.int32)
    inside = cv2.fillConvexPoly(np.zeros(framed.shape, np.uint8), corners, 1)
    if laid.shares[0] < _WHOLE * _without_rim(framed, inside):
        return False
    pixels, around = framed.thumbnail.pixels, cv2.dilate(inside, _a_few_pixels(5)) == 0
    outside = inside.size - int(np.count_nonzero(inside))
    if outside < _LEAST_AROUND * inside.size or around.sum() < _LEAST_CLEARLY * inside.size:
        return False
    is_ground = _is_flat(pixels[around]) or _is_smooth(pixels, around)
    return is_ground and not _goes_on(pixels, inside, around)


def _without_rim(framed: Portrait, inside: Bits) -> float:
    """Return how much of a picture in a margin is compared: its rim, which bleeds, is not."""
    if not framed.content.framed:
        return 1.0
    return float(cv2.erode(inside, _a_few_pixels(5)).sum()) / max(1.0, float(inside.sum()))


def _is_flat(around: Pixels) -> bool:
    """Say whether most of what is around, shape (n, 3), has a few colours."""
    return len(_without_main_colours(around)) <= (1 - _FLAT) * len(around)


def _is_smooth(pixels: Pixels, around: npt.NDArray[np.bool_]) -> bool:
    """Say whether there is no detail around, as where a picture is laid on itself, blurred."""
    away = cv2.erode(around.astype(np.uint8), _a_few_pixels(5)) > 0  # from the edge of the inside
    steep = slope_of(light_of(pixels))[away] > _STEEP
    return len(steep) > 0 and bool(np.count_nonzero(steep) <= _MOST_STEEP * len(steep))


def _goes_on(pixels: Pixels, inside: Bits, around: npt.NDArray[np.bool_]) -> bool:
    """Say whether there is no edge between a picture and what is around: it is a part of that."""
    weight = cv2.boxFilter(around.astype(np.float32), -1, (_REACH, _REACH))
    outer = cv2.boxFilter(pixels * around[..., None].astype(np.float32), -1, (_REACH, _REACH))
    edge = cv2.erode(inside, _a_few_pixels(5)) != cv2.erode(inside, _a_few_pixels(9))
    edge &= weight > _LEAST_REACHED
    apart = np.abs(outer[edge] / weight[edge, None] - pixels[edge]).max(axis=1)
    return bool(np.count_nonzero(apart <= _NEARLY_OF_IT) > _MOST_GOING_ON * len(apart))


def _a_few_pixels(side: int) -> npt.NDArray[np.uint8]:
    return np.ones((side, side), np.uint8)


def _without_main_colours(pixels: Pixels) -> Pixels:
    """Leave out what has one of the few most usual colours; shape (n, 3)."""
    left = pixels
    for _ in range(_COLOURS):
        if not len(left):
            break
        coarse = left >> 2
        codes = coarse[:, 0] + coarse[:, 1] * np.int32(64) + coarse[:, 2] * np.int32(4096)
        usual = left[codes == np.bincount(codes).argmax()]
        differs = np.abs(left - np.median(usual, axis=0).astype(np.float32)) > _OF_ONE_COLOUR
        left = left[differs[:, 0] | differs[:, 1] | differs[:, 2]]
    return left


def _place(picture: Portrait, transform: Transform) -> Points:
    """Return where a picture's corners lie in the other; shape (4, 2)."""
    rows, columns = picture.shape
    corners = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], float) - 0.5
    return moved(transform, corners)
