"""Which gallery is meant: named, the environment's, the nearest, the last."""

import os
from pathlib import Path

import pytest

from imgsearch.errors import GalleryNotFoundError
from imgsearch.gallery import locate
from imgsearch.gallery.locate import find_gallery, gallery_for_root, remember_gallery


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A folder of photos with a gallery, and a state folder of the test's own."""
    monkeypatch.delenv("IMGSEARCH_GALLERY", raising=False)
    monkeypatch.setattr(
        locate.platformdirs, "user_state_path", lambda *_args, **_options: tmp_path / "state"
    )
    (tmp_path / "photos/.imgsearch").mkdir(parents=True)
    (tmp_path / "photos/2024/may").mkdir(parents=True)
    (tmp_path / "last").mkdir()
    (tmp_path / "elsewhere").mkdir()
    return tmp_path


def test_the_order_is_named_environment_nearest_last(places, monkeypatch):
    start, nearest = places / "photos/2024/may", places / "photos/.imgsearch"
    remember_gallery(places / "last")

    assert find_gallery(working_folder=places / "elsewhere") == places / "last"
    assert find_gallery(working_folder=start) == nearest
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(places / "env"))
    assert find_gallery(working_folder=start) == places / "env"
    assert find_gallery(places / "named", working_folder=start) == places / "named"


def test_the_working_directory_is_where_the_search_begins(places, monkeypatch):
    monkeypatch.chdir(places / "photos")

    assert find_gallery() == places / "photos/.imgsearch"


def test_the_gallery_of_what_is_asked_for_comes_before_that_of_the_working_directory(places):
    (places / "elsewhere/.imgsearch").mkdir()
    (places / "link").symlink_to(places / "photos/2024")

    for asked_for in ("../photos/2024/may", "../link/may", places / "photos"):
        found = find_gallery(asked_for=Path(asked_for), working_folder=places / "elsewhere")
        assert found == places.resolve() / "photos/.imgsearch"
    found = find_gallery(asked_for=places / "last", working_folder=places / "elsewhere")
    assert found == places / "elsewhere/.imgsearch"


def test_a_link_that_leads_to_itself_has_no_gallery_above(places):
    (places / "circle").symlink_to(places / "circle")
    remember_gallery(places / "last")

    found = find_gallery(asked_for=places / "circle", working_folder=places / "elsewhere")
    assert found == places / "last"


def test_a_file_of_that_name_is_no_gallery(places):
    (places / "photos/2024/.imgsearch").touch()

    assert find_gallery(working_folder=places / "photos/2024") == places / "photos/.imgsearch"


def test_an_empty_variable_names_nothing(places, monkeypatch):
    monkeypatch.setenv("IMGSEARCH_GALLERY", "")

    assert find_gallery(working_folder=places / "photos") == places / "photos/.imgsearch"


@pytest.mark.parametrize("note", [None, b"", b"/nul\0byte", b"/long" * 1000])
def test_where_no_gallery_is_known_the_error_says_how_to_make_one(places, note):
    if note is not None:
        remember_gallery(places / "last")
        (places / "state/last-gallery").write_bytes(note)

    with pytest.raises(GalleryNotFoundError, match="make one with `imgsearch index PHOTOS`"):
        find_gallery(working_folder=places / "elsewhere")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_note_that_is_no_plain_file_says_nothing_and_does_not_block(places, make):
    (places / "state").mkdir()
    make(places / "state/last-gallery")

    with pytest.raises(GalleryNotFoundError):
        find_gallery(working_folder=places / "elsewhere")


def test_a_deleted_working_directory_is_above_nothing(places, monkeypatch):
    remember_gallery(places / "last")

    def fail():
        raise FileNotFoundError

    monkeypatch.setattr(locate.Path, "cwd", fail)

    assert find_gallery() == places / "last"


def test_a_gallery_with_an_odd_name_is_remembered(places):
    odd = places / "new\nline \udcff"
    odd.mkdir()
    remember_gallery(odd)

    assert find_gallery(working_folder=places / "elsewhere") == odd


def test_a_folder_to_index_has_its_gallery_inside_unless_said_otherwise(places, monkeypatch):
    root = places / "photos"

    assert gallery_for_root(root) == root / ".imgsearch"
    monkeypatch.setenv("IMGSEARCH_GALLERY", str(places / "env"))
    assert gallery_for_root(root) == places / "env"
    assert gallery_for_root(root, places / "named") == places / "named"
