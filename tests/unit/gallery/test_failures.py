"""Files that cannot be read: listed, kept, not opened again, and forgotten in time."""

import errno
import io
import os

import pytest
from PIL import Image

from imgsearch.gallery import pipeline, scan
from imgsearch.images import discover

TEXT = b"no picture at all, whatever its name says " * 4


def reasons(report):
    return {failed.path.name: failed.reason for failed in report.failed}


@pytest.fixture
def opened(monkeypatch):
    """The names of the files that the pipeline opens."""
    names = []
    load = pipeline.load

    def watched(path, **options):
        names.append(path.name)
        return load(path, **options)

    monkeypatch.setattr(pipeline, "load", watched)
    return names


def test_a_text_named_jpeg_is_failed_and_a_text_is_ignored(lab):
    lab.write("a.jpg", TEXT)
    lab.write("b.txt", TEXT)

    report = lab.update()

    assert list(reasons(report)) == ["a.jpg"]
    assert [ignored.path.name for ignored in report.ignored] == ["b.txt"]
    assert report.images == 0
    with lab.reader() as store:
        assert [store.catalog.reject_count(kind) for kind in ("failed", "ignored")] == [1, 1]


def test_a_picture_is_found_by_its_content_under_a_wrong_name(lab):
    lab.paint("picture.txt", "#f00")

    assert lab.update().added == 1


def test_refused_files_are_not_opened_again(lab, opened):
    lab.write("a.jpg", TEXT)
    lab.write("b.txt", TEXT)
    lab.update()
    opened.clear()

    report = lab.update()

    assert opened == []
    assert (list(reasons(report)), len(report.ignored)) == (["a.jpg"], 1)


def test_retry_failed_opens_failed_files_but_no_ignored_ones(lab, opened):
    lab.write("a.jpg", TEXT)
    lab.write("b.txt", TEXT)
    lab.update()
    opened.clear()

    lab.update(retry_failed=True)

    assert opened == ["a.jpg"]


def test_a_failed_file_that_is_mended_is_indexed(lab):
    lab.write("a.png", TEXT)
    lab.update()
    lab.paint("a.png", "#f00")

    report = lab.update()

    assert (report.added, report.failed) == (1, ())


def test_a_failed_file_that_vanishes_is_forgotten(lab):
    lab.write("a.png", TEXT)
    lab.update()
    (lab.root / "a.png").unlink()

    assert lab.update().failed == ()


def test_a_picture_that_is_damaged_later_keeps_its_row_and_is_listed(lab):
    lab.paint("a.png", "#f00")
    lab.update()
    rows = lab.rows()
    lab.write("a.png", TEXT)

    report = lab.update()

    assert (report.images, report.removed, list(reasons(report))) == (1, 0, ["a.png"])
    assert lab.rows() == rows


def test_a_damaged_picture_that_is_restored_with_its_old_time_is_no_longer_listed(lab):
    path = lab.paint("a.png", "#f00")
    content, stamp = path.read_bytes(), path.stat()
    lab.update()
    lab.write("a.png", TEXT)
    lab.update()
    path.write_bytes(content)
    os.utime(path, ns=(stamp.st_mtime_ns, stamp.st_mtime_ns))

    report, embedded = lab.update_quietly()

    assert (report.failed, report.unchanged, embedded) == ((), 1, 0)


def refuse_a(path, **options):
    if path.name == "a.png":
        raise PermissionError(errno.EACCES, "Permission denied")
    return path.read_bytes()


def test_a_file_that_may_not_be_read_keeps_its_row_until_it_may_be(lab, monkeypatch):
    lab.paint("a.png", "#f00")
    lab.paint("b.png", "#0f0")
    lab.update()
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "load", refuse_a)
        report = lab.update(rehash=True)

    assert (reasons(report), report.unchanged) == ({"a.png": "permission denied"}, 1)
    assert lab.names() == ["a.png", "b.png"]
    report = lab.update(retry_failed=True)  # neither size nor time have changed
    assert (report.failed, report.unchanged) == ((), 2)


def test_the_first_of_two_copies_may_fail(lab, monkeypatch):
    content = lab.paint("b.png", "#f00").read_bytes()
    lab.write("a.png", content)
    monkeypatch.setattr(pipeline, "load", refuse_a)

    report = lab.update()

    assert (report.added, list(reasons(report))) == (1, ["a.png"])


def test_all_copies_of_a_damaged_picture_are_listed(lab):
    stream = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(stream, "JPEG")
    for number in range(12):
        lab.write(f"{number}.jpg", stream.getvalue()[:300])

    report = lab.update(batch_size=1)

    assert (report.added, len(report.failed)) == (0, 12)


def test_a_picture_over_the_limit_of_pixels_is_listed(lab):
    lab.paint("a.png", "#f00", size=11)

    assert "limit" in reasons(lab.update(max_pixels=120))["a.png"]
    assert lab.update(retry_failed=True).added == 1


def deny(monkeypatch, folder):
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith(folder):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(discover.os, "scandir", refusing)


def test_a_folder_that_cannot_be_listed_keeps_its_rows_and_is_listed(lab, monkeypatch):
    lab.paint("sub/a.png", "#f00")
    lab.write("sub/b.png", TEXT)
    lab.paint("subtle.png", "#0f0")
    gone = lab.paint("sub0", "#00f")
    lab.update()
    gone.unlink()
    deny(monkeypatch, "/sub")

    report = lab.update()

    assert (report.images, report.removed) == (2, 1)
    assert lab.names() == ["a.png", "subtle.png"]
    assert reasons(report)["sub"] == "Permission denied"
    assert "b.png" in reasons(report)


def test_a_root_that_cannot_be_listed_any_more_keeps_all_its_rows(lab, monkeypatch):
    lab.paint("a.png", "#f00")
    lab.update()

    def vanish(_root, on_error):
        on_error("", OSError(errno.EIO, "Input/output error"))
        return iter(())

    monkeypatch.setattr(scan, "walk_folder", vanish)
    report = lab.update()

    assert (report.images, report.removed) == (1, 0)
    assert [failed.path for failed in report.failed] == [lab.root]


def test_a_file_that_cannot_be_examined_keeps_its_row(lab, monkeypatch):
    lab.paint("a.png", "#f00")
    lab.update()

    def walk(_root, on_error):
        on_error("a.png", OSError(errno.EIO, ""))
        return iter(())

    monkeypatch.setattr(scan, "walk_folder", walk)

    assert (lab.update().removed, lab.names()) == (0, ["a.png"])


def test_files_that_vanish_between_the_walk_and_the_reading_are_listed_once(lab, monkeypatch):
    path = lab.paint("a.png", "#f00")
    walk_folder = scan.walk_folder

    def walk(root, on_error):
        yield from walk_folder(root, on_error)
        path.unlink()

    with monkeypatch.context() as patch:
        patch.setattr(scan, "walk_folder", walk)
        report = lab.update()

    assert reasons(report) == {"a.png": "no such file"}
    assert lab.update().failed == ()


def test_an_error_of_ours_is_not_taken_for_a_damaged_file(lab, monkeypatch):
    lab.paint("a.png", "#f00")
    monkeypatch.setattr(pipeline, "prepare", lambda *_args, **_options: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        lab.update()
