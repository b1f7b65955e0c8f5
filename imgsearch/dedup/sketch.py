"""A picture sketched: what tells most other pictures from its copies, quickly, in some 3 KB.

The only module of this package that finds landmarks with OpenCV.
"""

from __future__ import annotations

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

SKETCH_KIND: Final = "sketch/1"
"""Names sketches in a cache; another number when they are made another way."""

TINY_SIDE: Final = 16

_SIDE: Final = 192  # pixels along the longer side, of the picture that landmarks are found in
_LEAST_SIDE: Final = 32  # a landmark has to have something around it
_MOST_PLAIN: Final = 128
_MOST_MIRRORED: Final = 96
_LEAST_CONTRAST: Final = 8.0  # of a tiny picture: standard deviation of its levels


@dataclass(frozen=True)
class Sketch:
    """What is compared of two pictures first.

    Attributes:
        tiny: The picture tiny and grey: shape (`TINY_SIDE`, `TINY_SIDE`), uint8.
        plain: Its landmarks.
        mirrored: Those of its mirror image.
    """

    tiny: npt.NDArray[np.uint8]
    plain: Landmarks
    mirrored: Landmarks

    def to_bytes(self) -> bytes:
        """Pack it, for keeping."""
        count = bytes([len(self.plain)])
        return count + self.tiny.tobytes() + self.plain.tobytes() + self.mirrored.tobytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> Sketch:
        """Unpack what `to_bytes` gave.

        Raises:
            ValueError: If the length is that of no sketch.
        """
        tiny = np.frombuffer(content, np.uint8, TINY_SIDE**2, 1).reshape(TINY_SIDE, TINY_SIDE)
        landmarks = np.frombuffer(content, LANDMARK, offset=1 + TINY_SIDE**2)
        return cls(tiny, landmarks[: content[0]], landmarks[content[0] :])

    @cached_property
    def turns(self) -> npt.NDArray[np.float32]:
        """The tiny picture in its eight turns and mirrors, as rows of length 1; shape (8, n)."""
        return turns_of(self.tiny)


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
    half = TINY_SIDE // 2
    return turns_of(sketch.tiny.reshape(half, 2, half, 2).mean(axis=(1, 3)))


def draw(pixels: Pixels) -> Sketch:
    """Sketch a picture.

    Args:
        pixels: Shape (rows, columns, 3), in its own proportions.
    """
    rows, columns = pixels.shape[:2]
    scale = min(1.0, _SIDE / max(rows, columns))
    small = resize(pixels, max(1, round(columns * scale)), max(1, round(rows * scale)))
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
    tiny = np.asarray(cv2.resize(grey, (TINY_SIDE, TINY_SIDE), interpolation=cv2.INTER_AREA))
    mirrored = np.ascontiguousarray(grey[:, ::-1])
    return Sketch(tiny, _landmarks(grey, _MOST_PLAIN), _landmarks(mirrored, _MOST_MIRRORED))


def _landmarks(grey: npt.NDArray[np.uint8], most: int) -> Landmarks:
    detector = cv2.ORB.create(
        most, scaleFactor=1.3, nlevels=6, edgeThreshold=12, patchSize=24, fastThreshold=7
    )
    if min(grey.shape) < _LEAST_SIDE:
        return np.zeros(0, LANDMARK)
    points, looks = detector.detectAndCompute(grey, None)
    strongest = np.argsort([-point.response for point in points], kind="stable")[:most]
    landmarks = np.zeros(len(strongest), LANDMARK)
    if not len(landmarks):
        return landmarks
    found = [points[place] for place in strongest]
    longer, middle = max(grey.shape), (np.array(grey.shape[::-1]) - 1) / 2
    landmarks["looks"] = np.ascontiguousarray(looks[strongest, :8]).view(np.uint64)[:, 0]
    landmarks["place"] = (np.array([point.pt for point in found]) - middle) / longer
    landmarks["angle"] = np.radians([point.angle for point in found])
    landmarks["size"] = np.log(np.array([point.size for point in found]) / longer)
    return landmarks
