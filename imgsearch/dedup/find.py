"""Find the copies in a gallery."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from imgsearch.dedup.candidates import Pair, Pairs, near_pairs, united, whole_pairs
from imgsearch.dedup.contents import Content, read_contents
from imgsearch.dedup.groups import build_groups, build_similar
from imgsearch.dedup.keepers import KeepRules
from imgsearch.dedup.landmark_votes import LandmarkVotes
from imgsearch.dedup.records import Group, Verdict
from imgsearch.gallery.copy_cache import CopyCache
from imgsearch.gallery.store import GalleryStore

if TYPE_CHECKING:
    from imgsearch.dedup.album import Album
    from imgsearch.dedup.looking import PairViewer

Tell: TypeAlias = Callable[[str, int, int], object]
"""Told what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class FindOptions:
    """What to look for.

    Attributes:
        rules: Which picture of a group is kept.
        below: Only among the files in this folder, if it is given.
        similar: Whether pictures that are alike and no copies are to be grouped as well.
    """

    rules: KeepRules = field(default_factory=KeepRules)
    below: Path | None = None
    similar: bool = False


@dataclass(frozen=True, slots=True)
class Lead:
    """What could be a copy of what, before it was looked at closely.

    Attributes:
        contents: What there is.
        likely: Pairs of them that could be copies.
        viewer: Judges pairs.
    """

    contents: Sequence[Content]
    likely: list[Pair]
    viewer: PairViewer


def find_groups(
    store: GalleryStore, options: FindOptions | None = None, tell: Tell | None = None
) -> list[Group]:
    """Find groups of copies, in the order of their keepers' paths; no file is in two of them.

    Candidates come from the vectors and from tiny pictures; each pair is then decided by the
    pictures themselves. What is found out is kept in the gallery for the next time.

    Args:
        store: The gallery, open for reading.
        options: What to look for.
        tell: Told how far it has come.

    Returns:
        The groups of copies; then, if they are asked for, those of tier `"similar"`, of what is
        not proposed for removal.

    Raises:
        CopiesFolderError: If there is no picture of the gallery in the folder.
        GalleryCorruptError: If the catalogue is damaged.
    """
    options, tell = options or FindOptions(), tell or tell_nobody
    folders = () if options.below is None else (options.below,)
    with followed(store, folders, tell) as lead:
        judged: dict[Pair, Verdict] = {}

        def judge(pairs: Sequence[Pair]) -> dict[Pair, Verdict]:
            found = lead.viewer.judge(pairs)
            judged.update(found)
            tell("Comparing pictures", min(len(judged), len(lead.likely)), len(lead.likely))
            return found

        groups = build_groups(lead.contents, lead.likely, judge, options.rules)
        if not options.similar:
            return groups
        return groups + build_similar(lead.contents, _of_kept(lead, judged, groups), options.rules)


@contextmanager
def followed(
    store: GalleryStore,
    folders: Sequence[Path],
    tell: Tell,
    choose: Callable[[Sequence[Content], Pairs], Pairs] = lambda _, pairs: pairs,
) -> Iterator[Lead]:
    """Find what could be a copy of what, and hold open what a closer look needs.

    Args:
        store: The gallery, open for reading.
        folders: Only among the files in these folders; in all if there are none.
        tell: Told how far it has come.
        choose: Returns those of all candidate pairs that matter.
    """
    from imgsearch.dedup.album import Album  # OpenCV costs 20 ms to load
    from imgsearch.dedup.looking import PairViewer

    with store.catalog.transaction("DEFERRED"):
        contents = read_contents(store, folders)
        near = near_pairs(store, contents)
    with CopyCache(store.folder) as cache:
        album = Album(contents, cache)
        album.sketch_all(lambda done, total: tell("Reading pictures", done, total))
        if not folders:
            album.forget_others()
        votes = LandmarkVotes(_looks(album, len(contents)))
        beside = ThreadPoolExecutor(1)
        try:
            whole = beside.submit(_alike_as_a_whole, album, len(contents))
            supported = votes.supported(near.far)
            found = [near.close, *supported, votes.pairs(), whole.result()]
        finally:
            beside.shutdown(wait=False)  # Ctrl-C need not wait for what nobody asks for any more
        del near, votes
        pairs = choose(contents, united(found, len(contents)))
        viewer = PairViewer(contents, album, cache)
        likely = viewer.likely(pairs, lambda done, total: tell("Screening", done, total))
        yield Lead(contents, likely, viewer)


def _alike_as_a_whole(album: Album, count: int) -> Pairs:
    """Return the pairs of pictures whose tiny versions are alike, in some turn or mirror.

    A picture with a margin takes part twice: as a whole, and as what is inside.
    """
    from imgsearch.dedup.insides import turns_inside
    from imgsearch.images.sketch import coarse_turns, each_turn

    insides = album.insides()
    upright = np.zeros((count + len(insides), 64), np.float32)
    for place, sketch in album.sketches():
        upright[place] = coarse_turns(sketch.tiny)[0]
    for place, inside in enumerate(insides.values(), start=count):
        upright[place] = turns_inside(inside)[0]
    owners = np.array([*range(count), *insides], np.int64)
    return united([owners[whole_pairs(each_turn(upright))]], count)


def _looks(album: Album, count: int) -> list[npt.NDArray[np.uint64]]:
    """Return what each picture's landmarks look like; none if it cannot be read."""
    looks = [np.empty(0, np.uint64)] * count
    for place, sketch in album.sketches():
        looks[place] = np.array(sketch.plain["looks"])
    return looks


def _of_kept(
    lead: Lead, judged: dict[Pair, Verdict], groups: Sequence[Group]
) -> dict[Pair, Verdict]:
    """Return the verdicts on pairs of which neither is proposed for removal."""
    leaving = {
        member.picture.facts.content_hash for group in groups for member in group.members[1:]
    }
    staying = [content.content_hash not in leaving for content in lead.contents]
    return {pair: verdict for pair, verdict in judged.items() if all(staying[p] for p in pair)}


def tell_nobody(_what: str, _done: int, _total: int) -> None:
    """Stand in for a progress callback."""
