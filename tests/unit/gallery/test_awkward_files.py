"""Files that do what files should not: grow, vanish, change their case, go back in time."""

import os

import pytest

from imgsearch.gallery import pipeline


def test_a_rename_of_case_alone_keeps_the_row(lab):
    lab.paint("holiday.png", "#f00")
    lab.update()
    before = lab.ids()
    (lab.root / "holiday.png").rename(lab.root / "Holiday.PNG")

    report, embedded = lab.update_quietly()

    assert (report.moved, report.removed, embedded) == (1, 0, 0)
    assert lab.ids() == {"Holiday.PNG": before["holiday.png"]}


def test_a_changed_file_with_an_older_time_is_read_again(lab):
    path = lab.paint("a.png", "#f00")
    lab.update()
    lab.paint("a.png", "#00f")
    os.utime(path, (1_000_000_000, 1_000_000_000))  # a clock that was set back by years

    assert lab.update().updated == 1
    assert lab.vectors() == {"a.png": (0, 0, 1)}


@pytest.mark.parametrize("seconds", [0, -1_000_000, 4_102_444_800])
def test_a_time_before_1970_or_far_ahead_is_as_good_as_any(lab, seconds):
    path = lab.paint("a.png", "#f00")
    os.utime(path, (seconds, seconds))

    assert lab.update().added == 1
    assert lab.update().unchanged == 1


def test_a_file_that_grows_between_walk_and_reading_is_read_again_by_the_next_update(
    lab, monkeypatch
):
    path, load = lab.paint("a.png", "#f00"), pipeline.load
    with monkeypatch.context() as patch:
        patch.setattr(
            pipeline, "load", lambda source, **options: grow(lab, load, source, **options)
        )
        lab.update()

    report = lab.update()

    assert (report.updated + report.unchanged, report.failed) == (1, ())
    assert lab.vectors() == {"a.png": (0, 0, 1)}
    assert path.stat().st_size > 100


def grow(lab, load, source, **options):
    """Have a file replaced by a larger one just before it is read."""
    lab.paint("a.png", "#00f", size=64)
    return load(source, **options)


def test_a_sparse_file_larger_than_memory_is_listed_at_once(lab):
    path = lab.root / "sparse.png"
    path.write_bytes(b"not a picture")
    os.truncate(path, 1 << 40)

    assert [file.path for file in lab.update().failed] == [path]


def test_a_pipe_that_takes_the_place_of_a_file_does_not_block(lab, monkeypatch):
    path, load = lab.paint("a.png", "#f00"), pipeline.load

    def replace_and_load(source, **options):
        path.unlink()
        os.mkfifo(path)
        return load(source, **options)

    monkeypatch.setattr(pipeline, "load", replace_and_load)

    assert lab.update().failed[0].reason == "it is not a regular file"
