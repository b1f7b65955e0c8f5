"""Roots: several, nested, moved, linked, and with every kind of name below them."""

import os
import shutil

import pytest

from imgsearch.errors import GalleryWriteError


@pytest.fixture
def other(tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    return folder


def test_two_roots_share_a_gallery_and_are_updated_one_by_one(lab, other):
    lab.paint("a.png", "#f00")
    path = lab.paint("b.png", "#0f0", root=other)
    (other / "notes.txt").touch()
    lab.update(lab.root, other)
    path.unlink()

    assert lab.update(lab.root).removed == 0
    assert lab.update(other).removed == 1
    assert lab.names() == ["a.png"]


def test_a_file_moved_between_roots_that_are_indexed_together_keeps_its_id(lab, other):
    path = lab.paint("a.png", "#f00")
    lab.update(lab.root, other)
    before = lab.ids()
    path.rename(other / "a.png")

    report, embedded = lab.update_quietly(lab.root, other)

    assert (report.moved, report.removed, embedded) == (1, 0, 0)
    assert (lab.ids(), list(lab.rows())) == (before, [other / "a.png"])


def test_a_root_given_twice_is_walked_once(lab):
    lab.write("a.jpg", b"no picture")
    lab.paint("b.png", "#f00")

    report = lab.update(lab.root, lab.root)

    assert (report.added, len(report.failed)) == (1, 1)


def test_a_linked_root_is_the_folder_that_it_leads_to(lab, tmp_path):
    lab.paint("a.png", "#f00")
    lab.update()
    (tmp_path / "link").symlink_to(lab.root)

    assert lab.update(tmp_path / "link").unchanged == 1
    assert list(lab.rows()) == [lab.root / "a.png"]


def test_a_folder_inside_a_root_is_a_part_of_it(lab):
    lab.paint("a.png", "#f00")
    lab.paint("sub/b.png", "#0f0")
    lab.write("sub/notes.txt", b"no picture")
    lab.update()
    (lab.root / "a.png").unlink()
    (lab.root / "sub/b.png").unlink()

    report = lab.update(lab.root / "sub")

    assert (report.removed, lab.names()) == (1, ["a.png"])  # only what lies below is looked at
    with lab.reader() as store:
        assert list(store.paths(store.catalog.images([1])).values()) == [lab.root / "a.png"]


def test_a_root_that_comes_to_lie_inside_another_keeps_its_rows(lab):
    lab.paint("sub/a.png", "#f00")
    lab.write("sub/b.png", b"no picture")
    lab.update(lab.root / "sub")
    rows = lab.rows()

    report, embedded = lab.update_quietly()

    assert (report.unchanged, report.added, embedded, len(report.failed)) == (1, 0, 0, 1)
    assert lab.rows() == rows


@pytest.mark.parametrize("inner_first", [True, False])
def test_a_root_and_a_folder_inside_it_may_be_given_together(lab, inner_first):
    lab.paint("a.png", "#f00")
    lab.paint("sub/b.png", "#0f0")
    roots = [lab.root / "sub", lab.root] if inner_first else [lab.root, lab.root / "sub"]

    assert lab.update(*roots).added == 2
    assert lab.update(*roots).unchanged == 2


@pytest.mark.parametrize("inner_first", [True, False])
def test_a_hidden_folder_inside_a_root_is_a_root_of_its_own(lab, inner_first):
    lab.paint("a.png", "#f00")
    hidden = lab.root / ".hidden"
    lab.paint("b.png", "#0f0", root=hidden)
    first, second = (hidden, lab.root) if inner_first else (lab.root, hidden)
    lab.update(first)
    lab.update(second)

    report = lab.update(lab.root)

    assert (report.images, report.removed) == (2, 0)
    assert lab.hits(hidden / "b.png", k=1) == [("b.png", 1.0)]


def test_a_file_that_becomes_a_folder_that_is_indexed_loses_its_row(lab):
    path = lab.paint("sub", "#f00")
    lab.update()
    path.unlink()
    lab.paint("sub/b.png", "#0f0")

    report = lab.update(lab.root / "sub")

    assert (report.added, report.removed, lab.names()) == (1, 1, ["b.png"])


def test_a_gallery_may_lie_outside_its_root(lab, tmp_path):
    gallery = tmp_path / "deep" / "gallery"
    lab.paint("a.png", "#f00")

    lab.update(gallery=gallery)

    assert list(lab.rows(gallery)) == [lab.root / "a.png"]
    assert list(lab.root.iterdir()) == [lab.root / "a.png"]


@pytest.mark.parametrize("place", [".", "sub/gallery"])
def test_a_gallery_may_lie_among_the_pictures_and_its_files_are_none_of_them(lab, place):
    gallery = lab.root / place
    lab.paint("a.png", "#f00")
    lab.paint("sub/gallery/b.png", "#0f0")
    lab.paint("sub/manifest.json", "#00f")  # a picture, in spite of its name
    lab.update(gallery=gallery)

    report, embedded = lab.update_quietly(gallery=gallery)

    assert (report.unchanged, report.ignored, report.failed, embedded) == (3, (), (), 0)
    assert report.images_per_second == 0  # nothing was opened


OWN = ["calibration.json", "decisions.json", "keep.toml", "cleanup-0001.journal"]


@pytest.mark.parametrize("model", [None, "clip"])
def test_whatever_a_visible_gallery_keeps_and_its_models_keep_is_no_picture(lab, model):
    gallery = lab.root / "gallery"
    lab.paint("a.png", "#f00")
    lab.paint("gallery/models/keep.png", "#0f0")  # whose the folder is does not matter
    lab.update(gallery=gallery)
    lab.update(gallery=gallery / "models/clip")
    for name in (*OWN, *(f"models/clip/{name}" for name in OWN), "catalog.sqlite.damaged-1"):
        (gallery / name).write_bytes(b"ours")

    report = lab.update(gallery=gallery / "models" / model if model else gallery)

    assert (report.unchanged, report.ignored, report.failed) == (2, (), ())


def test_a_folder_of_models_without_a_gallery_above_is_the_users(lab):
    lab.paint("models/a/b.png", "#f00")
    lab.write("writer.json", b"the user's")

    report = lab.update(gallery=lab.root / "models/a")

    assert [file.path.name for file in report.ignored] == ["writer.json"]


def test_a_gallery_moves_with_its_folder(lab, tmp_path):
    lab.paint("a.png", "#f00")
    lab.paint("sub/b.png", "#0f0")
    lab.update()
    moved = tmp_path / "elsewhere"
    shutil.copytree(lab.root, moved)  # the old place stays: it must not be taken for the new

    report, embedded = lab.update_quietly(moved, gallery=moved / ".imgsearch")

    assert (report.unchanged, report.added, embedded) == (2, 0, 0)
    assert set(lab.rows(moved / ".imgsearch")) == {moved / "a.png", moved / "sub/b.png"}
    hit = lab.search(moved / "a.png", gallery=moved / ".imgsearch", k=1)[0]
    assert hit.path == moved / "a.png"


def test_a_gallery_beside_its_root_finds_it_when_both_have_moved(lab, tmp_path):
    lab.paint("a.png", "#f00")
    lab.update(gallery=tmp_path / "gallery")
    target = tmp_path / "target"
    target.mkdir()
    lab.root.rename(target / "photos")
    (tmp_path / "gallery").rename(target / "gallery")

    assert list(lab.rows(target / "gallery")) == [target / "photos" / "a.png"]


def test_a_root_that_is_away_keeps_its_last_known_place(lab, tmp_path):
    lab.paint("a.png", "#f00")
    lab.update(gallery=tmp_path / "gallery")
    lab.root.rename(tmp_path / "away")

    assert list(lab.rows(tmp_path / "gallery")) == [lab.root / "a.png"]


NAMES = [
    b"new\nline.png",
    b"not \xff\xfe utf-8.png",
    b"  spaces  .png",
    "ünï/çödé 🖼.png".encode(),
    b"100%?#&.png",
    b"'\"; DROP TABLE images.png",
    b"\xff" * 9 + b".png",
    b"[glob]*.png",
]


def test_every_name_is_indexed_found_moved_and_removed(lab):
    lab.write("notes.txt", b"no picture")  # without a file it would pass for not mounted
    paths = [lab.root / os.fsdecode(name) for name in NAMES]
    for number, path in enumerate(paths):
        lab.paint(path.relative_to(lab.root), (255, 20 * number, 0))

    assert lab.update().added == len(NAMES)
    assert lab.update().unchanged == len(NAMES)
    assert set(lab.rows()) == set(paths)
    for path in paths:
        assert lab.search(path, k=1)[0].path == path
        path.unlink()
    assert lab.update().removed == len(NAMES)


def test_a_link_to_a_picture_outside_is_a_row_under_its_own_name(lab, other):
    target = lab.paint("target.png", "#f00", root=other)
    lab.paint("a.png", "#0f0")
    (lab.root / "link.png").symlink_to(target)
    lab.update()

    assert lab.names() == ["a.png", "link.png"]
    assert lab.hits(lab.root / "link.png", k=1, exclude_self=True) == [("a.png", 0.0)]


def test_a_gallery_where_a_file_is_cannot_be_made(lab):
    path = lab.paint("a.png", "#f00")

    with pytest.raises(GalleryWriteError, match="cannot be made"):
        lab.update(gallery=path / "gallery")


def test_a_gallery_copied_without_its_photos_points_at_the_photos(lab, tmp_path):
    lab.paint("a.png", "#f00")
    lab.paint("sub/b.png", "#0f0")
    lab.update()
    copied = tmp_path / "backup" / ".imgsearch"
    shutil.copytree(lab.gallery, copied)

    assert set(lab.rows(copied)) == {lab.root / "a.png", lab.root / "sub/b.png"}
    report, embedded = lab.update_quietly(gallery=copied)
    assert (report.unchanged, report.added, embedded) == (2, 0, 0)


def test_a_copied_gallery_finds_its_root_though_the_first_pictures_are_gone(lab, tmp_path):
    for number in range(40):
        lab.paint(f"{number:02}.png", (255, number, 0))
    lab.update()
    for number in range(30):
        (lab.root / f"{number:02}.png").unlink()
    copied = tmp_path / "backup" / ".imgsearch"
    shutil.copytree(lab.gallery, copied)

    assert all(path.is_relative_to(lab.root) for path in lab.rows(copied))


def test_a_copied_gallery_whose_photos_are_nowhere_keeps_the_way_of_a_move(lab, tmp_path):
    lab.paint("a.png", "#f00")
    lab.update()
    (lab.root / "a.png").unlink()
    copied = tmp_path / "backup" / ".imgsearch"
    shutil.copytree(lab.gallery, copied)

    assert list(lab.rows(copied)) == [tmp_path / "backup" / "a.png"]


def test_the_report_of_a_part_lists_only_what_lies_in_that_part(lab):
    lab.paint("good/a.png", "#f00")
    lab.write("good/notes.txt", b"no picture")
    lab.write("good2/x.jpg", b"no picture")
    lab.write("bad/x.jpg", b"no picture")
    lab.write("bad/notes.txt", b"no picture")
    assert len(lab.update().failed) == 2

    report = lab.update(lab.root / "good")

    assert report.failed == ()
    assert [file.path for file in report.ignored] == [lab.root / "good/notes.txt"]
