"""What the verification of copies looks at: a small picture, and the local features found in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from imgsearch.dedup.local_features import (
    LocalFeatures,
    Plane,
    Points,
    corners,
    evened,
    extract,
    light_and_colour,
)
from imgsearch.dedup.margins import Content, content_of, flattened
from imgsearch.images.prepare import prepare
from imgsearch.images.resize import resize
from imgsearch.images.sketch import TURNS, Sketch, draw, in_turn
from imgsearch.types import DEFAULT_MAX_PIXELS, Pixels, Preprocessing

THUMBNAIL_SIDE: Final = 256
"""The longer side of a thumbnail, in pixels; a smaller picture is not enlarged."""

MINIATURE_SIDE: Final = 64

_TINY_SIDE: Final = 32
AS_A_SQUARE: Final = Preprocessing(THUMBNAIL_SIDE, "faithful")
"""How a file is read for a thumbnail; `thumbnail_of` gives it its own shape back."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture made small, as a viewer shows it.

    Attributes:
        pixels: Upright, sRGB, shape (height, width, 3), no side longer than `THUMBNAIL_SIDE`.
        width: Of the picture itself, upright, in pixels.
        height: Of the picture itself, upright, in pixels.
    """

    pixels: Pixels
    width: int
    height: int


@dataclass(frozen=True)
class Portrait:
    """A picture as it is compared: its thumbnail, and its local features once they are needed.

    Attributes:
        thumbnail: The picture made small.
        known_sketch: Its sketch, if it was drawn before.
    """

    thumbnail: Thumbnail
    known_sketch: Sketch | None = field(default=None, repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the thumbnail."""
        rows, columns = self.thumbnail.pixels.shape[:2]
        return rows, columns

    @cached_property
    def content(self) -> Content:
        """What is no margin around the picture."""
        return content_of(self.thumbnail.pixels)

    @cached_property
    def miniature(self) -> Pixels:
        """The content as a square; shape (`MINIATURE_SIDE`, `MINIATURE_SIDE`, 3)."""
        return flattened(self.thumbnail.pixels, self.content.frame, MINIATURE_SIDE)

    @cached_property
    def miniature_planes(self) -> tuple[Plane, Plane]:
        """The light of the miniature, and its colour half as fine."""
        return light_and_colour(self.miniature)

    @cached_property
    def tiny_turns(self) -> npt.NDArray[np.float32]:
        """The content tiny and grey, in all eight turns and mirrors, as rows of length 1.

        The rows are in the order of `imgsearch.images.sketch.in_turn`.
        """
        many = MINIATURE_SIDE // _TINY_SIDE
        blocks = self.miniature.reshape(_TINY_SIDE, many, _TINY_SIDE, many * 3)
        grey = blocks.mean(axis=(1, 3), dtype=np.float32)
        rows = np.stack([in_turn(grey, turn) for turn in range(TURNS)]).reshape(TURNS, -1)
        rows -= rows.mean()
        return np.asarray(rows / max(float(np.linalg.norm(rows[0])), _TINY_SIDE), np.float32)

    @cached_property
    def sketch(self) -> Sketch:
        """Its landmarks, and what else tells it quickly from others."""
        small = self.thumbnail
        return self.known_sketch or draw(small.pixels, small.width, small.height)

    @cached_property
    def features(self) -> LocalFeatures:
        """The local features, extracted at the first use."""
        return extract(self.thumbnail.pixels)

    @cached_property
    def light_and_colour(self) -> tuple[Plane, Plane]:
        """The light of the picture, and its colour half as fine."""
        return light_and_colour(self.thumbnail.pixels)

    @cached_property
    def evened(self) -> Plane:
        """The detail of the picture alone, its light and contrast the same everywhere."""
        return evened(self.thumbnail.pixels)

    @cached_property
    def corners(self) -> Points:
        """Places whose detail can be found again in another picture, the clearest first."""
        return corners(self.evened)


def thumbnail_scale(width: int, height: int) -> float:
    """Return how much smaller the thumbnail of a picture is a side, in (0, 1]."""
    return min(1.0, THUMBNAIL_SIDE / max(width, height))


def thumbnail_of(pixels: Pixels, width: int, height: int) -> Thumbnail:
    """Make a thumbnail of an upright picture that is decoded, perhaps in another size or shape.

    Args:
        pixels: Shape (rows, columns, 3), sRGB; stretched back to the picture's own shape.
        width: Of the picture itself, upright.
        height: Of the picture itself, upright.
    """
    scale = thumbnail_scale(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = pixels if size == pixels.shape[1::-1] else resize(pixels, *size)
    return Thumbnail(np.ascontiguousarray(small), width, height)


def read_thumbnail(path: Path, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> Thumbnail:
    """Decode a file as a viewer shows it, and make it small.

    Raises:
        ImageReadError: If it cannot be read or is damaged.
    """
    square = prepare(path, AS_A_SQUARE, name=str(path), max_pixels=max_pixels)
    return thumbnail_of(square.pixels, square.width, square.height)
