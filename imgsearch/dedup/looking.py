"""Looks at pairs of contents: screens the many, and verifies those that could be copies.

What was found out once is kept in the gallery's cache, by contents: it holds wherever they lie.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from typing import Final

import numpy as np
import numpy.typing as npt

from imgsearch.dedup.album import Album, Tell
from imgsearch.dedup.candidates import Pair, Pairs
from imgsearch.dedup.contents import Content
from imgsearch.dedup.crew import Crew
from imgsearch.dedup.onlooker import look, of_numbers
from imgsearch.dedup.paths import shown
from imgsearch.dedup.records import Verdict
from imgsearch.dedup.screening import SketchFit, screen
from imgsearch.dedup.verify import VERIFY_VERSION
from imgsearch.dedup.whole_files import UNREADABLE
from imgsearch.gallery.copy_cache import CopyCache
from imgsearch.images.sketch import SKETCH_KIND

SCREENED_KIND: Final = f"screened/4/{SKETCH_KIND}"
UNCOMPARED: Final = Verdict(None, 0.0, "they cannot be compared")
VERDICT_KIND: Final = f"verdict/1/{VERIFY_VERSION}"

_KEY_BYTES: Final = 8  # of a content's hash, among those that one picture was screened with
_AT_ONCE: Final = 256
_TOGETHER: Final = 256  # pairs that are screened by one process
_SCREEN_MS: Final = 0.15  # what a pair takes, roughly
_LOOK_MS: Final = 12.0
_ALONE_MS: Final = 500.0  # what is done here, before child processes are worth their start
_FITS_HELD: Final = 200_000  # of some 300 bytes each; what is not held is found anew

_log = logging.getLogger(__name__)


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
            found += self._likely(firsts[some], seconds[some], kept)
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

    def _likely(
        self,
        firsts: Sequence[int],
        seconds: Sequence[npt.NDArray[np.int64]],
        kept: Mapping[bytes, bytes],
    ) -> list[Pair]:
        """Return the likely ones of the pairs of some pictures with others, by what is kept."""
        known = {first: _unpacked(kept.get(self._hash(first), b"")) for first in firsts}
        asked = {
            (first, second): self._hash(second)[:_KEY_BYTES]
            for first, some in zip(firsts, seconds, strict=True)
            for second in some.tolist()
        }
        new = [pair for pair, key in asked.items() if key not in known[pair[0]]]
        for pair, is_likely in self._screen_new(new).items():
            known[pair[0]][asked[pair]] = is_likely
        changed = {first for first, _ in new}
        self._cache.put(
            SCREENED_KIND, {self._hash(first): _packed(known[first]) for first in changed}
        )
        return [pair for pair, key in asked.items() if known[pair[0]].get(key)]

    def _screen_new(self, pairs: Sequence[Pair]) -> dict[Pair, bool]:
        """Say of pairs of pictures that can be read whether they are likely copies."""
        parts = [pairs[at : at + _TOGETHER] for at in range(0, len(pairs), _TOGETHER)]
        answers: dict[Pair, bool] = {}
        for readable, found in self._threads.map(self._screened, parts):
            for place, pair in enumerate(readable):
                answers[pair] = place in found
                fit = found.get(place)
                if fit is not None and len(self._fits) < _FITS_HELD:
                    self._fits[pair] = fit
        return answers

    def _look(self, pair: Pair) -> Verdict:
        verdict = self._seen(pair)
        if verdict not in (UNREADABLE, UNCOMPARED):  # which say nothing of the contents
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
        try:
            return look(portraits, (first.first, second.first), fit)
        except Exception as error:  # noqa: BLE001 - OpenCV has its own; none is worth all others
            files = f"{shown(first.first.path)} and {shown(second.first.path)}"
            _log.warning("%s cannot be compared, and both stay (%s)", files, error)
            return UNCOMPARED

    def _screened(self, pairs: Sequence[Pair]) -> tuple[list[Pair], dict[int, SketchFit | None]]:
        """Return the pairs that can be read, and what `screen` says of their places."""
        places = dict.fromkeys(place for pair in pairs for place in pair)
        sketches = {
            place: sketch for place in places if (sketch := self._album.sketch(place)) is not None
        }
        readable = [pair for pair in pairs if sketches.keys() >= set(pair)]
        if crew := self._crew_after(_SCREEN_MS * len(readable)):
            packed = {place: sketch.to_bytes() for place, sketch in sketches.items()}
            answer = crew.ask("screen", packed, readable)
            if answer is not None:
                return readable, {place: of_numbers(fit) for place, fit in answer[0]}
        firsts, seconds = ([sketches[pair[side]] for pair in readable] for side in (0, 1))
        return readable, screen(firsts, seconds)

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
