"""The pictures of a search for copies: sketches of all of them, and portraits of those looked at.

What was made once is kept in the gallery's cache; the files are read for the rest.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Final, TypeAlias

from imgsearch.dedup.contents import Content
from imgsearch.dedup.first_look import first_look
from imgsearch.dedup.insides import INSIDE_KIND
from imgsearch.dedup.portrait import AS_A_SQUARE, Portrait, thumbnail_of
from imgsearch.errors import ImageReadError
from imgsearch.gallery.copy_cache import CopyCache
from imgsearch.images.prepare import prepare
from imgsearch.images.sketch import SKETCH_KIND, Sketch, draw
from imgsearch.images.thumbnail import THUMBNAIL_KIND, pack_thumbnail, unpack_thumbnail

SKETCHES_HELD: Final = 150_000
"""How many sketches are held in memory, of some 5 KB each; the others are read when needed."""
PORTRAITS_HELD: Final = 1_000
"""How many portraits are held in memory, of some 300 KB each."""

Tell: TypeAlias = Callable[[int, int], object]
"""Told how many of something are done, and how many there are."""

_AT_ONCE: Final = 256
_HASH_BYTES: Final = 32


class Album:
    """Pictures by their contents' places in a list; for any number of threads.

    Args:
        contents: What the places mean.
        cache: Where thumbnails and sketches are kept.
    """

    def __init__(self, contents: Sequence[Content], cache: CopyCache) -> None:
        self._hashes = [content.content_hash for content in contents]
        self._contents = contents
        self._cache = cache
        self._sketches: dict[int, Sketch | None] = {}
        self.portrait = lru_cache(PORTRAITS_HELD)(self._portrait)

    def sketch_all(self, tell: Tell) -> None:
        """Look at the pictures that `index` did not look at, in threads."""
        known = set(self._cache.keys(SKETCH_KIND)) & set(self._cache.keys(INSIDE_KIND))
        missing = [place for place, key in enumerate(self._hashes) if key not in known]
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for start in range(0, len(missing), _AT_ONCE):
                tell(start, len(missing))
                self._sketch_some(missing[start : start + _AT_ONCE], threads)

    def sketch(self, place: int) -> Sketch | None:
        """Return the sketch of a content, None where no file of it can be read."""
        if place not in self._sketches:
            return self._hold(place, self._sketch(place))
        return self._sketches[place]

    def sketches(self) -> Iterator[tuple[int, Sketch]]:
        """Yield the contents that can be read, in order, with their sketches."""
        for start in range(0, len(self._hashes), _AT_ONCE):
            places = range(start, min(start + _AT_ONCE, len(self._hashes)))
            missing = [place for place in places if place not in self._sketches]
            kept = self._cache.get(SKETCH_KIND, [self._hashes[place] for place in missing])
            for place in missing:
                packed = kept.get(self._hashes[place])
                if packed is not None:
                    self._hold(place, Sketch.from_bytes(packed))
            for place in places:
                if (sketch := self.sketch(place)) is not None:
                    yield place, sketch

    def _hold(self, place: int, sketch: Sketch | None) -> Sketch | None:
        if len(self._sketches) < SKETCHES_HELD:
            self._sketches[place] = sketch
        return sketch

    def insides(self) -> dict[int, bytes]:
        """Return what is inside of margins, as `inside_of` packs it, of pictures that have one."""
        kept = self._cache.get_all(INSIDE_KIND)
        found: dict[int, bytes] = {}
        for place, key in enumerate(self._hashes):
            if key in kept:
                found[place] = kept[key]
            elif (thumbnail := self._thumbnail(place)) is not None:
                found[place] = first_look(thumbnail)[INSIDE_KIND]
        return {place: inside for place, inside in found.items() if inside}

    def forget_others(self) -> None:
        """Take out of the cache what was found of contents that are not in this album."""
        here = set(self._hashes)
        for kind in self._cache.kinds():
            gone = [key for key in self._cache.keys(kind) if not here.issuperset(_contents(key))]
            self._cache.remove(kind, gone)

    def _sketch_some(self, places: Sequence[int], threads: ThreadPoolExecutor) -> None:
        keys = [self._hashes[place] for place in places]
        kept = self._cache.get(THUMBNAIL_KIND, keys)
        found = list(threads.map(self._read, places, map(kept.get, keys)))
        made = {key: thumb for key, thumb in zip(keys, found, strict=True) if thumb is not None}
        seen = dict(zip(made, threads.map(first_look, made.values()), strict=True))
        new = {key: made[key] for key in made.keys() - kept.keys()}
        kinds = (SKETCH_KIND, INSIDE_KIND)
        values = {kind: {key: each[kind] for key, each in seen.items()} for kind in kinds}
        self._cache.put_kinds({THUMBNAIL_KIND: new, **values})

    def _sketch(self, place: int) -> Sketch | None:
        key = self._hashes[place]
        kept = self._cache.get(SKETCH_KIND, [key]).get(key)
        if kept is not None:
            return Sketch.from_bytes(kept)
        thumbnail = self._thumbnail(place)
        return None if thumbnail is None else draw(*unpack_thumbnail(thumbnail))

    def _portrait(self, place: int) -> Portrait | None:
        """Make the portrait of a content, None where no file of it can be read."""
        thumbnail = self._thumbnail(place)
        if thumbnail is None:
            return None
        return Portrait(thumbnail_of(*unpack_thumbnail(thumbnail)), self.sketch(place))

    def _thumbnail(self, place: int) -> bytes | None:
        key = self._hashes[place]
        return self._read(place, self._cache.get(THUMBNAIL_KIND, [key]).get(key))

    def _read(self, place: int, kept: bytes | None) -> bytes | None:
        """Return a thumbnail as it is kept, None where no file of the content can be read."""
        if kept is not None:
            return kept
        for picture in self._contents[place].pictures:
            try:
                return pack_thumbnail(prepare(picture.path, AS_A_SQUARE, name=str(picture.path)))
            except ImageReadError:
                continue
        return None


def _contents(key: bytes) -> list[bytes]:
    """Return the contents that a key of the cache is made of: one, or the two of a pair."""
    return [key[start : start + _HASH_BYTES] for start in range(0, len(key), _HASH_BYTES)]
