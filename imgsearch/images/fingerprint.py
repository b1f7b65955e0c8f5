"""The content hash: files with equal bytes share it, wherever they lie."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from imgsearch.errors import ImageReadError
from imgsearch.images.read import open_regular

_CHUNK_BYTES: Final = 1 << 20


def content_hash(
    source: Path | bytes,
    *,
    name: str | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> bytes:
    """Return the sha256 of a file's whole content, reading it in pieces.

    Args:
        source: The file, or its content.
        name: What an error message calls it; the path if None.
        stopped: Asked between pieces whether the hash is still wanted.

    Returns:
        32 bytes.

    Raises:
        ImageReadError: If the file is missing, no regular file, or cannot be read, or if it was
            stopped.
    """
    if isinstance(source, bytes):
        return hashlib.sha256(source).digest()
    name = str(source) if name is None else name
    digest = hashlib.sha256()
    with open_regular(source, name=name) as file:
        while piece := file.read(_CHUNK_BYTES):
            if stopped():
                raise ImageReadError(name, "reading it was interrupted")
            digest.update(piece)
    return digest.digest()
