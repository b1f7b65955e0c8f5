"""What is no plain file under the name of a gallery's own blocks nobody, and harms nothing."""

import json
import os

import pytest

from imgsearch.errors import CalibrationError, GalleryLockedError, GalleryWriteError
from imgsearch.gallery.calibration import CALIBRATION_NAME, read_calibration
from imgsearch.gallery.check import check_gallery
from imgsearch.gallery.copy_cache import COPY_CACHE_NAME, CopyCache
from imgsearch.gallery.lock import HOLDER_NAME, writer_lock
from imgsearch.gallery.manifest import MANIFEST_NAME
from imgsearch.gallery.schema import CATALOG_NAME

pytestmark = pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])


def test_a_catalogue(lab, make):
    lab.gallery.mkdir()
    make(lab.gallery / CATALOG_NAME)

    with pytest.raises(Exception, match="is a link or no file; delete it"):
        lab.update()


def test_a_manifest_beside_a_catalogue_is_damaged_and_its_index_built_in_memory(three, make):
    (three.gallery / MANIFEST_NAME).unlink()
    make(three.gallery / MANIFEST_NAME)

    assert three.hits(three.root / "a.png", k=1) == [("a.png", 1.0)]
    assert "manifest.json is damaged" in check_gallery(three.gallery).problems[0]


def test_an_index_file_is_named_with_what_to_do(three, make):
    manifest = json.loads((three.gallery / MANIFEST_NAME).read_text())
    index = three.gallery / manifest["index_file"]
    index.unlink()
    make(index)

    assert three.hits(three.root / "a.png", k=1) == [("a.png", 1.0)]
    (problem,) = check_gallery(three.gallery).problems
    assert f"cannot be read (it is no regular file); delete {index.name} and run" in problem


def test_a_note_of_a_writer_names_nobody_or_is_the_users(lab, make):
    lab.gallery.mkdir()
    with writer_lock(lab.gallery):
        (lab.gallery / HOLDER_NAME).unlink()
        make(lab.gallery / HOLDER_NAME)
        with (
            pytest.raises(GalleryLockedError, match="another process is writing"),
            writer_lock(lab.gallery),
        ):
            pass
    (lab.gallery / "writer.lock").unlink()
    if not os.path.lexists(lab.gallery / HOLDER_NAME):  # a pipe goes with the note
        make(lab.gallery / HOLDER_NAME)

    with pytest.raises(GalleryWriteError, match=f"a file {HOLDER_NAME} that would be"):
        lab.update()


def test_a_calibration_is_an_error_that_names_it(three, make):
    make(three.gallery / CALIBRATION_NAME)

    with (
        three.reader() as store,
        pytest.raises(CalibrationError, match=r"calibration.json: it cannot be read \(it is no"),
    ):
        read_calibration(store)


def test_a_cache_of_copies_is_left_alone(three, make, caplog):
    (three.gallery / COPY_CACHE_NAME).unlink()
    make(three.gallery / COPY_CACHE_NAME)

    with CopyCache(three.gallery) as cache:
        cache.put("kind/1", {b"a": b"x"})
        assert cache.get_all("kind/1") == {}
    assert "left alone" in caplog.text
