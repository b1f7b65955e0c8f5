"""The check finds what is wrong with a gallery, and compares its answers with scikit-learn's."""

import sqlite3

import numpy as np
import pytest

from imgsearch.cli.check import check as check_command
from imgsearch.errors import GalleryCorruptError, GalleryNotFoundError, IndexFileError
from imgsearch.gallery import check, check_index, index_file, update, vectors
from imgsearch.gallery.check import check_gallery
from imgsearch.gallery.index_file import publish_index
from imgsearch.gallery.store import open_for_writing
from imgsearch.index import faiss_index


@pytest.fixture
def six(lab):
    for number in range(6):
        lab.paint(f"{number}.png", (255, 50 * number, 0))
    lab.update()
    return lab


def execute(lab, statement, *values):
    connection = sqlite3.connect(lab.gallery / "catalog.sqlite")
    with connection:
        connection.execute(statement, values)
    connection.close()


def test_a_sound_gallery_agrees_with_scikit_learn(six):
    report = check_gallery(six.gallery, sample=4, k=3)

    assert (report.healthy, report.images, report.sampled, report.k) == (True, 6, 4, 3)
    assert 0 <= report.max_score_difference < 1e-6
    assert not report.repaired


def test_sample_and_k_stop_at_what_there_is(six):
    report = check_gallery(six.gallery)

    assert (report.sampled, report.k) == (6, 6)


def test_a_check_reads_in_blocks(six, monkeypatch):
    monkeypatch.setattr(vectors, "BLOCK_ROWS", 2)

    assert check_gallery(six.gallery, sample=3).healthy


def test_an_empty_gallery_is_sound(lab):
    lab.update()

    assert check_gallery(lab.gallery).healthy
    assert not check_gallery(lab.gallery, repair=True).repaired


def test_a_gallery_without_an_identity_is_sound_and_needs_no_repair(lab):
    with open_for_writing(lab.gallery):
        pass

    assert not check_gallery(lab.gallery, repair=True).repaired


def test_a_sound_gallery_is_not_repaired(six):
    assert not check_gallery(six.gallery, repair=True).repaired


def test_repair_makes_no_gallery(lab):
    with pytest.raises(GalleryNotFoundError):
        check_gallery(lab.gallery, repair=True)
    assert not lab.gallery.exists()


def test_a_vector_that_is_no_unit_vector_is_reported(six):
    blob, crc = vectors.pack(np.array([2, 0, 0], dtype=np.float32))
    execute(six, "UPDATE embeddings SET vector = ?, crc32 = ? WHERE image_id = 2", blob, crc)

    assert check_gallery(six.gallery).problems == (
        "the vector of image 2 is no unit vector; run `imgsearch check --repair`",
    )


def test_a_vector_that_is_not_a_number_is_reported(six):
    blob, crc = vectors.pack(np.array([np.nan, 0, 0], dtype=np.float32))
    execute(six, "UPDATE embeddings SET vector = ?, crc32 = ? WHERE image_id = 2", blob, crc)

    assert check_gallery(six.gallery).problems == (
        "the vector of image 2 is no unit vector; run `imgsearch check --repair`",
    )


def test_an_index_of_other_vectors_than_the_catalogues_is_found(six):
    blob, crc = vectors.pack(np.array([0, 0, 1], dtype=np.float32))
    execute(six, "UPDATE embeddings SET vector = ?, crc32 = ? WHERE image_id = 2", blob, crc)

    problems = check_gallery(six.gallery).problems

    assert any("another vector for image 2 than" in problem for problem in problems)


def test_ids_that_changed_places_in_the_index_are_found(six):
    with open_for_writing(six.gallery) as store:
        index = faiss_index.FaissIndex(3, store.catalog.embeddings)
        for ids, embeddings in store.catalog.iterate_embeddings(3):
            index.add(ids, np.ascontiguousarray(embeddings[::-1]))
        publish_index(store.catalog, index)

    problems = check_gallery(six.gallery).problems

    assert any("another vector for image 1 " in problem for problem in problems)


def test_a_row_that_belongs_to_no_root_is_reported(six):
    execute(six, "DELETE FROM roots")

    assert check_gallery(six.gallery).problems[0] == (
        "the catalogue has a row in images that belongs to nothing; run `imgsearch check --repair`"
    )


def test_an_index_that_faiss_cannot_read_is_reported(six, monkeypatch):
    def fail(path, *_arguments, **_options):
        raise IndexFileError(path, "no way")

    monkeypatch.setattr(faiss_index, "read_index", fail)

    assert "no way" in check_gallery(six.gallery).problems[0]


def test_a_catalogue_that_cannot_be_read_through_is_reported(six, monkeypatch):
    def fail(_catalog):
        raise sqlite3.DatabaseError("malformed")

    monkeypatch.setattr(check, "_count_without_vector", fail)

    assert check_gallery(six.gallery).problems == (
        "the catalogue is damaged: malformed; run `imgsearch check --repair`",
    )


def test_what_quick_check_finds_is_reported(six):
    connection = sqlite3.connect(six.gallery / "catalog.sqlite")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    path = six.gallery / "catalog.sqlite"
    content = bytearray(path.read_bytes())
    content[39] = 5  # the last byte of the number of free pages, in SQLite's header
    path.write_bytes(content)

    (problem,) = check_gallery(six.gallery).problems

    assert problem.startswith("the catalogue is damaged: ")
    assert "size is 0 but should be 5" in problem


def resign_other_vectors(lab):
    """Publish an index that has the ids and the count of the catalogue, and other vectors."""
    with open_for_writing(lab.gallery) as store:
        index = faiss_index.FaissIndex(3, store.catalog.embeddings)
        for ids, embeddings in store.catalog.iterate_embeddings(3):
            index.add(ids, np.ascontiguousarray(embeddings[::-1]))
        publish_index(store.catalog, index)


def test_a_difference_outside_the_sample_is_found_and_repaired(six):
    resign_other_vectors(six)

    problems = check_gallery(six.gallery, sample=1).problems
    assert "another vector for image 1 " in problems[0]

    report = check_gallery(six.gallery, sample=1, repair=True)
    assert (report.healthy, report.repaired) == (True, True)


def test_ids_that_the_index_lacks_and_ids_it_made_up_are_found_and_repaired(six):
    with open_for_writing(six.gallery) as store:
        index = faiss_index.FaissIndex(3, store.catalog.embeddings)
        for ids, embeddings in store.catalog.iterate_embeddings(3):
            ids[-1] = 77
            index.add(ids, embeddings)
        publish_index(store.catalog, index)

    problems = check_gallery(six.gallery).problems
    assert "the index lacks image 6; run `imgsearch check --repair`" in problems
    assert any("has an image 77, which the catalogue lacks" in problem for problem in problems)
    with pytest.raises(GalleryCorruptError, match=r"image 77 .* run `imgsearch check --repair`"):
        six.hits(six.root / "0.png")

    assert check_gallery(six.gallery, repair=True).healthy
    assert len(six.hits(six.root / "0.png")) == 6


def test_an_index_behind_the_catalogue_is_a_note_and_its_answers_are_compared(six, monkeypatch):
    six.paint("new.png", "#00f")
    with monkeypatch.context() as patch:
        patch.setattr(update, "_publish", lambda *_arguments: None)
        six.update()

    report = check_gallery(six.gallery)

    assert (report.healthy, report.sampled) == (True, 7)
    assert "older than the catalogue" in report.notes[0]
    assert not check_gallery(six.gallery, repair=True).notes


def test_a_publication_during_a_check_is_no_problem(six, monkeypatch):
    digest = check_index.file_digest

    def publish_meanwhile(path):
        monkeypatch.setattr(check_index, "file_digest", digest)
        six.paint("new.png", "#00f")
        six.update()
        return digest(path)

    monkeypatch.setattr(check_index, "file_digest", publish_meanwhile)

    assert check_gallery(six.gallery).healthy


def test_a_digest_of_another_publication_is_looked_at_again(six, monkeypatch):
    digest = check_index.file_digest

    def replace_meanwhile(path):
        monkeypatch.setattr(check_index, "file_digest", digest)
        with open_for_writing(six.gallery) as store:
            publish_index(store.catalog, index_file.build_index(store.catalog, 3))
        return "another"

    monkeypatch.setattr(check_index, "file_digest", replace_meanwhile)

    assert check_gallery(six.gallery).healthy


def test_a_vector_that_is_no_unit_vector_is_set_aside_by_repair(six):
    blob, crc = vectors.pack(np.array([2, 0, 0], dtype=np.float32))
    execute(six, "UPDATE embeddings SET vector = ?, crc32 = ? WHERE image_id = 2", blob, crc)

    assert check_gallery(six.gallery, repair=True).problems == (
        "1 images have no vector; run `imgsearch index` on their folders",
    )
    assert six.update().updated == 1
    assert check_gallery(six.gallery).healthy


def test_a_catalogue_whose_keys_repeat_is_salvaged_and_kept_aside(six):
    execute(six, "PRAGMA wal_checkpoint(TRUNCATE)")
    path = six.gallery / "catalog.sqlite"
    blob, _ = vectors.pack(np.array([1, 0, 0], dtype=np.float32))
    content = path.read_bytes()
    flipped = flip_a_key(content, blob)
    path.write_bytes(flipped)

    report = check_gallery(six.gallery, repair=True)

    assert "catalog.sqlite.damaged-1" in report.notes[0]
    assert (six.gallery / "catalog.sqlite.damaged-1").read_bytes() == flipped
    six.update()
    assert check_gallery(six.gallery).healthy
    assert len(six.names()) == 6


def flip_a_key(content, blob):
    """Give the row of the first picture's vector the key of the second, in SQLite's page."""
    # a record: its size, its key, its header (4, NULL, a blob of 12 bytes, an int), its values
    at = content.index(blob) - next(
        back for back in range(4, 9) if content[content.index(blob) - back] == 1
    )
    return content[:at] + b"\x02" + content[at + 1 :]


def test_a_note_is_printed_on_stderr_and_is_no_failure(six, capfd):
    (six.gallery / "manifest.json").unlink()

    check_command(gallery=six.gallery)

    out, err = capfd.readouterr()
    assert out.startswith("sound: 6 images")
    assert err.startswith("note: manifest.json is not there; answers are right")
