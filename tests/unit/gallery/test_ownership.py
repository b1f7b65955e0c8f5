"""A folder that is no gallery keeps the files that a gallery would overwrite."""

import sqlite3

import pytest

from imgsearch.errors import GalleryCorruptError, GalleryWriteError
from imgsearch.gallery.store import open_for_writing

NAMES = [
    "manifest.json",
    "writer.json",
    "writer.lock",
    "index-00000007.faiss",
    "catalog.sqlite-wal",
]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", NAMES)
def test_a_users_own_file_of_a_name_of_ours_is_named_and_left_alone(lab, name):
    lab.paint("a.png", "#f00")
    lab.gallery.mkdir()
    (lab.gallery / name).write_text('{"mine": 1}')

    with pytest.raises(GalleryWriteError, match=rf"a file {name} that .* --gallery DIR"):
        lab.update()

    assert contents(lab.gallery) == {name: b'{"mine": 1}'}


def test_files_of_other_names_do_not_stand_in_the_way(lab):
    lab.gallery.mkdir()
    (lab.gallery / "notes.txt").write_text("mine")
    (lab.gallery / "index-7.faiss").write_text("mine")

    assert lab.update().images == 0


def test_what_a_killed_writer_leaves_does_not_stand_in_the_way(lab):
    lab.gallery.mkdir()
    (lab.gallery / "writer.lock").touch()
    (lab.gallery / "writer.json").write_text('{"pid": 1, "host": "h", "since": "s"}')

    assert lab.update().images == 0


def test_a_first_writer_that_died_before_its_manifest_does_not_stand_in_the_way(lab):
    with open_for_writing(lab.gallery):
        (lab.gallery / "index-00000001.faiss").write_text("ours")
        with pytest.raises(Exception, match="is writing to it"):
            lab.update()

    assert lab.update().images == 0


def test_a_gallery_whose_catalogue_was_lost_is_indexed_again(lab):
    lab.paint("a.png", "#f00")
    lab.update()
    (lab.gallery / "catalog.sqlite").unlink()

    assert lab.update().added == 1


def test_a_lost_catalogue_without_a_sound_manifest_is_refused(lab):
    lab.update()
    (lab.gallery / "catalog.sqlite").unlink()
    (lab.gallery / "manifest.json").write_text("{")

    with pytest.raises(GalleryWriteError, match="a file index-0000000"):
        lab.update()


def test_the_files_beside_another_programs_database_are_left_alone(lab):
    lab.gallery.mkdir()
    connection = sqlite3.connect(lab.gallery / "catalog.sqlite")
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(GalleryCorruptError, match="another program's database"):
        lab.update()
    (lab.gallery / "writer.json").write_text("mine")

    with pytest.raises(GalleryWriteError, match=r"a file writer\.json"):
        lab.update()


def test_a_folder_that_cannot_be_listed_is_refused(lab, monkeypatch):
    lab.gallery.mkdir()

    def fail(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("imgsearch.gallery.ownership.Path.iterdir", fail)

    with pytest.raises(GalleryWriteError, match="cannot be read"), open_for_writing(lab.gallery):
        pass
