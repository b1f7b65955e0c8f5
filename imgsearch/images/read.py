"""Open picture files safely: regular files only, with a reason when it does not work."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Final

from imgsearch.errors import ImageReadError

IN_MEMORY_LIMIT: Final = 64 * 1024 * 1024
"""Files up to this many bytes are read at once; larger ones are streamed."""

HEAD_BYTES: Final = 64
"""How many bytes at the beginning tell what a file is."""

_REASONS: Final = {
    FileNotFoundError: "no such file",
    NotADirectoryError: "no such file",
    PermissionError: "permission denied",
    IsADirectoryError: "it is a folder",
}


@contextmanager
def open_regular(path: Path, *, name: str) -> Iterator[BufferedReader]:
    """Open a regular file for reading; a pipe put in its place does not block.

    Args:
        path: The file.
        name: What an error message calls it.

    Raises:
        ImageReadError: If it is missing, no regular file, or cannot be read.
    """
    try:
        with os.fdopen(_open_without_blocking(path, name), "rb") as file:
            yield file
    except OSError as error:
        raise ImageReadError(name, explain_os_error(error)) from error


def load(
    path: Path,
    *,
    name: str | None = None,
    in_memory_limit: int = IN_MEMORY_LIMIT,
    require: Callable[[bytes], None] = lambda _head: None,
) -> bytes | Path:
    """Read a file whole, unless it is too large for that.

    Args:
        path: The file.
        name: What an error message calls it; the path if None.
        in_memory_limit: The most bytes to read.
        require: Given the first bytes before any more is read, to raise if they will not do: a
            huge file that is no picture then costs nothing.

    Returns:
        The content, or `path` if the file is larger than the limit.

    Raises:
        ImageReadError: If it is missing, no regular file, or cannot be read.
    """
    with open_regular(path, name=str(path) if name is None else name) as file:
        require(file.peek(HEAD_BYTES)[:HEAD_BYTES])
        if os.fstat(file.fileno()).st_size > in_memory_limit:
            return path
        content = file.read(in_memory_limit + 1)
    return content if len(content) <= in_memory_limit else path


@contextmanager
def unchanged(path: Path, *, name: str) -> Iterator[None]:
    """Guard a block that opens a file more than once: it has to be the same file each time.

    Raises:
        ImageReadError: If the file was replaced or written to during the block, or vanished.
    """
    before = _state_of(path, name)
    yield
    if _state_of(path, name) != before:
        raise ImageReadError(name, "it changed while it was read; index it again")


def explain_os_error(error: OSError) -> str:
    """Say in a few words why the system refused a file."""
    return _REASONS.get(type(error)) or (error.strerror or str(error)).lower()


def _state_of(path: Path, name: str) -> tuple[int, ...]:
    """Tell a file's states apart; the time of its last change cannot be set back by a program."""
    try:
        facts = path.stat()
    except OSError as error:
        raise ImageReadError(name, explain_os_error(error)) from error
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def _open_without_blocking(path: Path, name: str) -> int:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except ValueError as error:  # a path with a null byte in it
        raise ImageReadError(name, "its name is not valid") from error
    try:
        _require_regular(os.fstat(descriptor).st_mode, name)
    except ImageReadError:
        os.close(descriptor)
        raise
    return descriptor


def _require_regular(mode: int, name: str) -> None:
    if stat.S_ISDIR(mode):
        raise ImageReadError(name, "it is a folder")
    if not stat.S_ISREG(mode):
        raise ImageReadError(name, "it is not a regular file")
