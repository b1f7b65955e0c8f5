"""The catalogue's tables, and how a connection to them is opened."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from imgsearch.errors import (
    GalleryCorruptError,
    GalleryLockedError,
    GalleryNotFoundError,
    GalleryVersionError,
    GalleryWriteError,
)
from imgsearch.faultpoints import reached
from imgsearch.gallery.checksums import register, row_crc32, seal_writes
from imgsearch.gallery.older_formats import bring_up_to_date, show_up_to_date

CATALOG_NAME = "catalog.sqlite"
APPLICATION_ID = 0x494D4753  # "IMGS": SQLite's place to say whose file this is
FORMAT = 3
PAGE_BYTES = 16384  # seven vectors of 2 KB fit in one; of SQLite's usual 4 KB, each fills its own

MEND = "run `imgsearch check --repair`"

_TABLES = """
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    crc32 INTEGER NOT NULL DEFAULT 0    -- of the rest of the row, here and below
) WITHOUT ROWID;

CREATE TABLE roots (
    root_id  INTEGER PRIMARY KEY AUTOINCREMENT,
    absolute BLOB NOT NULL,         -- where the folder was when it was last indexed
    relative BLOB NOT NULL,         -- the same, seen from the gallery's folder
    crc32    INTEGER NOT NULL DEFAULT 0
);

-- AUTOINCREMENT: an id is never used again, so an old index can never name a newer picture by it.
CREATE TABLE images (
    image_id     INTEGER PRIMARY KEY AUTOINCREMENT,
    root_id      INTEGER NOT NULL REFERENCES roots,
    path         BLOB NOT NULL,     -- below the root, as the file system spells it
    size_bytes   INTEGER NOT NULL,
    mtime_ns     INTEGER NOT NULL,
    content_hash BLOB NOT NULL,     -- sha256 of the file
    width        INTEGER NOT NULL,  -- upright
    height       INTEGER NOT NULL,
    format       TEXT NOT NULL,
    generation   INTEGER NOT NULL,  -- the one that last changed the vector
    crc32        INTEGER NOT NULL DEFAULT 0,
    taken        TEXT,              -- by its EXIF data, ISO 8601 without a zone
    camera       TEXT,              -- make and model
    exif_tags    INTEGER,           -- how many; NULL if its EXIF data were never looked at
    UNIQUE (root_id, path)
);
CREATE INDEX images_by_content ON images (content_hash);
CREATE INDEX images_by_generation ON images (generation);

-- Apart from images, so that a scan of a million rows reads no vectors.
CREATE TABLE embeddings (
    image_id INTEGER PRIMARY KEY REFERENCES images ON DELETE CASCADE,
    vector   BLOB NOT NULL,         -- dim little-endian float32
    crc32    INTEGER NOT NULL
);

-- Files that are in no gallery, and why; not opened again until they change.
CREATE TABLE rejects (
    root_id    INTEGER NOT NULL REFERENCES roots,
    path       BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    mtime_ns   INTEGER NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('failed', 'ignored')),
    reason     TEXT NOT NULL,
    crc32      INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (root_id, path)
) WITHOUT ROWID;

-- Vectors that an older index file may still hold.
CREATE TABLE removals (image_id INTEGER PRIMARY KEY, generation INTEGER NOT NULL);
"""


def connect_writer(folder: Path) -> sqlite3.Connection:
    """Open the catalogue of a gallery for writing, and make it if it is not there.

    Raises:
        GalleryCorruptError: If the file is no catalogue.
        GalleryVersionError: If a newer release wrote it.
        GalleryWriteError: If it cannot be written.
    """
    with translated(folder), ExitStack() as undo:
        connection = undo.enter_context(closing(_open(folder, "rwc")))
        found = _read_format(connection, folder)
        reached("schema.connected")
        if not found:
            connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        reached("schema.logging")
        if not found:
            create_tables(connection)
            reached("schema.created")
        elif found < FORMAT:
            _migrate(connection, found, folder)
        seal_writes(connection)
        undo.pop_all()
    return connection


def _migrate(connection: sqlite3.Connection, found: int, folder: Path) -> None:
    """Bring a catalogue of an older format to the present one, at once or not at all."""
    if not has_sound_schema(connection):  # it would be given a new checksum as it is
        raise GalleryCorruptError(folder, f"{CATALOG_NAME} is damaged; {MEND}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        bring_up_to_date(connection, found)
        _state_format(connection)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def connect_reader(folder: Path) -> sqlite3.Connection:
    """Open the catalogue of a gallery for reading; works on read-only media too.

    Raises:
        GalleryNotFoundError: If its making was interrupted: it is an empty file.
        GalleryCorruptError: If the file is no catalogue.
        GalleryVersionError: If a newer release wrote it.
        GalleryWriteError: If it was not closed properly, and cannot be mended where it is.
    """
    with translated(folder):
        try:
            return _connect_reader(folder, "ro")
        except sqlite3.OperationalError as error:
            # A WAL catalogue on read-only media has nowhere to put its -shm file.
            if _primary_code(error) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
            _refuse_unfinished(folder)
            return _connect_reader(folder, "ro&immutable=1")


@contextmanager
def translated(folder: Path) -> Iterator[None]:
    """Turn whatever SQLite raises inside into gallery errors.

    Raises:
        GalleryCorruptError: If the catalogue is damaged.
        GalleryLockedError: If another program holds the catalogue.
        GalleryWriteError: If the disk refuses.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise translate(error, folder) from error
    except UnicodeDecodeError as error:  # SQLite quotes a damaged description of a table
        reason = f"{CATALOG_NAME} is damaged (a text in it is no text); {MEND}"
        raise GalleryCorruptError(folder, reason) from error


def translate(error: sqlite3.DatabaseError, folder: Path) -> Exception:
    """Turn SQLite's error into the gallery error that says what to do about it."""
    code = _primary_code(error)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return GalleryCorruptError(folder, f"{CATALOG_NAME} is damaged ({error}); {MEND}")
    if code == sqlite3.SQLITE_FULL:
        return GalleryWriteError(folder, "the disk is full; free some space and run it again")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return GalleryWriteError(
            folder, f"it cannot be used here ({error}); name another with --gallery DIR"
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return GalleryLockedError(
            folder, f"another program holds {CATALOG_NAME}; run it again when that has finished"
        )
    if code == sqlite3.SQLITE_IOERR:
        return GalleryWriteError(folder, f"the disk reports an error ({error}); check the disk")
    return GalleryCorruptError(folder, f"{CATALOG_NAME} cannot be used ({error}); {MEND}")


def _primary_code(error: sqlite3.DatabaseError) -> int:
    """Return SQLite's code without its extension bits."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def _open(folder: Path, mode: str) -> sqlite3.Connection:
    """Connect with explicit transactions; the caller begins and commits."""
    refuse_links(folder)
    uri = f"file:{quote(bytes(folder / CATALOG_NAME))}?mode={mode}"
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=30
    )
    connection.execute("PRAGMA foreign_keys = ON")
    register(connection)
    return connection


def refuse_links(folder: Path) -> None:
    """Refuse a catalogue that is a link: SQLite would write through it to who knows what."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path = folder / f"{CATALOG_NAME}{suffix}"
        with suppress(FileNotFoundError):
            if not stat.S_ISREG(path.lstat().st_mode):
                raise GalleryCorruptError(
                    folder,
                    f"{path.name} is a link or no file; delete it,"
                    " or name another gallery with --gallery DIR",
                )


def _connect_reader(folder: Path, mode: str) -> sqlite3.Connection:
    with ExitStack() as undo:
        connection = undo.enter_context(closing(_open(folder, mode)))
        found = _read_format(connection, folder)
        if not found:
            raise GalleryNotFoundError(folder, "it is empty; fill it with `imgsearch index PHOTOS`")
        if found < FORMAT:
            show_up_to_date(connection, found)
        undo.pop_all()
    return connection


def _refuse_unfinished(folder: Path) -> None:
    """Refuse a catalogue whose last changes wait in a log that cannot be opened here."""
    log = folder / f"{CATALOG_NAME}-wal"
    if log.is_file() and log.stat().st_size:
        raise GalleryWriteError(
            folder,
            f"its last changes are still in {log.name}, and this place is read-only;"
            " copy the gallery to where it can be written",
        )


def _read_format(connection: sqlite3.Connection, folder: Path) -> int:
    """Return a catalogue's format, 0 for an empty file.

    Raises:
        GalleryCorruptError: If it is another program's database.
        GalleryVersionError: If a newer release wrote it.
    """
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    if tables and owner != APPLICATION_ID:
        reason = f"{CATALOG_NAME} is another program's database; name another with --gallery DIR"
        raise GalleryCorruptError(folder, reason)
    if tables and _stated_format(connection) not in (None, str(found)):
        raise GalleryCorruptError(folder, f"{CATALOG_NAME} has a damaged header; {MEND}")
    if found > FORMAT:
        raise GalleryVersionError(
            folder,
            f"its format {found} is newer than {FORMAT}, the newest that this release reads;"
            " update imgsearch",
        )
    return found if tables else 0


def _stated_format(connection: sqlite3.Connection) -> str | None:
    """Return what the table says of the format; SQLite's own place for it has no checksum."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        return None
    row = connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
    return None if row is None else str(row[0])


def _state_format(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    for entry in (("format", str(FORMAT)), ("schema", str(_schema_crc32(connection)))):
        connection.execute(
            "INSERT OR REPLACE INTO meta VALUES (?, ?, ?)", (*entry, row_crc32(*entry))
        )


def has_sound_schema(connection: sqlite3.Connection) -> bool:
    """Tell whether the tables are described as they were when they were made.

    Raises:
        sqlite3.DatabaseError: If they are not, so much that they cannot be read.
    """
    row = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchone()
    return row is None or row[0] == str(_schema_crc32(connection))


def _schema_crc32(connection: sqlite3.Connection) -> int:
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
    return row_crc32(*(value for row in connection.execute(query) for value in row))


def create_tables(connection: sqlite3.Connection) -> None:
    """Make an empty database a catalogue, at once or not at all."""
    connection.executescript(
        f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; {_TABLES}"
    )
    _state_format(connection)
    reached("schema.filled")
    connection.execute("COMMIT")
