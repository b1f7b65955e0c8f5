"""Find the copies in a gallery."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from imgsearch.dedup.candidates import candidate_pairs
from imgsearch.dedup.contents import read_contents
from imgsearch.dedup.groups import build_groups
from imgsearch.dedup.keepers import KeepRules
from imgsearch.dedup.records import Group
from imgsearch.gallery.store import GalleryStore


@dataclass(frozen=True, slots=True)
class FindOptions:
    """What to look for.

    Attributes:
        rules: Which picture of a group is kept.
        below: Only among the files in this folder, if it is given.
    """

    rules: KeepRules = field(default_factory=KeepRules)
    below: Path | None = None


def find_groups(store: GalleryStore, options: FindOptions | None = None) -> list[Group]:
    """Find groups of copies, in the order of their keepers' paths; no file is in two of them.

    Candidates come from the vectors; each pair is then decided by the pictures themselves.

    Args:
        store: The gallery, open for reading.
        options: What to look for.

    Raises:
        GalleryCorruptError: If the catalogue is damaged.
    """
    from imgsearch.dedup.looking import PairViewer  # OpenCV costs 20 ms to load

    options = options or FindOptions()
    with store.catalog.transaction("DEFERRED"):
        contents = read_contents(store, below=options.below)
        pairs = candidate_pairs(store, contents)
    viewer = PairViewer(contents)
    return build_groups(contents, viewer.judge(pairs), viewer.judge, options.rules)
