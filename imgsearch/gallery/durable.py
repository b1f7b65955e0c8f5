"""Files that are either the old one or the new one, whatever happens in between."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from imgsearch.faultpoints import reached


def write_durably(path: Path, write: Callable[[Path], None]) -> None:
    """Replace a file in one step: write beside it, fsync, rename, fsync the folder.

    Args:
        path: The file to make or replace.
        write: Called with the path of a temporary file beside it, which it has to write.

    Raises:
        OSError: If the disk refuses; the old file is then untouched and nothing is left behind,
            unless only the flush of the folder failed: then the new file is there, and whole.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)  # a link left there would be written through
    try:
        reached("durable.opened")
        write(temporary)
        reached("durable.written")
        _fsync(temporary)
        reached("durable.flushed")
        temporary.replace(path)
        reached("durable.renamed")
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _fsync(path.parent)
    reached("durable.done")


def flush_folder(folder: Path) -> None:
    """Bring to the disk which names are in a folder.

    Raises:
        OSError: If the disk refuses.
    """
    _fsync(folder)


def read_regular(path: Path) -> bytes:
    """Return the content of a file; a pipe in its place does not block.

    Raises:
        OSError: If it cannot be read, or is no regular file.
    """
    require_regular(path)
    return path.read_bytes()


def require_regular(path: Path) -> None:
    """Refuse what could block whoever reads it.

    Raises:
        OSError: If it is no regular file, or not there.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")


def _fsync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # Windows has no handle of a folder to flush
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
