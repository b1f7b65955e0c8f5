"""What a file holds beyond the picture that is compared, and that a copy of it may have lost."""

from __future__ import annotations

import re
from typing import Final

from PIL import Image

from imgsearch.dedup.records import Picture
from imgsearch.images.decode import Opened, opened
from imgsearch.types import DEFAULT_MAX_PIXELS

_ALPHA_MODES: Final = frozenset(("LA", "La", "PA", "RGBA", "RGBa"))
_DEEP_MODES: Final = ("I", "F")  # and I;16 in all its byte orders
_FILM_BEHIND: Final = re.compile(rb"\0\0\0.ftyp(?:mp4|iso|qt )|MotionPhoto_Data", re.DOTALL)


def lost_in(keep: Picture, picture: Picture) -> tuple[str, ...]:
    """Name what a picture's file holds and the file that would be kept of it does not.

    Pictures are compared as a viewer shows them, on white, with 8 bits a channel, the first of a
    file: a flattened copy then has the same pixels, and may be the larger file.

    Args:
        keep: The picture that would stay.
        picture: The one that would go.

    Raises:
        ImageReadError: If either file cannot be read.
    """
    held = _held(picture)
    return tuple(sorted(held - _held(keep))) if held else ()


def _held(picture: Picture) -> frozenset[str]:
    path = picture.path
    with opened(path, name=str(path), max_pixels=DEFAULT_MAX_PIXELS) as found:
        holds = {
            "more than 8 bits a channel": _is_deep(found.picture),
            "printing inks (CMYK)": found.picture.mode == "CMYK",
            "further pictures": "mp" in found.picture.info,
            "a film": found.kind == "JPEG" and _has_film(found),
            "transparency": _is_transparent(found.picture),  # the last: it decodes
        }
        return frozenset(what for what, is_so in holds.items() if is_so)


def _is_deep(picture: Image.Image) -> bool:
    """Tell whether there are more bits than are shown; Pillow's mode says so of greys alone."""
    if picture.mode.startswith(_DEEP_MODES) or picture.info.get("bit_depth", 8) > 8:
        return True
    return any(";16" in str(tile[3]) for tile in getattr(picture, "tile", ()))


def _is_transparent(picture: Image.Image) -> bool:
    if picture.mode not in _ALPHA_MODES and "transparency" not in picture.info:
        return False
    lowest, _ = picture.convert("RGBA").getchannel("A").getextrema()
    return isinstance(lowest, int) and lowest < 255


def _has_film(found: Opened) -> bool:
    found.file.seek(0)
    return _FILM_BEHIND.search(found.file.read()) is not None
