"""Folders and globs that say which files a rule means."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from imgsearch.errors import KeepRulesError

_WILD: Final = re.compile(r"[*?\[]")
_PIECES: Final = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^]]*\]|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PathPatterns:
    """Files and folders, by name or by glob; a folder means everything below it.

    `*` and `?` stay within a name, `**` crosses folders. A glob without `/` is held against each
    name of a path alone.

    Attributes:
        texts: What was asked for, for people.
        places: Absolute paths of files and folders.
        paths: Regular expressions of whole paths.
        names: Regular expressions of single names.
    """

    texts: tuple[str, ...] = ()
    places: frozenset[str] = frozenset()
    paths: tuple[re.Pattern[str], ...] = ()
    names: tuple[re.Pattern[str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.texts)

    def joined(self, other: PathPatterns) -> PathPatterns:
        """Return patterns of everything that either means."""
        return PathPatterns(
            self.texts + other.texts,
            self.places | other.places,
            self.paths + other.paths,
            self.names + other.names,
        )

    def matches(self, path: Path) -> bool:
        """Tell whether a file is meant, or lies in a folder that is."""
        if not self.texts:
            return False
        above = [os.fspath(path), *map(os.fspath, path.parents)]
        if not self.places.isdisjoint(above):
            return True
        names = [os.path.basename(place) for place in above]  # noqa: PTH119 - many paths, as text
        return _any_matches(self.paths, above) or _any_matches(self.names, names)


def parse_patterns(texts: Iterable[str], base: Path, *, option: str) -> PathPatterns:
    """Make patterns of what a person wrote.

    Args:
        texts: Folders, files and globs; `~` is the home folder.
        base: Where relative ones start.
        option: What an error message calls them.

    Raises:
        KeepRulesError: If one names no file and no folder: it would protect nothing.
    """
    texts = tuple(texts)
    places: set[str] = set()
    paths: list[re.Pattern[str]] = []
    names: list[re.Pattern[str]] = []
    for text in texts:
        if not text:
            raise KeepRulesError(f"{option} is empty; name a folder or a glob")
        place = base / _at_home(text, option)
        if os.path.lexists(place):  # even with a '[' in its name
            places |= {os.path.abspath(place), os.path.realpath(place)}  # noqa: PTH100
        elif not _WILD.search(text):
            raise KeepRulesError(f"{option} {text}: there is no such file or folder")
        if _WILD.search(text) and "/" in text:
            paths.append(_compile(os.fspath(place)))
        elif _WILD.search(text):
            names.append(_compile(text))
    return PathPatterns(texts, frozenset(places), tuple(paths), tuple(names))


def _any_matches(globs: Iterable[re.Pattern[str]], texts: list[str]) -> bool:
    return any(glob.fullmatch(text) for glob in globs for text in texts)


def _at_home(text: str, option: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise KeepRulesError(f"{option} {text}: there is no such user") from error


@lru_cache
def _compile(glob: str) -> re.Pattern[str]:
    return re.compile("".join(map(_translate, _PIECES.findall(glob))), re.DOTALL)


def _translate(piece: str) -> str:
    if piece == "**/":
        return "(?:.*/)?"
    if piece == "**":
        return ".*"
    if piece == "*":
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    if len(piece) > 1:  # a set of characters
        inside = piece[1:-1].replace("\\", "\\\\")
        return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"
    return re.escape(piece)
