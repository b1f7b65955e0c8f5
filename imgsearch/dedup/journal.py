"""The journal of a clean-up: what is about to be done is written down, and flushed, before it is.

    cleanup-0001.journal     in the gallery's folder; one line a step, each with a checksum
    cleanup-0001.undone      the same, once everything in it was put back

Lines are only ever appended. A line that was cut off is the last one, and what it announces was not
begun. What came of a step is noted, too, but never relied on: the files themselves tell.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from imgsearch.dedup.journal_lines import (
    HandledFile,
    Heading,
    Step,
    heading_document,
    line_of,
    parse_heading,
    parse_line,
    parse_step,
    step_document,
)
from imgsearch.errors import JournalError
from imgsearch.faultpoints import reached
from imgsearch.gallery.durable import flush_folder
from imgsearch.images.read import explain_os_error

Ending: TypeAlias = Literal["applied", "undone"]
Progress: TypeAlias = Literal["done", "failed", "undoing", "undone"]

_NAME: Final = re.compile(r"cleanup-(\d{4,})\.(journal|undone)")


@dataclass(slots=True)
class Journal:
    """The journal of one clean-up, as far as it could be read.

    Attributes:
        path: Its file.
        heading: What it is about.
        steps: What was announced, in order.
        settled: The numbers of the steps of which nothing is half done.
        undo_begun: Whether something of it was put back.
        ending: How it ended; None if it was interrupted.
        damaged_lines: The numbers of lines that are not as they were written.
        size_bytes: Where the last whole line ends.
    """

    path: Path
    heading: Heading
    steps: list[Step] = field(default_factory=list)
    settled: set[int] = field(default_factory=set)
    undo_begun: bool = False
    ending: Ending | None = None
    damaged_lines: list[int] = field(default_factory=list)
    size_bytes: int = 0

    @property
    def name(self) -> str:
        """Names it among the journals of its gallery."""
        return self.path.stem

    def begin(self) -> None:
        """Write the first line.

        Raises:
            JournalError: If the disk refuses.
        """
        self._append(heading_document(self.heading), durably=True)

    def announce(self, files: tuple[HandledFile, ...], keep: Path) -> Step:
        """Write down what is about to be done; it is on the disk when this returns.

        Raises:
            JournalError: If the disk refuses; nothing must be done then.
        """
        step = Step(1 + (self.steps[-1].number if self.steps else 0), files, keep)
        self._append(step_document(step), durably=True)
        self.steps.append(step)
        reached("journal.announced")
        return step

    def note(self, step: Step, progress: Progress) -> None:
        """Note how far a step has come; the files themselves would tell, too.

        Raises:
            JournalError: If the disk refuses.
        """
        document = {"progress": progress, "of": step.number}
        self._append(document)
        _take(self, document)
        reached("journal.noted")

    def finish(self, ending: Ending) -> None:
        """Note that the clean-up, or its undoing, has come to its end.

        Raises:
            JournalError: If the disk refuses.
        """
        self._append({"ending": ending}, durably=True)
        self.ending = ending
        reached("journal.finished")
        if ending == "undone":
            self.retire()

    def retire(self) -> None:
        """Put the journal away, once all of it was undone.

        Raises:
            JournalError: If the disk refuses.
        """
        retired = self.path.with_suffix(".undone")
        try:
            self.path.rename(retired)
            flush_folder(retired.parent)
        except OSError as error:
            raise _refused(self.path, error) from error
        self.path = retired
        reached("journal.retired")

    def _append(self, document: dict[str, Any], *, durably: bool = False) -> None:
        """Write a line where the last whole one ends: one that was cut off is written over."""
        line = line_of(document)
        try:
            with self.path.open("r+b") as file:
                file.seek(self.size_bytes)
                file.truncate()
                file.write(line)
                file.flush()
                if durably:
                    os.fsync(file.fileno())
        except OSError as error:
            raise _refused(self.path, error) from error
        self.size_bytes += len(line)


def create_journal(gallery: Path, heading: Heading) -> Journal:
    """Begin a journal; the caller holds the gallery's lock.

    Raises:
        JournalError: If the disk refuses.
    """
    numbers = [int(found[1]) for found in map(_NAME.fullmatch, _names(gallery)) if found]
    path = gallery / f"cleanup-{1 + max(numbers, default=0):04}.journal"
    try:
        with path.open("xb"):
            reached("journal.created")
        journal = Journal(path, heading)
        journal.begin()
        flush_folder(gallery)
    except OSError as error:
        raise _refused(path, error) from error
    reached("journal.begun")
    return journal


def read_journals(gallery: Path) -> list[Journal]:
    """Return the journals of clean-ups that were not undone, the newest first.

    One that was cut off before its first line was whole is left out: nothing was done then.

    Raises:
        JournalError: If one cannot be read, or its first line is damaged.
    """
    found = [match for match in map(_NAME.fullmatch, _names(gallery)) if match]
    found = sorted(found, key=lambda match: int(match[1]), reverse=True)
    paths = [gallery / match[0] for match in found if match[2] == "journal"]
    return [journal for path in paths for journal in _read(path)]


def _read(path: Path) -> Iterator[Journal]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise JournalError(path, f"it cannot be read ({explain_os_error(error)})") from error
    *lines, cut_off = content.split(b"\n")
    if not lines:
        return
    try:
        journal = Journal(path, parse_heading(parse_line(lines[0])))
        journal.size_bytes = len(content) - len(cut_off)
    except (KeyError, TypeError, ValueError) as error:
        reason = "its first line is damaged, or of a newer release; nothing was changed"
        raise JournalError(path, reason) from error
    for number, line in enumerate(lines[1:], 2):
        try:
            _take(journal, parse_line(line))
        except (KeyError, TypeError, ValueError, AttributeError):
            journal.damaged_lines.append(number)
    yield journal


def _take(journal: Journal, document: dict[str, Any]) -> None:
    """Add what a line says to a journal."""
    if "ending" in document:
        journal.ending = document["ending"]
    elif "progress" in document:
        is_begun = document["progress"] == "undoing"
        (journal.settled.discard if is_begun else journal.settled.add)(document["of"])
        journal.undo_begun |= is_begun
    else:
        journal.steps.append(parse_step(document))


def _names(gallery: Path) -> list[str]:
    try:
        return os.listdir(gallery)  # noqa: PTH208 - names alone are wanted
    except OSError as error:
        raise _refused(gallery, error) from error


def _refused(path: Path, error: OSError) -> JournalError:
    return JournalError(path, f"the disk refused ({explain_os_error(error)}); free it, then go on")
