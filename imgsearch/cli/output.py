"""What the commands print: results on stdout, everything else on stderr."""

from __future__ import annotations

import base64
import errno
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def print_json(document: dict[str, Any]) -> None:
    """Print one JSON document on stdout, UTF-8 whatever the locale."""
    _write((json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode())


def print_json_line(document: dict[str, Any]) -> None:
    """Print a JSON document on one line of stdout."""
    _write((json.dumps(document, ensure_ascii=False) + "\n").encode())


def print_line(text: str) -> None:
    """Print a line of results on stdout; names keep their bytes, valid UTF-8 or not."""
    _write(os.fsencode(text) + b"\n")


def print_paths(paths: Iterable[Path]) -> None:
    """Print paths on stdout as the file system spells them, a NUL after each."""
    for path in paths:
        _write(os.fsencode(path) + b"\0")


def print_bytes(content: bytes) -> None:
    """Print on stdout what a terminal understands."""
    _write(content)


def print_error(text: str) -> None:
    """Print one line on stderr, if there is one."""
    if sys.stderr is None:
        return
    sys.stderr.buffer.write(os.fsencode(one_line(text)) + b"\n")
    sys.stderr.flush()


def json_path(path: Path | str, key: str = "path") -> dict[str, str]:
    """Return a path as JSON fields.

    A name that is no UTF-8 gets a second field, `<key>_bytes`, with its bytes in base64; the
    first then shows it as well as can be.
    """
    raw = os.fsencode(path)
    try:
        return {key: raw.decode()}
    except UnicodeDecodeError:
        encoded = base64.b64encode(raw).decode("ascii")
        return {key: raw.decode(errors="replace"), f"{key}_bytes": encoded}


def one_line(text: str) -> str:
    """Escape control characters, so that a file name cannot break a line or steer a terminal."""
    return "".join(
        character.encode("unicode_escape").decode("ascii") if _is_control(character) else character
        for character in text
    )


def _is_control(character: str) -> bool:
    return ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0


def _write(content: bytes) -> None:
    if sys.stdout is None:
        raise OSError(errno.EBADF, "standard output is closed")
    sys.stdout.buffer.write(content)
    sys.stdout.flush()
