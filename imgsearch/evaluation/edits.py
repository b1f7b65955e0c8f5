"""Copies to measure and calibrate with: what people and programs do to photos.

An edit with a seed always makes the same copy, whatever else is made beside it.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import numpy as np
from PIL import Image

from imgsearch.evaluation import layouts, shapes, tones

Change: TypeAlias = Callable[[Image.Image, np.random.Generator], Image.Image]
"""Takes an RGB picture and returns a new one; what it chooses, it chooses with the generator."""

_ORIENTATION: Final = 0x0112  # the EXIF tag
_UPRIGHT: Final = 1
_SHOWN_TURNED_RIGHT: Final = 6  # a viewer turns the pixels by 90 degrees, clockwise
_OTHER_FORMATS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    (".png", {}),
    (".webp", {"quality": 75}),
    (".avif", {"quality": 60}),
    (".gif", {}),
    (".tif", {"compression": "tiff_adobe_deflate"}),
    (".bmp", {}),
)


@dataclass(frozen=True, slots=True)
class Edit:
    """A way to make a copy.

    Attributes:
        name: What it is called in tables.
        changes: What is done to the pixels, one after the other.
        quality: Bounds of the JPEG quality that the copy is saved with.
        other_format: Whether the copy is saved in a format that is not JPEG.
        orientation: The EXIF orientation that is written into the file.
    """

    name: str
    changes: tuple[Change, ...] = ()
    quality: tuple[int, int] = (75, 95)
    other_format: bool = False
    orientation: int = _UPRIGHT


@dataclass(frozen=True, slots=True)
class Copy:
    """A file that an edit made: its content, and the suffix that its name should have."""

    suffix: str
    content: bytes


def make_copy(picture: Image.Image, edit: Edit, seed: int) -> Copy:
    """Edit a picture and encode the result.

    Args:
        picture: An RGB picture, upright; it is left as it is.
        edit: What is done to it.
        seed: Not negative; another one makes another copy.
    """
    random = np.random.default_rng([seed, zlib.crc32(edit.name.encode())])
    for change in edit.changes:
        picture = change(picture, random)
    suffix = ".jpg"
    options: dict[str, Any] = {"quality": int(random.integers(*edit.quality, endpoint=True))}
    if edit.other_format:
        suffix, options = _OTHER_FORMATS[random.integers(len(_OTHER_FORMATS))]
    if edit.orientation != _UPRIGHT:
        exif = Image.Exif()
        exif[_ORIENTATION] = edit.orientation
        options = {**options, "exif": exif}
    return encoded(picture, suffix, options)


def encoded(picture: Image.Image, suffix: str, options: Mapping[str, Any]) -> Copy:
    """Encode a picture as its suffix says, with options of Pillow's encoder."""
    file = io.BytesIO()
    picture.save(file, Image.registered_extensions()[suffix], **options)
    return Copy(suffix, file.getvalue())


FAMILY: Final[tuple[Edit, ...]] = (
    Edit("re-encode", quality=(20, 60)),
    Edit("quarter", (shapes.quarter,)),
    Edit("crop", (shapes.crop,)),
    Edit("border", (layouts.border,)),
    Edit("caption", (layouts.caption,)),
    Edit("grey", (tones.grey,)),
    Edit("colour", (tones.colour,)),
    Edit("blur", (tones.blur,)),
    Edit("noise", (tones.noise,)),
    Edit("turn", (shapes.turn,)),
    Edit("mirror", (shapes.mirror,)),
    Edit("format", other_format=True),
    Edit("screenshot", (layouts.screenshot,)),
    Edit("overlay", (layouts.overlay,)),
    Edit("combination", (shapes.trim, tones.colour, layouts.caption, shapes.half), (50, 80)),
)
"""Fifteen edits that between them are most of what happens to photos."""

_OTHERS: Final[tuple[Edit, ...]] = (
    Edit("half", (shapes.half,)),
    Edit("enlarge", (shapes.enlarge,)),
    Edit("stretch", (shapes.stretch,)),
    Edit("trim", (shapes.trim,)),
    Edit("crop hard", (shapes.crop_hard,)),
    Edit("quarter turn", (shapes.quarter_turn,)),
    Edit("flip", (shapes.flip,)),
    Edit("straighten", (shapes.straighten,)),
    Edit("perspective", (shapes.perspective,)),
    Edit("EXIF turn", (shapes.turn_left,), orientation=_SHOWN_TURNED_RIGHT),
    Edit("brightness", (tones.brightness,)),
    Edit("gamma", (tones.gamma,)),
    Edit("sepia", (tones.sepia,)),
    Edit("filter", (tones.filtered,)),
    Edit("posterise", (tones.posterise,)),
    Edit("sharpen", (tones.sharpen,)),
    Edit("letterbox", (layouts.letterbox,)),
    Edit("caption band", (layouts.caption_band,)),
    Edit("watermark", (layouts.watermark,)),
    Edit("mirrored crop", (shapes.mirror, shapes.crop)),
    Edit("turned grey", (shapes.quarter_turn, tones.grey, shapes.half)),
    Edit("bordered mirror", (shapes.mirror, layouts.border, tones.colour)),
    Edit("cropped screenshot", (shapes.crop, layouts.screenshot)),
    Edit("filtered combination", (shapes.trim, tones.filtered, layouts.caption, shapes.half)),
    Edit("passed on", (shapes.half, layouts.caption_band, tones.sharpen), (30, 50)),
)

EDITS: Final[Mapping[str, Edit]] = MappingProxyType({edit.name: edit for edit in FAMILY + _OTHERS})
"""Every edit by its name."""
