"""What systems, disks and other writers do at bad moments ends in one clear error, or in none."""

import sqlite3

import pytest

from imgsearch.errors import (
    EmbedderError,
    GalleryCorruptError,
    GalleryNotFoundError,
    GalleryWriteError,
    ImageFolderError,
)
from imgsearch.gallery import check, check_index, ownership, salvage, update
from imgsearch.gallery.check import check_gallery
from imgsearch.gallery.forget import forget_roots
from imgsearch.gallery.manifest import MANIFEST_NAME
from imgsearch.gallery.schema import CATALOG_NAME
from imgsearch.gallery.store import open_for_writing
from imgsearch.index import faiss_index


def raising(error):
    def fail(*_arguments, **_options):
        raise error

    return fail


def test_a_catalogue_whose_making_was_cut_off_is_no_gallery_to_repair(lab):
    lab.gallery.mkdir()
    (lab.gallery / CATALOG_NAME).touch()

    with pytest.raises(GalleryNotFoundError, match="it is empty; fill it with"):
        check_gallery(lab.gallery, repair=True)
    assert (lab.gallery / CATALOG_NAME).read_bytes() == b""


def test_a_gallery_whose_links_lead_in_a_circle_is_named(lab):
    (loop := lab.root / "loop").symlink_to(loop)

    with pytest.raises(GalleryNotFoundError, match="its links lead in a circle"):
        lab.update(gallery=loop)


def test_a_root_that_may_not_be_listed_is_refused(lab, monkeypatch):
    monkeypatch.setattr(update.Path, "iterdir", raising(PermissionError(13, "Permission denied")))

    with pytest.raises(ImageFolderError, match="permission denied"):
        lab.update()
    assert not lab.gallery.exists()


def test_a_number_of_the_gallery_that_is_none_is_damage_though_its_checksum_holds(three):
    with open_for_writing(three.gallery) as store, store.catalog.transaction():
        store.catalog.set_meta("generation", "many")

    with three.reader() as store, pytest.raises(GalleryCorruptError, match="generation"):
        store.catalog.generation()


def test_an_index_file_that_a_writer_deletes_during_a_check_is_a_note(three, monkeypatch):
    monkeypatch.setattr(faiss_index, "read_index", raising(FileNotFoundError(2, "No such file")))

    assert "the index file is missing" in check_gallery(three.gallery).notes[0]


def test_a_check_that_a_writer_overtakes_again_and_again_ends(three, monkeypatch):
    manifests = iter(range(100))
    findings = check_index.FileFindings(("the digest is another one",))
    monkeypatch.setattr(check_index, "read_manifest", lambda _folder: next(manifests))
    monkeypatch.setattr(check_index, "_inspect", lambda _catalog, _manifest: findings)

    assert check_gallery(three.gallery).problems == findings.problems
    assert next(manifests) == 6  # five attempts, each with a look before and after


def test_an_empty_gallery_without_a_manifest_needs_no_repair(lab):
    lab.update()
    (lab.gallery / MANIFEST_NAME).unlink()

    assert not check_gallery(lab.gallery, repair=True).repaired


def test_a_score_that_is_not_scikit_learns_is_a_problem(three, monkeypatch):
    exact = check.exact_scores
    monkeypatch.setattr(check, "exact_scores", lambda *vectors: exact(*vectors) - 1e-3)

    assert check_gallery(three.gallery).problems == (
        "FAISS and scikit-learn differ by 1.0e-03, over 1e-05",
    )


def test_a_note_of_a_writer_that_has_just_finished_is_nobodys_file(lab, monkeypatch):
    lab.gallery.mkdir()
    (lab.gallery / "writer.json").write_text("{}")
    monkeypatch.setattr(ownership, "read_regular", raising(FileNotFoundError(2, "No such file")))

    assert lab.update().images == 0


def damage(lab):
    """Damage a row of the catalogue behind the back of its checksums."""
    with sqlite3.connect(lab.gallery / CATALOG_NAME) as connection:
        connection.execute("UPDATE images SET width = 77 WHERE image_id = 2")
    connection.close()


def test_a_disk_that_is_full_during_a_salvage_loses_nothing(three, monkeypatch):
    damage(three)
    with monkeypatch.context() as patch:
        patch.setattr(salvage, "_set_aside", raising(OSError(28, "No space left on device")))
        with pytest.raises(GalleryWriteError, match=r"salvaged \(No space left .* nothing is lost"):
            check_gallery(three.gallery, repair=True)
    names = {path.name for path in three.gallery.iterdir()}
    assert not [name for name in names if "damaged" in name or "salvage" in name]

    assert (
        "2 rows of pictures are saved, 1 are lost"
        in check_gallery(three.gallery, repair=True).notes[0]
    )


def test_where_there_are_no_hard_links_the_damaged_catalogue_is_copied(three, monkeypatch):
    damage(three)
    monkeypatch.setattr(salvage.Path, "hardlink_to", raising(PermissionError(1, "not permitted")))

    check_gallery(three.gallery, repair=True)

    aside = three.gallery / f"{CATALOG_NAME}.damaged-1"
    assert aside.read_bytes()[:16] == b"SQLite format 3\0"
    three.update()
    assert check_gallery(three.gallery).healthy
    assert three.names() == ["a.png", "b.png", "c.png"]


def test_a_file_of_which_nothing_is_ours_is_not_salvaged(lab):
    lab.gallery.mkdir()
    (lab.gallery / CATALOG_NAME).write_bytes(b"my own notes " * 5000)

    with pytest.raises(GalleryCorruptError, match=r"nothing in .* move it away and index again"):
        check_gallery(lab.gallery, repair=True)
    assert (lab.gallery / CATALOG_NAME).read_bytes() == b"my own notes " * 5000


def test_a_root_of_a_gallery_that_never_got_a_vector_is_forgotten(lab, monkeypatch):
    lab.paint("a.png", "#f00")
    monkeypatch.setattr(lab, "make_embedder", raising(EmbedderError("no weights")))
    with pytest.raises(EmbedderError):
        lab.update()

    assert forget_roots(lab.gallery, [lab.root]).images == 0
    assert not (lab.gallery / MANIFEST_NAME).exists()
