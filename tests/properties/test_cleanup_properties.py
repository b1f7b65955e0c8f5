"""Whatever is planned, applied and undone: nothing is lost, and everything comes back."""

import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from cleaning import Desk, tree
from figures import tried
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from picturing import grouped

NAMES = st.sampled_from(
    [b"a", b"IMG_1", b"IMG 1 (1)", b"caf\xe9", b"\xf0\x9f\x90\x88", b"line\nbreak", b"-rf", b"a.b"]
)
SIBLINGS = st.lists(st.sampled_from([".xmp", ".jpg.xmp", ".CR2", ".MOV", ".aae"]), unique=True)
FILES = st.tuples(NAMES, st.booleans(), SIBLINGS, st.sampled_from([0o644, 0o600, 0o444]))
GROUPS = st.lists(st.lists(FILES, min_size=2, max_size=4), min_size=1, max_size=3)
TO = st.sampled_from(["quarantine:Q", "hardlink"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(GROUPS, TO, st.data())
def test_after_apply_nothing_is_lost_and_after_undo_everything_is_as_it_was(groups, to, data):
    folder = Path(tempfile.mkdtemp()).resolve()
    try:
        check(Desk(folder), groups, to, data)
    finally:
        shutil.rmtree(folder)


def check(desk, groups, to, data):
    made = [make_group(desk, number, group) for number, group in enumerate(groups)]
    before, plan = desk.tree(), desk.plan(*made)
    if data.draw(st.booleans(), "change a file first"):
        changed = data.draw(st.sampled_from(sorted(before)), "changed")
        (desk.root / changed).chmod(0o644)
        (desk.root / changed).write_bytes(b"something else")
        before = desk.tree()

    report = desk.apply(plan, to)

    after = desk.tree()
    assert {entry.keep.path for entry in report.removed} <= {desk.root / name for name in after}
    if to == "hardlink":
        assert {name: was[0] for name, was in after.items()} == {
            name: was[0] for name, was in before.items()
        }
    else:
        assert contents(tree(desk.root.parent)) == contents(before)
    assert desk.undo().failed == ()
    assert desk.tree() == before
    tried("clean-ups applied and undone")


def make_group(desk, number, files):
    pictures, tiers = [], []
    for place, (name, is_twin, siblings, mode) in enumerate(files):
        stem = f"{number}/{place}/{os.fsdecode(name)}"
        text = None if is_twin else f"differs {place}"
        pictures.append(desk.picture(f"{stem}.jpg", f"#{number}{number}f", text=text))
        pictures[-1].path.chmod(mode)
        for ending in siblings:
            desk.beside(stem + ending, content=ending.encode())
    tiers = [
        "identical" if one.facts.content_hash == pictures[0].facts.content_hash else "copy"
        for one in pictures[1:]
    ]
    return grouped(*pictures, tiers=tiers)


def contents(files):
    return Counter(was[0] for was in files.values())
