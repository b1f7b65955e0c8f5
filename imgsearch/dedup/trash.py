"""The system's trash: files go into it by Send2Trash, and are found in it again."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

from imgsearch.errors import ImageReadError
from imgsearch.faultpoints import reached
from imgsearch.images.fingerprint import content_hash

_INFO_SUFFIX: Final = ".trashinfo"


@dataclass(frozen=True, slots=True)
class Trashed:
    """A file in the trash.

    Attributes:
        stored: Where it is now.
        info: The note beside it that says where it was; None where the system keeps none.
    """

    stored: Path
    info: Path | None


def send(path: Path) -> None:
    """Move a file into the trash.

    Raises:
        OSError: If the system refuses; the file is where it was.
    """
    # Late: what some systems load for it is slow.
    from send2trash import send2trash  # noqa: TID251 - the only wrapper

    try:
        send2trash(os.fspath(path))
    except UnicodeError as error:
        raise OSError("the trash of this system takes no such name") from error
    reached("trash.sent")


class Trash:
    """What is in the trashes of this user; each is listed once."""

    def __init__(self) -> None:
        self._listed: dict[Path, dict[Path, list[Trashed]]] = {}

    def find(self, path: Path, size_bytes: int, sha256: bytes) -> Trashed | None:
        """Return the file that was at a path and has these bytes, if it is in a trash."""
        for trash, top in _trashes(path):
            if trash not in self._listed:
                self._listed[trash] = _list(trash, top)
            for trashed in self._candidates(self._listed[trash], path):
                if _has_bytes(trashed.stored, size_bytes, sha256):
                    return trashed
        return None

    def drop_empty_notes(self, path: Path) -> None:
        """Delete notes of a file that never came: its removal was cut off."""
        for listed in self._listed.values():
            for trashed in listed.get(path, ()):
                forget(trashed)

    @staticmethod
    def _candidates(listed: dict[Path, list[Trashed]], path: Path) -> Iterable[Trashed]:
        return listed.get(path, ()) if _HAS_NOTES else chain.from_iterable(listed.values())


def forget(trashed: Trashed) -> None:
    """Delete the note of a file that is no longer in the trash."""
    if trashed.info is not None and not os.path.lexists(trashed.stored):
        trashed.info.unlink(missing_ok=True)


_HAS_NOTES: Final = sys.platform != "darwin"


def _trashes(path: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the trashes that a file may be in, each with what relative paths in it start from."""
    if not _HAS_NOTES:
        yield Path.home() / ".Trash", Path("/")
        yield _mount_point(path) / ".Trashes" / str(os.getuid()), Path("/")
        return
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    yield data / "Trash", data
    top = _mount_point(path)
    yield top / ".Trash" / str(os.getuid()), top
    yield top / f".Trash-{os.getuid()}", top


def _mount_point(path: Path) -> Path:
    return next((folder for folder in path.parents if folder.is_mount()), Path(path.anchor))


def _list(trash: Path, top: Path) -> dict[Path, list[Trashed]]:
    """Return the files of a trash by where they were."""
    found: defaultdict[Path, list[Trashed]] = defaultdict(list)
    if not _HAS_NOTES:
        for stored in _entries(trash):
            found[stored].append(Trashed(stored, None))
    for info in _entries(trash / "info") if _HAS_NOTES else ():
        if info.suffix == _INFO_SUFFIX and (was_at := _original(info)) is not None:
            stored = trash / "files" / info.name.removesuffix(_INFO_SUFFIX)
            found[top / was_at].append(Trashed(stored, info))
    return found


def _entries(folder: Path) -> Iterable[Path]:
    with suppress(OSError):  # a trash that is not there, or not ours, holds nothing of ours
        return sorted(folder.iterdir())
    return ()


def _original(info: Path) -> Path | None:
    """Return what a note says of where a file was; one that is cut off says nothing."""
    with suppress(OSError):
        for line in info.read_bytes().splitlines():
            if line.startswith(b"Path="):
                return Path(os.fsdecode(unquote_to_bytes(line.removeprefix(b"Path="))))
    return None


def _has_bytes(path: Path, size_bytes: int, sha256: bytes) -> bool:
    with suppress(OSError, ImageReadError):  # emptied meanwhile
        return path.lstat().st_size == size_bytes and content_hash(path) == sha256
    return False
