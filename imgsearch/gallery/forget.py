"""Take whole roots out of a gallery; their folders need not be there any more."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from imgsearch.errors import GalleryError
from imgsearch.faultpoints import reached
from imgsearch.gallery.catalog import Catalog
from imgsearch.gallery.index_file import is_current, load_index, publish_index
from imgsearch.gallery.report import UpdateReport
from imgsearch.gallery.roots import drop_root, read_roots
from imgsearch.gallery.store import open_for_writing


def forget_roots(folder: Path, roots: Sequence[Path], *, wait_s: float = 0.0) -> UpdateReport:
    """Take roots out of a gallery: their rows, vectors and rejects; no photo is touched.

    All of them are taken out at once, or none.

    Args:
        folder: The gallery's folder.
        roots: Folders that it indexes, there or not.
        wait_s: How long to wait for another writer, in seconds.

    Raises:
        GalleryNotFoundError: If there is no gallery in that folder.
        GalleryError: If the gallery does not index one of the roots, or only as a part of
            another; or if it cannot be written, or is being written to.
    """
    started = time.monotonic()
    with open_for_writing(folder, wait_s=wait_s, must_exist=True) as store:
        removed = _forget(store.catalog, roots)
        reached("forget.committed")
        identity = store.catalog.identity()
        if identity is not None and not is_current(store.catalog):
            publish_index(store.catalog, load_index(store.catalog, identity.dim))
            reached("forget.published")
        return UpdateReport(
            images=store.catalog.image_count(),
            added=0,
            updated=0,
            moved=0,
            unchanged=0,
            removed=removed,
            failed=(),
            ignored=(),
            seconds=time.monotonic() - started,
            images_per_second=0.0,
        )


def _forget(catalog: Catalog, roots: Sequence[Path]) -> int:
    with catalog.transaction():
        known = read_roots(catalog)
        ids = {root_id for root in roots for root_id in _ids_of(catalog.folder, known, root)}
        return sum(drop_root(catalog, root_id) for root_id in sorted(ids))


def _ids_of(gallery: Path, known: dict[int, Path], root: Path) -> list[int]:
    """Return the ids of a root, by its name as it is or without symbolic links."""
    names = {Path(os.path.abspath(root)), Path(os.path.realpath(root))}  # noqa: PTH100 - no loops
    ids = [root_id for root_id, place in known.items() if place in names]
    if ids:
        return ids
    for place in sorted(known.values()):
        if any(name.is_relative_to(place) for name in names):
            raise GalleryError(
                gallery, f"{root} is a part of its root {place}; only whole roots can be forgotten"
            )
    listed = ", ".join(str(place) for place in sorted(known.values()))
    raise GalleryError(
        gallery,
        f"it does not index {root}; " + (f"its roots: {listed}" if listed else "it is empty"),
    )
