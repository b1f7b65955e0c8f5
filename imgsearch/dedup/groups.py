"""Groups: stars of verified copies around the picture that is kept.

A chain (A is a copy of B, B one of C) makes no group: every member is verified against the keeper
itself. What lies in reach of the keeper but is no copy of it starts over in a group of its own.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from typing import Final

from imgsearch.dedup.candidates import Pair
from imgsearch.dedup.contents import Content
from imgsearch.dedup.keepers import KeepRules
from imgsearch.dedup.records import TIERS, Group, Member, Picture, Tier, Verdict
from imgsearch.dedup.stars import Judge, Looks, Neighbours, find_stars, ordered, ranked

OVERSIZED: Final = 50
"""A group with more members than this is one for people to look at."""

SAME_BYTES: Final = Verdict("identical", 1.0, "the same bytes")


def build_groups(
    contents: Sequence[Content], likely: Iterable[Pair], judge: Judge, rules: KeepRules
) -> list[Group]:
    """Make disjoint groups of copies, in the order of their keepers' paths.

    Only the pairs that decide something are judged: those of a keeper, the best picture first,
    with what is likely a copy of it or of its copies.

    Args:
        contents: What is in the gallery.
        likely: Pairs of them that could be copies.
        judge: Asked about pairs, from several threads.
        rules: Which picture of a group is kept.
    """
    neighbours: defaultdict[int, set[int]] = defaultdict(set)
    for first, second in likely:
        neighbours[first].add(second)
        neighbours[second].add(first)
    connected = [
        places
        for places in _connected(len(contents), neighbours)
        if len(places) > 1 or len(contents[places[0]].pictures) > 1
    ]
    with ThreadPoolExecutor(os.cpu_count()) as threads, _stoppable(judge) as judge_on:
        looks = Looks(contents, neighbours, judge_on, rules)
        largest_first = sorted(connected, key=len)[::-1]
        found = threads.map(lambda places: list(_groups_of(places, looks)), largest_first)
        return sorted(chain.from_iterable(found), key=lambda group: group.keep.path)


@contextmanager
def _stoppable(judge: Judge) -> Iterator[Judge]:
    """Judge until an exception comes, such as Ctrl-C: threads would else judge all that is left."""
    stopped = threading.Event()

    def judge_on(pairs: Sequence[Pair]) -> Mapping[Pair, Verdict]:
        if stopped.is_set():
            raise CancelledError
        return judge(pairs)

    try:
        yield judge_on
    except BaseException:
        stopped.set()
        raise


def build_similar(
    contents: Sequence[Content], verdicts: Mapping[Pair, Verdict], rules: KeepRules
) -> list[Group]:
    """Make groups of pictures that are alike and no copies; nothing of them may be removed.

    Args:
        contents: What is in the gallery.
        verdicts: What was found out about pairs of them.
        rules: Which picture of a group comes first.
    """
    alike = {pair: verdict for pair, verdict in verdicts.items() if verdict.tier == "similar"}
    neighbours: defaultdict[int, set[int]] = defaultdict(set)
    for first, second in alike:
        neighbours[first].add(second)
        neighbours[second].add(first)
    groups: list[Group] = []
    for connected in _connected(len(contents), neighbours):
        left = ranked(connected, contents, rules)
        while len(left) > 1:
            keeper, *left = left
            near = [place for place in left if place in neighbours[keeper]]
            members = [(contents[place].first, alike[ordered(keeper, place)]) for place in near]
            if members:
                picture = contents[keeper].first
                reason = rules.reason(picture, [member for member, _ in members])
                groups.append(_group(picture, members, reason))
            left = [place for place in left if place not in near]
    return sorted(groups, key=lambda group: group.keep.path)


def _groups_of(places: Iterable[int], looks: Looks) -> Iterator[Group]:
    """Make the groups of contents that hang together."""
    for star in find_stars(places, looks):
        keep = looks.best(star.keeper)
        members = [
            (picture, SAME_BYTES)
            for picture in looks.contents[star.keeper].pictures
            if picture is not keep
        ] + [
            (picture, verdict)
            for place, verdict in star.copies.items()
            for picture in looks.contents[place].pictures
        ]
        if members:
            reason = looks.rules.reason(keep, [picture for picture, _ in members])
            yield _group(keep, members, f"kept: {star.because or reason}")


def _group(keep: Picture, members: Sequence[tuple[Picture, Verdict]], reason: str) -> Group:
    tier = max((_tier(verdict) for _, verdict in members), key=TIERS.index)
    others = sorted(members, key=lambda member: member[0].path)
    return Group(
        tier,
        keep,
        (
            Member(keep, Verdict(tier, 1.0, reason)),
            *(Member(picture, verdict) for picture, verdict in others),
        ),
        len(members) > OVERSIZED,
    )


def _tier(verdict: Verdict) -> Tier:
    assert verdict.tier is not None
    return verdict.tier


def _connected(count: int, neighbours: Neighbours) -> Iterator[list[int]]:
    """Yield the places that neighbours connect, each set in order; those on their own too."""
    seen: set[int] = set()
    for start in range(count):
        if start in seen:
            continue
        reached, front = {start}, [start]
        while front:
            front = [
                place
                for known in front
                for place in neighbours.get(known, ())
                if place not in reached
            ]
            reached.update(front)
        seen |= reached
        yield sorted(reached)
