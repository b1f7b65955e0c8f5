"""A folder that is suddenly empty: a drive that is not mounted, more often than a wish."""

import shutil

import pytest

from imgsearch.errors import ImageFolderError


def empty(folder):
    """Leave a folder as an unmounted drive does."""
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.fixture
def two(lab, tmp_path):
    """Two roots with a gallery beside them: two pictures in photos, one in other."""
    lab.gallery = tmp_path / "gallery"
    lab.other = tmp_path / "other"
    lab.paint("a.png", "#f00")
    lab.paint("sub/b.png", "#0f0")
    lab.paint("c.png", "#00f", root=lab.other)
    lab.update(lab.root, lab.other)
    return lab


def test_an_emptied_root_is_refused_with_the_way_out_and_loses_nothing(two):
    rows = two.rows()
    empty(two.root)

    with pytest.raises(ImageFolderError) as caught:
        two.update()

    assert str(caught.value) == (
        f"cannot index {two.root}: it is empty, but 2 of its pictures are indexed; is a drive not"
        f" mounted? If they are really gone: imgsearch index --forget {two.root}"
    )
    assert two.rows() == rows


def test_an_emptied_root_stops_the_run_before_anything_is_read_or_dropped(two):
    rows = two.rows()
    empty(two.root)
    two.paint("new.png", "#ff0", root=two.other)
    (two.other / "c.png").unlink()
    seen = two.embedder.pictures

    with pytest.raises(ImageFolderError):
        two.update(two.other, two.root)

    assert (two.rows(), two.embedder.pictures) == (rows, seen)


def test_an_emptied_part_is_refused_and_the_whole_root_is_the_way_out(two):
    empty(two.root / "sub")

    with pytest.raises(ImageFolderError, match=f"1 of its .* imgsearch index {two.root}$"):
        two.update(two.root / "sub")

    assert two.update().removed == 1


def test_a_root_with_folders_but_no_file_is_empty(two):
    empty(two.root)
    (two.root / "sub/deep").mkdir(parents=True)

    with pytest.raises(ImageFolderError, match="it is empty"):
        two.update()


def test_a_root_that_kept_any_file_is_not_empty(two):
    empty(two.root)
    two.write("notes.txt", b"no picture")

    assert two.update().removed == 2


def test_a_root_that_never_had_a_picture_may_be_empty(lab):
    lab.write("notes.txt", b"no picture")
    lab.update()
    (lab.root / "notes.txt").unlink()

    assert lab.update().images == 0


def test_a_root_whose_pictures_all_moved_to_another_one_may_be_empty(two):
    (two.root / "a.png").rename(two.other / "a.png")
    (two.root / "sub/b.png").rename(two.other / "b.png")

    report = two.update(two.root, two.other)

    assert (report.moved, report.removed, report.images) == (2, 0, 3)


def test_a_root_of_which_only_some_pictures_moved_is_refused(two):
    (two.root / "a.png").rename(two.other / "a.png")
    (two.root / "sub/b.png").unlink()

    with pytest.raises(ImageFolderError, match="2 of its pictures"):
        two.update(two.root, two.other)


def test_a_root_that_is_a_circle_of_links_is_one_clear_error(lab, tmp_path):
    (tmp_path / "loop").symlink_to("loop")

    with pytest.raises(ImageFolderError, match="too many levels of symbolic links"):
        lab.update(tmp_path / "loop")
