from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imgsearch.dedup.candidates import Pair
from imgsearch.dedup.contents import Content
from imgsearch.dedup.groups import OVERSIZED, build_groups, build_similar
from imgsearch.dedup.keepers import KeepRules
from imgsearch.dedup.patterns import parse_patterns
from imgsearch.dedup.records import Group, Picture, Verdict
from imgsearch.gallery.records import FileStamp, ImageFacts

RULES = KeepRules(order=("resolution",))
COPY = Verdict("copy", 0.99, "re-encoded", whole=True)
SIMILAR = Verdict("similar", 0.2, "a burst")
DIFFERENT = Verdict(None, 0.0, "different pictures")


def content(name: str, width: int, files: int = 1) -> Content:
    digest = name.encode().ljust(32)
    return Content(
        digest,
        tuple(
            Picture(
                hash((name, number)),
                Path(f"/photos/{name}{number}.jpg"),
                FileStamp(1, f"{name}{number}.jpg", 1000, 0),
                ImageFacts(digest, width, 10, "JPEG"),
            )
            for number in range(files)
        ),
    )


def judge_by(verdicts: Mapping[Pair, Verdict]):
    def judge(pairs: Sequence[Pair]) -> dict[Pair, Verdict]:
        return {pair: verdicts.get(pair, DIFFERENT) for pair in pairs}

    return judge


def names(groups: Sequence[Group]) -> list[list[str]]:
    return [[member.picture.path.stem for member in group.members] for group in groups]


def grouped(contents: Sequence[Content], verdicts: Mapping[Pair, Verdict]) -> list[list[str]]:
    return names(build_groups(contents, verdicts, judge_by(verdicts), RULES))


def test_the_larger_picture_is_kept_and_comes_first():
    contents = [content("a", 10), content("b", 30), content("c", 20)]
    verdicts = {(0, 1): COPY, (1, 2): COPY}
    assert grouped(contents, verdicts) == [["b0", "a0", "c0"]]


def test_files_of_the_same_bytes_are_a_group_without_any_verdict():
    (group,) = build_groups([content("a", 10, files=3)], {}, judge_by({}), RULES)
    assert names([group]) == [["a0", "a1", "a2"]]
    assert group.tier == "identical"
    assert [member.verdict.reason for member in group.members[1:]] == ["the same bytes"] * 2


def test_a_chain_makes_no_group_of_its_ends():
    contents = [content("a", 30), content("b", 20), content("c", 10)]
    verdicts = {(0, 1): COPY, (1, 2): COPY}  # and (0, 2) is judged to be different
    assert grouped(contents, verdicts) == [["a0", "b0"]]


def test_what_is_no_copy_of_the_keeper_starts_a_group_of_its_own():
    contents = [content("a", 40), content("b", 30), content("c", 20), content("d", 10)]
    verdicts = {(0, 1): COPY, (1, 2): COPY, (2, 3): COPY}
    assert grouped(contents, verdicts) == [["a0", "b0"], ["c0", "d0"]]


def test_a_pair_that_was_never_a_candidate_is_judged_before_it_is_grouped():
    contents = [content("a", 30), content("b", 20), content("c", 10)]
    found = {(0, 1): COPY, (1, 2): COPY}
    groups = build_groups(contents, found, judge_by({**found, (0, 2): COPY}), RULES)
    assert names(groups) == [["a0", "b0", "c0"]]


def test_only_the_pairs_of_a_keeper_and_of_its_copies_are_judged():
    contents = [content(name, 90 - place) for place, name in enumerate("abcde")]
    copies = {(0, 1): COPY, (1, 2): COPY, (0, 2): COPY, (1, 4): SIMILAR, (0, 4): SIMILAR}
    asked: list[Pair] = []

    def judge(pairs: Sequence[Pair]) -> dict[Pair, Verdict]:
        asked.extend(pairs)
        return {pair: copies.get(pair, DIFFERENT) for pair in pairs}

    likely = [(0, 1), (1, 2), (1, 4), (3, 4)]
    groups = build_groups(contents, likely, judge, RULES)

    assert names(groups) == [["a0", "b0", "c0"]]
    assert asked == [(0, 1), (0, 2), (0, 4), (3, 4)]


def test_the_picture_itself_is_kept_though_two_copies_are_plainer_than_one_another():
    screenshot, framed, photo = content("a", 40), content("b", 30), content("c", 20)
    plainer = Verdict("edited", 0.99, "with a margin", "second")
    verdicts = {(0, 1): Verdict("edited", 0.99, "with a margin"), (0, 2): plainer, (1, 2): plainer}
    both_ways = {(0, 1): plainer}

    def judge(pairs: Sequence[Pair]) -> dict[Pair, Verdict]:
        # Of a screenshot and a framed picture either may seem plainer: whichever is asked about.
        found = {pair: {**verdicts, **both_ways}[pair] for pair in pairs}
        if (0, 1) in found:
            both_ways[0, 1] = both_ways[0, 1].swapped
        return found

    groups = build_groups([screenshot, framed, photo], verdicts, judge, RULES)
    assert names(groups) == [["c0", "a0", "b0"]]


def test_a_group_is_of_its_weakest_tier():
    contents = [content("a", 30), content("b", 20), content("c", 10)]
    verdicts = {(0, 1): COPY, (0, 2): Verdict("edited", 0.9, "cropped")}
    (group,) = build_groups(contents, verdicts, judge_by(verdicts), RULES)
    assert group.tier == "edited"
    assert group.members[0].verdict.tier == "edited"


def test_pictures_that_are_only_alike_are_in_no_group_of_copies():
    contents = [content("a", 30), content("b", 20), content("c", 10)]
    verdicts = {(0, 1): SIMILAR, (1, 2): SIMILAR}
    assert grouped(contents, verdicts) == []
    assert names(build_similar(contents, verdicts, RULES)) == [["a0", "b0"]]


def test_a_group_of_many_members_is_flagged():
    contents = [content(f"p{place:03}", 1000 - place) for place in range(OVERSIZED + 2)]
    verdicts = dict.fromkeys(combinations(range(OVERSIZED + 2), 2), COPY)
    (group,) = build_groups(contents, verdicts, judge_by(verdicts), RULES)
    assert group.oversized
    verdicts = dict.fromkeys(combinations(range(OVERSIZED + 1), 2), COPY)
    (group,) = build_groups(contents[:-1], verdicts, judge_by(verdicts), RULES)
    assert not group.oversized


@given(
    pairs=st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda p: p[0] < p[1])),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_groups_are_disjoint_stars_whatever_the_order(pairs: set[Pair], seed: int):
    contents = [content(f"p{place}", 10 + place * 7 % 5) for place in range(10)]
    verdicts = dict.fromkeys(sorted(pairs), COPY)
    expected = grouped(contents, verdicts)
    taken = [name for group in expected for name in group]
    assert len(taken) == len(set(taken))
    for keeper, *others in expected:
        for other in others:
            first, second = sorted((int(keeper[1]), int(other[1])))
            assert (first, second) in pairs

    order = list(range(10))
    random.Random(seed).shuffle(order)
    place_of = {old: new for new, old in enumerate(order)}
    moved = {(min(p, q), max(p, q)) for p, q in ((place_of[a], place_of[b]) for a, b in pairs)}
    shuffled = grouped([contents[old] for old in order], dict.fromkeys(sorted(moved), COPY))
    assert shuffled == expected


def test_a_picture_with_something_around_it_goes_for_the_picture_itself():
    contents = [content("framed", 30), content("itself", 20), content("crop", 10)]
    framed = Verdict("edited", 0.99, "with a margin", "second")
    verdicts = {(0, 1): framed, (1, 2): COPY}

    (group,) = build_groups(contents, verdicts, judge_by(verdicts), RULES)

    assert names([group]) == [["itself0", "crop0", "framed0"]]
    reason = "kept: the picture itself; framed0.jpg has something around it or on it"
    assert group.members[0].verdict.reason == reason


def test_a_picture_that_must_be_kept_stays_whatever_is_on_it():
    contents = [content("framed", 30), content("itself", 20)]
    kept = parse_patterns(["framed*"], Path("/photos"), option="--keep-in")
    rules = KeepRules(order=("resolution",), keep_in=kept)
    verdicts = {(0, 1): Verdict("edited", 0.99, "with a margin", "second")}

    (group,) = build_groups(contents, verdicts, judge_by(verdicts), rules)

    assert group.keep.path.stem == "framed0"


def test_the_picture_itself_is_kept_where_any_of_its_files_is_as_much_preferred():
    contents = [content("framed", 30), content("itself", 20, files=2)]
    kept = parse_patterns(["framed*", "itself1*"], Path("/photos"), option="--keep-in")
    rules = KeepRules(order=("resolution",), keep_in=kept)
    verdicts = {(0, 1): Verdict("edited", 0.99, "with a margin", "second")}

    (group,) = build_groups(contents, verdicts, judge_by(verdicts), rules)

    assert group.keep.path.stem == "itself1"


def test_against_a_picture_that_gives_way_the_others_are_not_judged(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    screenshot = replace(COPY, plainer="second")
    contents = [content("a", 50)] + [
        content(name, 40 - place) for place, name in enumerate("bcdefg")
    ]
    verdicts = dict.fromkeys(combinations(range(7), 2), COPY)
    verdicts |= {(0, place): screenshot for place in range(1, 7)}
    asked = []

    def judge(pairs):
        asked.extend(pairs)
        return judge_by(verdicts)(pairs)

    groups = build_groups(contents, verdicts, judge, RULES)

    assert names(groups) == [["b0", "a0", "c0", "d0", "e0", "f0", "g0"]]
    assert [pair for pair in asked if pair[0] == 0] == [(0, 1), (0, 2)]  # two at a time
    assert len(asked) == len(set(asked))


def test_a_copy_goes_to_the_keeper_of_more_copies_that_it_is_one_of():
    stamped, photo, crop = content("stamped", 50), content("photo", 40), content("crop", 10)
    others = [content(name, 30) for name in ("x", "y")]
    verdicts = {(0, 2): COPY, (1, 2): COPY, (1, 3): COPY, (1, 4): COPY}  # not (0, 1)
    groups = grouped([stamped, photo, crop, *others], verdicts)
    assert groups == [["photo0", "crop0", "x0", "y0"]]


def test_a_copy_does_not_go_for_a_smaller_picture_that_more_are_copies_of():
    stamped, large, small = content("stamped", 50), content("large", 45), content("small", 40)
    others = [content(name, 30) for name in ("x", "y")]
    verdicts = {(0, 1): COPY, (1, 2): COPY, (2, 3): COPY, (2, 4): COPY}
    groups = grouped([stamped, large, small, *others], verdicts)
    assert groups == [["small0", "x0", "y0"], ["stamped0", "large0"]]


def hub_verdicts() -> dict[Pair, Verdict]:
    """Return what is found of a noisy copy, the original, two copies of both, and one of that."""
    near = dict.fromkeys(combinations(range(4), 2), COPY)
    return {**near, (1, 4): COPY, (0, 4): SIMILAR}


def test_of_pictures_as_good_the_one_is_kept_that_more_are_copies_of():
    contents = [content("a noisy", 40), content("original", 40)]
    contents += [content(name, 30) for name in ("x", "y", "z")]
    verdicts = hub_verdicts()

    (group,) = build_groups(contents, verdicts, judge_by(verdicts), RULES)

    assert names([group]) == [["original0", "a noisy0", "x0", "y0", "z0"]]
    reason = "kept: more of the others are copies of it than of a noisy0.jpg"
    assert group.members[0].verdict.reason == reason


def test_the_picture_that_most_are_copies_of_stays_for_a_screenshot_too():
    contents = [content("a noisy", 40), content("original", 40)]
    contents += [content(name, 30) for name in ("x", "y", "z")] + [content("screenshot", 90)]
    shown = Verdict("edited", 0.99, "with a margin", "first")
    verdicts = hub_verdicts() | {(0, 5): shown, (1, 5): shown}

    (group,) = build_groups(contents, verdicts, judge_by(verdicts), RULES)

    assert names([group]) == [["original0", "a noisy0", "screenshot0", "x0", "y0", "z0"]]


def test_a_smaller_picture_is_not_kept_because_more_are_copies_of_it():
    contents = [content("noisy", 50), content("original", 40)]
    contents += [content(name, 30) for name in ("x", "y", "z")]
    assert grouped(contents, hub_verdicts()) == [["noisy0", "original0", "x0", "y0"]]


def test_what_has_something_on_it_is_not_kept_because_more_are_copies_of_it():
    contents = [content("a plain", 40), content("captioned", 40)]
    contents += [content(name, 30) for name in ("x", "y", "z")]
    verdicts = hub_verdicts() | {(0, 1): Verdict("edited", 0.99, "with something on it", "first")}
    assert grouped(contents, verdicts) == [["a plain0", "captioned0", "x0", "y0"]]


def test_a_small_copy_in_a_screenshot_does_not_stay_for_a_larger_one():
    contents = [content("screenshot", 90), content("photo", 40), content("small", 10)]
    shown = Verdict("edited", 0.99, "with a margin", "second")
    verdicts = {(0, 2): shown, (1, 2): COPY, (0, 1): Verdict("edited", 0.99, "cropped")}

    (group,) = build_groups(contents, verdicts, judge_by(verdicts), RULES)

    assert names([group]) == [["photo0", "screenshot0", "small0"]]


def test_a_crop_in_a_screenshot_stays_for_more_of_the_picture_that_may_be_its_frame():
    contents = [content("screenshot", 90), content("more", 40), content("crop", 10)]
    shown = Verdict("edited", 0.99, "with a margin", "second")
    cropped = Verdict("edited", 0.99, "cropped")
    verdicts = {(0, 2): shown, (1, 2): cropped, (0, 1): cropped}
    assert grouped(contents, verdicts) == [["crop0", "more0", "screenshot0"]]


def test_once_interrupted_no_more_pairs_are_judged():
    contents = [content(f"{number:03}", 900 - number) for number in range(200)]
    likely = list(pairwise(range(200)))
    asked: list[Pair] = []

    def judge(pairs: Sequence[Pair]) -> dict[Pair, Verdict]:
        asked.extend(pairs)
        if len(asked) == 5:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            time.sleep(0.2)
        time.sleep(0.01)
        return dict.fromkeys(pairs, DIFFERENT)

    with pytest.raises(KeyboardInterrupt):
        build_groups(contents, likely, judge, RULES)
    assert len(asked) < 20
