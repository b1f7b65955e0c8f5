"""Decode a picture file to upright sRGB pixels, as a viewer would show it."""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

import numpy as np
import simplejpeg
from PIL import ExifTags, Image

from imgsearch.errors import ImageReadError, ImageTooLargeError, UnsupportedImageError
from imgsearch.images.budget import Turns
from imgsearch.images.colour import flatten, to_srgb
from imgsearch.images.failures import DECODER_ERRORS, decoding
from imgsearch.images.formats import is_targa_name, sniff, unread_kind
from imgsearch.images.read import HEAD_BYTES, load, open_regular
from imgsearch.types import DEFAULT_MAX_PIXELS, Pixels

# Scales between a half and the whole are slower to decode than the whole.
_LEAST_FACTOR: Final = 2

# The reader is chosen by what `sniff` saw and called directly: `Image.open` would apply the host
# program's `Image.MAX_IMAGE_PIXELS`, which cannot be changed for one thread alone, and would let
# registered readers that call other programs have a try.
_PLUGINS: Final = {
    "AVIF": "AvifImagePlugin",
    "BMP": "BmpImagePlugin",
    "CUR": "CurImagePlugin",
    "DDS": "DdsImagePlugin",
    "GIF": "GifImagePlugin",
    "ICNS": "IcnsImagePlugin",
    "ICO": "IcoImagePlugin",
    "JPEG": "JpegImagePlugin",
    "JPEG2000": "Jpeg2KImagePlugin",
    "PCX": "PcxImagePlugin",
    "PNG": "PngImagePlugin",
    "PPM": "PpmImagePlugin",
    "PSD": "PsdImagePlugin",
    "QOI": "QoiImagePlugin",
    "SGI": "SgiImagePlugin",
    "TGA": "TgaImagePlugin",
    "TIFF": "TiffImagePlugin",
    "WEBP": "WebPImagePlugin",
}

DECODED_KINDS: Final = tuple(sorted((*_PLUGINS, "HEIF")))
"""The formats that are read, by the names that `DecodedImage.format` has for them."""

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS: Final = frozenset((5, 6, 7, 8))


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """A picture as a viewer shows it.

    Attributes:
        pixels: Upright, sRGB, on white; shape (height, width, 3) unless it was shrunk.
        width: Upright width of the picture itself, in pixels.
        height: Upright height of the picture itself, in pixels.
        format: Its format by content, such as `"JPEG"`.
    """

    pixels: Pixels
    width: int
    height: int
    format: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """An upright picture, perhaps shrunk, and the upright size that it has in its file.

    Its mode is RGB or RGBX; `convert("RGB")` makes it plain.
    """

    picture: Image.Image
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Opened:
    """A picture whose header was read and found acceptable; its pixels are not decoded yet."""

    picture: Image.Image
    kind: str
    file: BinaryIO
    content: bytes | None
    plain_only: bool = False


class NotPlainError(Exception):
    """A picture is no flawless RGB or grey JPEG, and nothing else was to be decoded here."""


def decode(
    source: Path | bytes,
    *,
    name: str,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    shrink_to: int | None = None,
) -> DecodedImage:
    """Decode a picture: upright, in sRGB, transparency on white, the first of several frames.

    Args:
        source: The file, or its content.
        name: What an error message calls it.
        max_pixels: A picture that declares more is refused before any pixel is decoded.
        shrink_to: If given, the pixels may come in a smaller size with the same aspect ratio,
            but neither side gets shorter than this; large JPEGs then decode many times faster.

    Raises:
        ImageTooLargeError: If it declares more than `max_pixels`.
        UnsupportedImageError: If it is no picture, or of a kind that is not read.
        ImageReadError: If it cannot be read or is damaged.
    """
    with opened(source, name=name, max_pixels=max_pixels) as found:
        rendered = render(found, shrink_to)
        return DecodedImage(
            np.array(rendered.picture.convert("RGB")), rendered.width, rendered.height, found.kind
        )


@contextmanager
def opened(
    source: Path | bytes,
    *,
    name: str,
    max_pixels: int,
    budget: Turns | None = None,
    plain_only: bool = False,
) -> Iterator[Opened]:
    """Read a picture's header and check what it declares; decode within the `with` block.

    The block waits for its turn where there is a `budget`.

    Raises:
        NotPlainError: With `plain_only`, from `render`, where Pillow would have to decode.
        ImageReadError: As `decode` does, also for what goes wrong in the block.
    """
    content = load(source, name=name) if isinstance(source, Path) else source
    with _stream(content, name) as file:
        kind = _identify(file.read(HEAD_BYTES), name)
        file.seek(0)
        with decoding(name, kind):
            picture = _plugin_open(file, kind)
            pixels = picture.width * picture.height
            if pixels > max_pixels:
                raise ImageTooLargeError(name, pixels, max_pixels)
            if pixels == 0:
                raise ImageReadError(name, f"the {kind} header declares no pixels")
            with budget.hold(pixels) if budget is not None else nullcontext():
                held = content if isinstance(content, bytes) else None
                yield Opened(picture, kind, file, held, plain_only)


def require_picture(head: bytes, *, name: str) -> None:
    """Look at a file's first bytes.

    Raises:
        UnsupportedImageError: If they are of no picture that is read.
        ImageReadError: If there are none.
    """
    _identify(head, name)


def render(found: Opened, shrink_to: int | None) -> Rendered:
    """Decode to upright sRGB, at least `shrink_to` pixels a side if the picture has as many."""
    picture, size = found.picture, found.picture.size
    direct = _decode_jpeg(found, shrink_to) if found.kind == "JPEG" else None
    if direct is None:
        if found.plain_only:
            raise NotPlainError
        is_drafted = _draft(found, shrink_to)
        picture.load()
        size = size if is_drafted else picture.size
        direct = _reduce(flatten(picture), shrink_to)
    # Asked for after loading: Pillow turns TIFFs by itself, and PNGs may carry EXIF at their end.
    turn = orientation(picture)
    seen = to_srgb(direct, picture.info.get("icc_profile"))
    upright = seen.transpose(_TURNS[turn]) if turn in _TURNS else seen
    return Rendered(upright, *upright_size(size, turn))


def orientation(picture: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 if there is none or the EXIF data is broken."""
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except DECODER_ERRORS:
        return 1
    return value if isinstance(value, int) and value in _TURNS else 1


def upright_size(size: tuple[int, int], turn: int) -> tuple[int, int]:
    """Return the width and height of a picture once its EXIF orientation is applied."""
    return (size[1], size[0]) if turn in _SIDEWAYS else size


@contextmanager
def _stream(content: Path | bytes, name: str) -> Iterator[BinaryIO]:
    if isinstance(content, bytes):
        yield io.BytesIO(content)
    else:
        with open_regular(content, name=name) as file:
            yield file


def _identify(head: bytes, name: str) -> str:
    if not head:
        raise ImageReadError(name, "the file is empty")
    kind = sniff(head)
    unread = unread_kind(name, kind)
    if unread is None and kind is None and is_targa_name(name):
        return "TGA"
    if unread is None and kind is not None and (kind in _PLUGINS or kind == "HEIF"):
        return kind
    unread = unread or kind
    if unread is None:
        detail = "; it begins with zero bytes" if not any(head) else ""
        raise UnsupportedImageError(name, f"it is not a picture{detail}")
    raise UnsupportedImageError(name, f"{unread} is not supported; convert it to JPEG or PNG")


def _plugin_open(file: BinaryIO, kind: str) -> Image.Image:
    if kind == "HEIF":
        # Not registered with Pillow: that would change what the host program's Image.open does.
        pillow_heif = importlib.import_module("pillow_heif")
        return cast("Image.Image", pillow_heif.HeifImageFile(file, ""))
    importlib.import_module(f"PIL.{_PLUGINS[kind]}")
    factory, _ = Image.OPEN[kind]
    return factory(file, "")


def _decode_jpeg(found: Opened, shrink_to: int | None) -> Image.Image | None:
    """Decode an RGB or grey JPEG without the interpreter lock, at the smallest scale that serves.

    Returns:
        None if the JPEG is of another kind, or not flawless: then Pillow has the last word.
    """
    mode = {"RGB": "RGBX", "L": "L"}.get(found.picture.mode)  # Pillow's own layouts: no copy
    if found.content is None or mode is None:
        return None
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(found.content)
        if (width, height) != found.picture.size:
            return None
        least = shrink_to or 0
        colours = "GRAY" if mode == "L" else mode
        pixels = simplejpeg.decode_jpeg(
            found.content, colours, min_height=least, min_width=least, min_factor=_LEAST_FACTOR
        )
    except (ValueError, MemoryError):
        return None
    return Image.frombuffer(mode, pixels.shape[1::-1], pixels, "raw", mode, 0, 1)


def _draft(found: Opened, shrink_to: int | None) -> bool:
    """Have Pillow decode a JPEG at a smaller scale; say whether it will."""
    if found.kind != "JPEG" or shrink_to is None:
        return False
    return found.picture.draft(None, (shrink_to, shrink_to)) is not None


def _reduce(picture: Image.Image, shrink_to: int | None) -> Image.Image:
    factor = min(picture.size) // shrink_to if shrink_to else 1
    return picture.reduce(factor) if factor > 1 else picture
