"""Puts back what a step of a clean-up removed, however far it had come."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from imgsearch.dedup import moves
from imgsearch.dedup.journal import Journal
from imgsearch.dedup.journal_lines import HandledFile, Step
from imgsearch.dedup.paths import shown
from imgsearch.dedup.recheck import FileState
from imgsearch.dedup.trash import Trash, Trashed, forget
from imgsearch.errors import ImageReadError, RefusedError
from imgsearch.faultpoints import reached
from imgsearch.images.fingerprint import content_hash
from imgsearch.images.read import explain_os_error


@dataclass(frozen=True, slots=True)
class PutBack:
    """What came of putting a step's files back.

    Attributes:
        restored: The files that are back.
        unmoved: The files that were where they belong, as they were.
        failed: The files that are not, each with the reason.
    """

    restored: tuple[Path, ...]
    unmoved: tuple[Path, ...]
    failed: tuple[tuple[Path, str], ...]


def part_name(journal: Journal, step: Step, place: int) -> str:
    """Return the name of what is not yet whole of a file, hidden and of this file alone."""
    return f".imgsearch-{journal.name}-{step.number}-{place}.part"


def put_back(journal: Journal, step: Step, trash: Trash) -> PutBack:
    """Put the files of a step back: bytes, names, times and permissions.

    Nothing that has since appeared at their places is touched. May be called again.

    Args:
        journal: The journal that the step is of; nothing is noted in it.
        step: What was announced.
        trash: Where to look for files that went into the trash.
    """
    restored: list[Path] = []
    unmoved: list[Path] = []
    failed: list[tuple[Path, str]] = []
    for place, file in reversed(list(enumerate(step.files))):
        mover = _Mover(file, part_name(journal, step, place), step.keep, trash)
        try:
            moved = mover.actions[journal.heading.action]()
            (restored if moved else unmoved).append(file.path)
        except RefusedError as error:
            failed.append((file.path, error.reason))
        except ImageReadError as error:
            failed.append((file.path, f"{shown(error.path)} cannot be read: {error.reason}"))
        except OSError as error:
            failed.append((file.path, explain_os_error(error)))
        reached("undo.file_looked_at")
    return PutBack(tuple(restored), tuple(unmoved), tuple(failed))


class _Mover:
    """Puts one file back; each action returns whether there was anything to do."""

    def __init__(self, file: HandledFile, part: str, keep: Path, trash: Trash) -> None:
        self._file = file
        self._part = part
        self._keep = keep
        self._trash = trash
        self.actions: Final[dict[str, Callable[[], bool]]] = {
            "quarantine": self.from_quarantine,
            "trash": self.from_trash,
            "hardlink": self.from_link,
        }

    def from_quarantine(self) -> bool:
        stored = self._file.stored
        assert stored is not None
        moves.remove_part(stored.with_name(self._part))
        moves.remove_part(self._file.path.with_name(self._part))
        if not os.path.lexists(stored):
            return self._must_be_there("it is no longer in the quarantine")
        if os.path.lexists(self._file.path):
            return self._drop_second(stored)
        self._require_bytes(stored)
        return self._bring_back(stored)

    def from_trash(self) -> bool:
        moves.remove_part(self._file.path.with_name(self._part))
        trashed = self._trash.find(self._file.path, self._file.size_bytes, self._file.sha256)
        if os.path.lexists(self._file.path):
            self._trash.drop_empty_notes(self._file.path)
            return self._is_back(trashed)
        if trashed is None:
            raise RefusedError(self._file.path, "it is not in the trash any more")
        self._bring_back(trashed.stored)
        forget(trashed)
        reached("trash.note_deleted")
        return True

    def from_link(self) -> bool:
        path, file = self._file.path, self._file
        moves.remove_link(path.with_name(self._part))
        moves.remove_part(path.with_name(f"{self._part}.own"))
        there = os.path.lexists(path)
        if there and self._is_intact():
            return False
        source = path if there else self._keep
        if not self._has_bytes(source):
            reason = f"it and {shown(self._keep)} were one file, which has changed or gone since"
            raise RefusedError(path, reason)
        moves.unlink_again(source, file, f"{self._part}.own")
        return True

    def _bring_back(self, stored: Path) -> bool:
        self._require_plain_folder()
        try:
            moves.bring_back(stored, self._file, self._part)
        except FileExistsError as error:
            raise RefusedError(self._file.path, self._in_the_way(stored)) from error
        self._restore_times()
        reached("undo.file_back")
        return True

    def _drop_second(self, stored: Path) -> bool:
        """Finish what was cut off between giving a file its second name and taking its first."""
        if not self._has_bytes(self._file.path):
            raise RefusedError(self._file.path, self._in_the_way(stored))
        if self._has_bytes(stored):  # not what somebody else made of it
            stored.unlink()
        self._restore_times()
        reached("undo.second_dropped")
        return True

    def _is_back(self, trashed: Trashed | None) -> bool:
        """Tell whether a file that is at its place is the one that went into the trash."""
        path = self._file.path
        if not self._has_bytes(path):
            where = None if trashed is None else trashed.stored
            raise RefusedError(path, self._in_the_way(where))
        if trashed is not None and FileState.of(path).is_same_file(FileState.of(trashed.stored)):
            trashed.stored.unlink()
            forget(trashed)
            self._restore_times()
            return True
        return self._restore_times()

    def _must_be_there(self, otherwise: str) -> bool:
        if not os.path.lexists(self._file.path):
            raise RefusedError(self._file.path, otherwise)
        if not self._has_bytes(self._file.path):
            raise RefusedError(self._file.path, f"{otherwise}, and another file is at its place")
        return self._restore_times()

    def _is_intact(self) -> bool:
        """Tell whether the file is no link, but what it was."""
        state, file = FileState.of(self._file.path), self._file
        if os.path.lexists(self._keep) and state.is_same_file(FileState.of(self._keep)):
            return False
        same_times = state.mtime_ns == file.mtime_ns and state.mode == file.mode
        return same_times and self._has_bytes(file.path)

    def _restore_times(self) -> bool:
        """Give the file its time and permissions; return whether they were others."""
        state, file = FileState.of(self._file.path), self._file
        if (state.mtime_ns, state.mode) == (file.mtime_ns, file.mode):
            return False
        moves.restore_times(file.path, file)
        return True

    def _require_plain_folder(self) -> None:
        folder = self._file.path.parent
        if os.path.realpath(folder) != os.fspath(folder):
            reason = "its folder is reached through a link now; it stays where it was put"
            raise RefusedError(self._file.path, reason)

    def _require_bytes(self, stored: Path) -> None:
        if not self._has_bytes(stored):
            reason = f"what is at {shown(stored)} has changed; it stays there"
            raise RefusedError(self._file.path, reason)

    def _has_bytes(self, path: Path) -> bool:
        try:
            state = path.lstat()
        except FileNotFoundError:
            return False
        is_alike = stat.S_ISREG(state.st_mode) and state.st_size == self._file.size_bytes
        return is_alike and content_hash(path) == self._file.sha256

    def _in_the_way(self, stored: Path | None) -> str:
        place = "" if stored is None else f"; the one that was removed is {shown(stored)}"
        return f"another file is at its place{place}"
