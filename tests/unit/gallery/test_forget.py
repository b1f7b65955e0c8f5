"""Roots taken out of a gallery, whether their folders are there or not."""

import shutil

import pytest

from imgsearch.errors import GalleryError, GalleryNotFoundError
from imgsearch.gallery.check import check_gallery
from imgsearch.gallery.forget import forget_roots
from imgsearch.gallery.index_file import is_current


@pytest.fixture
def two(lab, tmp_path):
    """Two roots with a gallery beside them: a picture and a reject in each."""
    lab.gallery = tmp_path / "gallery"
    lab.other = tmp_path / "other"
    lab.paint("a.png", "#f00")
    lab.write("sub/broken.jpg", b"no picture")
    lab.paint("b.png", "#0f0", root=lab.other)
    (lab.other / "broken.jpg").write_bytes(b"no picture")
    lab.update(lab.root, lab.other)
    return lab


def test_a_root_whose_folder_is_gone_is_forgotten_with_all_that_was_its(two):
    shutil.rmtree(two.other)

    report = forget_roots(two.gallery, [two.other])

    assert (report.removed, report.images, two.names()) == (1, 1, ["a.png"])
    with two.reader() as store:
        assert store.catalog.reject_count("failed") == 1
        assert is_current(store.catalog)
        assert store.catalog.connection.execute("SELECT count(*) FROM roots").fetchone() == (1,)
    assert two.hits(two.root / "a.png") == [("a.png", 1.0)]
    assert check_gallery(two.gallery).healthy


def test_forgetting_touches_no_file_and_the_root_may_be_indexed_again(two):
    forget_roots(two.gallery, [two.other])

    assert sorted(path.name for path in two.other.iterdir()) == ["b.png", "broken.jpg"]
    assert two.update(two.other).added == 1


def test_all_roots_may_be_forgotten(two):
    report = forget_roots(two.gallery, [two.root, two.other, two.root])

    assert (report.removed, report.images, two.rows()) == (2, 0, {})
    assert check_gallery(two.gallery).healthy


def test_a_root_is_known_by_a_link_to_it_and_from_the_working_directory(two, monkeypatch, tmp_path):
    (tmp_path / "link").symlink_to(two.root)
    monkeypatch.chdir(tmp_path)

    assert forget_roots(two.gallery, [tmp_path / "link"]).removed == 1
    assert forget_roots(two.gallery, [type(tmp_path)("other")]).removed == 1


def test_an_unknown_root_is_refused_with_the_known_ones_and_none_is_forgotten(two, tmp_path):
    with pytest.raises(GalleryError, match="it does not index") as caught:
        forget_roots(two.gallery, [two.root, tmp_path / "third"])

    assert str(caught.value).endswith(f"third; its roots: {two.other}, {two.root}")
    assert two.names() == ["a.png", "b.png"]


def test_a_part_of_a_root_cannot_be_forgotten(two):
    with pytest.raises(GalleryError, match="only whole roots can be forgotten"):
        forget_roots(two.gallery, [two.root / "sub"])


def test_a_circle_of_links_is_an_unknown_root(two, tmp_path):
    (tmp_path / "loop").symlink_to("loop")

    with pytest.raises(GalleryError, match="it does not index"):
        forget_roots(two.gallery, [tmp_path / "loop"])


def test_forgetting_makes_no_gallery(tmp_path):
    with pytest.raises(GalleryNotFoundError):
        forget_roots(tmp_path / "gallery", [tmp_path])

    assert not (tmp_path / "gallery").exists()
