"""Carries a plan out, file by file: looks again, writes the journal, and only then acts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from imgsearch.dedup import moves
from imgsearch.dedup.decisions import read_decisions
from imgsearch.dedup.destination import (
    TRASH,
    Destination,
    make_quarantine,
    place_in,
    require_apart,
)
from imgsearch.dedup.freed import files_behind, freed_bytes
from imgsearch.dedup.journal import Journal, create_journal, read_journals
from imgsearch.dedup.journal_lines import Action, HandledFile, Heading, Step
from imgsearch.dedup.paths import shown
from imgsearch.dedup.patterns import PathPatterns
from imgsearch.dedup.plan import Plan, PlanEntry, PlannedFile
from imgsearch.dedup.putting_back import part_name, put_back
from imgsearch.dedup.recheck import Checked, FileState, Recheck, require_unchanged
from imgsearch.dedup.trash import Trash, send
from imgsearch.errors import PlanError, RefusedError
from imgsearch.faultpoints import reached
from imgsearch.gallery.lock import writer_lock
from imgsearch.gallery.roots import read_roots
from imgsearch.gallery.store import open_for_reading
from imgsearch.images.read import explain_os_error


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How a plan is carried out.

    Attributes:
        destination: Where files go.
        never_touch: Files that stay, whatever the plan says.
        progress: Called with the number of entries that were looked at.
    """

    destination: Destination = TRASH
    never_touch: PathPatterns = field(default_factory=PathPatterns)
    progress: Callable[[int], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """What became of a plan, or would.

    Attributes:
        removed: The entries that were carried out, in the plan's order.
        refused: Those that were not, each with the reason.
        gone: Those whose file was not there any more, as after an earlier run.
        freed_bytes: How many bytes went.
        journal: What was done, for `undo`; None if nothing was.
    """

    removed: tuple[PlanEntry, ...]
    refused: tuple[tuple[PlanEntry, str], ...]
    gone: tuple[PlanEntry, ...]
    freed_bytes: int
    journal: Path | None


def rehearse_plan(gallery: Path, plan: Plan, options: ApplyOptions) -> ApplyReport:
    """Say what `apply_plan` would do; look at everything, and change nothing.

    Raises:
        PlanError: If the plan is another gallery's, or its destination will not do.
        DecisionsError: If the file of decisions is damaged.
        GalleryError: If there is no gallery, or it is damaged.
    """
    gallery = _require_fitting(gallery, plan, options.destination)
    return _Run(gallery, plan, options).rehearse()


def apply_plan(gallery: Path, plan: Plan, options: ApplyOptions) -> ApplyReport:
    """Carry a plan out; what cannot be done safely is refused entry by entry.

    A run that was cut off goes on in its own journal, if plan and destination are the same.

    Args:
        gallery: The gallery's folder; nobody else may write to it meanwhile.
        plan: What to remove.
        options: Where to, and what stays nevertheless.

    Raises:
        PlanError: If the plan is another gallery's, or its destination will not do.
        JournalError: If the journal cannot be written; then nothing more is done.
        DecisionsError: If the file of decisions is damaged.
        GalleryError: If there is no gallery, it is damaged, or another process writes to it.
    """
    gallery = _require_fitting(gallery, plan, options.destination)
    with writer_lock(gallery):
        return _Run(gallery, plan, options).carry_out()


class _Run:
    """One run through a plan."""

    def __init__(self, gallery: Path, plan: Plan, options: ApplyOptions) -> None:
        self._gallery = gallery
        self._plan = plan
        self._options = options
        self._recheck = Recheck(read_decisions(gallery), options.never_touch)
        self._files = files_behind(self._names_of(plan.entries))
        self._journal: Journal | None = None
        self._removed: list[PlanEntry] = []
        self._refused: list[tuple[PlanEntry, str]] = []
        self._gone: list[PlanEntry] = []

    def rehearse(self) -> ApplyReport:
        self._each(lambda _entry, _checked: None)
        return self._report()

    def carry_out(self) -> ApplyReport:
        self._journal = self._go_on()
        self._each(self._act)
        if self._journal is not None:
            self._journal.finish("applied")
        return self._report()

    def _each(self, act: Callable[[PlanEntry, Checked], None]) -> None:
        action = self._options.destination.action
        for number, entry in enumerate(self._plan.entries, 1):
            try:
                if _is_done(entry, action):
                    self._gone.append(entry)
                else:
                    act(entry, self._recheck.require(entry, action))
                    self._removed.append(entry)
            except RefusedError as error:
                self._refused.append((entry, error.reason))
            self._options.progress(number)

    def _act(self, entry: PlanEntry, checked: Checked) -> None:
        """Announce an entry, carry it out, and put all of it back where that does not work."""
        journal = self._begin()
        step = journal.announce(self._handled(journal, entry, checked), entry.keep.path)
        try:
            self._carry_out(journal, step, checked)
        except (OSError, RefusedError) as error:
            reason = error.reason if isinstance(error, RefusedError) else explain_os_error(error)
            left = put_back(journal, step, Trash()).failed
            journal.note(step, "failed")
            behind = "".join(f"; {shown(path)}: {why}" for path, why in left)
            raise RefusedError(entry.remove.path, reason + behind) from error
        journal.note(step, "done")

    def _carry_out(self, journal: Journal, step: Step, checked: Checked) -> None:
        for place, (file, state) in enumerate(zip(step.files, checked.removals, strict=False)):
            part = part_name(journal, step, place)
            if journal.heading.action == "hardlink":
                moves.link_instead(step.keep, file, (checked.keep, state), part)
            elif journal.heading.action == "quarantine":
                moves.set_aside(file, state, part)
            else:
                require_unchanged(file.path, state)
                send(file.path)
            reached("apply.file_removed")

    def _handled(
        self, journal: Journal, entry: PlanEntry, checked: Checked
    ) -> tuple[HandledFile, ...]:
        """Describe the files of an entry; what belongs to a picture stays beside a link."""
        files = zip(entry.removals, checked.removals, strict=True)
        handled = tuple(_handled(journal.heading.folder, file, state) for file, state in files)
        return handled[:1] if journal.heading.action == "hardlink" else handled

    def _begin(self) -> Journal:
        if self._journal is None:
            destination = self._options.destination
            folder = None if destination.folder is None else make_quarantine(destination.folder)
            heading = Heading(self._plan.digest, destination.action, folder)
            self._journal = create_journal(self._gallery, heading)
        return self._journal

    def _go_on(self) -> Journal | None:
        """Put back what was left half done; return the journal of a run that this one goes on."""
        ours: Journal | None = None
        for place, journal in enumerate(read_journals(self._gallery)):
            for step in journal.steps:
                if step.number not in journal.settled:
                    put_back(journal, step, Trash())
                    journal.note(step, "failed")
            if place == 0 and self._is_ours(journal):
                ours = journal
            elif journal.ending is None:
                journal.finish("applied")
        return ours

    def _is_ours(self, journal: Journal) -> bool:
        destination, heading = self._options.destination, journal.heading
        folder = None if heading.folder is None else heading.folder.parent
        same = (heading.plan, heading.action, folder) == (
            self._plan.digest,
            destination.action,
            destination.folder,
        )
        return same and journal.ending is None and not journal.undo_begun

    def _names_of(self, entries: Iterable[PlanEntry]) -> Iterator[Path]:
        """Return what goes; what belongs to a picture stays beside a link."""
        linked = self._options.destination.action == "hardlink"
        for entry in entries:
            yield from (file.path for file in entry.removals[: 1 if linked else None])

    def _report(self) -> ApplyReport:
        return ApplyReport(
            tuple(self._removed),
            tuple(self._refused),
            tuple(self._gone),
            freed_bytes(self._names_of(self._removed), self._files),
            None if self._journal is None else self._journal.path,
        )


def _is_done(entry: PlanEntry, action: Action) -> bool:
    """Tell whether an entry has been carried out already: its file is gone, or is the keeper."""
    try:
        state = FileState.of(entry.remove.path)
        return action == "hardlink" and state.is_same_file(FileState.of(entry.keep.path))
    except OSError:
        return not os.path.lexists(entry.remove.path)


def _handled(folder: Path | None, file: PlannedFile, state: FileState) -> HandledFile:
    stored = None if folder is None else place_in(folder, file.path)
    return HandledFile(file.path, stored, state.size_bytes, state.mtime_ns, state.mode, file.sha256)


def _require_fitting(gallery: Path, plan: Plan, destination: Destination) -> Path:
    """Check that a plan is for a gallery; return the gallery's folder without links."""
    with open_for_reading(gallery) as store:
        gallery = store.folder
        roots = read_roots(store.catalog).values()
        require_apart(destination, gallery, roots)
    if plan.gallery != gallery:
        reason = f"it was made for the gallery {shown(plan.gallery)}, not for {shown(gallery)}"
        raise PlanError(plan.gallery, f"{reason}; name the right one with --gallery DIR")
    return gallery
