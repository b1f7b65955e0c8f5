"""Which copies go into a plan, and why others stay."""

import os

import pytest
from cleaning import again
from picturing import grouped

from imgsearch.dedup.decisions import Decisions
from imgsearch.dedup.keepers import KeepRules
from imgsearch.dedup.patterns import parse_patterns
from imgsearch.dedup.records import REMOVABLE


def planned(proposal):
    return [[file.path.name for file in entry.removals] for entry in proposal.plan.entries]


def reasons(proposal):
    return [skipped.reason for skipped in proposal.skipped]


def never_touch(desk, *texts):
    return KeepRules(never_touch=parse_patterns(texts, desk.root, option="--never-touch"))


def test_every_copy_goes_and_the_keeper_stays(desk):
    keep, copy, _ = desk.pair()
    third = desk.picture("third.png", text="differs, too")

    proposal = desk.proposal(grouped(keep, copy, third))

    assert planned(proposal) == [["copy.png"], ["third.png"]]
    assert {entry.keep.path for entry in proposal.plan.entries} == {keep.path}
    assert reasons(proposal) == []


def test_an_entry_says_what_was_indexed(desk):
    keep, copy, group = desk.pair(score=0.75)

    (entry,) = desk.plan(group).entries

    assert (entry.tier, entry.score, entry.reason) == ("copy", 0.75, "re-encoded")
    assert entry.remove.sha256 == copy.facts.content_hash
    assert entry.remove.mtime_ns == copy.stamp.mtime_ns
    assert entry.keep.size_bytes == keep.stamp.size_bytes


def test_what_was_edited_goes_only_on_request(desk):
    keep, copy, _ = desk.pair()
    group = grouped(keep, copy, tier="edited")

    assert planned(desk.proposal(group)) == []
    assert "--tier" in reasons(desk.proposal(group))[0]
    assert planned(desk.proposal(group, tiers=REMOVABLE)) == [["copy.png"]]


def test_a_protected_file_stays(desk):
    *_, group = desk.pair(copy="album/copy.png")

    proposal = desk.proposal(group, rules=never_touch(desk, "album"))

    assert (planned(proposal), reasons(proposal)) == ([], ["protected by --never-touch"])


def test_what_a_person_wants_to_keep_stays(desk):
    keep, copy, group = desk.pair()
    hashes = [keep.facts.content_hash, copy.facts.content_hash]

    proposal = desk.proposal(group, decisions=Decisions().settle("keep", [hashes]))

    assert (planned(proposal), reasons(proposal)) == ([], ["you said that it is to stay"])


def test_of_an_oversized_group_only_the_same_bytes_go(desk):
    keep, copy, _ = desk.pair()
    twin = desk.picture("twin.png")
    group = grouped(keep, copy, twin, tiers=["copy", "identical"], oversized=True)

    proposal = desk.proposal(group)

    assert planned(proposal) == [["twin.png"]]
    assert "unusually large" in reasons(proposal)[0]


@pytest.mark.parametrize("whose", [0, 1])
def test_a_file_that_is_not_what_was_indexed_stays(desk, whose):
    pictures = desk.pair()
    os.utime(pictures[whose].path, ns=(1, 1))

    proposal = desk.proposal(pictures[2])

    assert planned(proposal) == []
    assert "has changed; run `imgsearch index` again" in reasons(proposal)[0]


def test_a_file_that_is_gone_is_in_no_plan(desk):
    _, copy, group = desk.pair()
    copy.path.unlink()

    assert "no such file" in reasons(desk.proposal(group))[0]


def test_a_link_is_in_no_plan(desk):
    keep, copy, group = desk.pair()
    copy.path.unlink()
    copy.path.symlink_to(keep.path)

    assert "is a link" in reasons(desk.proposal(group))[0]


def test_another_name_of_the_keeper_is_in_no_plan(desk):
    keep = desk.picture("keep.png")
    os.link(keep.path, desk.root / "name.png")
    name = again(keep).__class__(99, desk.root / "name.png", keep.stamp, keep.facts)

    proposal = desk.proposal(grouped(keep, name, tier="identical"))

    assert "by a hard link" in reasons(proposal)[0]


def test_side_cars_go_with_their_picture(desk):
    *_, group = desk.pair()
    desk.beside("copy.png.xmp")
    desk.beside("copy.aae")

    assert planned(desk.proposal(group)) == [["copy.png", "copy.aae", "copy.png.xmp"]]


@pytest.mark.parametrize("name", ["copy.CR2", "copy.MOV"])
def test_a_raw_file_or_a_film_goes_only_if_the_kept_picture_has_it_too(desk, name):
    *_, group = desk.pair()
    desk.beside(name, b"precious")
    proposal = desk.proposal(group)
    assert planned(proposal) == []
    assert reasons(proposal) == [f"{name} belongs to it, and is beside no other copy"]

    desk.beside(name.replace("copy", "keep"), b"precious")
    assert planned(desk.proposal(group, rules=KeepRules())) == [["copy.png", name]]


def test_a_picture_whose_sibling_is_protected_stays(desk):
    *_, group = desk.pair()
    desk.beside("copy.xmp")

    proposal = desk.proposal(group, rules=never_touch(desk, "*.xmp"))

    assert reasons(proposal) == ["copy.xmp belongs to it, and is protected"]


def test_a_picture_that_shares_its_sibling_with_another_stays(desk):
    *_, group = desk.pair()
    desk.beside("copy.xmp")
    desk.picture("copy.jpg", "#00f")

    (reason,) = reasons(desk.proposal(group))
    assert (
        reason
        == "copy.xmp belongs to copy.jpg as well; which of the two it goes with is for you to say"
    )


def test_a_sibling_that_is_a_link_keeps_its_picture(desk):
    *_, group = desk.pair()
    (desk.root / "copy.xmp").symlink_to(desk.beside("elsewhere.txt"))

    assert "is a link" in reasons(desk.proposal(group))[0]
