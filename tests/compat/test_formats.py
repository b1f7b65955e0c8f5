"""Galleries of earlier releases open, answer the same, and are brought to the present format."""

import sqlite3
from pathlib import Path

import pytest
from compat.make_gallery import sign

from imgsearch.errors import GalleryCorruptError, GalleryVersionError
from imgsearch.gallery import schema
from imgsearch.gallery.check import check_gallery
from imgsearch.gallery.checksums import SEALED, crc_of, register, row_crc32
from imgsearch.gallery.store import open_for_writing

CRC_OF_2 = row_crc32("format", "2")
ROWS = {
    "a.png": (1, (1.0, 0.0, 0.0)),
    "b.png": (2, (0.7071, 0.7071, 0.0)),
    "c.png": (3, (0.0, 1.0, 0.0)),
    "d.png": (4, (0.0, 0.0, 1.0)),
}


def restore(lab, number):
    """Make the gallery of four pictures and two other files that a release of a format wrote."""
    lab.gallery.mkdir()
    connection = sqlite3.connect(lab.gallery / schema.CATALOG_NAME)
    connection.execute("PRAGMA page_size = 16384")
    connection.executescript((Path(__file__).parent / f"format-{number}.sql").read_text())
    connection.close()
    return lab


@pytest.fixture
def first_format(lab):
    return restore(lab, 1)


@pytest.mark.parametrize("number", range(1, schema.FORMAT + 1))
def test_a_gallery_of_every_format_is_read_and_updated(lab, number):
    restore(lab, number)

    assert rows(lab) == ROWS
    assert check_gallery(lab.gallery).healthy
    lab.paint("new.png", "#0ff")
    assert lab.update().added == 1
    assert lab.ids()["new.png"] == 5


def rows(lab):
    return {path.name: row for path, row in lab.rows().items()}


def format_of(lab):
    connection = sqlite3.connect(lab.gallery / schema.CATALOG_NAME)
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return found


def test_a_reader_reads_format_1_as_it_is(first_format):
    assert rows(first_format) == ROWS
    assert check_gallery(first_format.gallery).healthy
    assert format_of(first_format) == 1


@pytest.mark.parametrize("number", range(1, schema.FORMAT))
def test_a_writer_brings_an_older_format_to_the_present_one(lab, number):
    restore(lab, number)

    with open_for_writing(lab.gallery):
        pass

    assert format_of(lab) == schema.FORMAT
    assert rows(lab) == ROWS
    assert check_gallery(lab.gallery).healthy


def exif_of(lab):
    with lab.reader() as store:
        images = store.catalog.iterate_images()
        return {
            image.stamp.path: (image.facts.taken, image.facts.camera, image.facts.exif_tags)
            for image in images
            if image.facts.exif_read
        }


def test_format_3_knows_what_the_camera_noted(lab):
    restore(lab, 3)

    unsaid = (None, None, 0)
    said = ("2024-05-31T18:20:05", "Box", 2)
    assert exif_of(lab) == {"a.png": unsaid, "b.png": unsaid, "c.png": said, "sub/d.png": unsaid}


@pytest.mark.parametrize("number", [1, 2])
def test_the_exif_data_of_older_formats_count_as_never_read(lab, number):
    restore(lab, number)
    assert exif_of(lab) == {}

    with open_for_writing(lab.gallery):
        pass
    assert exif_of(lab) == {}


def damage(lab):
    """Change a value of a row without its checksum."""
    connection = sqlite3.connect(lab.gallery / schema.CATALOG_NAME)
    connection.execute("UPDATE images SET width = 9 WHERE image_id = 2")
    connection.commit()
    connection.close()


def test_a_damaged_row_of_format_2_stays_one(lab):
    damage(restore(lab, 2))
    problem = "the catalogue is damaged: images row 2 is not as it was written"
    assert check_gallery(lab.gallery).problems[0].startswith(problem)

    with open_for_writing(lab.gallery):
        pass

    assert format_of(lab) == schema.FORMAT
    assert check_gallery(lab.gallery).problems[0].startswith(problem)


def take_back_to_format_2(lab):
    """Undo format 3 in place: where its tables begin in the file matters to a repair."""
    columns = SEALED["images"][:-3]
    connection = sqlite3.connect(lab.gallery / schema.CATALOG_NAME)
    register(connection)
    for name in ("taken", "camera", "exif_tags"):
        connection.execute(f"ALTER TABLE images DROP COLUMN {name}")
    connection.execute(f"UPDATE images SET crc32 = {crc_of(columns)}")
    connection.execute("UPDATE meta SET value = '2', crc32 = ? WHERE key = 'format'", (CRC_OF_2,))
    connection.execute("DELETE FROM meta WHERE key = 'schema'")
    connection.execute("PRAGMA user_version = 2")
    connection.commit()
    connection.close()


def test_a_repair_saves_the_sound_rows_of_format_2(three):
    take_back_to_format_2(three)
    damage(three)

    assert check_gallery(three.gallery, repair=True).healthy

    assert rows(three) == {name: ROWS[name] for name in ("a.png", "c.png")}
    assert format_of(three) == schema.FORMAT


def test_reading_all_files_again_fills_in_the_exif_data_of_older_formats(three):
    three.write("copy.png", sign(three.root / "c.png").read_bytes())
    three.update()
    before = three.rows()
    take_back_to_format_2(three)
    three.update()
    assert exif_of(three) == {}

    report = three.update(rehash=True)

    assert (report.unchanged, report.updated) == (4, 0)
    said = ("2024-05-31T18:20:05", "Box", 2)
    assert [exif_of(three)[name] for name in ("c.png", "copy.png")] == [said, said]
    assert len(exif_of(three)) == 4
    assert three.rows() == before
    assert check_gallery(three.gallery).healthy


def test_tables_described_wrongly_are_not_migrated(lab):
    restore(lab, 2)
    connection = sqlite3.connect(lab.gallery / schema.CATALOG_NAME)
    connection.execute("DROP INDEX images_by_content")
    connection.close()

    with pytest.raises(GalleryCorruptError, match="check --repair"), open_for_writing(lab.gallery):
        pass

    assert format_of(lab) == 2


def test_a_migration_that_fails_changes_nothing(first_format, monkeypatch):
    def fail(connection):
        raise KeyboardInterrupt

    monkeypatch.setattr(schema, "_state_format", fail)
    with pytest.raises(KeyboardInterrupt), open_for_writing(first_format.gallery):
        pass
    monkeypatch.undo()

    assert format_of(first_format) == 1
    assert rows(first_format) == ROWS


def test_a_newer_format_is_refused_in_one_line(first_format):
    connection = sqlite3.connect(first_format.gallery / schema.CATALOG_NAME)
    connection.execute(f"PRAGMA user_version = {schema.FORMAT + 1}")
    connection.close()

    with pytest.raises(GalleryVersionError, match="format 4 is newer than 3"):
        check_gallery(first_format.gallery, repair=True)
