"""Whose files are these: a folder with files of the names of ours may be the user's own."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from imgsearch.errors import GalleryWriteError
from imgsearch.gallery.application_id import application_id
from imgsearch.gallery.durable import read_regular
from imgsearch.gallery.lock import HOLDER_FIELDS, HOLDER_NAME, LOCK_NAME
from imgsearch.gallery.manifest import read_manifest
from imgsearch.gallery.schema import APPLICATION_ID, CATALOG_NAME

_CACHES = re.compile(r"index-\d{8,}\.faiss|manifest\.json|catalog\.sqlite-(wal|shm|journal)")


def refuse_foreign_files(folder: Path) -> None:
    """Refuse a folder that is no gallery and has files that a gallery would overwrite.

    A gallery whose catalogue was lost is still one if its manifest is there and makes sense.

    Args:
        folder: The folder, before anything is written into it, be it the lock.

    Raises:
        GalleryWriteError: If there is such a file; names it.
    """
    if _has_catalog(folder):
        return
    try:
        foreign = next(_foreign(folder), None)
    except OSError as error:
        reason = f"it cannot be read ({error.strerror}); name another with --gallery DIR"
        raise GalleryWriteError(folder, reason) from error
    if foreign is not None:
        raise GalleryWriteError(
            folder,
            f"it is no gallery, but has a file {foreign} that would be overwritten;"
            " name another folder with --gallery DIR",
        )


def _has_catalog(folder: Path) -> bool:
    """Tell whether there is a catalogue of ours, or one whose making was interrupted."""
    path = folder / CATALOG_NAME
    try:
        status = path.stat()
    except OSError:
        return False
    if not stat.S_ISREG(status.st_mode):
        return False
    owner = application_id(path)
    if not status.st_size or owner == APPLICATION_ID:
        return True
    # Until SQLite moves its log into the file, a new catalogue has its owner in the log only.
    return owner == 0 and Path(f"{path}-wal").is_file()


def _foreign(folder: Path) -> Iterator[str]:
    """Yield the names of files that we would overwrite and have not written."""
    has_manifest = read_manifest(folder) is not None
    has_file = (folder / CATALOG_NAME).exists()  # SQLite tells what it is, and what its logs are
    for name in sorted(path.name for path in folder.iterdir()):
        is_cache = _CACHES.fullmatch(name) and not (has_file and name.startswith(CATALOG_NAME))
        if (is_cache and not has_manifest) or (name == HOLDER_NAME and not _is_note(folder / name)):
            yield name
        elif name == LOCK_NAME:
            with suppress(OSError):
                status = (folder / name).lstat()  # ours is empty; the lock itself refuses a link
                if stat.S_ISREG(status.st_mode) and status.st_size:
                    yield name


def _is_note(path: Path) -> bool:
    """Tell whether a file is a writer's note of itself, perhaps one that was killed."""
    try:
        note = json.loads(read_regular(path).decode())
    except FileNotFoundError:
        return True  # it has just finished
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(note, dict) and set(note) == HOLDER_FIELDS
