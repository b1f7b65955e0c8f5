"""What is perhaps inside a margin, tiny: so that a picture is found on a screen, or turned."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from imgsearch.dedup.margins import flattened, likely_frame
from imgsearch.dedup.turned_frame import turned_frame
from imgsearch.images.sketch import turns_of
from imgsearch.types import Pixels

INSIDE_KIND: Final = "inside/1"
"""Names insides in a cache; another number when they are made another way."""

_SIDE: Final = 8


def inside_of(pixels: Pixels) -> bytes:
    """Return what is inside a picture's margin, tiny and packed; nothing if it has none.

    Args:
        pixels: Shape (rows, columns, 3), in its own proportions.
    """
    frame = turned_frame(pixels)
    frame = likely_frame(pixels) if frame is None else frame
    if frame is None:
        return b""
    tiny = flattened(pixels, frame, _SIDE).mean(axis=2)
    return np.asarray(np.rint(tiny), np.uint8).tobytes()


def turns_inside(inside: bytes) -> npt.NDArray[np.float32]:
    """Return the eight turns and mirrors of what `inside_of` packed; shape (8, 64)."""
    return turns_of(np.frombuffer(inside, np.uint8).reshape(_SIDE, _SIDE))
