"""Groups: stars of verified copies around the picture that is kept.

A chain (A is a copy of B, B one of C) makes no group: every member is verified against the keeper
itself. What lies in reach of the keeper but is no copy of it starts over in a group of its own.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Final, TypeAlias

from imgsearch.dedup.candidates import Pair
from imgsearch.dedup.contents import Content
from imgsearch.dedup.keepers import KeepRules
from imgsearch.dedup.paths import shown
from imgsearch.dedup.records import TIERS, Group, Member, Picture, Tier, Verdict

Judge: TypeAlias = Callable[[Sequence[Pair]], Mapping[Pair, Verdict]]
"""Looks at pairs, and says what they are."""

Neighbours: TypeAlias = Mapping[int, set[int]]
"""What each content could be a copy of."""

OVERSIZED: Final = 50
"""A group with more members than this is one for people to look at."""

_SUCCESSORS: Final = 6  # of a keeper: a screenshot, then a turned, a framed, a captioned picture...

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
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        stars = partial(_stars, contents=contents, neighbours=neighbours, judge=judge, rules=rules)
        found = threads.map(lambda places: list(stars(places)), sorted(connected, key=len)[::-1])
        return sorted(chain.from_iterable(found), key=lambda group: group.keep.path)


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
        left = _ranked(connected, contents, rules)
        while len(left) > 1:
            keeper, *left = left
            near = [place for place in left if place in neighbours[keeper]]
            members = [(contents[place].first, alike[_pair(keeper, place)]) for place in near]
            if members:
                picture = contents[keeper].first
                reason = rules.reason(picture, [member for member, _ in members])
                groups.append(_group(picture, members, reason))
            left = [place for place in left if place not in near]
    return sorted(groups, key=lambda group: group.keep.path)


def _stars(
    places: Iterable[int],
    contents: Sequence[Content],
    neighbours: Neighbours,
    judge: Judge,
    rules: KeepRules,
) -> Iterator[Group]:
    """Split what hangs together into stars, the best picture first."""
    left = _ranked(places, contents, rules)
    while left:
        best = left[0]
        keeper, copies = _star(best, set(left), contents, _Looks(neighbours, judge, rules))
        keep = rules.rank(contents[keeper].pictures)[0]
        members = [
            (picture, SAME_BYTES) for picture in contents[keeper].pictures if picture is not keep
        ] + [
            (picture, verdict)
            for place, verdict in copies.items()
            for picture in contents[place].pictures
        ]
        if members:
            reason = rules.reason(keep, [picture for picture, _ in members])
            if keeper != best:
                name = shown(rules.rank(contents[best].pictures)[0].path.name)
                reason = f"the picture itself; {name} has something around it or on it"
            yield _group(keep, members, f"kept: {reason}")
        left = [place for place in left if place != keeper and place not in copies]


@dataclass(frozen=True, slots=True)
class _Looks:
    """How pictures are looked at: what could be a copy of what, who judges, and what is kept."""

    neighbours: Neighbours
    judge: Judge
    rules: KeepRules

    def remembering(self) -> _Looks:
        """Return looks that judge no pair twice."""
        known: dict[Pair, Verdict] = {}

        def judge(pairs: Sequence[Pair]) -> Mapping[Pair, Verdict]:
            if unknown := [pair for pair in pairs if pair not in known]:
                known.update(self.judge(unknown))
            return known

        return replace(self, judge=judge)


def _star(
    keeper: int, left: set[int], contents: Sequence[Content], looks: _Looks
) -> tuple[int, dict[int, Verdict]]:
    """Return the copies of a keeper, or of the one among them that is it without additions."""
    looks = looks.remembering()
    before = {keeper}
    for _ in range(_SUCCESSORS):
        successor = _first_plainer(keeper, left - before, contents, looks)
        if successor == keeper:
            copies = _copies(keeper, left - {keeper}, looks.neighbours, looks.judge)
            fresh = {place: verdict for place, verdict in copies.items() if place not in before}
            successor = _plainest(keeper, fresh, contents, looks.rules)
            if successor == keeper:
                return keeper, copies
        keeper = successor
        before.add(keeper)
    return keeper, _copies(keeper, left - {keeper}, looks.neighbours, looks.judge)


def _first_plainer(keeper: int, left: set[int], contents: Sequence[Content], looks: _Looks) -> int:
    """Return the best likely copy that is all of the keeper without additions, else the keeper.

    Most screenshots give way to the next best picture: there is no need to judge the others
    against them.
    """
    near = looks.neighbours.get(keeper, set()) & left
    ranked, count = _ranked(near, contents, looks.rules), os.cpu_count() or 1
    while ranked:
        some, ranked = ranked[:count], ranked[count:]
        pairs = {place: _pair(keeper, place) for place in some}
        verdicts = looks.judge(list(pairs.values()))
        copies = {
            place: verdicts[pair] for place, pair in pairs.items() if verdicts[pair].removable
        }
        successor = _plainest(keeper, copies, contents, looks.rules)
        if successor != keeper:
            return successor
        count *= 2
    return keeper


def _copies(
    keeper: int, left: set[int], neighbours: Neighbours, judge: Judge
) -> dict[int, Verdict]:
    """Return those of the contents left that are copies of the keeper, and why."""
    copies: dict[int, Verdict] = {}
    front = [keeper]
    while front:
        near = {place for known in front for place in neighbours.get(known, ())} & left
        left = left - near
        pairs = {_pair(keeper, place): place for place in sorted(near)}
        verdicts = judge(list(pairs))
        found = {place: verdicts[pair] for pair, place in pairs.items() if verdicts[pair].removable}
        copies |= found
        front = list(found)
    return copies


def _plainest(
    keeper: int,
    copies: Mapping[int, Verdict],
    contents: Sequence[Content],
    rules: KeepRules,
) -> int:
    """Return the best copy that is all of the keeper without additions, else the keeper."""
    best = rules.rank(contents[keeper].pictures)[0]
    plainer = {
        place
        for place, verdict in copies.items()
        if verdict.plainer == ("second" if keeper < place else "first")
        and rules.yields_to_plainer(best, rules.rank(contents[place].pictures)[0])
    }
    return next(iter(_ranked(plainer, contents, rules)), keeper)


def _ranked(places: Iterable[int], contents: Sequence[Content], rules: KeepRules) -> list[int]:
    """Order contents as their files are kept."""
    place_of = {picture.image_id: place for place in places for picture in contents[place].pictures}
    pictures = [picture for place in places for picture in contents[place].pictures]
    return list(dict.fromkeys(place_of[picture.image_id] for picture in rules.rank(pictures)))


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


def _pair(first: int, second: int) -> Pair:
    return (first, second) if first < second else (second, first)
