"""Looks at pairs of contents: screens the many, and verifies those that could be copies.

What was found out once is kept in the gallery's cache, by contents: it holds wherever they lie.
"""

from __future__ import annotations

import json
import os
import threading
import weakref
from collections import ChainMap
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from imgsearch.dedup.album import Album, Tell
from imgsearch.dedup.candidates import Pair, Pairs
from imgsearch.dedup.contents import Content
from imgsearch.dedup.crew import Crew
from imgsearch.dedup.onlooker import look, of_numbers
from imgsearch.dedup.records import Verdict
from imgsearch.dedup.screening import SketchFit, screen
from imgsearch.dedup.verify import VERIFY_VERSION
from imgsearch.dedup.whole_files import UNREADABLE
from imgsearch.gallery.copy_cache import CopyCache
from imgsearch.images.sketch import SKETCH_KIND, Sketch

SCREENED_KIND: Final = f"screened/2/{SKETCH_KIND}"
VERDICT_KIND: Final = f"verdict/1/{VERIFY_VERSION}"

_KEY_BYTES: Final = 8  # of a content's hash, among those that one picture was screened with
_AT_ONCE: Final = 256
_SCREEN_MS: Final = 0.25  # what a pair takes, roughly
_LOOK_MS: Final = 12.0
_ALONE_MS: Final = 500.0  # what is done here, before child processes are worth their start
_FITS_HELD: Final = 200_000  # of some 300 bytes each; what is not held is found anew


class PairViewer:
    """Says of pairs of contents whether they are copies; for any number of threads.

    Args:
        contents: What the places of a pair mean.
        album: Their pictures.
        cache: Where answers are kept.
    """

    def __init__(self, contents: Sequence[Content], album: Album, cache: CopyCache) -> None:
        self._contents = contents
        self._album = album
        self._cache = cache
        self._fits: dict[Pair, SketchFit] = {}
        self._done_ms = 0.0
        self._crew: Crew | None = None
        self._starting = threading.Lock()
        self._threads = ThreadPoolExecutor(os.cpu_count())  # they end with this object

    def likely(self, pairs: Pairs, tell: Tell) -> list[Pair]:
        """Return the pairs that could be copies, in order; only these need a verdict.

        Args:
            pairs: What to choose from.
            tell: Called with how many are done, and of how many.
        """
        kept = self._cache.get_all(SCREENED_KIND)
        starts = np.flatnonzero(np.diff(pairs[:, 0], prepend=-1))
        firsts, seconds = pairs[starts, 0].tolist(), np.split(pairs[:, 1], starts[1:])
        found: list[Pair] = []
        for start in range(0, len(firsts), _AT_ONCE):
            tell(start, len(firsts))
            some = slice(start, start + _AT_ONCE)
            screen_one = partial(self._screen, kept=kept)
            answers = list(self._threads.map(screen_one, firsts[some], seconds[some]))
            self._cache.put(SCREENED_KIND, dict(ChainMap(*(new for _, new in answers))))
            for first, (likely, _) in zip(firsts[some], answers, strict=True):
                found += [(first, second) for second in likely]
        return found

    def judge(self, pairs: Sequence[Pair]) -> dict[Pair, Verdict]:
        """Return the verdict of each pair."""
        keys = {pair: self._key(pair) for pair in pairs}
        kept = self._cache.get(VERDICT_KIND, keys.values())
        verdicts = {
            pair: self._by_content(pair, _parsed(kept[key]))
            for pair, key in keys.items()
            if key in kept
        }
        unknown = [pair for pair in pairs if pair not in verdicts]
        return verdicts | dict(zip(unknown, self._threads.map(self._look, unknown), strict=True))

    def _screen(
        self, first: int, seconds: npt.NDArray[np.int64], kept: dict[bytes, bytes]
    ) -> tuple[list[int], dict[bytes, bytes]]:
        """Return the likely ones of others, and what is new to the cache."""
        key = self._hash(first)
        known = _unpacked(kept.get(key, b""))
        asked = {second: self._hash(second)[:_KEY_BYTES] for second in seconds.tolist()}
        new = self._screen_new(first, [place for place in asked if asked[place] not in known])
        known |= {asked[place]: is_likely for place, is_likely in new.items()}
        likely = [place for place in asked if known.get(asked[place])]
        return likely, {key: _packed(known)} if new else {}

    def _screen_new(self, first: int, seconds: Sequence[int]) -> dict[int, bool]:
        """Say of pictures that can be read whether they are likely copies of one that can."""
        sketch = self._album.sketch(first) if seconds else None
        if sketch is None:
            return {}
        others = {second: self._album.sketch(second) for second in seconds}
        readable = {second: other for second, other in others.items() if other is not None}
        found = self._screened(sketch, list(readable.values()))
        for place, second in enumerate(readable):
            fit = found.get(place)
            if fit is not None and len(self._fits) < _FITS_HELD:
                self._fits[first, second] = fit
        return {second: place in found for place, second in enumerate(readable)}

    def _look(self, pair: Pair) -> Verdict:
        verdict = self._seen(pair)
        if verdict is not UNREADABLE:  # which is of what became of their files
            kept = _kept(self._by_content(pair, verdict))
            self._cache.put_soon(VERDICT_KIND, {self._key(pair): kept})
        return verdict

    def _seen(self, pair: Pair) -> Verdict:
        first, second = (self._contents[place] for place in pair)
        fit = self._fits.pop(pair, None)
        if crew := self._crew_after(_LOOK_MS):
            answer = crew.ask("look", first, second, fit)
            if answer is not None:
                return Verdict(*answer[0]) if answer[0] else UNREADABLE
        portraits = self._album.portrait(pair[0]), self._album.portrait(pair[1])
        return look(portraits, (first.first, second.first), fit)

    def _screened(self, first: Sketch, seconds: Sequence[Sketch]) -> dict[int, SketchFit | None]:
        if crew := self._crew_after(_SCREEN_MS * len(seconds)):
            packed = [second.to_bytes() for second in seconds]
            answer = crew.ask("screen", first.to_bytes(), packed)
            if answer is not None:
                return {place: of_numbers(fit) for place, fit in answer[0]}
        return screen(first, seconds)

    def _crew_after(self, cost_ms: float) -> Crew | None:
        """Return the child processes, once so much was done that they are worth their start."""
        with self._starting:
            self._done_ms += cost_ms
            cores = os.cpu_count() or 1
            if self._crew is None and self._done_ms > _ALONE_MS and cores > 1:
                self._crew = Crew(self._cache.path.parent, cores)
                weakref.finalize(self, self._crew.close)
            return self._crew

    def _by_content(self, pair: Pair, verdict: Verdict) -> Verdict:
        """Turn a verdict from the order of places into that of contents, as is kept, or back."""
        in_order = self._hash(pair[0]) <= self._hash(pair[1])
        return verdict if in_order else verdict.swapped

    def _key(self, pair: Pair) -> bytes:
        return b"".join(sorted(self._hash(place) for place in pair))

    def _hash(self, place: int) -> bytes:
        return self._contents[place].content_hash


def _packed(known: dict[bytes, bool]) -> bytes:
    return b"".join(key + bytes([is_likely]) for key, is_likely in sorted(known.items()))


def _unpacked(kept: bytes) -> dict[bytes, bool]:
    entries = (
        kept[start : start + _KEY_BYTES + 1] for start in range(0, len(kept), _KEY_BYTES + 1)
    )
    return {entry[:-1]: bool(entry[-1]) for entry in entries}


def _kept(verdict: Verdict) -> bytes:
    return json.dumps(astuple(verdict)).encode()


def _parsed(kept: bytes) -> Verdict:
    return Verdict(*json.loads(kept))
