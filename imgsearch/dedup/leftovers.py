"""What clean-ups left in a gallery: runs that were cut off, and files that are damaged."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imgsearch.dedup.decisions import read_decisions
from imgsearch.dedup.journal import Journal, read_journals
from imgsearch.errors import DecisionsError, JournalError


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What was found, a sentence each.

    Attributes:
        notes: Clean-ups that were cut off; nothing is lost.
        problems: Files that are not as they were written.
    """

    notes: tuple[str, ...]
    problems: tuple[str, ...]


def find_leftovers(gallery: Path) -> Leftovers:
    """Look for clean-ups that did not come to their end, and read what they and people noted."""
    notes: list[str] = []
    problems: list[str] = []
    try:
        for journal in read_journals(gallery):
            notes += _notes(journal)
            problems += [
                f"journal {journal.path}: line {line} is damaged; `imgsearch dupes undo` cannot"
                " put back what it names"
                for line in journal.damaged_lines
            ]
        read_decisions(gallery)
    except (DecisionsError, JournalError) as error:
        problems.append(str(error))
    return Leftovers(tuple(notes), tuple(problems))


def _notes(journal: Journal) -> list[str]:
    if journal.undo_begun and journal.ending != "undone":
        return [f"undoing {journal.name} did not come to its end: run `imgsearch dupes undo` again"]
    if journal.ending is None:
        return [
            f"{journal.name} was cut off: the same `imgsearch dupes apply` goes on with it,"
            " `imgsearch dupes undo` takes it back"
        ]
    return []
