"""The content hash: files with equal bytes share it, wherever they lie."""

from __future__ import annotations

import hashlib
from pathlib import Path

from imgsearch.images.read import open_regular


def content_hash(source: Path | bytes, *, name: str | None = None) -> bytes:
    """Return the sha256 of a file's whole content, reading it in pieces.

    Args:
        source: The file, or its content.
        name: What an error message calls it; the path if None.

    Returns:
        32 bytes.

    Raises:
        ImageReadError: If the file is missing, no regular file, or cannot be read.
    """
    if isinstance(source, bytes):
        return hashlib.sha256(source).digest()
    with open_regular(source, name=str(source) if name is None else name) as file:
        return hashlib.file_digest(file, "sha256").digest()
