"""A picture sketched: what tells most other pictures from its copies, quickly, in some 5 KB.

The only module that finds landmarks with OpenCV.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeAlias

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

_HEAD: Final = struct.Struct("<BBB")  # rows, columns, and how many landmarks are plain
_COMPARED_SIDE: Final = 16
_COARSE_SIDE: Final = 8
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

    @cached_property
    def turns(self) -> npt.NDArray[np.float32]:
        """The tiny picture in its eight turns and mirrors, as rows of length 1; shape (8, 256)."""
        return turns_of(_shrunk(self.tiny, _COMPARED_SIDE))


def turns_of(tiny: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return a square plane in its eight turns and mirrors, without its mean, as unit rows.

    A plane of little contrast gives shorter rows: of nearly blank pictures, only noise is left.
    """
    turned = [np.rot90(tiny, quarters) for quarters in range(4)]
    rows = np.stack([*turned, *(each[:, ::-1] for each in turned)]).reshape(8, -1)
    centred = rows.astype(np.float32) - np.float32(rows.mean())
    least = _LEAST_CONTRAST * float(np.sqrt(rows.shape[1]))
    return np.asarray(centred / max(float(np.linalg.norm(centred[0])), least), np.float32)


def coarse_turns(sketch: Sketch) -> npt.NDArray[np.float32]:
    """Return the turns and mirrors of a picture at 8 x 8 pixels; shape (8, 64)."""
    return turns_of(_shrunk(sketch.tiny, _COARSE_SIDE))


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
    many = TINY_SIDE // side
    blocks = tiny.reshape(side, many, side, many)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float32))


def _landmarks(grey: npt.NDArray[np.uint8]) -> tuple[Landmarks, Landmarks]:
    """Find the landmarks of a picture, and how those of its mirror image look."""
    if min(grey.shape) < _LEAST_SIDE:
        return np.zeros(0, LANDMARK), np.zeros(0, LANDMARK)
    detector = cv2.ORB.create(
        _MOST_PLAIN, scaleFactor=1.3, nlevels=6, edgeThreshold=12, patchSize=24, fastThreshold=7
    )
    points, looks = detector.detectAndCompute(grey, None)
    swapped = [_mirrored(point, grey.shape[1]) for point in points]
    again, other_looks = detector.compute(np.ascontiguousarray(grey[:, ::-1]), swapped)
    return (
        _packed(points, looks, grey.shape, _MOST_PLAIN),
        _packed(again, other_looks, grey.shape, _MOST_MIRRORED),
    )


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
    strongest = np.argsort([-point.response for point in points], kind="stable")[:most]
    landmarks = np.zeros(len(strongest), LANDMARK)
    if looks is None or not len(landmarks):
        return landmarks
    found = [points[place] for place in strongest]
    longer, middle = max(shape), (np.array(shape[::-1]) - 1) / 2
    landmarks["looks"] = np.ascontiguousarray(looks[strongest, :8]).view(np.uint64)[:, 0]
    landmarks["place"] = (np.array([point.pt for point in found]) - middle) / longer
    landmarks["angle"] = np.radians([point.angle for point in found])
    landmarks["size"] = np.log(np.array([point.size for point in found]) / longer)
    return landmarks
