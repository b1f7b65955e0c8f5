"""Galleries of earlier releases open, answer the same, and are brought to the present format."""

import sqlite3
from pathlib import Path

import pytest

from imgsearch.errors import GalleryVersionError
from imgsearch.gallery import schema
from imgsearch.gallery.check import check_gallery
from imgsearch.gallery.store import open_for_writing

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


def test_a_writer_brings_format_1_to_format_2(first_format):
    with open_for_writing(first_format.gallery):
        pass

    assert format_of(first_format) == 2
    assert rows(first_format) == ROWS
    assert check_gallery(first_format.gallery).healthy


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
    connection.execute("PRAGMA user_version = 3")
    connection.close()

    with pytest.raises(GalleryVersionError, match="format 3 is newer than 2"):
        check_gallery(first_format.gallery, repair=True)
