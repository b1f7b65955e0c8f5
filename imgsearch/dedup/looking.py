"""Looks at pairs of contents: decodes their pictures, and verifies what could be copies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Final

from imgsearch.dedup.contents import Content
from imgsearch.dedup.groups import Pair
from imgsearch.dedup.portrait import Portrait, read_thumbnail
from imgsearch.dedup.records import Verdict
from imgsearch.dedup.screening import screen
from imgsearch.dedup.verify import verify
from imgsearch.errors import ImageReadError

PORTRAITS_HELD: Final = 2000
"""How many pictures are held in memory while pairs are looked at; some 300 KB each."""

_UNREADABLE: Final = Verdict(None, 0.0, "one of the files cannot be read")
_UNLIKE: Final = Verdict(None, 0.0, "no detail in common")


class PairViewer:
    """Says of pairs of contents whether they are copies.

    Args:
        contents: What the places of a pair mean.
    """

    def __init__(self, contents: Sequence[Content]) -> None:
        self._contents = contents
        self._portrait = lru_cache(PORTRAITS_HELD)(self._read)

    def judge(self, pairs: Sequence[Pair]) -> dict[Pair, Verdict]:
        """Return the verdict of each pair."""
        others: dict[int, list[int]] = defaultdict(list)
        for first, second in pairs:
            others[first].append(second)
        verdicts: dict[Pair, Verdict] = {}
        with ThreadPoolExecutor() as threads:
            for found in threads.map(self._judge_one, others.keys(), others.values()):
                verdicts |= found
        return verdicts

    def _judge_one(self, first: int, seconds: Sequence[int]) -> dict[Pair, Verdict]:
        """Compare one content with others."""
        verdicts = {(first, second): _UNREADABLE for second in seconds}
        portrait = self._portrait(first)
        readable = [second for second in seconds if self._portrait(second) is not None]
        if portrait is None or not readable:
            return verdicts
        portraits = [each for each in map(self._portrait, readable) if each is not None]
        likely = screen(portrait, portraits)
        for second, other, is_likely in zip(readable, portraits, likely, strict=True):
            verdicts[first, second] = verify(portrait, other) if is_likely else _UNLIKE
        return verdicts

    def _read(self, place: int) -> Portrait | None:
        """Make the portrait of a content, None where no file of it can be read."""
        for picture in self._contents[place].pictures:
            try:
                return Portrait(read_thumbnail(picture.path))
            except ImageReadError:
                continue
        return None
