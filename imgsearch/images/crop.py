"""A part of a picture, to search for it alone."""

from __future__ import annotations

import io
import math
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from imgsearch.errors import ImageReadError
from imgsearch.images.budget import Turns
from imgsearch.images.decode import NotPlainError, opened, render
from imgsearch.images.formats import sniff
from imgsearch.images.isolation import WORKERS, Job
from imgsearch.images.read import HEAD_BYTES, load
from imgsearch.types import Pixels


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


def parse_crop(text: str) -> Crop:
    """Read a crop as people write it: left, top, width and height, with commas between.

    Raises:
        ValueError: If these are not four numbers, or make no rectangle; says so for people.
    """
    try:
        left, top, width, height = map(float, text.split(","))
    except ValueError as error:
        raise ValueError(f"{text!r} is not four numbers with commas between: x,y,w,h") from error
    return Crop(left, top, width, height)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a picture as a viewer shows it: pixels of shape (height, width, 3)."""

    pixels: Pixels


def cut_out(source: Path | bytes, crop: Crop, *, name: str, max_pixels: int) -> bytes:
    """Return a part of a picture, as a viewer shows it, as the content of a PNG file.

    As in `prepare`, only a flawless JPEG is decoded in this process.

    Raises:
        ImageReadError: If the picture cannot be read, or the part lies outside it.
    """
    content = load(source, name=name) if isinstance(source, Path) else source
    part: Part | None = None
    if isinstance(content, bytes) and sniff(content[:HEAD_BYTES]) == "JPEG":
        with suppress(NotPlainError):
            part = cut_out_here(content, crop, name=name, max_pixels=max_pixels, plain_only=True)
    if part is None:
        options = {"crop": asdict(crop), "max_pixels": max_pixels}
        part = Part(**WORKERS.run(Job("cut_out", name, content, options)))
    file = io.BytesIO()
    Image.fromarray(part.pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


def cut_out_here(
    source: Path | bytes,
    crop: Crop,
    *,
    name: str,
    max_pixels: int,
    budget: Turns | None = None,
    plain_only: bool = False,
) -> Part:
    """Decode a picture in this process, and cut a part out of it.

    Raises:
        ImageReadError: If the picture cannot be read, or the part lies outside it.
        NotPlainError: With `plain_only`, if it is no flawless RGB or grey JPEG.
    """
    with opened(
        source, name=name, max_pixels=max_pixels, budget=budget, plain_only=plain_only
    ) as found:
        picture = render(found, None).picture
        left, top, right, bottom = crop.box(*picture.size)
        if left >= right or top >= bottom:
            size = f"{picture.width} x {picture.height}"
            raise ImageReadError(name, f"the crop lies outside its {size} pixels")
        return Part(np.array(picture.crop((left, top, right, bottom)).convert("RGB")))
