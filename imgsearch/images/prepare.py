"""Turn a picture file into a network's input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from imgsearch.images.budget import PixelBudget
from imgsearch.images.decode import Opened, opened, orientation, render, upright_size
from imgsearch.images.resize import resize
from imgsearch.types import DEFAULT_MAX_PIXELS, Pixels, Preprocessing

# How many times larger than the network's input a picture is decoded, at least: the resize that
# follows then has enough to average over.
_OVERSAMPLING: Final = 1.5


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """A picture in the size and rendering that a network wants.

    Attributes:
        pixels: The network's input, shape (side, side, 3).
        width: Upright width of the picture itself, in pixels.
        height: Upright height of the picture itself, in pixels.
        format: Its format by content, such as `"JPEG"`.
    """

    pixels: Pixels
    width: int
    height: int
    format: str


def prepare(
    source: Path | bytes,
    preprocessing: Preprocessing,
    *,
    name: str,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    budget: PixelBudget | None = None,
) -> PreparedImage:
    """Decode a picture and resize it to the square that a network wants.

    Args:
        source: The file, or its content.
        preprocessing: The side of the square, and how the picture is rendered.
        name: What an error message calls the file.
        max_pixels: A picture that declares more is refused before any pixel is decoded.
        budget: What several threads share, so that large pictures are decoded one by one.

    Raises:
        ImageTooLargeError: If it declares more than `max_pixels`.
        UnsupportedImageError: If it is no picture, or of a kind that is not read.
        ImageReadError: If it cannot be read or is damaged.
    """
    with opened(source, name=name, max_pixels=max_pixels, budget=budget) as found:
        make = _as_keras if preprocessing.rendering == "keras" else _faithfully
        return make(found, preprocessing.side)


def _as_keras(found: Opened, side: int) -> PreparedImage:
    """Do what `keras.utils.load_img(path, target_size=(side, side))` does, to the bit."""
    picture = found.picture
    rgb = picture if picture.mode == "RGB" else picture.convert("RGB")
    square = rgb if rgb.size == (side, side) else rgb.resize((side, side), Image.Resampling.NEAREST)
    width, height = upright_size(picture.size, orientation(picture))
    return PreparedImage(np.array(square), width, height, found.kind)


def _faithfully(found: Opened, side: int) -> PreparedImage:
    rendered = render(found, math.ceil(_OVERSAMPLING * side))
    square = resize(np.asarray(rendered.picture), side, side)
    pixels = np.ascontiguousarray(square[:, :, :3])
    return PreparedImage(pixels, rendered.width, rendered.height, found.kind)
