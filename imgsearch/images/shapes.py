"""The size in which a picture is shown to a network that keeps its aspect ratio.

Sizes are rounded to whole multiples of `STEP`, so that there are few of them: pictures of one size
can then be embedded together, and an engine prepares itself for some fifteen sizes, not for
thousands. What is lost by it is small: a picture is stretched by a few hundredths of its side.
"""

from __future__ import annotations

from typing import Final

STEP: Final = 32
"""What both sides are multiples of, in pixels: what five poolings of two by two divide evenly."""

NARROWEST: Final = 0.4
"""The least that the shorter side is, as a part of the longer; panoramas are stretched to it."""


def kept_shape(width: int, height: int, longer: int) -> tuple[int, int]:
    """Return the size, multiples of `STEP`, that comes closest to a picture's aspect ratio.

    Args:
        width: The picture's own, in pixels, at least 1.
        height: The picture's own, in pixels, at least 1.
        longer: The longer side that is wanted, in pixels: a multiple of `STEP`.

    Returns:
        Width and height, the longer of them `longer`.
    """
    part = _part(width, height)
    shorter = min(longer, max(STEP, round(part * longer / STEP) * STEP))
    return (longer, shorter) if width >= height else (shorter, longer)


def kept_shape_by_mean(width: int, height: int, mean: int) -> tuple[int, int]:
    """Return such a size in which no picture has more pixels than a square of one side has.

    Args:
        width: The picture's own, in pixels, at least 1.
        height: The picture's own, in pixels, at least 1.
        mean: The mean of both sides that is wanted, in pixels: a multiple of `STEP`.

    Returns:
        Width and height, which add up to twice `mean`.
    """
    part = _part(width, height)
    more = min(round(mean * (1 - part) / (1 + part) / STEP) * STEP, mean - STEP)
    return (mean + more, mean - more) if width >= height else (mean - more, mean + more)


def _part(width: int, height: int) -> float:
    """Return how long the shorter side is to be, as a part of the longer."""
    return max(NARROWEST, min(width, height) / max(width, height))
