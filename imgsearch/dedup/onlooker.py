"""What a child process of the search for copies does: it screens and compares pictures."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Final

from imgsearch.dedup.album import PORTRAITS_HELD, Album
from imgsearch.dedup.candidates import Pair
from imgsearch.dedup.contents import Content
from imgsearch.dedup.landmark_fit import LandmarkFit
from imgsearch.dedup.portrait import Portrait
from imgsearch.dedup.records import Picture, Verdict
from imgsearch.dedup.screening import SketchFit, screen
from imgsearch.dedup.verify import compare
from imgsearch.dedup.whole_files import UNREADABLE, confirm
from imgsearch.gallery.copy_cache import CopyCache
from imgsearch.images.sketch import Sketch

Numbers = tuple[int, float, float, float, float, bool]
"""A `SketchFit` as JSON holds it."""

_HELD: Final = PORTRAITS_HELD // 2  # there is a child for each core


def look(
    portraits: tuple[Portrait | None, Portrait | None],
    pictures: tuple[Picture, Picture],
    fit: SketchFit | None,
) -> Verdict:
    """Say what two pictures are to one another.

    Args:
        portraits: Of the two; None of one that cannot be read.
        pictures: A file of each.
        fit: How the first lies on the second by their sketches, if that is known.
    """
    first, second = portraits
    if first is None or second is None:
        return UNREADABLE
    return confirm(compare(first, second, fit), *pictures)


class Onlooker:
    """Does what is asked, and gives answers that JSON can hold.

    Args:
        cache: Where thumbnails and sketches are kept.
    """

    def __init__(self, cache: CopyCache) -> None:
        self._cache = cache
        self._portraits = lru_cache(_HELD)(self._portrait)
        self._contents: dict[bytes, Content] = {}

    def screen(
        self, packed: Mapping[int, bytes], pairs: Sequence[Pair]
    ) -> list[tuple[int, Numbers | None]]:
        """Screen pairs of packed sketches, as `screening.screen` does."""
        sketches = {place: Sketch.from_bytes(content) for place, content in packed.items()}
        firsts, seconds = ([sketches[pair[side]] for pair in pairs] for side in (0, 1))
        found = screen(firsts, seconds)
        return [(place, as_numbers(fit)) for place, fit in found.items()]

    def look(self, first: Content, second: Content, fit: SketchFit | None) -> list[Any] | None:
        """Compare two contents; None if one cannot be read."""
        self._contents = {content.content_hash: content for content in (first, second)}
        portraits = self._portraits(first.content_hash), self._portraits(second.content_hash)
        verdict = look(portraits, (first.first, second.first), fit)
        return None if verdict is UNREADABLE else list(astuple(verdict))

    def _portrait(self, content_hash: bytes) -> Portrait | None:
        return Album([self._contents[content_hash]], self._cache).portrait(0)


def as_numbers(fit: SketchFit | None) -> Numbers | None:
    """Make a fit what JSON can hold."""
    if fit is None:
        return None
    turn, shift = fit.fit.factor, fit.fit.shift
    return fit.fit.agreeing, turn.real, turn.imag, shift.real, shift.imag, fit.mirrored


def of_numbers(numbers: Numbers | None) -> SketchFit | None:
    """Undo `as_numbers`."""
    if numbers is None:
        return None
    agreeing, turn, across, x, y, mirrored = numbers
    return SketchFit(LandmarkFit(agreeing, complex(turn, across), complex(x, y)), mirrored)


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Do what is asked until nobody asks any more.

    What cannot be done is answered by null: whoever asked then does it, and sees why not.
    """
    folder: Path = pickle.load(requests)
    with CopyCache(folder) as cache:
        onlooker = Onlooker(cache)
        while True:
            try:
                task, given = pickle.load(requests)
            except EOFError:
                return
            try:
                answer = json.dumps([getattr(onlooker, task)(*given)])
            except Exception:  # noqa: BLE001 - see above
                answer = "null"
            answers.write(answer.encode("ascii") + b"\n")
            answers.flush()
