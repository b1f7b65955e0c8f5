"""Find the picture files below a folder."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

from imgsearch.images.formats import looks_like_image, sniff

_ENTRIES_PER_PART: Final = 50_000

__all__ = ["FoundFile", "OnError", "looks_like_image", "sniff", "walk"]

OnError: TypeAlias = Callable[[str, OSError], None]
"""Called with a path relative to the root and what the system said about it."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file that a walk came upon.

    Attributes:
        path: Relative to the root, joined by `/`; bytes that are no UTF-8 are surrogate-escaped.
        size_bytes: Its size; of the target, if it is a symbolic link.
        mtime_ns: When its content last changed, in nanoseconds since 1970.
    """

    path: str
    size_bytes: int
    mtime_ns: int


def walk(root: Path, on_error: OnError) -> Iterator[FoundFile]:
    """Yield every regular file below a folder, whatever its kind, in a repeatable order.

    A folder's files come sorted by name, tens of thousands at a time, then its folders one after
    the other. Names that begin
    with a dot are passed over, links to folders are not followed, and nothing but a regular file
    is ever touched. A link to a file counts only if its target lies outside the root, and once
    for each target.

    Args:
        root: The folder to walk.
        on_error: Told of a folder that cannot be listed (`""` for the root itself) and of a file
            that cannot be examined; what lies below that path is then unknown, not gone. What
            vanishes during the walk is not an error.
    """
    links = _Links(root)
    folders = [""]
    while folders:
        folder = folders.pop()
        subfolders: list[str] = []
        for part in _list(root, folder, on_error):
            for entry in part:
                path = f"{folder}/{entry.name}" if folder else entry.name
                kind = _kind(entry, path, on_error)
                if kind == "folder":
                    subfolders.append(path)
                elif kind != "other":
                    yield from _examine(entry, path, links if kind == "link" else None, on_error)
        folders.extend(sorted(subfolders, reverse=True))


class _Links:
    """Decides which symbolic links stand for a file that the walk would not find otherwise."""

    def __init__(self, root: Path) -> None:
        self._inside = os.path.join(os.path.realpath(root), "")  # noqa: PTH118 - compared as text
        self._seen: set[tuple[int, int]] = set()

    def admits(self, link: str, target: os.stat_result) -> bool:
        if os.path.realpath(link).startswith(self._inside):
            return False
        identity = (target.st_dev, target.st_ino)
        is_new = identity not in self._seen
        self._seen.add(identity)
        return is_new


def _list(root: Path, folder: str, on_error: OnError) -> Iterator[list[os.DirEntry[str]]]:
    """Yield what is in a folder in sorted parts, so that a huge folder needs little memory."""
    try:
        with os.scandir(f"{root}/{folder}" if folder else root) as entries:
            visible = (entry for entry in entries if not entry.name.startswith("."))
            while part := sorted(islice(visible, _ENTRIES_PER_PART), key=_name):
                yield part
    except OSError as error:
        # A root that is not there must not pass for an empty one: its rows would be dropped.
        if not folder or not isinstance(error, FileNotFoundError):
            on_error(folder, error)


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _kind(entry: os.DirEntry[str], path: str, on_error: OnError) -> str:
    try:
        if entry.is_file(follow_symlinks=False):
            return "file"
        if entry.is_dir(follow_symlinks=False):
            return "folder"
        return "link" if entry.is_symlink() else "other"
    except OSError as error:
        on_error(path, error)
        return "other"


def _examine(
    entry: os.DirEntry[str], path: str, links: _Links | None, on_error: OnError
) -> tuple[FoundFile, ...]:
    try:
        facts = entry.stat()
    except FileNotFoundError:
        return ()
    except OSError as error:
        if error.errno != errno.ELOOP:  # a link that leads round in a circle stands for no file
            on_error(path, error)
        return ()
    if not stat.S_ISREG(facts.st_mode) or (links and not links.admits(entry.path, facts)):
        return ()
    return (FoundFile(path, facts.st_size, facts.st_mtime_ns),)
