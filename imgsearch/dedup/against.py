"""What is in one folder and not yet in another: a card against a collection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from imgsearch.dedup.candidates import Pair, Pairs
from imgsearch.dedup.contents import Content
from imgsearch.dedup.find import Tell, followed, tell_nobody
from imgsearch.dedup.groups import SAME_BYTES
from imgsearch.dedup.records import TIERS, Picture, Verdict
from imgsearch.dedup.richness import lost_in
from imgsearch.errors import CopiesFolderError, ImageReadError
from imgsearch.gallery.store import GalleryStore

_THE_SAME: Final = frozenset(("identical", "pixels", "copy"))


@dataclass(frozen=True, slots=True)
class Counterpart:
    """The file of the other folder that is most surely a copy of a file of this one."""

    picture: Picture
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file of the first folder.

    Attributes:
        picture: The file.
        counterpart: Its copy in the second folder, None if there is none.
        is_new: Whether the second folder has nothing as good: no copy, or an edited or a
            smaller one only.
    """

    picture: Picture
    counterpart: Counterpart | None
    is_new: bool


def compare_folders(
    store: GalleryStore, new: Path, old: Path, tell: Tell = tell_nobody
) -> list[Arrival]:
    """Look for each picture of one folder in another, in the order of their paths.

    Args:
        store: The gallery in which both are indexed, open for reading.
        new: A folder, absolute, without links.
        old: Another one, neither of them inside the other.
        tell: Told how far it has come.

    Raises:
        CopiesFolderError: If one has no picture in the gallery, or is inside the other.
        GalleryCorruptError: If the catalogue is damaged.
    """
    if new.is_relative_to(old) or old.is_relative_to(new):
        raise CopiesFolderError(new, f"it and {old} overlap; name two separate folders")
    with followed(store, (new, old), tell, partial(_between, new, old)) as lead:
        verdicts = lead.viewer.judge(lead.likely)
        found = _counterparts(lead.contents, verdicts, old)
    arrivals = [
        _arrival(picture, found[place])
        for place, content in enumerate(lead.contents)
        for picture in _inside(content, new)
    ]
    return sorted(arrivals, key=lambda arrival: arrival.picture.path)


def _between(new: Path, old: Path, contents: Sequence[Content], pairs: Pairs) -> Pairs:
    """Return the pairs of which one is in the first folder and the other in the second."""
    in_new = np.array([bool(_inside(content, new)) for content in contents], bool)
    in_old = np.array([bool(_inside(content, old)) for content in contents], bool)
    first, second = pairs.T
    across = (in_new[first] & in_old[second]) | (in_old[first] & in_new[second])
    return np.asarray(pairs[across], np.int64)


def _inside(content: Content, folder: Path) -> list[Picture]:
    return [picture for picture in content.pictures if picture.path.is_relative_to(folder)]


def _counterparts(
    contents: Sequence[Content], verdicts: Mapping[Pair, Verdict], old: Path
) -> dict[int, list[Counterpart]]:
    """Return the copies of each content in the second folder."""
    found: defaultdict[int, list[Counterpart]] = defaultdict(list)
    for place, content in enumerate(contents):
        found[place] += [Counterpart(each, SAME_BYTES) for each in _inside(content, old)]
    for pair, verdict in verdicts.items():
        if verdict.removable:
            for place, other in (pair, pair[::-1]):
                there = _inside(contents[other], old)
                found[place] += [Counterpart(each, verdict) for each in there]
    return found


def _arrival(picture: Picture, counterparts: Sequence[Counterpart]) -> Arrival:
    as_good = [each for each in counterparts if _is_as_good(picture, each)]
    best = min(as_good or counterparts, key=_doubt, default=None)
    return Arrival(picture, best, not as_good)


def _is_as_good(picture: Picture, counterpart: Counterpart) -> bool:
    pixels = [each.facts.width * each.facts.height for each in (picture, counterpart.picture)]
    if counterpart.verdict.tier not in _THE_SAME or pixels[1] < pixels[0]:
        return False
    try:
        return not lost_in(counterpart.picture, picture)
    except ImageReadError:
        return False  # nobody knows: better to have it twice than not at all


def _doubt(counterpart: Counterpart) -> tuple[int, float, Path]:
    verdict = counterpart.verdict
    assert verdict.tier is not None
    return TIERS.index(verdict.tier), -verdict.score, counterpart.picture.path
