"""A picture sketched: what tells most other pictures from its copies, quickly, in some 5 KB.

The only module that finds landmarks with OpenCV.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any, Final, TypeAlias, TypeVar

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.images.resize import resize
from imgsearch.types import Pixels

Landmarks: TypeAlias = npt.NDArray[Any]
"""Places of a picture that would be found again in a copy, the strongest first: shape (n,)."""

LANDMARK: Final = np.dtype([
    ("looks", np.uint64),  # the first 64 of ORB's comparisons
    ("place", np.float16, 2),  # x and y, in parts of the longer side, from the picture's middle
    ("angle", np.float16),  # radians, clockwise from the right
    ("size", np.float16),  # natural logarithm of its size in parts of the longer side
])  # fmt: skip

SKETCH_KIND: Final = "sketch/2"
"""Names sketches in a cache; another number when they are made another way."""

TINY_SIDE: Final = 32

TURNS: Final = 8
"""Turns by quarters, and as many of the mirror image."""

_Value = TypeVar("_Value", bound=np.generic)

_HEAD: Final = struct.Struct("<BBB")  # rows, columns, and how many landmarks are plain
_COMPARED_SIDE: Final = 16
_COARSE_SIDE: Final = 8
_QUARTERS: Final = 4
_SIDE: Final = 192  # pixels along the longer side, of the picture that landmarks are found in
_LEAST_SIDE: Final = 32  # a landmark has to have something around it
_MOST_PLAIN: Final = 128
_MOST_MIRRORED: Final = 96
_LEAST_CONTRAST: Final = 8.0  # of a tiny picture: standard deviation of its levels


@dataclass(frozen=True)
class Sketch:
    """What is compared of two pictures first.

    Attributes:
        rows: Of the small picture that it was drawn of, no more than `_SIDE`.
        columns: Of that picture.
        tiny: The picture tiny and grey, as a square: shape (`TINY_SIDE`, `TINY_SIDE`), uint8.
        plain: Its landmarks.
        mirrored: Those of its mirror image.
    """

    rows: int
    columns: int
    tiny: npt.NDArray[np.uint8]
    plain: Landmarks
    mirrored: Landmarks

    def to_bytes(self) -> bytes:
        """Pack it, for keeping."""
        head = _HEAD.pack(self.rows, self.columns, len(self.plain))
        return head + self.tiny.tobytes() + self.plain.tobytes() + self.mirrored.tobytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> Sketch:
        """Unpack what `to_bytes` gave.

        Raises:
            ValueError: If the length is that of no sketch.
        """
        if len(content) < _HEAD.size + TINY_SIDE**2:
            raise ValueError(f"{len(content)} bytes are no sketch")
        rows, columns, plain = _HEAD.unpack_from(content)
        tiny = np.frombuffer(content, np.uint8, TINY_SIDE**2, _HEAD.size)
        landmarks = np.frombuffer(content, LANDMARK, offset=_HEAD.size + TINY_SIDE**2)
        square = tiny.reshape(TINY_SIDE, TINY_SIDE)
        return cls(rows, columns, square, landmarks[:plain], landmarks[plain:])

    @property
    def turns(self) -> npt.NDArray[np.float32]:
        """The tiny picture in its eight turns and mirrors, as rows of length 1; shape (8, 256)."""
        return turns_of(_shrunk(self.tiny, _COMPARED_SIDE))


BLANK: Final = Sketch(
    1, 1, np.zeros((TINY_SIDE, TINY_SIDE), np.uint8), np.zeros(0, LANDMARK), np.zeros(0, LANDMARK)
)
"""Of a picture that shows nothing, and is like no other."""


def turns_of(planes: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return square planes in their eight turns and mirrors, without their means, as unit rows.

    A plane of little contrast gives shorter rows: of nearly blank pictures, only noise is left.

    Args:
        planes: Shape (..., side, side).

    Returns:
        Shape (..., 8, side * side).
    """
    side = planes.shape[-1]
    upright = _unit_rows(planes.reshape(*planes.shape[:-2], side * side))
    return upright[..., _turned_places(side)]


def in_turn(plane: npt.NDArray[_Value], turn: int) -> npt.NDArray[_Value]:
    """Return a plane in one of its eight turns and mirrors.

    Turn k is by k quarters anticlockwise, from 4 on with left and right swapped then.
    """
    upright = np.rot90(plane, turn % _QUARTERS)
    return upright[:, ::-1] if turn >= _QUARTERS else upright


def uprights(sketches: Sequence[Sketch]) -> npt.NDArray[np.float32]:
    """Return the first of the `turns` of each of many pictures; shape (sketches, 256)."""
    tiny = np.stack([sketch.tiny for sketch in sketches])
    return _unit_rows(_shrunk(tiny, _COMPARED_SIDE).reshape(len(tiny), -1))


def coarse_turns(tiny: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the turns and mirrors of pictures at 8 x 8 pixels.

    Args:
        tiny: Of sketches, shape (..., `TINY_SIDE`, `TINY_SIDE`).

    Returns:
        Shape (..., 8, 64).
    """
    return turns_of(_shrunk(tiny, _COARSE_SIDE))


def each_turn(upright: npt.NDArray[np.float32]) -> Iterator[npt.NDArray[np.float32]]:
    """Yield rows that are upright square planes in each of the eight turns and mirrors."""
    for places in _turned_places(math.isqrt(upright.shape[-1])):
        yield upright[:, places]


def _unit_rows(planes: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return planes, shape (..., n), without their means, at length 1 or less."""
    rows = planes.astype(np.float32)
    rows -= rows.mean(axis=-1, keepdims=True)
    least = _LEAST_CONTRAST * float(np.sqrt(rows.shape[-1]))
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), least))


@cache
def _turned_places(side: int) -> npt.NDArray[np.intp]:
    """Return where the pixels of each turn and mirror come from; shape (8, side * side)."""
    places = np.arange(side * side).reshape(side, side)
    return np.stack([in_turn(places, turn) for turn in range(TURNS)]).reshape(TURNS, -1)


def draw(pixels: Pixels, width: int, height: int) -> Sketch:
    """Sketch a picture.

    Args:
        pixels: Shape (rows, columns, 3), perhaps stretched.
        width: Of the picture itself.
        height: Of the picture itself.
    """
    rows, columns = pixels.shape[:2]
    longer = min(_SIDE, max(width, height), max(rows, columns))
    scale = longer / max(width, height)
    small = resize(pixels, max(1, round(width * scale)), max(1, round(height * scale)))
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
    tiny = cv2.resize(grey, (TINY_SIDE, TINY_SIDE), interpolation=cv2.INTER_AREA)
    plain, mirrored = _landmarks(grey)
    return Sketch(len(grey), grey.shape[1], np.asarray(tiny, np.uint8), plain, mirrored)


def _shrunk(tiny: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.float32]:
    """Return the mean of each block of pixels: shape (..., side, side)."""
    many = TINY_SIDE // side
    sums = np.zeros((*tiny.shape[:-2], side, side), np.uint16)
    for down, across in product(range(many), repeat=2):  # faster than a mean over two short axes
        sums += tiny[..., down::many, across::many]
    return np.asarray(sums / np.float32(many * many), np.float32)


def _landmarks(grey: npt.NDArray[np.uint8]) -> tuple[Landmarks, Landmarks]:
    """Find the landmarks of a picture, and how those of its mirror image look."""
    if min(grey.shape) < _LEAST_SIDE:
        return np.zeros(0, LANDMARK), np.zeros(0, LANDMARK)
    detector = cv2.ORB.create(
        _MOST_PLAIN, scaleFactor=1.3, nlevels=6, edgeThreshold=12, patchSize=24, fastThreshold=7
    )
    points, looks = detector.detectAndCompute(grey, None)
    strongest = [points[place] for place in _strongest(points, _MOST_MIRRORED)]
    swapped = [_mirrored(point, grey.shape[1]) for point in strongest]
    again, other_looks = detector.compute(np.ascontiguousarray(grey[:, ::-1]), swapped)
    return (
        _packed(points, looks, grey.shape, _MOST_PLAIN),
        _packed(again, other_looks, grey.shape, _MOST_MIRRORED),
    )


def _strongest(points: Sequence[cv2.KeyPoint], most: int) -> npt.NDArray[np.intp]:
    return np.argsort([-point.response for point in points], kind="stable")[:most]


def _mirrored(point: cv2.KeyPoint, columns: int) -> cv2.KeyPoint:
    x, y = point.pt
    angle = (180 - point.angle) % 360
    return cv2.KeyPoint(columns - 1 - x, y, point.size, angle, point.response, point.octave)


def _packed(
    points: Sequence[cv2.KeyPoint],
    looks: npt.NDArray[np.uint8] | None,
    shape: tuple[int, int],
    most: int,
) -> Landmarks:
    """Keep what is compared of the strongest landmarks."""
    strongest = _strongest(points, most)
    landmarks = np.zeros(len(strongest), LANDMARK)
    if looks is None or not len(landmarks):
        return landmarks
    found = [points[place] for place in strongest]
    x, y, angle, size = np.array([(*each.pt, each.angle, each.size) for each in found]).T
    longer, middle = max(shape), (np.array(shape[::-1]) - 1) / 2
    landmarks["looks"] = np.ascontiguousarray(looks[strongest, :8]).view(np.uint64)[:, 0]
    landmarks["place"] = (np.stack([x, y], -1) - middle) / longer
    landmarks["angle"] = np.radians(angle)
    landmarks["size"] = np.log(size / longer)
    return landmarks
