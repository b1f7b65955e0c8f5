"""Small pictures of large ones, as text that a page can hold."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Final

from PIL import Image

from imgsearch.images.decode import decode
from imgsearch.images.resize import resize
from imgsearch.types import Pixels

THUMBNAIL_SIDE: Final = 240
PREVIEW_SIDE: Final = 800

_QUALITY: Final = 75


def data_uri(pixels: Pixels, side: int) -> str:
    """Return a picture as a `data:` address that a browser shows.

    Args:
        pixels: Shape (height, width, 3), uint8, sRGB.
        side: The longer side of the result, at most; a smaller picture is not enlarged.
    """
    encoded = io.BytesIO()
    Image.fromarray(_within(pixels, side)).save(encoded, "JPEG", quality=_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(encoded.getvalue()).decode("ascii")


def read_small(path: Path, side: int) -> Pixels:
    """Decode a file as a viewer shows it, perhaps in a smaller size, but no side below `side`.

    Returns:
        Shape (height, width, 3).

    Raises:
        ImageReadError: If it cannot be read or is damaged.
    """
    return decode(path, name=str(path), shrink_to=side).pixels


def _within(pixels: Pixels, side: int) -> Pixels:
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    if scale == 1.0:
        return pixels
    return resize(pixels, max(1, round(width * scale)), max(1, round(height * scale)))
