"""Roots: the folders that a gallery indexes, found again when they have moved with it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

from imgsearch.errors import GalleryCorruptError
from imgsearch.gallery.catalog import Catalog
from imgsearch.gallery.checksums import is_sound
from imgsearch.gallery.schema import MEND

_SAMPLED_PATHS = 20


@dataclass(frozen=True, slots=True)
class Walk:
    """A part of a root that is to be walked.

    Attributes:
        root_id: The root.
        root: Where it is now.
        prefix: The folder below it that is walked, '/' between the parts; `""` for all of it.
    """

    root_id: int
    root: Path
    prefix: str

    def covers(self, root_id: int, path: str) -> bool:
        """Tell whether a path of a root lies in the part that is walked."""
        return root_id == self.root_id and (
            not self.prefix or f"{path}/".startswith(f"{self.prefix}/")
        )


def read_roots(catalog: Catalog) -> dict[int, Path]:
    """Return where each root is now.

    Raises:
        GalleryCorruptError: If a row is not as it was written.
    """
    query = "SELECT root_id, absolute, relative, crc32 FROM roots"
    roots = {}
    for row in catalog.connection.execute(query).fetchall():
        if not is_sound(row):
            reason = f"the row of folder {row[0]} is damaged; {MEND}"
            raise GalleryCorruptError(catalog.folder, reason)
        root_id, absolute, relative, _ = row
        roots[root_id] = _resolve(catalog, root_id, os.fsdecode(absolute), os.fsdecode(relative))
    return roots


def add_root(catalog: Catalog, folder: Path) -> Walk:
    """Make a folder part of the gallery, and say which walk covers it.

    A folder inside a known root is a part of that root; a known root inside the folder becomes a
    part of it and keeps its images.

    Args:
        catalog: The catalogue, in a write transaction.
        folder: An absolute path without symbolic links.
    """
    known = read_roots(catalog)
    for root_id, root in known.items():
        if root == folder or _visibly_inside(folder, root):
            _note_place(catalog, root_id, root)
            return Walk(root_id, root, _posix(folder.relative_to(root)))
    cursor = catalog.connection.execute("INSERT INTO roots (absolute, relative) VALUES ('', '')")
    walk = Walk(int(cursor.lastrowid or 0), folder, "")
    _note_place(catalog, walk.root_id, folder)
    for root_id, root in known.items():
        if _visibly_inside(root, folder):
            _absorb(catalog, root_id, walk.root_id, _posix(root.relative_to(folder)))
    return walk


def add_roots(catalog: Catalog, folders: Iterable[Path]) -> list[Walk]:
    """Make folders part of the gallery, and return the walks that cover them, none twice.

    Args:
        catalog: The catalogue, in a write transaction.
        folders: Absolute paths without symbolic links, in any order.
    """
    walks: list[Walk] = []
    # Outer folders first: a root that is absorbed by a later one would leave its walk behind.
    for folder in sorted(set(folders), key=lambda folder: (len(folder.parts), folder)):
        walk = add_root(catalog, folder)
        if not any(other.covers(walk.root_id, walk.prefix) for other in walks):
            walks.append(walk)
    return sorted(walks, key=lambda walk: (walk.root_id, walk.prefix))


def drop_root(catalog: Catalog, root_id: int) -> int:
    """Take a root out of the gallery with all its rows, and return how many pictures it had.

    Args:
        catalog: The catalogue, in a write transaction.
        root_id: The root.
    """
    catalog.connection.execute(
        "INSERT OR REPLACE INTO removals SELECT image_id, ? FROM images WHERE root_id = ?",
        (catalog.next_generation(), root_id),
    )
    cursor = catalog.connection.execute("DELETE FROM images WHERE root_id = ?", (root_id,))
    catalog.connection.execute("DELETE FROM rejects WHERE root_id = ?", (root_id,))
    catalog.connection.execute("DELETE FROM roots WHERE root_id = ?", (root_id,))
    return cursor.rowcount


def locate(roots: dict[int, Path], path: Path) -> tuple[int, str] | None:
    """Return the root and the path below it that a file has in the gallery, or None.

    Args:
        roots: Where each root is.
        path: An absolute path without symbolic links, but perhaps a link itself.
    """
    candidates = [
        (root_id, _posix(path.relative_to(root)))
        for root_id, root in roots.items()
        if path.is_relative_to(root)
    ]
    return min(candidates, key=lambda candidate: len(candidate[1]), default=None)


def _resolve(catalog: Catalog, root_id: int, absolute: str, relative: str) -> Path:
    """Find a root by its pictures: where it lies as seen from the gallery, else where it was.

    Where none of its pictures is in either place, prefer the way that survives a move: relative
    where the gallery lies inside the root.
    """
    beside = Path(os.path.normpath(catalog.folder / relative))
    if beside == Path(absolute):
        return beside
    sample = _sample(catalog, root_id)
    for place in (beside, Path(absolute)):
        if any(os.path.lexists(place / path) for path in sample):
            return place
    lies_inside = set(PurePath(relative).parts) <= {".."}
    if lies_inside or (not Path(absolute).exists() and beside.exists()):
        return beside
    return Path(absolute)


def _sample(catalog: Catalog, root_id: int) -> list[str]:
    """Return the paths of some pictures of a root: the first and the last."""
    rows = [
        row
        for order in ("ASC", "DESC")
        for row in catalog.connection.execute(
            f"SELECT path FROM images WHERE root_id = ? ORDER BY path {order} LIMIT ?",
            (root_id, _SAMPLED_PATHS // 2),
        )
    ]
    return [os.fsdecode(path) for (path,) in rows]


def _note_place(catalog: Catalog, root_id: int, root: Path) -> None:
    relative = os.path.relpath(root, catalog.folder)
    catalog.connection.execute(
        "UPDATE roots SET absolute = ?, relative = ? WHERE root_id = ?",
        (os.fsencode(root), os.fsencode(relative), root_id),
    )


def _absorb(catalog: Catalog, inner: int, outer: int, prefix: str) -> None:
    """Move the rows of a root into the root that contains it."""
    start = os.fsencode(prefix + "/")
    for table in ("images", "rejects"):
        catalog.connection.execute(
            f"UPDATE {table} SET root_id = ?, path = CAST(? || path AS BLOB) WHERE root_id = ?",
            (outer, start, inner),
        )
    catalog.connection.execute("DELETE FROM roots WHERE root_id = ?", (inner,))


def _visibly_inside(folder: Path, root: Path) -> bool:
    """Tell whether a walk of the root comes to the folder: hidden folders are left out."""
    if folder == root or not folder.is_relative_to(root):
        return False
    return not any(part.startswith(".") for part in folder.relative_to(root).parts)


def _posix(relative: Path) -> str:
    return "" if relative == Path() else relative.as_posix()
