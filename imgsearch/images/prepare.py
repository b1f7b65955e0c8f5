"""Turn a picture file into a network's input."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from imgsearch.images.budget import PixelBudget, Turns
from imgsearch.images.decode import (
    NotPlainError,
    Opened,
    opened,
    orientation,
    render,
    upright_size,
)
from imgsearch.images.exif import Details, block_of, read_details
from imgsearch.images.formats import sniff
from imgsearch.images.isolation import WORKERS, Job
from imgsearch.images.read import load
from imgsearch.images.shapes import kept_shape, kept_shape_by_mean
from imgsearch.types import DEFAULT_MAX_PIXELS, Pixels, Preprocessing

# How many times larger than the network's input a picture is decoded, at least: the resize that
# follows then has enough to average over.
_OVERSAMPLING: Final = 1.5


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """A picture in the size and rendering that a network wants.

    Attributes:
        pixels: In the network's size, shape (height, width, 3): a square, or of the picture's own
            aspect ratio, as the preprocessing says. Not sharpened yet, for whoever else looks.
        width: Upright width of the picture itself, in pixels.
        height: Upright height of the picture itself, in pixels.
        format: Its format by content, such as `"JPEG"`.
        taken: When it was taken, by its EXIF data, and so on; see `imgsearch.images.exif.Details`.
        camera: What with.
        exif_tags: How many tags there are.
        sharpening: How much the network is to see it sharpened.
        square: The picture as a square of the preprocessing's side, if that is the mean of both
            sides; for thumbnails, by which copies are told as they always were.
    """

    pixels: Pixels
    width: int
    height: int
    format: str
    taken: str | None = None
    camera: str | None = None
    exif_tags: int = 0
    sharpening: float = 0.0
    square: Pixels | None = None

    @property
    def network_input(self) -> Pixels:
        """What the network is shown: `pixels`, sharpened if the preprocessing says so."""
        if not self.sharpening:
            return self.pixels
        from imgsearch.images.resize import sharpened  # OpenCV costs 20 ms to load

        return sharpened(self.pixels, self.sharpening)


def prepare(
    source: Path | bytes,
    preprocessing: Preprocessing,
    *,
    name: str,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    budget: PixelBudget | None = None,
) -> PreparedImage:
    """Decode a picture and resize it to the size that a network wants, whatever it is.

    A flawless JPEG is decoded in this process. Everything else, and what turns out to be neither,
    goes to a process of its own: a decoder that crashes, hangs or takes all memory is an
    `ImageReadError` then.

    Args:
        source: The file, or its content.
        preprocessing: In which size the picture is wanted, and how it is rendered.
        name: What an error message calls the file.
        max_pixels: A picture that declares more is refused before any pixel is decoded.
        budget: What several threads share, so that large pictures are decoded one by one.

    Raises:
        ImageTooLargeError: If it declares more than `max_pixels`.
        UnsupportedImageError: If it is no picture, or of a kind that is not read.
        ImageReadError: If it cannot be read or is damaged.
    """
    content = load(source, name=name) if isinstance(source, Path) else source
    if isinstance(content, bytes) and _may_be_plain(content, preprocessing):
        with suppress(NotPlainError):
            return prepare_here(
                content,
                preprocessing,
                name=name,
                max_pixels=max_pixels,
                budget=budget,
                plain_only=True,
            )
    options = {"preprocessing": asdict(preprocessing), "max_pixels": max_pixels}
    return PreparedImage(**WORKERS.run(Job("prepare", name, content, options), budget))


def prepare_here(
    source: Path | bytes,
    preprocessing: Preprocessing,
    *,
    name: str,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    budget: Turns | None = None,
    plain_only: bool = False,
) -> PreparedImage:
    """Do what `prepare` does, in this process.

    Raises:
        ImageReadError: As `prepare` does.
        NotPlainError: With `plain_only`, if it is no flawless RGB or grey JPEG.
    """
    with opened(
        source, name=name, max_pixels=max_pixels, budget=budget, plain_only=plain_only
    ) as found:
        if preprocessing.rendering == "keras":
            return _as_keras(found, preprocessing.side)
        return _faithfully(found, preprocessing)


def _may_be_plain(content: bytes, preprocessing: Preprocessing) -> bool:
    return preprocessing.rendering == "faithful" and sniff(content[:32]) == "JPEG"


def _as_keras(found: Opened, side: int) -> PreparedImage:
    """Do what `keras.utils.load_img(path, target_size=(side, side))` does, to the bit."""
    picture = found.picture
    rgb = picture if picture.mode == "RGB" else picture.convert("RGB")
    square = rgb if rgb.size == (side, side) else rgb.resize((side, side), Image.Resampling.NEAREST)
    width, height = upright_size(picture.size, orientation(picture))
    pixels = np.array(square)
    return PreparedImage(pixels, width, height, found.kind, *astuple(_details_of(found)))


def _faithfully(found: Opened, preprocessing: Preprocessing) -> PreparedImage:
    # OpenCV costs 20 ms to load, and has to be there before a large picture takes the memory.
    from imgsearch.images.resize import resize, three_channels

    side, crop_from = preprocessing.side, preprocessing.crop_from
    if preprocessing.side_is_mean:
        shortest = side  # of the square that is made, too
    else:
        shortest = min(_shape(*found.picture.size, preprocessing))  # a quarter turn changes nothing
    rendered = render(found, math.ceil(_OVERSAMPLING * (crop_from or shortest)))
    whole = np.asarray(rendered.picture)
    shown = _middle(whole, side / crop_from) if crop_from else whole
    shape = _shape(rendered.width, rendered.height, preprocessing)
    pixels = three_channels(resize(shown, *shape))
    prepared = PreparedImage(
        pixels, rendered.width, rendered.height, found.kind, *astuple(_details_of(found))
    )
    square = None
    if preprocessing.side_is_mean:
        square = pixels if shape == (side, side) else three_channels(resize(shown, side, side))
    return replace(prepared, sharpening=preprocessing.sharpening, square=square)


def _shape(width: int, height: int, preprocessing: Preprocessing) -> tuple[int, int]:
    """Return width and height of the network's input for a picture of this size."""
    if preprocessing.keeps_aspect:
        kept = kept_shape_by_mean if preprocessing.side_is_mean else kept_shape
        return kept(width, height, preprocessing.side)
    return preprocessing.side, preprocessing.side


def _middle(pixels: Pixels, part: float) -> Pixels:
    """Cut out the square in the middle whose side is a part of the shorter side."""
    height, width = pixels.shape[:2]
    length = max(1, round(part * min(height, width)))
    top, left = (height - length) // 2, (width - length) // 2
    return np.ascontiguousarray(pixels[top : top + length, left : left + length])


def _details_of(found: Opened) -> Details:
    """Read the EXIF data once the pixels are loaded: in a PNG they may come last."""
    if found.kind != "TIFF":
        return read_details(block_of(found.picture))
    found.file.seek(0)
    return read_details(found.file)
