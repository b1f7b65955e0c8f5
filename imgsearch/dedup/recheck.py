"""The last look: is everything still as it was planned, at the moment of action?"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imgsearch.dedup.decisions import Decisions
from imgsearch.dedup.journal_lines import Action
from imgsearch.dedup.paths import shown
from imgsearch.dedup.patterns import PathPatterns
from imgsearch.dedup.plan import PlanEntry, PlannedFile
from imgsearch.dedup.siblings import Siblings
from imgsearch.errors import ImageReadError, RefusedError
from imgsearch.images.fingerprint import content_hash
from imgsearch.images.read import explain_os_error

_ANEW = "make the plan anew"


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells a file's states apart; no program can set back when it was last changed."""

    device: int
    inode: int
    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    mode: int

    @classmethod
    def of(cls, path: Path) -> FileState:
        """Return the state of a file, or of a link itself.

        Raises:
            OSError: If there is none.
        """
        facts = path.lstat()
        return cls(
            facts.st_dev,
            facts.st_ino,
            facts.st_size,
            facts.st_mtime_ns,
            facts.st_ctime_ns,
            facts.st_mode,
        )

    def is_same_file(self, other: FileState) -> bool:
        """Tell whether two names are of one file."""
        return (self.device, self.inode) == (other.device, other.inode)


@dataclass(frozen=True, slots=True)
class Checked:
    """An entry whose files are as planned.

    Attributes:
        keep: The state of the file that stays.
        removals: The state of each file that goes, as `PlanEntry.removals` orders them.
    """

    keep: FileState
    removals: tuple[FileState, ...]


class Recheck:
    """Holds the entries of a plan against the files, by all of their bytes.

    Args:
        decisions: What a person said since.
        never_touch: Files that stay.
    """

    def __init__(self, decisions: Decisions, never_touch: PathPatterns) -> None:
        self._decisions = decisions
        self._never_touch = never_touch
        self._siblings = Siblings()

    def require(self, entry: PlanEntry, action: Action) -> Checked:
        """Check that an entry can be carried out without losing anything.

        Raises:
            RefusedError: If not; says why.
        """
        for reason in self._objections(entry, action):
            raise RefusedError(entry.remove.path, reason)
        victim = entry.remove.path
        keep = _require(entry.keep, victim, touched_is_fine=True)
        removals = tuple(_require(file, victim, touched_is_fine=False) for file in entry.removals)
        return Checked(keep, removals)

    def _objections(self, entry: PlanEntry, action: Action) -> Iterator[str]:
        hashes = entry.keep.sha256, entry.remove.sha256
        if self._decisions.ignores(*hashes) or self._decisions.keeps(*hashes):
            yield "you have said since that it is to stay"
        if any(self._never_touch.matches(file.path) for file in entry.removals):
            yield "it is protected"
        if _is_one_file(entry.keep.path, entry.remove.path):
            yield f"it is one file with {shown(entry.keep.path)}; removing it would free nothing"
        if action == "hardlink":
            yield from _hard_link_objections(entry)
        else:
            yield from self._sibling_objections(entry)

    def _sibling_objections(self, entry: PlanEntry) -> Iterator[str]:
        planned = {file.path for file in entry.siblings}
        try:
            present = set(self._siblings.of(entry.remove.path))
        except OSError as error:
            yield f"its folder cannot be listed: {explain_os_error(error)}"
            return
        for path in sorted(present - planned):
            yield f"{shown(path.name)} belongs to it, and is not in the plan; {_ANEW}"


def require_unchanged(path: Path, state: FileState) -> None:
    """Check, without reading it, that a file is what was just looked at.

    Raises:
        OSError: If it is gone.
        RefusedError: If it has changed.
    """
    if FileState.of(path) != state:
        raise RefusedError(path, "it changed just now")


def _is_one_file(first: Path, second: Path) -> bool:
    try:
        return FileState.of(first).is_same_file(FileState.of(second))
    except OSError:
        return False  # which of them is gone, and why, is said later


def _hard_link_objections(entry: PlanEntry) -> Iterator[str]:
    if entry.keep.sha256 != entry.remove.sha256:
        yield f"it is {entry.tier}, not identical: a hard link would change its bytes"


def _require(file: PlannedFile, victim: Path, *, touched_is_fine: bool) -> FileState:
    """Check that a file has the bytes that it had; return its state."""
    path = file.path
    whose = "it" if path == victim else shown(path)
    try:
        state = FileState.of(path)
        if not stat.S_ISREG(state.mode):
            raise RefusedError(victim, f"{whose} is a link or no regular file now")
        if os.path.realpath(path.parent) != os.fspath(path.parent):
            raise RefusedError(victim, f"{whose} is reached through a link now; {_ANEW}")
        touched = not touched_is_fine and state.mtime_ns != file.mtime_ns
        if touched or state.size_bytes != file.size_bytes or content_hash(path) != file.sha256:
            raise RefusedError(victim, f"{whose} has changed since it was planned; {_ANEW}")
        require_unchanged(path, state)
    except (OSError, ImageReadError) as error:
        what = error.reason if isinstance(error, ImageReadError) else explain_os_error(error)
        raise RefusedError(victim, f"{whose} cannot be read: {what}") from error
    return state
