"""Frames of a burst told by their clocks: a copy keeps the moment at which a picture was taken."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

_BURST: Final = timedelta(hours=1)  # what is further apart may be a clock that was set right
_ZONES: Final = timedelta(minutes=15)  # time zones are whole numbers of it apart


def seconds_apart(first: str | None, second: str | None) -> float:
    """Return how long after one picture another was taken, if that is of one occasion.

    Args:
        first: When a picture was taken, as `ImageFacts.taken` says; None if unknown.
        second: The same of the other.

    Returns:
        Above 0 and at most 3600; 0 if it is the same moment, or the same in another time zone, if
        one is unknown, or if they are so far apart that a clock may have been set right.
    """
    if first is None or second is None:
        return 0.0
    apart = abs(datetime.fromisoformat(first) - datetime.fromisoformat(second))
    digits = [len(moment.partition(".")[2]) for moment in (first, second)]
    if digits[0] != digits[1] and apart <= timedelta(seconds=0.1 ** min(digits)):
        return 0.0  # one was rounded by what wrote it, up or down
    return 0.0 if apart > _BURST or not apart % _ZONES else apart.total_seconds()
