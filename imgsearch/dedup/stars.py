"""Stars: a picture that is kept, and copies that were each verified against it."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from imgsearch.dedup.candidates import Pair
from imgsearch.dedup.contents import Content
from imgsearch.dedup.keepers import KeepRules
from imgsearch.dedup.paths import shown
from imgsearch.dedup.records import Picture, Plainer, Verdict

Judge: TypeAlias = Callable[[Sequence[Pair]], Mapping[Pair, Verdict]]
"""Looks at pairs, and says what they are."""

Neighbours: TypeAlias = Mapping[int, set[int]]
"""What each content could be a copy of."""

_SUCCESSORS: Final = 6  # of a keeper: a screenshot, then a turned, a framed, a captioned picture...
_HUBS: Final = 4  # copies that are tried as the keeper of what is no copy of the best picture
_FEWEST_COPIES: Final = 3  # of a keeper, before another one is tried


@dataclass(frozen=True, slots=True)
class Star:
    """A picture and its copies.

    Attributes:
        keeper: The content that is kept.
        copies: What was found out about each of the others and the keeper.
        because: Why it is kept although the rules prefer another; empty if they do not.
    """

    keeper: int
    copies: dict[int, Verdict]
    because: str = ""


@dataclass(frozen=True, slots=True)
class Looks:
    """How pictures are looked at.

    Attributes:
        contents: What there is.
        neighbours: What each of them could be a copy of.
        judge: Asked about pairs.
        rules: Which picture is kept.
    """

    contents: Sequence[Content]
    neighbours: Neighbours
    judge: Judge
    rules: KeepRules

    def remembering(self) -> Looks:
        """Return looks that judge no pair twice."""
        known: dict[Pair, Verdict] = {}

        def judge(pairs: Sequence[Pair]) -> Mapping[Pair, Verdict]:
            if unknown := [pair for pair in pairs if pair not in known]:
                known.update(self.judge(unknown))
            return known

        return replace(self, judge=judge)

    def best(self, place: int) -> Picture:
        """Return which of a content's files is kept."""
        return self.rules.rank(self.contents[place].pictures)[0]

    def ranked(self, places: Iterable[int]) -> list[int]:
        """Order contents as their files are kept."""
        return ranked(places, self.contents, self.rules)

    def near(self, places: Iterable[int]) -> set[int]:
        """Return what could be a copy of any of these."""
        return {near for place in places for near in self.neighbours.get(place, ())}

    def copies_among(self, keeper: int, places: Collection[int]) -> dict[int, Verdict]:
        """Return those that are copies of the keeper, and why."""
        pairs = {ordered(keeper, place): place for place in sorted(places)}
        verdicts = self.judge(list(pairs))
        return {place: verdicts[pair] for pair, place in pairs.items() if verdicts[pair].removable}


def find_stars(places: Iterable[int], looks: Looks) -> list[Star]:
    """Split what hangs together into stars, the best picture first; some have no copies."""
    looks = looks.remembering()
    left, stars = looks.ranked(places), []
    while left:
        star = _star(left[0], set(left), looks)
        stars.append(star)
        left = [place for place in left if place != star.keeper and place not in star.copies]
    return _rehomed(stars, looks)


def ranked(places: Iterable[int], contents: Sequence[Content], rules: KeepRules) -> list[int]:
    """Order contents as their files are kept."""
    place_of = {picture.image_id: place for place in places for picture in contents[place].pictures}
    pictures = [picture for place in places for picture in contents[place].pictures]
    return list(dict.fromkeys(place_of[picture.image_id] for picture in rules.rank(pictures)))


def ordered(first: int, second: int) -> Pair:
    """Return two places as a pair."""
    return (first, second) if first < second else (second, first)


def _side(place: int, other: int) -> Plainer:
    """Return which of the two it is, in a verdict on it and another."""
    return "first" if place < other else "second"


def _star(best: int, left: set[int], looks: Looks) -> Star:
    """Make a star of the best picture, or of a copy that is rather the picture itself."""
    keeper, copies = _plain_star(best, left, looks)
    hub = _hub(keeper, copies, left, looks)
    if hub != keeper:
        name = shown(looks.best(keeper).path.name)
        copies = _copies(hub, left - {hub}, looks)
        return Star(hub, copies, f"more of the others are copies of it than of {name}")
    if keeper != best:
        name = shown(looks.best(best).path.name)
        return Star(keeper, copies, f"the picture itself; {name} has something around it or on it")
    return Star(keeper, copies)


def _plain_star(keeper: int, left: set[int], looks: Looks) -> tuple[int, dict[int, Verdict]]:
    """Return the copies of a keeper, or of the one among them that is it without additions.

    In a screenshot that may first be a small copy: then a better file of the same is next.
    """
    before = {keeper}
    for _ in range(_SUCCESSORS):
        successor = _first_plainer(keeper, left - before, looks)
        if successor == keeper:
            copies = _copies(keeper, left - {keeper}, looks)
            fresh = {place: verdict for place, verdict in copies.items() if place not in before}
            successor = _plainest(keeper, fresh, looks)
            if successor == keeper:
                successor = _better(keeper, fresh, looks)
            if successor == keeper:
                return keeper, copies
        keeper = successor
        before.add(keeper)
    return keeper, _copies(keeper, left - {keeper}, looks)


def _first_plainer(keeper: int, left: set[int], looks: Looks) -> int:
    """Return the best likely copy that is all of the keeper without additions, else the keeper.

    Most screenshots give way to the next best picture: there is no need to judge the others
    against them.
    """
    near, count = looks.ranked(looks.near([keeper]) & left), os.cpu_count() or 1
    while near:
        some, near = near[:count], near[count:]
        successor = _plainest(keeper, looks.copies_among(keeper, some), looks)
        if successor != keeper:
            return successor
        count *= 2
    return keeper


def _copies(keeper: int, left: set[int], looks: Looks) -> dict[int, Verdict]:
    """Return those of the contents left that are copies of the keeper, and why."""
    copies: dict[int, Verdict] = {}
    front = [keeper]
    while front:
        near = looks.near(front) & left
        left = left - near
        found = looks.copies_among(keeper, near)
        copies |= found
        front = list(found)
    return copies


def _plainest(keeper: int, copies: Mapping[int, Verdict], looks: Looks) -> int:
    """Return the best copy that is all of the keeper without additions, else the keeper."""
    best = looks.best(keeper)
    plainer = {
        place
        for place, verdict in copies.items()
        if verdict.plainer == _side(place, keeper)
        and looks.rules.yields_to_plainer(best, looks.best(place))
    }
    return next(iter(looks.ranked(plainer)), keeper)


def _better(keeper: int, copies: Mapping[int, Verdict], looks: Looks) -> int:
    """Return the best copy that is the same whole picture, if it is a better file.

    A grey one, or a smaller one, may be the one that was found in a screenshot.
    """
    whole = [
        place
        for place, verdict in copies.items()
        if verdict.whole and verdict.plainer != _side(keeper, place)
    ]
    return looks.ranked([keeper, *whole])[0]


def _hub(keeper: int, copies: Mapping[int, Verdict], left: set[int], looks: Looks) -> int:
    """Return the copy of which more are copies than of the keeper, if there is one as good.

    What everything was made of is one edit away from each; any two copies are two edits apart. A
    noisy copy may be the larger file, and yet be too far from some of the others.
    """
    refused = (looks.near([keeper, *copies]) & left) - {keeper, *copies}
    if len(copies) < _FEWEST_COPIES or not refused:
        return keeper
    best = looks.best(keeper)
    rivals = [
        place
        for place in looks.ranked(copies)
        if copies[place].plainer != _side(keeper, place)
        and looks.rules.yields_to_hub(best, looks.best(place))
    ]
    for rival in rivals[:_HUBS]:
        gained = looks.copies_among(rival, refused)
        if gained:
            others = {keeper, *copies} - {rival}
            if len(gained) + len(looks.copies_among(rival, others)) > len(copies):
                return rival
    return keeper


def _rehomed(stars: Sequence[Star], looks: Looks) -> list[Star]:
    """Let copies that a small star took go to a larger one, if they are copies of its keeper.

    The best picture of all takes what is a copy of it, though it may itself be too much changed to
    be one of the picture that everything else was made of.
    """
    by_size = sorted(stars, key=lambda star: len(star.copies))  # stable: the best picture first
    near = {star.keeper: looks.near([star.keeper, *star.copies]) for star in stars if star.copies}
    leaving: set[int] = set()
    joining: defaultdict[int, dict[int, Verdict]] = defaultdict(dict)
    for number, star in enumerate(by_size):
        for larger in reversed(by_size[number + 1 :]) if star.copies else ():
            if len(larger.copies) == len(star.copies):
                break
            staying = near[larger.keeper] & (star.copies.keys() - leaving)
            found = _yielding(staying, larger.keeper, looks)
            joining[larger.keeper] |= found
            leaving |= set(found)
    return [
        replace(
            star,
            copies={
                place: verdict
                for place, verdict in (star.copies | joining[star.keeper]).items()
                if place in joining[star.keeper] or place not in leaving
            },
        )
        for star in stars
    ]


def _yielding(places: set[int], keeper: int, looks: Looks) -> dict[int, Verdict]:
    """Return those that are copies of a keeper, and go for it."""
    copies = looks.copies_among(keeper, places)
    order = looks.ranked([keeper, *copies])
    worse = order[order.index(keeper) + 1 :]
    return {
        place: verdict
        for place, verdict in copies.items()
        if place in worse or _plainest(place, {keeper: verdict}, looks) == keeper
    }
