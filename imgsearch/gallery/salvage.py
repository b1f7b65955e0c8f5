"""The salvage of a damaged catalogue: a new one of every row that can be read and is sound.

The damaged file is only read, and kept under another name. What is lost comes back from the
pictures themselves at the next update.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from imgsearch.errors import GalleryCorruptError, GalleryWriteError
from imgsearch.gallery.checksums import SEALED, is_sound, register, row_crc32, seal_writes
from imgsearch.gallery.durable import write_durably
from imgsearch.gallery.older_formats import as_in_present_format
from imgsearch.gallery.schema import (
    APPLICATION_ID,
    CATALOG_NAME,
    PAGE_BYTES,
    create_tables,
    refuse_links,
)

_Row = tuple[Any, ...]
_IDS_PER_READ = 4096
_HIGHEST_ID = 2**31
"""A damaged number may claim more; no gallery has them."""

_PAGE_COUNT_AT = 28  # in SQLite's header
_OF_THE_INDEX = ("index_token", "removals_complete_since", "generation")


def salvage_catalog(folder: Path) -> str:
    """Put a new catalogue in the place of a damaged one, and say what it holds.

    Only the holder of the writer lock may call this.

    Raises:
        GalleryCorruptError: If nothing in the file is a row of ours; nothing has then changed.
        GalleryWriteError: If the disk refuses; the same.
    """
    refuse_links(folder)
    aside = _free_name(folder)
    said = ""

    def write(new: Path) -> None:
        nonlocal said
        with tempfile.TemporaryDirectory(prefix=".salvage.", dir=folder) as scratch:
            source = _readable_copy(folder, Path(scratch))
            said = _rewrite(source, new, folder)
        _set_aside(folder, aside)

    try:
        write_durably(folder / CATALOG_NAME, write)
    except OSError as error:
        reason = f"{CATALOG_NAME} cannot be salvaged ({error.strerror or error}); nothing is lost"
        raise GalleryWriteError(folder, reason) from error
    return f"{said}; the damaged one is kept as {aside.name}"


def _readable_copy(folder: Path, scratch: Path) -> Path:
    """Copy a catalogue, apply its log, and give the copy the first page that all catalogues have.

    The first page says which table begins where; the order of their making decides it.
    """
    copy = scratch / "damaged.sqlite"
    for suffix in ("", "-wal"):
        with suppress(FileNotFoundError):
            shutil.copyfile(folder / f"{CATALOG_NAME}{suffix}", f"{copy}{suffix}")
    unreadable = (sqlite3.DatabaseError, UnicodeDecodeError)
    with suppress(*unreadable), closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for suffix in ("-wal", "-shm"):
        Path(f"{copy}{suffix}").unlink(missing_ok=True)
    with copy.open("r+b") as file:
        empty = _empty_catalog(scratch)
        size = max(file.seek(0, os.SEEK_END), len(empty))  # each table's first page has to be there
        pages = -(-size // PAGE_BYTES)
        file.truncate(pages * PAGE_BYTES)
        file.seek(0)
        struct.pack_into(">I", empty, _PAGE_COUNT_AT, pages)
        file.write(empty[:PAGE_BYTES])
    return copy


def _empty_catalog(scratch: Path) -> bytearray:
    path = scratch / "empty.sqlite"
    _create(path).close()
    return bytearray(path.read_bytes())


def _create(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    register(connection)
    create_tables(connection)
    return connection


def _rewrite(source: Path, path: Path, folder: Path) -> str:
    """Write all sound rows of one catalogue into another, and say how many there are."""
    old_format = _format_of(folder)
    with closing(sqlite3.connect(source)) as damaged, closing(_create(path)) as new:
        damaged.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        seal_writes(new)
        new.execute("BEGIN")
        highest = _highest_id(damaged)
        for table in SEALED:
            rows = map(partial(as_in_present_format, table), _table_rows(damaged, table, highest))
            _insert(new, table, _sound(rows, trusting=old_format == 1))
        _copy_vectors(damaged, new, highest)
        _drop_orphans(new)
        if not _has_rows(new) and not _has_our_mark(folder):
            reason = f"nothing in {CATALOG_NAME} can be salvaged; move it away and index again"
            raise GalleryCorruptError(folder, reason)
        said = _describe(damaged, new, highest)
        _number_on(new, highest)
        new.execute("COMMIT")
    return said


def _format_of(folder: Path) -> int:
    return int.from_bytes(_head(folder)[60:64], "big")


def _has_our_mark(folder: Path) -> bool:
    """Tell whether a file is a catalogue of ours, even if none of its rows can be read."""
    head = _head(folder)
    return head.startswith(b"SQLite format 3\0") and head[68:] == APPLICATION_ID.to_bytes(4, "big")


def _head(folder: Path) -> bytes:
    with (folder / CATALOG_NAME).open("rb") as file:
        return file.read(72)


def _table_rows(damaged: sqlite3.Connection, table: str, highest: int) -> Iterator[_Row]:
    columns = f"{', '.join(SEALED[table])}, crc32"
    if table in ("roots", "images"):
        query = f"SELECT {columns} FROM {table} NOT INDEXED WHERE rowid BETWEEN ? AND ?"
        yield from _by_ids(damaged, query, highest)
        return
    for order in ("ASC", "DESC"):  # no row ids to jump by: from both ends up to the damage
        key = f"{SEALED[table][0]} {order}"
        with suppress(sqlite3.DatabaseError):
            yield from damaged.execute(f"SELECT {columns} FROM {table} ORDER BY {key}")


def _by_ids(damaged: sqlite3.Connection, query: str, highest: int) -> Iterator[_Row]:
    for first in range(0, highest + 1, _IDS_PER_READ):
        yield from _in_range(damaged, query, first, first + _IDS_PER_READ - 1)


def _in_range(damaged: sqlite3.Connection, query: str, first: int, last: int) -> list[_Row]:
    """Return the rows of a range of ids, those around what cannot be read too."""
    try:
        return damaged.execute(query, (first, last)).fetchall()
    except sqlite3.DatabaseError:
        if first == last:
            return []
        middle = (first + last) // 2
        left = _in_range(damaged, query, first, middle)
        return left + _in_range(damaged, query, middle + 1, last)


def _highest_id(damaged: sqlite3.Connection) -> int:
    """Return the highest image id that anything readable names."""
    highest = 0
    for query in (
        "SELECT seq FROM sqlite_sequence WHERE name = 'images'",
        "SELECT max(image_id) FROM images NOT INDEXED",
        "SELECT max(image_id) FROM images INDEXED BY images_by_content",
        "SELECT max(image_id) FROM embeddings",
    ):
        with suppress(sqlite3.DatabaseError):
            for (found,) in damaged.execute(query):
                if isinstance(found, int) and found <= _HIGHEST_ID:
                    highest = max(highest, found)
    return highest


def _sound(rows: Iterable[_Row], *, trusting: bool) -> Iterator[_Row]:
    """Leave out rows that are not as they were written; format 1 had no checksums."""
    for row in rows:
        if is_sound(row):
            yield row
        elif trusting and row[-1] == 0:
            yield (*row[:-1], row_crc32(*row[:-1]))


def _insert(new: sqlite3.Connection, table: str, rows: Iterable[_Row]) -> None:
    columns = (*SEALED[table], "crc32")
    marks = ", ".join("?" * len(columns))
    query = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({marks})"
    new.executemany(query, rows)


def _copy_vectors(damaged: sqlite3.Connection, new: sqlite3.Connection, highest: int) -> None:
    query = "SELECT image_id, vector, crc32 FROM embeddings WHERE image_id BETWEEN ? AND ?"
    new.executemany(
        "INSERT OR IGNORE INTO embeddings VALUES (?, ?, ?)",
        (
            row
            for row in _by_ids(damaged, query, highest)
            if isinstance(row[1], bytes) and zlib.crc32(row[1]) == row[2]
        ),
    )


def _drop_orphans(new: sqlite3.Connection) -> None:
    """Drop what belongs to a lost row, and every vector if it is lost whose they are."""
    for table in ("images", "rejects"):
        new.execute(f"DELETE FROM {table} WHERE root_id NOT IN (SELECT root_id FROM roots)")
    if not new.execute("SELECT 1 FROM meta WHERE key = 'embedder'").fetchone():
        new.execute("DELETE FROM images")
    new.execute("DELETE FROM embeddings WHERE image_id NOT IN (SELECT image_id FROM images)")


def _has_rows(new: sqlite3.Connection) -> bool:
    query = "SELECT 1 FROM roots UNION ALL SELECT 1 FROM meta WHERE key NOT IN ('format', 'schema')"
    return new.execute(query).fetchone() is not None


def _describe(damaged: sqlite3.Connection, new: sqlite3.Connection, highest: int) -> str:
    kept = {image_id for (image_id,) in new.execute("SELECT image_id FROM images")}
    named: set[int] = set()
    for query in (
        "SELECT image_id FROM images NOT INDEXED WHERE image_id BETWEEN ? AND ?",
        "SELECT image_id FROM embeddings WHERE image_id BETWEEN ? AND ?",
    ):
        named.update(image_id for (image_id,) in _by_ids(damaged, query, highest))
    lost = len(named - kept)
    known = f"{lost:,}" if lost or kept else "all"
    return (
        f"the catalogue was damaged: {len(kept):,} rows of pictures are saved, {known} are lost;"
        " run `imgsearch index` on their folders to read those files again"
    )


def _number_on(new: sqlite3.Connection, highest: int) -> None:
    """Use no id and no generation again, and disown the index file."""
    row = new.execute("SELECT value FROM meta WHERE key = 'generation'").fetchone()
    newest = new.execute("SELECT max(generation) FROM images").fetchone()[0] or 0
    generation = str(max(newest, int(row[0]) if row else 0) + 1)
    marks = ", ".join("?" * len(_OF_THE_INDEX))
    new.execute(f"DELETE FROM meta WHERE key IN ({marks})", _OF_THE_INDEX)
    new.executemany(
        "INSERT INTO meta (key, value) VALUES (?, ?)",
        [("generation", generation), ("removals_complete_since", generation)],
    )
    new.execute("DELETE FROM sqlite_sequence WHERE name = 'images'")
    new.execute("INSERT INTO sqlite_sequence VALUES ('images', ?)", (highest,))


def _free_name(folder: Path) -> Path:
    names = (folder / f"{CATALOG_NAME}.damaged-{number}" for number in count(1))
    return next(path for path in names if not os.path.lexists(path))


def _set_aside(folder: Path, aside: Path) -> None:
    """Keep the damaged files under another name; the catalogue stays in its place until replaced.

    Its log has to go before: SQLite would apply it to the new catalogue.
    """
    catalog = folder / CATALOG_NAME
    try:
        aside.hardlink_to(catalog)
    except OSError:  # a file system without hard links
        shutil.copyfile(catalog, aside)
    with suppress(FileNotFoundError):
        Path(f"{catalog}-wal").replace(f"{aside}-wal")
    Path(f"{catalog}-shm").unlink(missing_ok=True)
