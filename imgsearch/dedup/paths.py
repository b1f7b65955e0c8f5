"""File names as text: for people, and for JSON, whatever their bytes are."""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from typing import Any


def shown(path: Path | str) -> str:
    """Return a name for people; bytes that are no UTF-8 become a sign that says so."""
    return os.fsencode(path).decode(errors="replace")


def path_fields(path: Path | str, key: str = "path") -> dict[str, str]:
    """Return a path as JSON fields that `path_of` turns back into the same bytes.

    A name that is no UTF-8 gets a second field, `<key>_bytes`, with its bytes in base64; the
    first then shows it as well as can be.
    """
    raw = os.fsencode(path)
    try:
        return {key: raw.decode()}
    except UnicodeDecodeError:
        encoded = base64.b64encode(raw).decode("ascii")
        return {key: raw.decode(errors="replace"), f"{key}_bytes": encoded}


def path_of(document: dict[str, Any], key: str = "path") -> Path:
    """Return the path that `path_fields` wrote.

    Raises:
        KeyError: If there is none.
        ValueError: If it is no absolute path.
    """
    text = document[key]
    encoded = document.get(f"{key}_bytes")
    if not isinstance(text, str) or not isinstance(encoded, str | None):
        raise ValueError(f"{key} is no text")
    try:
        raw = os.fsencode(text) if encoded is None else base64.b64decode(encoded, validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(f"{key} is no path") from error
    path = Path(os.fsdecode(raw))
    if not path.is_absolute() or b"\0" in raw or ".." in path.parts:
        raise ValueError(f"{key} is no absolute path")
    return path
