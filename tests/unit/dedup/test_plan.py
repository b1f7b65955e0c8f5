"""A plan's file: what is written is read again, and nothing else is."""

import json
import os
from pathlib import Path

import pytest

from imgsearch.dedup.plan import Plan, PlanEntry, PlannedFile, read_plan, write_plan
from imgsearch.errors import PlanError


def planned(name, *, number=1):
    return PlannedFile(Path("/photos") / name, 10 + number, 1_600_000_000_123_456_789, bytes(32))


def entry(keep="a.jpg", remove="b.jpg", *siblings, tier="copy"):
    files = tuple(planned(name) for name in siblings)
    return PlanEntry(planned(keep), planned(remove), files, tier, 0.987654321, "re-encoded")


def written(tmp_path, *entries):
    path = tmp_path / "plan.json"
    write_plan(path, Plan(Path("/photos/.imgsearch"), entries))
    return path


def test_a_plan_is_read_as_it_was_written(tmp_path):
    odd = os.fsdecode(b"caf\xe9 \xf0\x9f\x90\x88\n.jpg")
    plan = Plan(Path("/gäl/.imgsearch"), (entry("a.jpg", odd, "b.xmp"), entry("a.jpg", "c.jpg")))
    write_plan(tmp_path / "plan.json", plan)

    assert read_plan(tmp_path / "plan.json") == plan


def test_a_plan_without_entries_is_one(tmp_path):
    assert read_plan(written(tmp_path)).entries == ()


@pytest.mark.parametrize(("deleted", "left"), [("b", "cd"), ("c", "bd"), ("d", "bc"), ("bcd", "")])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_each_entry_is_a_line_that_may_be_deleted(tmp_path, deleted, left, newline):
    path = written(tmp_path, entry("a", "b"), entry("a", "c"), entry("a", "d"))
    going = [f'/photos/{name}"' for name in deleted]
    lines = path.read_text().splitlines()
    kept = [line for line in lines if not any(name in line for name in going)]
    path.write_text("\n".join(kept) + "\n", newline=newline)

    assert [each.remove.path.name for each in read_plan(path).entries] == list(left)


@pytest.mark.parametrize(
    ("old", "new"),
    [("/photos/b", "/photos/c"), ('"size": 11', '"size": 12'), ('"copy"', '"identical"')],
)
def test_an_entry_that_was_changed_is_refused(tmp_path, old, new):
    path = written(tmp_path, entry("a", "b"))
    path.write_text(path.read_text().replace(old, new))

    with pytest.raises(PlanError, match=r"plan\.json: entry 1 is not as it was written; make it"):
        read_plan(path)


def test_every_flipped_bit_of_an_entry_is_noticed_or_harmless(tmp_path):
    path = written(tmp_path, entry("a", "b"))
    good, plan = path.read_bytes(), read_plan(path)
    for place in range(0, len(good), 3):
        content = bytearray(good)
        content[place] ^= 1 << place % 8
        path.write_bytes(content)
        try:
            read = read_plan(path)
        except PlanError:
            continue
        assert read.entries == plan.entries


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no plan, or was cut off"),
        (b"[1]", "it is no plan"),
        (b'{"entries": []}', "it is no plan"),
        (b'{"imgsearch_plan": 99}', "version 99"),
        (b'{"imgsearch_plan": 1}', "head is damaged"),
        (b'{"imgsearch_plan": 1, "gallery": "x", "entries": []}', "head is damaged"),
        (b'{"imgsearch_plan": 1, "gallery": "/x", "entries": {}}', "head is damaged"),
        (b'{"imgsearch_plan": 1, "gallery": "/x", "entries": [7]}', "entry 1"),
        (b"\xff\xd8\xff\xe0", "no plan"),
        (b"[" * 100_000, "no plan"),
    ],
)
def test_what_is_no_plan_is_refused_in_one_line(tmp_path, content, reason):
    path = tmp_path / "plan.json"
    path.write_bytes(content)

    with pytest.raises(PlanError, match=reason) as caught:
        read_plan(path)
    assert "\n" not in str(caught.value)


def test_a_plan_that_was_cut_off_is_refused(tmp_path):
    path = written(tmp_path, entry("a", "b"), entry("c", "d"))
    path.write_bytes(path.read_bytes()[:-3])

    with pytest.raises(PlanError, match="cut off"):
        read_plan(path)


def test_a_missing_plan_is_an_error(tmp_path):
    with pytest.raises(PlanError, match="cannot be read: no such file"):
        read_plan(tmp_path / "plan.json")


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ([entry("a", "b"), entry("b", "c")], "/photos/b is both to stay and to go"),
        ([entry("a", "b"), entry("b", "a")], "both to stay and to go"),
        ([entry("a", "a")], "both to stay and to go"),
        ([entry("a", "b"), entry("c", "b")], "/photos/b is to go twice"),
        ([entry("a", "b", "b.xmp"), entry("b.xmp", "c")], "both to stay and to go"),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(tmp_path, entries, problem):
    with pytest.raises(PlanError, match=problem):
        read_plan(written(tmp_path, *entries))


def test_nothing_that_is_merely_similar_may_go(tmp_path):
    with pytest.raises(PlanError, match="entry 1"):
        read_plan(written(tmp_path, entry(tier="similar")))


def test_an_earlier_plan_is_replaced_but_no_other_file(tmp_path):
    path = written(tmp_path, entry("a", "b"))
    written(tmp_path, entry("a", "c"))
    assert read_plan(path).entries[0].remove.path.name == "c"

    path.write_bytes(b"a photo")
    with pytest.raises(PlanError, match="another file is there, which is left alone"):
        written(tmp_path, entry("a", "b"))
    assert path.read_bytes() == b"a photo"


def test_a_plan_is_json_that_other_programs_read(tmp_path):
    document = json.loads(written(tmp_path, entry("a.jpg", "b.jpg", "b.xmp")).read_text())

    (one,) = document["entries"]
    assert (one["keep"]["path"], one["remove"]["path"]) == ("/photos/a.jpg", "/photos/b.jpg")
    assert [each["path"] for each in one["siblings"]] == ["/photos/b.xmp"]
    assert one["remove"]["mtime_ns"] == 1_600_000_000_123_456_789
