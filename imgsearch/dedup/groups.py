"""Groups: stars of verified copies around the picture that is kept.

A chain (A is a copy of B, B one of C) makes no group: every member is verified against the keeper
itself. What lies in reach of the keeper but is no copy of it starts over in a group of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from imgsearch.dedup.contents import Content
from imgsearch.dedup.keepers import KeepRules
from imgsearch.dedup.records import TIERS, Group, Member, Picture, Tier, Verdict

Pair: TypeAlias = tuple[int, int]
"""Two contents by their places in a list, the smaller first."""

Judge: TypeAlias = Callable[[Sequence[Pair]], Mapping[Pair, Verdict]]
"""Looks at pairs, and says what is known of them."""

OVERSIZED: Final = 50
"""A group with more members than this is one for people to look at."""

SAME_BYTES: Final = Verdict("identical", 1.0, "the same bytes")


def build_groups(
    contents: Sequence[Content],
    verdicts: Mapping[Pair, Verdict],
    judge: Judge,
    rules: KeepRules,
) -> list[Group]:
    """Make disjoint groups of copies, in the order of their keepers' paths.

    Args:
        contents: What is in the gallery.
        verdicts: What was found out about pairs of them.
        judge: Asked about the pairs of a keeper that `verdicts` leaves open.
        rules: Which picture of a group is kept.
    """
    copies = [pair for pair, verdict in verdicts.items() if verdict.removable]
    groups: list[Group] = []
    for connected in _connected(len(contents), copies):
        groups += _stars(connected, contents, verdicts, judge, rules)
    return sorted(groups, key=lambda group: group.keep.path)


def build_similar(
    contents: Sequence[Content], verdicts: Mapping[Pair, Verdict], rules: KeepRules
) -> list[Group]:
    """Make groups of pictures that are alike and no copies; nothing of them may be removed."""
    alike = {pair: verdict for pair, verdict in verdicts.items() if verdict.tier == "similar"}
    groups: list[Group] = []
    for connected in _connected(len(contents), alike):
        left = _ranked(connected, contents, rules)
        while len(left) > 1:
            keeper, others = left[0], left[1:]
            near = [place for place in others if _pair(keeper, place) in alike]
            members = [(contents[place].first, alike[_pair(keeper, place)]) for place in near]
            if members:
                groups.append(_group(contents[keeper].first, members, rules))
            left = [place for place in others if place not in near]
    return sorted(groups, key=lambda group: group.keep.path)


def _stars(
    places: Iterable[int],
    contents: Sequence[Content],
    verdicts: Mapping[Pair, Verdict],
    judge: Judge,
    rules: KeepRules,
) -> Iterator[Group]:
    """Split what hangs together into stars, the best picture first."""
    known, left = dict(verdicts), _ranked(places, contents, rules)
    while left:
        keeper, others = left[0], left[1:]
        asked = [_pair(keeper, place) for place in others]
        known |= judge([pair for pair in asked if pair not in known])
        near = [place for place in others if known[_pair(keeper, place)].removable]
        keep = rules.rank(contents[keeper].pictures)[0]
        members = [
            (picture, SAME_BYTES) for picture in contents[keeper].pictures if picture is not keep
        ] + [
            (picture, known[_pair(keeper, place)])
            for place in near
            for picture in contents[place].pictures
        ]
        if members:
            yield _group(keep, members, rules)
        left = [place for place in others if place not in near]


def _ranked(places: Iterable[int], contents: Sequence[Content], rules: KeepRules) -> list[int]:
    """Order contents as their files are kept."""
    place_of = {picture.image_id: place for place in places for picture in contents[place].pictures}
    pictures = [picture for place in places for picture in contents[place].pictures]
    return list(dict.fromkeys(place_of[picture.image_id] for picture in rules.rank(pictures)))


def _group(keep: Picture, members: Sequence[tuple[Picture, Verdict]], rules: KeepRules) -> Group:
    tier = max((_tier(verdict) for _, verdict in members), key=TIERS.index)
    reason = rules.reason(keep, [picture for picture, _ in members])
    others = sorted(members, key=lambda member: member[0].path)
    return Group(
        tier,
        keep,
        (
            Member(keep, Verdict(tier, 1.0, f"kept: {reason}")),
            *(Member(picture, verdict) for picture, verdict in others),
        ),
        len(members) > OVERSIZED,
    )


def _tier(verdict: Verdict) -> Tier:
    assert verdict.tier is not None
    return verdict.tier


def _connected(count: int, pairs: Iterable[Pair]) -> list[list[int]]:
    """Return the places that pairs connect, each set in order; those on their own too."""
    leader = list(range(count))

    def find(place: int) -> int:
        while leader[place] != place:
            leader[place] = leader[leader[place]]
            place = leader[place]
        return place

    for first, second in pairs:
        leader[find(second)] = find(first)
    sets: dict[int, list[int]] = {}
    for place in range(count):
        sets.setdefault(find(place), []).append(place)
    return list(sets.values())


def _pair(first: int, second: int) -> Pair:
    return (first, second) if first < second else (second, first)
