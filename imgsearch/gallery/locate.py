"""Which gallery is meant, where nobody says so."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from imgsearch.errors import GalleryNotFoundError, ImageReadError
from imgsearch.gallery.durable import write_durably
from imgsearch.images.read import open_regular

GALLERY_NAME = ".imgsearch"
"""The folder inside an indexed folder that holds its gallery."""

GALLERY_VARIABLE = "IMGSEARCH_GALLERY"
_LAST_NAME = "last-gallery"
_LONGEST_NOTE = 4096  # bytes; no system takes a longer path


def find_gallery(
    explicit: Path | None = None,
    *,
    asked_for: Path | None = None,
    working_folder: Path | None = None,
) -> Path:
    """Find the gallery to use.

    In this order: the explicit one; the environment's `IMGSEARCH_GALLERY`; the nearest
    `.imgsearch` at or above the folder that is asked for, if there is one; the nearest at or above
    the working directory; the one that was indexed last.

    Raises:
        GalleryNotFoundError: If none of these names one.
    """
    named = explicit or _from_environment()
    if named is not None:
        return named
    start = working_folder or _working_folder()
    return _above(start, asked_for) or _nearest(start) or _last_indexed() or _raise_not_found(start)


def gallery_for_root(root: Path, explicit: Path | None = None) -> Path:
    """Choose the gallery of a folder to index: the explicit one, the environment's, its own."""
    return explicit or _from_environment() or root / GALLERY_NAME


def remember_gallery(folder: Path) -> None:
    """Note in the user's state folder that this gallery was indexed last.

    Raises:
        OSError: If the state folder cannot be written.
    """
    note = _note()
    note.parent.mkdir(parents=True, exist_ok=True)
    write_durably(note, lambda path: _write_bytes(path, os.fsencode(folder.resolve())))


def _from_environment() -> Path | None:
    name = os.environ.get(GALLERY_VARIABLE)
    return Path(name) if name else None


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:  # it was deleted
        return Path()


def _above(start: Path, asked_for: Path | None) -> Path | None:
    """Return the nearest gallery at or above a folder that is asked for, seen from another."""
    # os.path, because Path.resolve raises where links go in a circle.
    return asked_for and _nearest(Path(os.path.realpath(start / asked_for)))


def _nearest(start: Path) -> Path | None:
    for folder in (start, *start.parents):
        # os.path, because Path.is_dir raises where a folder above may not be looked into.
        if os.path.isdir(folder / GALLERY_NAME):  # noqa: PTH112
            return folder / GALLERY_NAME
    return None


def _last_indexed() -> Path | None:
    """Return what the note says; one that is no path, or no plain file, says nothing."""
    try:
        with open_regular(_note(), name=_LAST_NAME) as file:
            name = file.read(_LONGEST_NOTE + 1)
    except ImageReadError:
        return None
    if not name or len(name) > _LONGEST_NOTE or b"\0" in name:
        return None
    return Path(os.fsdecode(name))


def _raise_not_found(start: Path) -> Path:
    raise GalleryNotFoundError(
        start / GALLERY_NAME,
        "no gallery here or above, and none was indexed before;"
        " make one with `imgsearch index PHOTOS`, or name one with --gallery DIR",
    )


def _note() -> Path:
    return platformdirs.user_state_path("imgsearch", appauthor=False) / _LAST_NAME


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
