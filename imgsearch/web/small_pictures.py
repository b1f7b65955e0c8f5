"""Small pictures of files, made when they are asked for, and the last ones kept in memory."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Final

from PIL import Image

from imgsearch.images.budget import PixelBudget
from imgsearch.images.prepare import prepare
from imgsearch.images.resize import resize
from imgsearch.types import Pixels, Preprocessing

DEFAULT_CACHE_BYTES: Final = 64_000_000
"""Some 5,000 thumbnails."""

_QUALITY: Final = 80


class BytesCache:
    """Keeps what was used last, up to so many bytes; serves several threads.

    Args:
        max_bytes: What it holds at most. A larger value is handed on, and not kept.
    """

    def __init__(self, max_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._values: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self.held_bytes = 0

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """Return a value; make it, without holding anybody up, if it is not here."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._lock:
            self.held_bytes += len(value) - len(self._values.pop(key, b""))
            self._values[key] = value
            while self.held_bytes > self._max_bytes:
                _, oldest = self._values.popitem(last=False)
                self.held_bytes -= len(oldest)
        return value


class SmallPictures:
    """Makes JPEGs of files of any kind that is read; serves several threads.

    Args:
        max_pixels: A picture that declares more is refused before it is decoded.
        cache: Where they are kept.
    """

    def __init__(self, max_pixels: int, cache: BytesCache | None = None) -> None:
        self._max_pixels = max_pixels
        self._cache = BytesCache() if cache is None else cache
        self._budget = PixelBudget()

    def jpeg(self, path: Path, side: int, state: Hashable) -> bytes:
        """Return a file as a JPEG: upright, sRGB, on white.

        Args:
            path: The file.
            side: The longer side of the JPEG, at most; a smaller picture is not enlarged.
            state: What tells this state of the file from others.

        Raises:
            ImageReadError: If it cannot be read or is damaged.
        """
        return self._cache.get((path, side, state), lambda: self._make(path, side))

    def _make(self, path: Path, side: int) -> bytes:
        pixels = read_within(path, side, max_pixels=self._max_pixels, budget=self._budget)
        encoded = io.BytesIO()
        Image.fromarray(pixels).save(encoded, "JPEG", quality=_QUALITY)
        return encoded.getvalue()


def read_within(
    path: Path, side: int, *, max_pixels: int, budget: PixelBudget | None = None
) -> Pixels:
    """Decode a file as a viewer shows it, and make it small.

    A file that could crash its decoder is decoded in a process of its own.

    Args:
        path: The file.
        side: The longer side of the result, at most; a smaller picture is not enlarged.
        max_pixels: A picture that declares more is refused before it is decoded.
        budget: What several threads share, so that large pictures are decoded one by one.

    Returns:
        Shape (height, width, 3).

    Raises:
        ImageReadError: If it cannot be read or is damaged.
    """
    shape = Preprocessing(side, "faithful")
    square = prepare(path, shape, name=str(path), max_pixels=max_pixels, budget=budget)
    scale = min(1.0, side / max(square.width, square.height))
    width, height = (max(1, round(length * scale)) for length in (square.width, square.height))
    return resize(square.pixels, width, height)
