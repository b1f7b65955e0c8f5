"""Filters: which pictures a query chooses among, by what the catalogue knows of them."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

from imgsearch.gallery.roots import read_roots
from imgsearch.gallery.store import GalleryStore
from imgsearch.images.decode import DECODED_KINDS
from imgsearch.types import Ids

_DATE: Final = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d)?)?)?)?", re.ASCII)
_FIRST_MOMENT: Final = "0001-01-01T00:00:00"
_KIND_OF: Final = {"JPG": "JPEG", "TIF": "TIFF", "HEIC": "HEIF", "JP2": "JPEG2000"}

_Condition = tuple[str, list[int | str | bytes]]


@dataclass(frozen=True, slots=True)
class Filter:
    """What a picture has to be to be found; what is left out excludes nothing.

    Attributes:
        paths: Shell patterns, one of which has to match: with a `/` in front the whole absolute
            path, else the end of it from any folder's or file's name on. `*` matches `/`, too.
        folders: Folders, in one of which it has to lie, however deep.
        since: The earliest moment when it was taken, in ISO 8601: a year, a month, a day or more.
        until: The last such moment; a day is meant to its end.
        camera: What make and model of its camera have to contain, upper or lower case.
        min_width: Upright width in pixels, at least.
        min_height: Upright height in pixels, at least.
        min_pixels: Both multiplied, at least.
        formats: Formats by content, such as `"JPEG"`, one of which it has to have.

    Raises:
        ValueError: If a date is none, or a format is unknown.
    """

    paths: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    since: str | None = None
    until: str | None = None
    camera: str | None = None
    min_width: int = 0
    min_height: int = 0
    min_pixels: int = 0
    formats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for text in (self.since, self.until):
            if text is not None:
                _require_date(text)
        for name in self.formats:
            if _kind_of(name) not in DECODED_KINDS:
                raise ValueError(f"{name} is no format; choose of {', '.join(DECODED_KINDS)}")

    @property
    def asks_exif(self) -> bool:
        """Whether it depends on EXIF data."""
        return any(text is not None for text in (self.since, self.until, self.camera))


def choose(store: GalleryStore, wanted: Filter) -> Ids | None:
    """Return the ids of the pictures that a filter lets through, in any order; None for all.

    Args:
        store: The gallery, open for reading.
        wanted: What a picture has to be.
    """
    if wanted == Filter():
        return None
    roots = read_roots(store.catalog)
    conditions = [*_plain_conditions(wanted)]
    if wanted.folders:
        conditions.append(_any([_below(folder, roots) for folder in wanted.folders]))
    rows = store.catalog.connection.execute(
        "SELECT image_id, root_id, path FROM images"
        f" WHERE {' AND '.join(['1', *(text for text, _ in conditions)])}",
        [value for _, values in conditions for value in values],
    )
    matches = _matcher(wanted.paths, roots)
    return np.fromiter((row[0] for row in rows if matches(row[1], row[2])), dtype=np.int64)


def unread_exif_count(store: GalleryStore) -> int:
    """Count the pictures whose EXIF data were never read: releases before format 3 did not."""
    query = "SELECT count(*) FROM images WHERE exif_tags IS NULL"
    return int(store.catalog.connection.execute(query).fetchone()[0])


def _plain_conditions(wanted: Filter) -> Iterable[_Condition]:
    if wanted.since is not None:
        yield "taken >= ?", [wanted.since]
    if wanted.until is not None:  # as long as it is said: 2024-05 means all of May
        yield f"substr(taken, 1, {len(wanted.until)}) <= ?", [wanted.until]
    if wanted.camera is not None:
        yield "instr(lower(camera), lower(?)) > 0", [wanted.camera]
    yield "width >= ? AND height >= ?", [wanted.min_width, wanted.min_height]
    yield "width * height >= ?", [wanted.min_pixels]
    if wanted.formats:
        yield _any([("format = ?", [_kind_of(name)]) for name in wanted.formats])


def _any(conditions: list[_Condition]) -> _Condition:
    text = " OR ".join(text for text, _ in conditions)
    return f"({text})", [value for _, values in conditions for value in values]


def _below(folder: Path, roots: dict[int, Path]) -> _Condition:
    """Return the condition of lying in a folder, which may be in a root or have roots in it."""
    place = Path(os.path.realpath(folder))
    conditions: list[_Condition] = []
    for root_id, root in roots.items():
        if root.is_relative_to(place):
            conditions.append(("root_id = ?", [root_id]))
        elif place.is_relative_to(root):
            prefix = os.fsencode(place.relative_to(root).as_posix())
            between = "root_id = ? AND path >= ? AND path < ?"  # '0' is the byte after '/'
            conditions.append((f"({between})", [root_id, prefix + b"/", prefix + b"0"]))
    return _any(conditions) if conditions else ("0", [])


def _matcher(patterns: tuple[str, ...], roots: dict[int, Path]) -> Callable[[int, bytes], bool]:
    if not patterns:
        return lambda _root_id, _path: True
    whole = [pattern if pattern.startswith("/") else f"*/{pattern}" for pattern in patterns]
    any_of = re.compile("|".join(fnmatch.translate(pattern) for pattern in whole))
    return lambda root_id, path: (
        any_of.match(f"{roots.get(root_id, Path())}/{os.fsdecode(path)}") is not None
    )


def _kind_of(name: str) -> str:
    return _KIND_OF.get(name.upper(), name.upper())


def _require_date(text: str) -> None:
    whole = text + _FIRST_MOMENT[len(text) :]
    hint = f"{text} is no date; write one as 2024, 2024-05, 2024-05-31 or 2024-05-31T18:20"
    if not _DATE.fullmatch(text):
        raise ValueError(hint)
    try:
        datetime.fromisoformat(whole)
    except ValueError as error:  # such as the 30th of February
        raise ValueError(hint) from error
