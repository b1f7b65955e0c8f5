"""Moving files so that at every moment all of their bytes are under one name or another.

Nothing is ever overwritten that was not just verified, and no name is removed while it is the only
one of its bytes.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from imgsearch.dedup.journal_lines import HandledFile
from imgsearch.dedup.recheck import FileState, require_unchanged
from imgsearch.errors import ImageReadError, RefusedError
from imgsearch.faultpoints import reached
from imgsearch.gallery.durable import flush_folder
from imgsearch.images.fingerprint import content_hash

_NO_HARD_LINKS: Final = frozenset(
    (errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)
)
_CHUNK_BYTES: Final = 1 << 20


def set_aside(file: HandledFile, state: FileState, part: str) -> None:
    """Move a file to its place in a quarantine.

    Args:
        file: The file, and the place, which is in a folder of ours alone.
        state: The file's state when it was verified.
        part: A name for what is not yet whole.

    Raises:
        OSError: If the system refuses; the file is where it was.
        RefusedError: If it has changed meanwhile; likewise.
    """
    assert file.stored is not None
    file.stored.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _require_free(file.stored)
    require_unchanged(file.path, state)
    reached("moves.ready")
    try:
        file.path.rename(file.stored)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    else:
        reached("moves.renamed")
        _require_moved(file, state)
        return
    _copy_to(file.path, file.stored, file, part)
    require_unchanged(file.path, state)
    file.path.unlink()
    reached("moves.original_removed")


def bring_back(stored: Path, file: HandledFile, part: str) -> None:
    """Move a file back to where it was; a file that has since appeared there is not touched.

    Args:
        stored: Where its bytes are now; they have been verified.
        file: What it was.
        part: A name for what is not yet whole.

    Raises:
        FileExistsError: If another file is there.
        OSError: If the system refuses; the bytes are where they were.
    """
    file.path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(stored, file.path, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NO_HARD_LINKS:
            _require_free(file.path)
            stored.rename(file.path)
            reached("moves.renamed_back")
            return
        if error.errno != errno.EXDEV:
            raise
        _copy_to(stored, file.path, file, part)
    reached("moves.back")
    flush_folder(file.path.parent)
    stored.unlink()
    reached("moves.stored_removed")


def link_instead(
    keep: Path, file: HandledFile, states: tuple[FileState, FileState], part: str
) -> None:
    """Make a file another name of one with the same bytes.

    Args:
        keep: The file that stays.
        file: The file that becomes a name of it.
        states: Of both, when they were verified.
        part: A name for the new link, before it takes the file's place.

    Raises:
        OSError: If the system refuses; nothing has changed.
        RefusedError: If one of them has changed meanwhile; likewise.
    """
    link = file.path.with_name(part)
    remove_link(link)
    require_unchanged(keep, states[0])
    os.link(keep, link, follow_symlinks=False)
    reached("moves.linked")
    try:
        require_unchanged(file.path, states[1])
        link.replace(file.path)
    except BaseException:
        remove_link(link)
        raise
    reached("moves.link_in_place")


def unlink_again(source: Path, file: HandledFile, part: str) -> None:
    """Give a file that was made a link its own bytes again.

    Args:
        source: Any file with its bytes; they have been verified.
        file: What it was.
        part: A name for what is not yet whole.

    Raises:
        OSError: If the system refuses; nothing has changed.
    """
    own = file.path.with_name(part)
    file.path.parent.mkdir(parents=True, exist_ok=True)
    _copy(source, own, file)
    own.replace(file.path)
    reached("moves.own_again")
    flush_folder(file.path.parent)


def remove_link(path: Path) -> None:
    """Remove a name that a link was given, unless it is the last name of its bytes."""
    with suppress(FileNotFoundError):
        if path.lstat().st_nlink > 1:
            path.unlink()


def remove_part(path: Path) -> None:
    """Remove a copy that was not finished: its original is still there."""
    path.unlink(missing_ok=True)


def restore_times(path: Path, file: HandledFile) -> None:
    """Give a file the time and the permissions that it had.

    Raises:
        OSError: If the system refuses.
    """
    path.chmod(file.mode & 0o7777)
    os.utime(path, ns=(path.stat().st_atime_ns, file.mtime_ns))


def _copy_to(source: Path, target: Path, file: HandledFile, part: str) -> None:
    """Copy a file to another file system, under a name that nothing has."""
    own = target.with_name(part)
    _copy(source, own, file)
    try:
        _rename_to_free(own, target)
    except BaseException:
        remove_part(own)
        raise
    flush_folder(target.parent)
    reached("moves.copy_in_place")


def _copy(source: Path, own: Path, file: HandledFile) -> None:
    """Copy bytes, times and permissions, flush them, and read them again."""
    remove_part(own)
    try:
        with source.open("rb") as original, _open_new(own) as copy:
            shutil.copyfileobj(original, copy, _CHUNK_BYTES)
            copy.flush()
            reached("moves.copied")
            shutil.copystat(source, own, follow_symlinks=False)
            restore_times(own, file)
            os.fsync(copy.fileno())
        reached("moves.copy_flushed")
        _require_bytes(own, file.sha256)
        reached("moves.copy_verified")
    except BaseException:
        remove_part(own)
        raise


def _require_bytes(copy: Path, sha256: bytes) -> None:
    try:
        is_true = content_hash(copy) == sha256
    except ImageReadError as error:
        raise OSError(errno.EIO, f"the copy cannot be read again: {error.reason}") from error
    if not is_true:
        raise OSError(errno.EIO, "the copy is not what was to be written")


def _open_new(path: Path) -> BinaryIO:
    """Open a file that nobody else may read until it has its own permissions."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _rename_to_free(own: Path, target: Path) -> None:
    """Rename a file of ours, but over nothing."""
    try:
        os.link(own, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        _require_free(target)
        own.rename(target)
    else:
        reached("moves.copy_named")
        own.unlink()


def _require_moved(file: HandledFile, state: FileState) -> None:
    """Put a file back that is not the one that was verified: somebody was faster."""
    assert file.stored is not None
    now = FileState.of(file.stored)
    same = now.is_same_file(state) and now.mtime_ns == state.mtime_ns
    if not (same and now.size_bytes == state.size_bytes):
        _rename_to_free(file.stored, file.path)
        raise RefusedError(file.path, "it changed just now")


def _require_free(path: Path) -> None:
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(path))
