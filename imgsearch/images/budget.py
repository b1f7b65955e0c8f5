"""A budget of pixels: how much may be decoded at the same time by several threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Protocol

SHARED_PIXELS: Final = 50_000_000
"""What a pipeline may hold decoded: a few camera pictures, some 200 MB while they are decoded."""


class Turns(Protocol):
    """Whoever decides when a picture may be decoded."""

    def hold(self, pixels: int) -> AbstractContextManager[None]:
        """Wait until there is room for so many pixels, and keep it while the block runs."""
        ...


class PixelBudget:
    """Lets threads decode side by side while their pictures are small, and one by one when not.

    A picture that is larger than the whole budget is decoded alone: memory is then what that one
    picture needs, and no more.

    Args:
        pixels: How many pixels may be decoded at the same time, at least 1.
    """

    def __init__(self, pixels: int = SHARED_PIXELS) -> None:
        if pixels < 1:
            raise ValueError(f"a budget has at least one pixel, not {pixels}")
        self._limit = pixels
        self._held = 0
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        """Wait until there is room for so many pixels, and keep it while the block runs."""
        share = min(pixels, self._limit)
        with self._changed:
            self._changed.wait_for(lambda: self._held + share <= self._limit)
            self._held += share
        try:
            yield
        finally:
            with self._changed:
                self._held -= share
                self._changed.notify_all()
