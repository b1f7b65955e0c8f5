"""The user's cache folder: files that only save time, written whole or not at all."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from platformdirs import user_cache_dir

_logger = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return the folder of our cached files: `IMGSEARCH_CACHE`, else the platform's own."""
    chosen = os.environ.get("IMGSEARCH_CACHE")
    return Path(chosen) if chosen else Path(user_cache_dir("imgsearch"))


def store(path: Path, write: Callable[[BinaryIO], None]) -> bool:
    """Write a cached file beside its place, then move it there in one step.

    Args:
        path: The file to make or replace; its folder is made if need be.
        write: Writes the content to an open file.

    Returns:
        Whether the file was kept: a cache that cannot be written is not an error.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, write)
    except OSError as error:
        _logger.info("cannot cache %s: %s", path, error)
        return False
    return True


def _replace(path: Path, write: Callable[[BinaryIO], None]) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
