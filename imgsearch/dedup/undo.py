"""Undoes clean-ups: every byte, name, time and permission comes back, as far as it is to be had."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from imgsearch.dedup.journal import Journal, Progress, read_journals
from imgsearch.dedup.journal_lines import Step
from imgsearch.dedup.putting_back import put_back
from imgsearch.dedup.trash import Trash
from imgsearch.errors import GalleryNotFoundError, JournalError
from imgsearch.faultpoints import reached
from imgsearch.gallery.lock import writer_lock
from imgsearch.gallery.schema import CATALOG_NAME


@dataclass(frozen=True, slots=True)
class UndoReport:
    """What came of undoing.

    Attributes:
        journals: The journals that were gone through, the newest first.
        restored: The files that are back.
        failed: The files that are not, each with the reason.
        unread: Lines of journals that were damaged: what they name is not among the files above.
        remaining: How many older clean-ups could be undone after these.
    """

    journals: tuple[Path, ...]
    restored: tuple[Path, ...]
    failed: tuple[tuple[Path, str], ...]
    unread: tuple[tuple[Path, int], ...]
    remaining: int


def undo_cleanup(
    gallery: Path,
    *,
    everything: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> UndoReport:
    """Undo the latest clean-up that was not undone, or all of them; may be called again.

    Args:
        gallery: The gallery's folder; nobody else may write to it meanwhile.
        everything: Whether to undo all, the newest first.
        progress: Called with the number of files that were looked at.

    Raises:
        JournalError: If a journal cannot be read.
        GalleryError: If there is no gallery, or another process writes to it.
    """
    gallery = gallery.resolve()
    _require_gallery(gallery)
    with writer_lock(gallery):
        journals = [each for each in read_journals(gallery) if not _is_undone(each)]
        wanted = journals if everything else journals[:1]
        undoing = _Undoing(progress)
        for journal in wanted:
            undoing.undo(journal)
    return undoing.report(wanted, len(journals) - len(wanted))


def _require_gallery(folder: Path) -> None:
    """Check that there is a gallery, or what is left of one, before anything is written to it.

    A catalogue that is damaged, or of a newer release, must not stop an undo.
    """
    if not ((folder / CATALOG_NAME).is_file() or (folder.is_dir() and read_journals(folder))):
        reason = "there is none; name another with --gallery DIR"
        raise GalleryNotFoundError(folder, reason)


class _Undoing:
    """Goes through journals, and gathers what came of it."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self._progress = progress
        self._restored: list[Path] = []
        self._failed: list[tuple[Path, str]] = []
        self._trash = Trash()
        self._seen = 0

    def undo(self, journal: Journal) -> None:
        """Put all of a clean-up back, the last step first."""
        failed_before = len(self._failed)
        for step in reversed(journal.steps):
            _note(journal, step, "undoing")
            outcome = put_back(journal, step, self._trash)
            self._restored += outcome.restored
            self._failed += outcome.failed
            self._seen += len(step.files)
            self._progress(self._seen)
            _note(journal, step, "undone")
            reached("undo.step_done")
        _remove_empty(journal.heading.folder)
        if len(self._failed) == failed_before and not journal.damaged_lines:
            with suppress(JournalError):
                journal.finish("undone")

    def report(self, journals: list[Journal], remaining: int) -> UndoReport:
        unread = [(each.path, line) for each in journals for line in each.damaged_lines]
        return UndoReport(
            tuple(journal.path for journal in journals),
            tuple(self._restored),
            tuple(self._failed),
            tuple(unread),
            remaining,
        )


def _note(journal: Journal, step: Step, progress: Progress) -> None:
    with suppress(JournalError):  # the files tell; a full disk must not stop an undo
        journal.note(step, progress)


def _is_undone(journal: Journal) -> bool:
    """Tell whether a journal is done with; put away one whose putting away was cut off."""
    if journal.ending != "undone":
        return False
    with suppress(JournalError):
        journal.retire()
    return True


def _remove_empty(folder: Path | None) -> None:
    """Remove what is left of a quarantine that holds nothing any more."""
    if folder is None:
        return
    for below, _folders, _files in os.walk(folder, topdown=False):
        with suppress(OSError):  # not empty: something in it is not ours, or did not come back
            os.rmdir(below)  # noqa: PTH106 - of os.walk
