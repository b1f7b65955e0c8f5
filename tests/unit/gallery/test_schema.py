"""How the catalogue is opened where SQLite has reasons to refuse, and what is told then."""

import errno
import os
import shutil
import sqlite3

import pytest

from imgsearch.errors import GalleryCorruptError, GalleryLockedError, GalleryWriteError
from imgsearch.gallery import schema
from imgsearch.gallery.check import check_gallery
from imgsearch.gallery.durable import write_durably
from imgsearch.gallery.store import open_for_reading, open_for_writing


@pytest.fixture
def one(lab):
    lab.paint("a.png", "#f00")
    lab.update()
    return lab


def refuse_shm(monkeypatch):
    """Let SQLite answer as it does for a WAL catalogue on read-only media."""
    read_format = schema._read_format
    modes = []

    def refusing(connection, folder):
        modes.append(connection)
        if len(modes) == 1:
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise error
        return read_format(connection, folder)

    monkeypatch.setattr(schema, "_read_format", refusing)


def test_a_gallery_on_read_only_media_can_be_read(one, monkeypatch):
    refuse_shm(monkeypatch)

    with open_for_reading(one.gallery) as store:
        assert store.catalog.image_count() == 1


def test_a_gallery_on_read_only_media_with_unfinished_changes_is_refused(one, monkeypatch):
    (one.gallery / "catalog.sqlite-wal").write_bytes(b"changes")
    refuse_shm(monkeypatch)

    with pytest.raises(GalleryWriteError, match=r"still in catalog\.sqlite-wal"):
        one.rows()


def test_other_troubles_of_a_reader_are_not_taken_for_read_only_media(one, monkeypatch):
    def fail(_connection, _folder):
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
        raise error

    monkeypatch.setattr(schema, "_read_format", fail)

    with pytest.raises(GalleryWriteError, match="the disk reports an error"):
        one.rows()


@pytest.mark.parametrize(
    ("code", "kind", "match"),
    [
        (sqlite3.SQLITE_FULL, GalleryWriteError, "disk is full"),
        (sqlite3.SQLITE_READONLY, GalleryWriteError, "name another with --gallery"),
        (sqlite3.SQLITE_PERM, GalleryWriteError, "name another with --gallery"),
        (sqlite3.SQLITE_IOERR_FSYNC, GalleryWriteError, "check the disk"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, GalleryLockedError, "another program holds"),
        (sqlite3.SQLITE_LOCKED, GalleryLockedError, "another program holds"),
        (sqlite3.SQLITE_CORRUPT_INDEX, GalleryCorruptError, "check --repair"),
        (
            sqlite3.SQLITE_ERROR,
            GalleryCorruptError,
            "cannot be used (so it is); run `imgsearch check",
        ),
    ],
)
def test_what_sqlite_says_is_told_with_what_to_do(tmp_path, code, kind, match):
    error = sqlite3.OperationalError("so it is")
    error.sqlite_errorcode = code

    found = schema.translate(error, tmp_path)

    assert type(found) is kind
    assert match in str(found)


def test_a_transaction_that_fails_is_rolled_back_and_its_error_is_told(one):
    def fail(catalog):
        catalog.set_meta("key", "value")
        raise OSError(errno.EIO, "first")

    with open_for_writing(one.gallery) as store:
        with pytest.raises(OSError, match="first"), store.catalog.transaction():
            fail(store.catalog)

        assert store.catalog.get_meta("key") is None


def test_a_copy_of_a_gallery_in_use_is_a_gallery(one, tmp_path):
    with one.reader() as store, store.reading():
        shutil.copytree(one.gallery, tmp_path / "copy")

    assert check_gallery(tmp_path / "copy").healthy


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm", "-journal"])
def test_a_catalogue_that_is_a_link_is_refused_and_its_target_left_alone(one, suffix):
    photo = one.paint("cat.png", "#f00")
    before = photo.read_bytes()
    path = one.gallery / f"catalog.sqlite{suffix}"
    path.unlink(missing_ok=True)
    path.symlink_to("../cat.png")

    with pytest.raises(GalleryCorruptError, match="is a link or no file; delete it"):
        one.update()
    with pytest.raises(GalleryCorruptError, match="is a link or no file; delete it"):
        one.rows()

    assert photo.read_bytes() == before


def test_a_file_at_the_name_of_a_temporary_one_is_not_written_through(tmp_path):
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / f".file.{os.getpid()}.tmp").symlink_to("theirs")

    write_durably(tmp_path / "file", lambda path: path.write_text("ours"))

    assert (tmp_path / "theirs").read_text() == "theirs"
