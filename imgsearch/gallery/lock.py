"""One writer at a time: a lock that the operating system gives back when its holder dies."""

from __future__ import annotations

import json
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from imgsearch.errors import GalleryLockedError, GalleryWriteError
from imgsearch.faultpoints import reached
from imgsearch.gallery.durable import read_regular, write_durably

LOCK_NAME = "writer.lock"
HOLDER_NAME = "writer.json"
HOLDER_FIELDS = {"pid", "host", "since"}


@contextmanager
def writer_lock(folder: Path, *, wait_s: float = 0) -> Iterator[None]:
    """Hold the right to write to a gallery.

    A lock left by a process that died is no lock: the operating system has released it. Where it
    has none to give, a file says who writes, and is taken away if that process is dead.

    Args:
        folder: The gallery's folder, which exists.
        wait_s: How long to wait for another writer, in seconds.

    Raises:
        GalleryLockedError: If another process still writes; says which, where and since when.
        GalleryWriteError: If the lock file cannot be made.
    """
    if (folder / LOCK_NAME).is_symlink():  # taking the lock would empty the file it leads to
        raise GalleryWriteError(
            folder,
            f"its {LOCK_NAME} is a link; delete the link, or name another with --gallery DIR",
        )
    lock = FileLock(folder / LOCK_NAME)
    try:
        with warnings.catch_warnings():
            # Without the system's lock, as on some network file systems, filelock goes by the file
            # being there and its holder being alive; that is no news for who writes to a gallery.
            warnings.simplefilter("ignore", UserWarning)
            lock.acquire(timeout=wait_s)
    except Timeout:
        raise GalleryLockedError(folder, _describe_holder(folder)) from None
    except OSError as error:
        raise GalleryWriteError(
            folder, f"it cannot be written ({error.strerror}); name another with --gallery DIR"
        ) from error
    try:
        reached("lock.acquired")
        # Information only: a full disk must not look like a gallery that is in use.
        with suppress(OSError):
            _write_holder(folder)
        reached("lock.holder_noted")
        yield
    finally:
        with suppress(OSError):
            (folder / HOLDER_NAME).unlink(missing_ok=True)
            reached("lock.note_deleted")
        lock.release()
        reached("lock.released")


def _write_holder(folder: Path) -> None:
    """Say who holds the lock; information only, the lock itself is the operating system's."""
    holder = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    text = json.dumps(holder)
    # By renaming: a link of this name is replaced, and what it leads to left alone.
    write_durably(folder / HOLDER_NAME, lambda path: _write_text(path, text))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _describe_holder(folder: Path) -> str:
    try:
        holder = json.loads(read_regular(folder / HOLDER_NAME).decode())
        who = f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process"  # it has only just taken the lock, or is about to give it back
    return f"{who} is writing to it; wait until it has finished"
