"""What was decided of copies holds for the contents, and is not lost unnoticed."""

import json
import os
from pathlib import Path

import pytest
from picturing import described, grouped, moved

from imgsearch.dedup.decisions import (
    DECISIONS_NAME,
    Decisions,
    change_decisions,
    read_decisions,
)
from imgsearch.errors import DecisionsError
from imgsearch.faultpoints import watch


def picture(name):
    return described(Path("/photos") / name, content=name.encode())


A, B, C, D = (picture(name) for name in "abcd")


def contents(*pictures):
    return [one.facts.content_hash for one in pictures]


def names(groups):
    return ["".join(one.picture.path.name for one in group.members) for group in groups]


def test_an_ignored_copy_leaves_its_group_and_a_group_of_one_is_none():
    decisions = Decisions().ignore(contents(A, B))

    assert names(decisions.filter([grouped(A, B, C), grouped(A, B), grouped(C, D)])) == ["ac", "cd"]


def test_the_tier_of_a_group_is_again_the_weakest_of_what_is_left():
    decisions = Decisions().ignore(contents(A, C))

    (group,) = decisions.filter([grouped(A, B, C, tiers=["pixels", "edited"])])

    assert (group.tier, group.members[0].verdict.tier) == ("pixels", "pixels")


@pytest.mark.parametrize("kind", ["keep", "reviewed"])
def test_a_settled_group_stays_closed_until_a_new_picture_joins_it(kind):
    decisions = Decisions().settle(kind, [contents(A, B, C)])

    assert names(decisions.filter([grouped(A, B, C), grouped(B, C)])) == []
    assert names(decisions.filter([grouped(A, B, C, D)])) == ["abcd"]
    assert decisions.settle(kind, [contents(A, B, C, D)]).filter([grouped(D, B)]) == []


def test_decisions_survive_moves_and_new_rows():
    decisions = Decisions().settle("keep", [contents(A, B)]).ignore(contents(C, D))
    a, b, c, d = (moved(one, Path("/elsewhere/x") / one.path.name) for one in (A, B, C, D))

    assert decisions.filter([grouped(a, b), grouped(c, d)]) == []


def test_two_files_of_the_same_bytes_can_be_ignored_too():
    twin = moved(A, Path("/photos/twin"))
    decisions = Decisions().ignore(contents(A, twin))

    assert decisions.filter([grouped(A, twin)]) == []
    assert names(decisions.filter([grouped(A, B)])) == ["ab"]


def test_what_is_to_be_kept_is_known_pair_by_pair():
    decisions = Decisions().settle("keep", [contents(A, B)]).settle("reviewed", [contents(C, D)])

    assert decisions.keeps(*contents(B, A))
    assert not decisions.keeps(*contents(A, C))
    assert not decisions.keeps(*contents(C, D))


def test_reopening_drops_every_decision_that_a_picture_takes_part_in():
    decisions = Decisions().ignore(contents(A, B, C)).settle("reviewed", [contents(A, D)])

    left = decisions.reopen(contents(A))

    assert left == Decisions().ignore(contents(B, C))
    assert (len(decisions), len(left)) == (4, 1)


def test_decisions_are_read_as_they_were_written(tmp_path):
    assert read_decisions(tmp_path) == Decisions()
    change_decisions(tmp_path, lambda old: old.ignore(contents(A, B)))
    written = change_decisions(tmp_path, lambda old: old.settle("keep", [contents(C, D)]))

    assert read_decisions(tmp_path) == written
    assert written == Decisions().ignore(contents(A, B)).settle("keep", [contents(C, D)])


def test_any_change_of_a_byte_is_noticed_and_nothing_is_overwritten(tmp_path):
    change_decisions(
        tmp_path, lambda old: old.ignore(contents(A, B)).settle("keep", [contents(C, D)])
    )
    path = tmp_path / DECISIONS_NAME
    content = path.read_bytes()

    for place in range(0, len(content), 7):
        damaged = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        if json_or_none(damaged) == json.loads(content):
            continue  # a change of white space says the same
        path.write_bytes(damaged)
        with pytest.raises(DecisionsError, match=r"decisions\.json: it .*; move it away"):
            change_decisions(tmp_path, lambda old: old.ignore(contents(A, C)))
        assert path.read_bytes() == damaged


def json_or_none(content):
    try:
        return json.loads(content)
    except ValueError:
        return None


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, '{"crc32": 0, "version": 2}'])
def test_what_is_no_file_of_decisions_is_refused(tmp_path, text):
    (tmp_path / DECISIONS_NAME).write_text(text)

    with pytest.raises(DecisionsError, match="it is damaged"):
        read_decisions(tmp_path)


def endless(path):
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, endless])
def test_what_is_no_plain_file_blocks_nobody_and_is_not_overwritten(tmp_path, make):
    make(tmp_path / DECISIONS_NAME)
    before = (tmp_path / DECISIONS_NAME).lstat()

    for ask in (read_decisions, lambda folder: change_decisions(folder, lambda old: old)):
        with pytest.raises(DecisionsError) as caught:
            ask(tmp_path)
        assert str(caught.value).endswith(
            "decisions.json: it cannot be read (it is no regular file);"
            " move it away to begin anew, or restore it from a backup"
        )
    assert (tmp_path / DECISIONS_NAME).lstat() == before


def test_a_disk_that_refuses_leaves_the_old_decisions(tmp_path):
    change_decisions(tmp_path, lambda old: old.ignore(contents(A, B)))

    def refuse(_point):
        raise OSError(28, "No space left on device")

    with watch(refuse), pytest.raises(DecisionsError, match="No space left on device"):
        change_decisions(tmp_path, lambda old: old.ignore(contents(C, D)))
    assert read_decisions(tmp_path) == Decisions().ignore(contents(A, B))
