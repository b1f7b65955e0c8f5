"""Where copies go: into the trash, into a quarantine folder, or nowhere, as hard links."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from imgsearch.dedup.journal_lines import Action
from imgsearch.dedup.paths import shown
from imgsearch.errors import PlanError
from imgsearch.gallery.durable import flush_folder
from imgsearch.images.read import explain_os_error

_QUARANTINE: Final = "quarantine:"


@dataclass(frozen=True, slots=True)
class Destination:
    """What is done with files that are to go.

    Attributes:
        action: `"trash"`; `"quarantine"`, moved into a folder; or `"hardlink"`, made another name
            of the file that stays, which takes the same bytes.
        folder: The folder of a quarantine.
    """

    action: Action
    folder: Path | None = None

    def __str__(self) -> str:
        return self.action if self.folder is None else f"{_QUARANTINE}{shown(self.folder)}"


TRASH: Final = Destination("trash")


def parse_destination(text: str) -> Destination:
    """Return what a person asked for: `trash`, `quarantine:DIR` or `hardlink`.

    Raises:
        ValueError: If it is nothing of the kind.
    """
    if text == "trash":
        return TRASH
    if text == "hardlink":
        return Destination("hardlink")
    name = text.removeprefix(_QUARANTINE)
    if name == text or not name:
        raise ValueError(f"{text!r} is none of trash, quarantine:DIR, hardlink")
    return Destination("quarantine", Path(name).expanduser().resolve())


def require_apart(destination: Destination, gallery: Path, roots: Iterable[Path]) -> None:
    """Check that a quarantine is not where its files would be taken for photos, or for a cache.

    Raises:
        PlanError: If it lies in the gallery, or openly in an indexed folder.
    """
    folder = destination.folder
    if folder is None:
        return
    if folder.is_relative_to(gallery):
        raise PlanError(folder, "it lies in the gallery, which may be deleted; name another folder")
    for root in roots:
        if folder.is_relative_to(root) and not _is_hidden(folder.relative_to(root)):
            reason = f"it lies in {shown(root)}, which is indexed: its files would come up again"
            raise PlanError(folder, f"{reason}; name a folder outside, or one with a leading dot")


def make_quarantine(folder: Path) -> Path:
    """Make a folder of its own for the files of one clean-up, below the one that was named.

    Raises:
        PlanError: If the disk refuses.
    """
    name = f"{datetime.now():%Y-%m-%d-%H%M%S}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        own = _make_new(folder, name)
        flush_folder(folder)
    except OSError as error:
        reason = f"it cannot be written ({explain_os_error(error)}); name another with --to"
        raise PlanError(folder, reason) from error
    return own


def place_in(folder: Path, path: Path) -> Path:
    """Return where a file goes in a quarantine: below it, with all the folders that it is in."""
    return folder / path.relative_to(path.anchor)


def _make_new(folder: Path, name: str) -> Path:
    """Make a folder that was not there before."""
    number = 1
    while True:
        own = folder / (name if number == 1 else f"{name}-{number}")
        try:
            os.mkdir(own, 0o700)  # noqa: PTH102 - what is set aside is for nobody else's eyes
        except FileExistsError:
            number += 1
        else:
            return own


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
