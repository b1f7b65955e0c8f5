"""Files that belong to a picture: its camera raw, its live photo's film, its side-cars."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import Final

from imgsearch.images.formats import RAW_SUFFIXES, looks_like_image

_RECORDINGS: Final = frozenset((".mov", ".mp4", ".wav"))
_SIDE_CARS: Final = frozenset((".xmp", ".aae", ".dop", ".pp3", ".thm"))
_SIDE_CARS_OF_A_NAME: Final = _SIDE_CARS | {".json"}
"""Endings that make a side-car when they follow a whole name, as in `a.jpg.xmp`."""


class Siblings:
    """Finds the files that belong to pictures; lists each folder once."""

    def __init__(self) -> None:
        self._folders: dict[Path, dict[str, list[str]]] = {}

    def of(self, picture: Path) -> tuple[Path, ...]:
        """Return the files that belong to a picture, sorted: of its name, but for the ending.

        Raises:
            OSError: If its folder cannot be listed.
        """
        return tuple(
            picture.with_name(name)
            for name in self._alike(picture)
            if _belongs(name.casefold(), picture.name.casefold())
        )

    def rivals(self, picture: Path) -> tuple[Path, ...]:
        """Return other pictures of that name, but for the ending: whose are the siblings then?

        Raises:
            OSError: If its folder cannot be listed.
        """
        return tuple(
            picture.with_name(name)
            for name in self._alike(picture)
            if name != picture.name and looks_like_image(name) and not _is_raw(name)
        )

    def _alike(self, picture: Path) -> list[str]:
        folder = picture.parent
        if folder not in self._folders:
            self._folders[folder] = _by_stem(folder)
        return self._folders[folder].get(_stem(picture.name), [])


def is_side_car(sibling: Path) -> bool:
    """Tell whether a sibling only describes its picture: no raw file, no film, no sound."""
    return sibling.suffix.lower() in _SIDE_CARS_OF_A_NAME


def _by_stem(folder: Path) -> dict[str, list[str]]:
    names: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(os.listdir(folder)):  # noqa: PTH208 - names alone are wanted
        names[_stem(name)].append(name)
    return dict(names)


def _stem(name: str) -> str:
    """Return a name without the endings that pictures, recordings and side-cars have."""
    stem, ending = os.path.splitext(name.casefold())  # noqa: PTH122 - names, not paths
    inner, inner_ending = os.path.splitext(stem)  # noqa: PTH122
    if ending in _SIDE_CARS_OF_A_NAME and looks_like_image(f"a{inner_ending}"):
        return inner
    return stem


def _belongs(name: str, picture: str) -> bool:
    """Tell whether a file of a picture's stem is its sibling; both names are in lower case."""
    owner, ending = os.path.splitext(name)  # noqa: PTH122
    if ending in _SIDE_CARS_OF_A_NAME and looks_like_image(owner):
        return owner == picture or _is_raw(owner)
    return ending in _SIDE_CARS | _RECORDINGS or (_is_raw(name) and name != picture)


def _is_raw(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in RAW_SUFFIXES  # noqa: PTH122
