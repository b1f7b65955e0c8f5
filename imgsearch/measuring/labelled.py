"""Labelled pictures, found in a gallery."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from imgsearch.errors import LabelsError
from imgsearch.gallery.store import GalleryStore


@dataclass(frozen=True, slots=True)
class Found:
    """Which pictures a gallery has.

    Attributes:
        ids: The id of each that it has.
        missing: Those that it has not, or has no vector of; in the order of the labels.
    """

    ids: dict[Path, int]
    missing: tuple[Path, ...]


def find_labelled(store: GalleryStore, paths: Iterable[Path]) -> Found:
    """Find labelled pictures in a gallery, whatever their paths are spelt like.

    Raises:
        GalleryCorruptError: If the gallery is damaged.
    """
    wanted = list(dict.fromkeys(paths))
    ids, missing = {}, []
    for path, image in zip(wanted, store.find_all(wanted), strict=True):
        # A repair empties the hash of a picture whose vector it had to set aside.
        if image is None or not image.facts.content_hash:
            missing.append(path)
        else:
            ids[path] = image.image_id
    return Found(ids, tuple(missing))


def require_found(labels: Path, found: Found, *, folder: Path, strict: bool) -> None:
    """Refuse labels of which the gallery has nothing, or with `strict` anything less than all.

    Raises:
        LabelsError: Says how many are missing, and which is the first.
    """
    if found.missing and (strict or not found.ids):
        count, total = len(found.missing), len(found.missing) + len(found.ids)
        which = f"{count:,} of its {total:,} pictures are" if found.ids else "none of them is"
        raise LabelsError(
            labels,
            f"{which} in the gallery {folder}, the first that is not: {found.missing[0]};"
            " index them, or name another gallery with --gallery DIR",
        )
