"""The one line that `imgsearch index` ends with."""

from pathlib import Path

from imgsearch.cli.index import _summary
from imgsearch.gallery.report import FailedFile, UpdateReport


def summary(images, **changed):
    counts = dict.fromkeys(("added", "updated", "moved", "unchanged", "removed"), 0)
    more = {"failed": (), "ignored": (), "seconds": 0.1, "images_per_second": 0.0}
    return _summary(UpdateReport(images=images, **{**counts, **more, **changed}), Path("g"))


def test_an_empty_gallery_says_what_became_of_its_pictures():
    failed = (FailedFile(Path("x.jpg"), "it is empty"),)

    assert summary(0, removed=30, failed=failed) == "0 images: 30 removed, 1 not readable (0.1 s)"


def test_an_empty_gallery_that_always_was_says_so():
    assert summary(0) == "no pictures found; the gallery g is empty"


def test_an_empty_folder_beside_others_changes_nothing():
    assert summary(5) == "5 images: nothing changed (0.1 s)"
