"""A part of a picture, to search for it alone."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from imgsearch.errors import ImageReadError
from imgsearch.images.decode import decode


@dataclass(frozen=True, slots=True)
class Crop:
    """A rectangle in an upright picture: parts of its sides if no number is above 1, else pixels.

    Raises:
        ValueError: If a number is negative or none, or the rectangle has no area.
    """

    left: float
    top: float
    width: float
    height: float

    def __post_init__(self) -> None:
        numbers = (self.left, self.top, self.width, self.height)
        if not all(math.isfinite(number) and number >= 0 for number in numbers):
            raise ValueError("a crop has four numbers from 0 on: x,y,w,h")
        if not self.width or not self.height:
            raise ValueError("a crop has a width and a height above 0")

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return left, top, right and bottom in a picture of this size, cut at its edges."""
        numbers = (self.left, self.top, self.width, self.height)
        across, down = (width, height) if max(numbers) <= 1 else (1, 1)
        left, top = round(self.left * across), round(self.top * down)
        right = round((self.left + self.width) * across)
        bottom = round((self.top + self.height) * down)
        return left, top, min(max(right, left + 1), width), min(max(bottom, top + 1), height)


def cut_out(source: Path | bytes, crop: Crop, *, name: str, max_pixels: int) -> bytes:
    """Return a part of a picture, as a viewer shows it, as the content of a PNG file.

    Raises:
        ImageReadError: If the picture cannot be read, or the part lies outside it.
    """
    picture = decode(source, name=name, max_pixels=max_pixels)
    left, top, right, bottom = crop.box(picture.width, picture.height)
    if left >= right or top >= bottom:
        size = f"{picture.width} x {picture.height}"
        raise ImageReadError(name, f"the crop lies outside its {size} pixels")
    file = io.BytesIO()
    Image.fromarray(picture.pixels[top:bottom, left:right]).save(file, "PNG", compress_level=1)
    return file.getvalue()
