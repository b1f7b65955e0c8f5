"""A plan is carried out only where nothing can be lost, and can be taken back."""

import os
import stat
from dataclasses import replace

import pytest
from picturing import grouped

from imgsearch.dedup import moves
from imgsearch.dedup.apply import ApplyOptions, rehearse_plan
from imgsearch.dedup.decisions import change_decisions
from imgsearch.dedup.journal import Journal, read_journals
from imgsearch.dedup.patterns import parse_patterns
from imgsearch.dedup.plan import Plan
from imgsearch.dedup.undo import undo_cleanup
from imgsearch.errors import (
    GalleryLockedError,
    GalleryNotFoundError,
    JournalError,
    PlanError,
)
from imgsearch.faultpoints import watch
from imgsearch.gallery.lock import writer_lock

EVERYWHERE = ["quarantine:Q", "trash", "hardlink"]


def names(report_part):
    return [(one[0] if isinstance(one, tuple) else one).remove.path.name for one in report_part]


def refusals(report):
    return [reason for _, reason in report.refused]


@pytest.mark.parametrize("to", EVERYWHERE)
def test_apply_then_undo_restores_every_byte_name_time_and_permission(desk, trash, to):
    *_, first = desk.twins("a.png", "b.png")
    *_, second = desk.twins("deep/c.png", "deep/er/d.png")
    desk.beside("b.xmp")
    (desk.root / "b.png").chmod(0o640)
    plan, before = desk.plan(first, second), desk.tree()

    report = desk.apply(plan, to)
    assert names(report.removed) == ["b.png", "d.png"]
    assert desk.tree() != before
    undone = desk.undo()

    assert desk.tree() == before
    assert undone.failed == ()
    assert not list(desk.quarantine.glob("*"))
    assert not list(trash.glob("*/*"))


def test_what_goes_into_quarantine_keeps_its_folders_and_its_time(desk):
    _, copy, group = desk.pair(copy="deep/copy.png")
    before = copy.path.stat()

    desk.apply(desk.plan(group))

    (run,) = desk.quarantine.iterdir()
    stored = run / copy.path.relative_to("/")
    assert stored.stat().st_mtime_ns == before.st_mtime_ns
    assert not copy.path.exists()


def test_what_goes_into_the_trash_is_there(desk, trash):
    _, copy, group = desk.pair()

    desk.apply(desk.plan(group), "trash")

    assert [path.name for path in (trash / "files").iterdir()] == ["copy.png"]
    assert not copy.path.exists()


def test_a_hard_link_takes_the_place_of_the_same_bytes_only(desk):
    keep, twin, _ = desk.twins()
    other = desk.picture("other name.png", text="differs")
    group = grouped(keep, twin, other, tiers=["identical", "pixels"])

    report = desk.apply(desk.plan(group), "hardlink")

    assert names(report.removed) == ["copy.png"]
    assert twin.path.samefile(keep.path)
    assert refusals(report) == ["it is pixels, not identical: a hard link would change its bytes"]
    assert other.path.exists()


@pytest.mark.parametrize("to", EVERYWHERE)
def test_bytes_that_go_are_counted_once_however_many_names_they_have(desk, trash, to):
    keep, twin, _ = desk.twins()
    name = replace(twin, path=desk.root / "name.png")
    os.link(twin.path, name.path)
    plan = desk.plan(grouped(keep, twin, name, tier="identical"))

    rehearsed = rehearse_plan(desk.gallery, plan, ApplyOptions(desk.destination(to)))

    # Two names of the copy's bytes go; the kept file has bytes of its own.
    assert rehearsed.freed_bytes == twin.stamp.size_bytes
    assert desk.apply(plan, to).freed_bytes == twin.stamp.size_bytes


def test_what_stays_beside_a_link_frees_nothing(desk):
    _, twin, group = desk.twins()
    desk.beside("copy.xmp", b"a side-car")

    assert desk.apply(desk.plan(group), "hardlink").freed_bytes == twin.stamp.size_bytes


def test_what_belongs_to_a_picture_goes_and_comes_back_with_it(desk):
    *_, group = desk.pair()
    sibling = desk.beside("copy.xmp")
    plan, before = desk.plan(group), desk.tree()

    desk.apply(plan)
    assert not sibling.exists()
    desk.undo()

    assert desk.tree() == before


@pytest.mark.parametrize("to", EVERYWHERE)
def test_a_rehearsal_changes_nothing(desk, trash, to):
    *_, group = desk.twins()
    plan, before = desk.plan(group), desk.tree()

    report = rehearse_plan(desk.gallery, plan, ApplyOptions(desk.destination(to)))

    assert names(report.removed) == ["copy.png"]
    assert report.journal is None
    assert desk.tree() == before
    assert not list(desk.gallery.glob("cleanup-*"))
    assert not desk.quarantine.exists()


def rewrite(path):
    """Other bytes of the same size and time."""
    state = path.stat()
    path.write_bytes(bytes(state.st_size))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def link_to_itself_elsewhere(path):
    elsewhere = path.rename(path.with_name("elsewhere.png"))
    path.symlink_to(elsewhere)


@pytest.mark.parametrize("whose", ["keep.png", "copy.png", "copy.xmp"])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (rewrite, "has changed since it was planned"),
        (link_to_itself_elsewhere, "is a link"),
        (lambda path: path.write_bytes(b""), "has changed"),
    ],
)
def test_an_entry_whose_files_have_changed_is_refused_and_the_others_go(
    desk, whose, change, reason
):
    *_, stale = desk.pair()
    desk.beside("copy.xmp")
    *_, sound = desk.pair("z1.png", "z2.png")
    plan = desk.plan(stale, sound)
    change(desk.root / whose)
    before = desk.tree()

    report = desk.apply(plan)

    assert names(report.removed) == ["z2.png"]
    assert reason in refusals(report)[0]
    assert desk.tree() == {name: was for name, was in before.items() if name != "z2.png"}


def test_a_file_stays_when_the_one_to_keep_is_gone(desk):
    keep, copy, group = desk.pair()
    plan = desk.plan(group)
    keep.path.unlink()

    report = desk.apply(plan)

    assert refusals(report) == [f"{keep.path} cannot be read: no such file"]
    assert copy.path.exists()


def test_a_file_that_was_touched_stays(desk):
    _, copy, group = desk.pair()
    plan = desk.plan(group)
    os.utime(copy.path, ns=(1, 1))

    assert "has changed" in refusals(desk.apply(plan))[0]
    assert copy.path.exists()


def test_a_keeper_that_was_only_touched_will_do(desk):
    keep, _, group = desk.pair()
    plan = desk.plan(group)
    os.utime(keep.path, ns=(1, 1))

    assert names(desk.apply(plan).removed) == ["copy.png"]


@pytest.mark.parametrize("to", EVERYWHERE[:2])
def test_one_file_by_two_names_is_left_alone(desk, trash, to):
    keep, copy, group = desk.twins()
    plan = desk.plan(group)
    copy.path.unlink()
    os.link(keep.path, copy.path)
    os.utime(copy.path, ns=(copy.stamp.mtime_ns, copy.stamp.mtime_ns))

    report = desk.apply(plan, to)

    assert "it is one file with" in refusals(report)[0]
    assert copy.path.exists()


def test_a_file_that_is_reached_through_a_link_is_left_alone(desk):
    *_, group = desk.pair("a/keep.png", "b/copy.png")
    plan = desk.plan(group)
    (desk.root / "b").rename(desk.root / "c")
    (desk.root / "b").symlink_to(desk.root / "c")

    report = desk.apply(plan)

    assert "reached through a link" in refusals(report)[0]
    assert (desk.root / "c" / "copy.png").exists()


def test_a_file_that_came_to_belong_to_a_picture_since_keeps_it(desk):
    *_, group = desk.pair()
    plan = desk.plan(group)
    desk.beside("copy.CR2")

    assert "copy.CR2 belongs to it, and is not in the plan" in refusals(desk.apply(plan))[0]


def test_what_was_decided_or_protected_since_holds(desk):
    keep, copy, group = desk.pair()
    plan = desk.plan(group)
    protected = parse_patterns(["copy.png"], desk.root, option="--never-touch")
    assert refusals(desk.apply(plan, never_touch=protected)) == ["it is protected"]

    hashes = [keep.facts.content_hash, copy.facts.content_hash]
    change_decisions(desk.gallery, lambda decisions: decisions.ignore(hashes))
    assert refusals(desk.apply(plan)) == ["you have said since that it is to stay"]


def test_applying_twice_says_what_was_done_before(desk, trash):
    for to in EVERYWHERE:
        *_, group = desk.twins(f"{to}/a.png", f"{to}/b.png")
        plan = desk.plan(group)
        desk.apply(plan, to)

        report = desk.apply(plan, to)

        assert (names(report.gone), report.removed, report.refused) == (["b.png"], (), ())
        assert report.journal is None


def test_a_plan_of_another_gallery_is_refused(desk):
    *_, group = desk.pair()
    plan = Plan(desk.root, desk.plan(group).entries)

    with pytest.raises(PlanError, match=r"made for the gallery .*--gallery DIR"):
        desk.apply(plan)


@pytest.mark.parametrize("where", ["photos/quarantine", "photos/.imgsearch/q"])
def test_a_quarantine_that_would_be_indexed_or_deleted_is_refused(desk, where):
    *_, group = desk.pair()
    to = f"quarantine:{desk.root.parent / where}"

    with pytest.raises(PlanError, match="it lies in"):
        desk.apply(desk.plan(group), to)


def test_a_hidden_quarantine_among_the_photos_will_do(desk):
    *_, group = desk.pair()

    assert desk.apply(desk.plan(group), f"quarantine:{desk.root / '.q'}").removed


def test_a_quarantine_that_is_a_file_is_one_line(desk):
    *_, group = desk.pair()
    desk.quarantine.write_text("mine")

    with pytest.raises(PlanError, match=r"cannot be written .*name another with --to"):
        desk.apply(desk.plan(group))


def test_nobody_else_may_write_to_the_gallery_meanwhile(desk):
    *_, group = desk.pair()
    plan = desk.plan(group)

    with writer_lock(desk.gallery):
        with pytest.raises(GalleryLockedError):
            desk.apply(plan)
        with pytest.raises(GalleryLockedError):
            desk.undo()


def test_across_file_systems_a_verified_copy_is_moved_and_comes_back(desk, monkeypatch):
    _, copy, group = desk.pair()
    copy.path.chmod(0o604)
    plan, before = desk.plan(group), desk.tree()
    across(monkeypatch, desk)

    assert names(desk.apply(plan).removed) == ["copy.png"]
    (stored,) = [path for path in desk.quarantine.rglob("*") if path.is_file()]
    assert stat.S_IMODE(stored.stat().st_mode) == 0o604
    desk.undo()

    assert desk.tree() == before


def across(monkeypatch, desk):
    """Make the system refuse to rename or link between the photos and the quarantine."""
    rename, link = type(desk.root).rename, os.link

    def is_across(source, target):
        inside = [os.fspath(path).startswith(f"{desk.root}/") for path in (source, target)]
        return inside[0] != inside[1]

    def rename_within(self, target):
        if is_across(self, target):
            raise OSError(18, "Invalid cross-device link")
        return rename(self, target)

    def link_within(source, target, **options):
        if is_across(source, target):
            raise OSError(18, "Invalid cross-device link")
        return link(source, target, **options)

    monkeypatch.setattr(type(desk.root), "rename", rename_within)
    monkeypatch.setattr(moves.os, "link", link_within)


def test_a_copy_that_is_not_what_was_read_removes_nothing(desk, monkeypatch):
    *_, group = desk.pair()
    plan, before = desk.plan(group), desk.tree()
    across(monkeypatch, desk)

    def copy_badly(_source, copy, _length):
        copy.write(b"rubbish")

    monkeypatch.setattr(moves.shutil, "copyfileobj", copy_badly)
    report = desk.apply(plan)

    assert "not what was to be written" in refusals(report)[0]
    assert desk.tree() == before
    assert not [path for path in desk.quarantine.rglob("*") if path.is_file()]


def test_where_there_are_no_hard_links_files_come_back_by_renaming(desk, monkeypatch):
    *_, group = desk.pair()
    plan, before = desk.plan(group), desk.tree()
    desk.apply(plan)

    def no_links(*_arguments, **_options):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(moves.os, "link", no_links)
    desk.undo()

    assert desk.tree() == before


def test_files_that_belong_together_stay_together_when_one_cannot_go(desk, monkeypatch):
    *_, group = desk.pair()
    desk.beside("copy.xmp")
    plan, before = desk.plan(group), desk.tree()
    rename = type(desk.root).rename

    def refuse_side_car(self, target):
        if self.name == "copy.xmp":
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(type(desk.root), "rename", refuse_side_car)
    report = desk.apply(plan)

    assert refusals(report) == ["permission denied"]
    assert desk.tree() == before


@pytest.mark.parametrize("to", EVERYWHERE[:2])
def test_undo_overwrites_nothing_that_has_since_appeared(desk, trash, to):
    _, copy, group = desk.pair()
    desk.apply(desk.plan(group), to)
    copy.path.write_bytes(b"a new picture")

    report = desk.undo()

    assert copy.path.read_bytes() == b"a new picture"
    ((path, reason),) = report.failed
    assert path == copy.path
    assert reason.startswith("another file is at its place; the one that was removed is ")
    copy.path.unlink()
    assert desk.undo().restored == (copy.path,)


def test_undo_says_what_is_no_longer_to_be_had(desk, trash):
    for to, reason in zip(EVERYWHERE, ("quarantine", "trash", "were one file"), strict=True):
        keep, copy, group = desk.twins(f"{to}/a.png", f"{to}/b.png")
        desk.apply(desk.plan(group), to)
        for path in [*desk.quarantine.rglob("*.png"), *trash.rglob("*.png")]:
            path.unlink()
        if to == "hardlink":
            keep.path.write_bytes(b"both have changed")

        report = desk.undo()

        assert reason in report.failed[0][1]
        assert report.failed[0][0] == copy.path


def test_undo_brings_back_nothing_that_was_changed_in_quarantine(desk):
    *_, group = desk.pair()
    desk.apply(desk.plan(group))
    (stored,) = desk.quarantine.rglob("*.png")
    stored.write_bytes(b"changed")

    assert "has changed; it stays there" in desk.undo().failed[0][1]
    assert stored.read_bytes() == b"changed"


def test_undo_makes_a_folder_again_that_is_gone(desk):
    _, copy, group = desk.pair(copy="album/copy.png")
    plan, before = desk.plan(group), desk.tree()
    desk.apply(plan)
    copy.path.parent.rmdir()

    desk.undo()

    assert desk.tree() == before


def test_undo_a_second_time_has_nothing_to_do(desk):
    *_, group = desk.pair()
    desk.apply(desk.plan(group))
    desk.undo()
    before = desk.tree()

    report = desk.undo()

    assert (report.journals, report.restored, report.failed) == ((), (), ())
    assert desk.tree() == before


def test_undo_goes_back_one_clean_up_at_a_time_or_through_all(desk):
    before = {}
    for name in "abc":
        *_, group = desk.pair(f"{name}1.png", f"{name}2.png")
        before[name] = desk.tree()
        desk.apply(desk.plan(group))

    assert [path.name for path in desk.undo().restored] == ["c2.png"]
    assert desk.undo(everything=True).remaining == 0
    assert {"a2.png", "b2.png", "c2.png"} < set(desk.tree())


@pytest.mark.parametrize("name", ["absent", "."])
def test_undo_needs_a_gallery_and_makes_none(tmp_path, name):
    with pytest.raises(GalleryNotFoundError):
        undo_cleanup(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_undo_needs_no_sound_catalogue(desk):
    *_, group = desk.pair()
    plan, before = desk.plan(group), desk.tree()
    desk.apply(plan)
    for path in desk.gallery.glob("catalog.sqlite*"):
        path.unlink()

    desk.undo()

    assert desk.tree() == before


def test_what_was_trashed_twice_under_one_name_comes_back_by_its_bytes(desk, trash):
    keep, copy, group = desk.pair()
    desk.apply(desk.plan(group), "trash")
    changed = desk.picture("copy.png", text="another")
    desk.apply(desk.plan(grouped(keep, changed)), "trash")
    changed.path.unlink(missing_ok=True)

    assert desk.undo().failed == ()
    assert copy.path.read_bytes().endswith(b"another")
    copy.path.unlink()
    assert desk.undo().failed == ()
    assert copy.path.read_bytes().endswith(b"differs")


def interrupted(desk, plan, point, to="quarantine:Q", occurrence=1):
    """Apply a plan, and be interrupted at a point."""
    seen = []

    def interrupt(reached):
        seen.append(reached)
        if seen.count(point) == occurrence and reached == point:
            raise KeyboardInterrupt

    with watch(interrupt), pytest.raises(KeyboardInterrupt):
        desk.apply(plan, to)


def test_a_run_that_was_cut_off_goes_on_in_its_own_journal(desk):
    *_, first = desk.pair("a1.png", "a2.png")
    *_, second = desk.pair("b1.png", "b2.png")
    plan, before = desk.plan(first, second), desk.tree()
    interrupted(desk, plan, "journal.noted")

    report = desk.apply(plan)

    assert (names(report.gone), names(report.removed)) == (["a2.png"], ["b2.png"])
    assert [journal.ending for journal in read_journals(desk.gallery)] == ["applied"]
    assert len(desk.undo().restored) == 2
    assert desk.tree() == before


@pytest.mark.parametrize("to", EVERYWHERE[:2])
def test_an_entry_that_was_cut_off_half_way_is_put_back_before_another_plan_is_applied(
    desk, trash, to
):
    *_, first = desk.pair("a1.png", "a2.png")
    desk.beside("a2.xmp")
    *_, second = desk.pair("b1.png", "b2.png")
    plans = desk.plan(first), desk.plan(second)
    before = desk.tree()
    interrupted(desk, plans[0], "apply.file_removed", to)
    assert not (desk.root / "a2.png").exists()

    desk.apply(plans[1], to)

    assert desk.tree() == {name: was for name, was in before.items() if name != "b2.png"}
    desk.undo(everything=True)
    assert desk.tree() == before


def test_undo_names_damaged_lines_of_a_journal_and_puts_the_rest_back(desk):
    *_, first = desk.pair("a1.png", "a2.png")
    *_, second = desk.pair("b1.png", "b2.png")
    journal = desk.apply(desk.plan(first, second)).journal
    journal.write_bytes(journal.read_bytes().replace(b"a2.png", b"x2.png", 1))

    report = desk.undo()

    assert [path.name for path in report.restored] == ["b2.png"]
    assert report.unread == ((journal, 2),)


@pytest.mark.parametrize(
    ("to", "point"),
    [
        ("quarantine:Q", "journal.announced"),
        ("quarantine:Q", "moves.ready"),
        ("trash", "journal.announced"),
        ("hardlink", "journal.announced"),
        ("hardlink", "moves.linked"),
    ],
)
def test_a_file_that_is_replaced_at_the_last_moment_stays(desk, trash, to, point):
    _, copy, group = desk.twins()
    plan = desk.plan(group)

    def replace(reached):
        if reached == point:
            new = desk.root / "new"
            new.write_bytes(b"somebody was faster")
            new.replace(copy.path)

    with watch(replace):
        report = desk.apply(plan, to)

    assert refusals(report)[0].startswith("it changed just now")
    assert copy.path.read_bytes() == b"somebody was faster"
    assert sorted(path.name for path in desk.root.iterdir()) == [
        ".imgsearch",
        "copy.png",
        "keep.png",
    ]


def test_a_keeper_that_is_replaced_at_the_last_moment_is_not_linked_to(desk):
    keep, copy, group = desk.twins()
    plan = desk.plan(group)

    def replace(reached):
        if reached == "journal.announced":
            keep.path.write_bytes(b"changed")

    with watch(replace):
        report = desk.apply(plan, "hardlink")

    assert "it changed just now" in refusals(report)[0]
    assert copy.path.read_bytes() != b"changed"


def test_undo_of_a_link_makes_a_file_again_that_was_deleted(desk):
    _, copy, group = desk.twins()
    plan, before = desk.plan(group), desk.tree()
    desk.apply(plan, "hardlink")
    copy.path.unlink()

    desk.undo()

    assert desk.tree() == before


@pytest.mark.parametrize("to", EVERYWHERE[:2])
def test_a_file_that_somebody_put_back_is_left_there(desk, trash, to):
    _, copy, group = desk.pair()
    plan, before = desk.plan(group), desk.tree()
    content = copy.path.read_bytes()
    desk.apply(plan, to)
    copy.path.write_bytes(content)

    report = desk.undo()

    assert report.failed == ()
    assert desk.tree() == before
    assert [path.name for path in desk.quarantine.rglob("*.png")] == []


def test_undo_puts_nothing_through_a_link(desk):
    _, copy, group = desk.pair(copy="album/copy.png")
    desk.apply(desk.plan(group))
    elsewhere = desk.root.parent / "elsewhere"
    copy.path.parent.rename(elsewhere)
    copy.path.parent.symlink_to(elsewhere)

    ((_, reason),) = desk.undo().failed

    assert reason == "its folder is reached through a link now; it stays where it was put"
    assert list(elsewhere.iterdir()) == []


def test_an_undo_that_was_put_away_halfway_is_put_away(desk):
    *_, group = desk.pair()
    desk.apply(desk.plan(group))

    def interrupt(reached):
        if reached == "journal.finished":
            raise KeyboardInterrupt

    with watch(interrupt), pytest.raises(KeyboardInterrupt):
        desk.undo()

    assert desk.undo().journals == ()
    assert [path.suffix for path in desk.gallery.glob("cleanup-*")] == [".undone"]


def test_a_full_disk_stops_an_apply_but_not_an_undo(desk, monkeypatch):
    *_, first = desk.pair("a1.png", "a2.png")
    *_, second = desk.pair("b1.png", "b2.png")
    before, plan = desk.tree(), desk.plan(first, second)
    append = Journal._append

    def refuse(self, document, *, durably=False):
        if (len(self.steps) == 1 and "files" in document) or "progress" in document:
            raise JournalError(self.path, "the disk refused (no space left on device)")
        append(self, document, durably=durably)

    monkeypatch.setattr(Journal, "_append", refuse)
    with pytest.raises(JournalError, match="no space left"):
        desk.apply(plan)
    assert desk.undo().failed == ()
    assert desk.tree() == before


def test_a_trash_that_refuses_leaves_the_file(desk, trash, monkeypatch):
    *_, group = desk.pair()
    plan, before = desk.plan(group), desk.tree()

    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("send2trash.send2trash", refuse)

    assert refusals(desk.apply(plan, "trash")) == ["permission denied"]
    assert desk.tree() == before
