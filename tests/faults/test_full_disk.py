"""A disk that is full, broken or read-only: one clear line, and the old state intact.

The limits are true ones: of the size of a file (which binds SQLite too), of the catalogue's pages,
of a user's rights; and at every point of a replacement and of a transaction an error is raised.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from figures import tried

from imgsearch.faultpoints import watch
from imgsearch.images import read

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cases():
    """What became of each case: {case: {end, message, left, lost}}."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(CHECKOUT), str(CHECKOUT / "scripts"))),
        "OMP_NUM_THREADS": "1",
    }
    # Not pytest's own folder, which nobody but its owner may enter.
    with tempfile.TemporaryDirectory(prefix="imgsearch-starve-") as folder:
        result = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("starve.py")), folder],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert result.returncode == 0, result.stdout + result.stderr
    # That every case was followed by a run with room, which completed, is asserted in there.
    return {(case := json.loads(line))["case"]: case for line in result.stdout.splitlines()}


def refused(cases, start):
    return [
        case for name, case in cases.items() if name.startswith(start) and case["end"] == "refused"
    ]


def test_every_refusal_is_one_line_that_names_the_gallery_and_what_to_do(cases):
    messages = {case["message"] for case in refused(cases, "")}

    assert len(messages) >= 5
    for message in messages:
        assert re.fullmatch(r"gallery \S+/gallery: [^\n]+; [^\n]+", message)


def test_no_refusal_loses_or_changes_a_row(cases):
    assert len(refused(cases, "")) >= 50
    assert {case["lost"] for case in cases.values()} == {0}
    tried("writes refused to writers of a gallery", len(refused(cases, "")))
    assert {case["left"] for name, case in cases.items() if not name.startswith("new ")} == {
        "sound"
    }
    assert {case["left"] for case in refused(cases, "new ")} <= {"none", "sound"}


@pytest.mark.parametrize("start", ["new ", "known "])
def test_with_ever_more_room_an_update_fails_and_then_succeeds(cases, start):
    ends = [case["end"] for name, case in cases.items() if name.startswith(start)]

    assert (ends[0], ends[-1]) == ("refused", "done")


def test_a_full_catalogue_says_that_the_disk_is_full(cases):
    assert "the disk is full; free some space and run it again" in cases["pages"]["message"]


def test_a_read_only_gallery_says_that_it_cannot_be_written(cases):
    assert "it cannot be written (Permission denied)" in cases["read-only"]["message"]


@pytest.mark.parametrize("point", ["wanted", "begun", "done"])
def test_a_disk_that_refuses_a_transaction_is_reported(cases, point):
    assert len(refused(cases, f"transaction.{point}")) == 5


@pytest.mark.parametrize("point", ["opened", "written", "flushed", "renamed", "done"])
def test_the_note_of_the_writer_may_fail_and_the_index_and_manifest_are_reported(cases, point):
    ends = [cases[f"durable.{point} {occurrence}"]["end"] for occurrence in (1, 2, 3)]

    assert ends == ["done", "refused", "refused"]


def test_a_picture_that_shrinks_while_it_is_read_is_listed_and_read_again(lab, monkeypatch):
    lab.paint("whole.png", "#f00")
    lab.paint("short.png", "#0f0", size=64)
    fstat = os.fstat

    def shrinking(descriptor):
        status = fstat(descriptor)
        if os.path.sameopenfile(descriptor, guard) and status.st_size > 40:
            os.truncate(lab.root / "short.png", 40)
        return status

    content = (lab.root / "short.png").read_bytes()
    with (lab.root / "short.png").open("rb") as file, monkeypatch.context() as patch:
        guard = file.fileno()
        patch.setattr(read, "os", SimpleNamespace(**{**vars(os), "fstat": shrinking}))
        report = lab.update()
    assert [file.path.name for file in report.failed] == ["short.png"]
    assert lab.names() == ["whole.png"]

    lab.write("short.png", content)
    assert lab.update().failed == ()
    assert lab.names() == ["short.png", "whole.png"]


def test_a_picture_that_was_set_aside_and_can_no_longer_be_read_is_dropped(three):
    from imgsearch.gallery.check import check_gallery
    from imgsearch.gallery.store import open_for_writing

    three.write("b.png", b"no picture at all " * 5)
    three.update()  # it keeps the row that it had
    with open_for_writing(three.gallery) as store, store.catalog.transaction():
        store.catalog.connection.execute("UPDATE embeddings SET vector = x'00' WHERE image_id = 2")

    check_gallery(three.gallery, repair=True)
    report = three.update()

    assert [file.path.name for file in report.failed] == ["b.png"]
    assert check_gallery(three.gallery).healthy
    assert three.names() == ["a.png", "c.png"]
    three.paint("b.png", "#00f")
    assert three.update().added == 1


def test_the_points_of_a_replacement_come_in_the_order_that_makes_it_safe(tmp_path):
    from imgsearch.gallery.durable import write_durably

    seen = []
    with watch(seen.append):
        write_durably(tmp_path / "file", lambda path: path.write_text("new") and None)

    assert seen == [
        f"durable.{step}" for step in ("opened", "written", "flushed", "renamed", "done")
    ]
