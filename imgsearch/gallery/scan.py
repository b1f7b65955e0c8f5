"""The scan: which files are new, changed, unchanged or gone, told apart inside SQLite.

The walk goes into a temporary table and is joined with the catalogue there, so that memory stays
the same for a thousand files and for ten million.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from imgsearch.gallery.catalog import Catalog
from imgsearch.gallery.own_files import own_files
from imgsearch.gallery.records import FileStamp
from imgsearch.gallery.roots import Walk
from imgsearch.images.discover import walk as walk_folder

_ROWS_PER_INSERT = 10_000
_ROWS_PER_READ = 1_000
_AFTER_ALL_PATHS = b"\xff" * 4097  # longer than any path that a system takes

_TABLES = """
DROP TABLE IF EXISTS temp.found;
DROP TABLE IF EXISTS temp.todo;
DROP TABLE IF EXISTS temp.gone;
DROP TABLE IF EXISTS temp.scope;
DROP TABLE IF EXISTS temp.unlisted;
CREATE TEMP TABLE found (
    root_id INTEGER, path BLOB, size_bytes INTEGER, mtime_ns INTEGER, PRIMARY KEY (root_id, path)
) WITHOUT ROWID;
CREATE TEMP TABLE todo (
    position INTEGER PRIMARY KEY, root_id INTEGER, path BLOB, size_bytes INTEGER, mtime_ns INTEGER
);
CREATE TEMP TABLE gone (image_id INTEGER PRIMARY KEY, content_hash BLOB);
CREATE INDEX temp.gone_by_content ON gone (content_hash);
-- Walked folders, and what could not be looked at: everything from first up to before last.
CREATE TEMP TABLE scope (root_id INTEGER, path BLOB, first BLOB, last BLOB);
CREATE TEMP TABLE unlisted (root_id INTEGER, path BLOB, first BLOB, last BLOB, reason TEXT);
"""

_FILL_TODO = """
INSERT INTO todo (root_id, path, size_bytes, mtime_ns)
SELECT f.root_id, f.path, f.size_bytes, f.mtime_ns
FROM found f
LEFT JOIN images i ON i.root_id = f.root_id AND i.path = f.path
     AND i.size_bytes = f.size_bytes AND i.mtime_ns = f.mtime_ns
LEFT JOIN rejects r ON r.root_id = f.root_id AND r.path = f.path
-- A row may have both: a picture whose file was damaged later, and then perhaps restored.
WHERE :rehash
   OR (i.image_id IS NULL AND r.path IS NULL)
   OR r.size_bytes <> f.size_bytes OR r.mtime_ns <> f.mtime_ns
   OR (r.kind = 'failed' AND :retry_failed)
ORDER BY f.root_id, f.path
"""

_COUNT_UNCHANGED = """
SELECT (SELECT count(*) FROM found JOIN images USING (root_id, path, size_bytes, mtime_ns))
     - (SELECT count(*) FROM todo JOIN images USING (root_id, path, size_bytes, mtime_ns))
"""

# CROSS JOIN makes SQLite go from the few ranges to the rows in them, by the index on the path.
_BELOW = """
SELECT {table}.root_id, {table}.path FROM {ranges} CROSS JOIN {table} USING (root_id)
WHERE {table}.path >= {ranges}.first AND {table}.path < {ranges}.last AND {condition}
UNION ALL
SELECT {table}.root_id, {table}.path FROM {ranges} CROSS JOIN {table} USING (root_id)
WHERE {table}.path = {ranges}.path AND {condition}
"""

# Rows of a table that lie in a walked folder and that the walk should have come across.
_NOT_THERE = (
    "SELECT * FROM ("
    + _BELOW.replace("{ranges}", "scope").replace("{condition}", "NOT {found}")
    + ") EXCEPT SELECT * FROM ("
    + _BELOW.replace("{ranges}", "unlisted").replace("{condition}", "NOT {found}")
    + ")"
).replace(
    "{found}",
    "EXISTS (SELECT 1 FROM found WHERE found.root_id = {table}.root_id"
    " AND found.path = {table}.path)",
)


class Scan:
    """The state of the folders on disk beside the state of the catalogue.

    The order of use is `walk` for each walk, then `compare`, then the rest.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._sql = catalog.connection
        self.unchanged = 0
        self._empty: list[Walk] = []
        self._sql.executescript(_TABLES)

    def unlisted(self) -> Iterator[tuple[int, str, str]]:
        """Yield folders and files (root_id, path, reason) that could not be looked at.

        What is below them is not gone: nobody knows.
        """
        rows = self._sql.execute(
            "SELECT root_id, path, reason FROM unlisted ORDER BY root_id, path"
        )
        yield from ((root_id, os.fsdecode(path), reason) for root_id, path, reason in rows)

    def walk(self, walk: Walk) -> Iterator[int]:
        """Walk a folder into the temporary table; yield now and then how many more were found."""
        self._sql.execute(
            "INSERT INTO scope VALUES (?, ?, ?, ?)", (walk.root_id, *_range_of(walk.prefix))
        )
        start = f"{walk.prefix}/" if walk.prefix else ""
        folder, own = walk.root / walk.prefix, own_files(self._catalog.folder, walk.root)
        rows = (
            (walk.root_id, os.fsencode(start + file.path), file.size_bytes, file.mtime_ns)
            for file in walk_folder(
                folder, lambda path, error: self._note_unlisted(walk, path, error)
            )
            if own is None or not own.fullmatch(start + file.path)
        )
        found = 0
        for part in _parts_of(rows):
            with self._catalog.transaction("DEFERRED"):
                self._sql.executemany("INSERT OR REPLACE INTO found VALUES (?, ?, ?, ?)", part)
            found += len(part)
            yield len(part)
        if not found:
            self._empty.append(walk)

    def compare(self, *, retry_failed: bool = False, rehash: bool = False) -> None:
        """Work out what is to be read and what is gone.

        Args:
            retry_failed: Read files again that failed before, though they have not changed.
            rehash: Read every file again, and trust no size and no time.
        """
        with self._catalog.transaction("DEFERRED"):
            self._sql.execute(_FILL_TODO, {"retry_failed": retry_failed, "rehash": rehash})
            self.unchanged = int(self._sql.execute(_COUNT_UNCHANGED).fetchone()[0])
            self._sql.execute(
                "INSERT INTO gone SELECT image_id, content_hash FROM images"
                f" WHERE (root_id, path) IN ({_NOT_THERE.replace('{table}', 'images')})"
            )

    def emptied(self) -> Iterator[tuple[Walk, int]]:
        """Yield the walked folders without a single file that had pictures, and how many.

        Those are left out whose pictures all moved: files of their sizes and times are to be read.
        """
        for walk in self._empty:
            _, first, last = _range_of(walk.prefix)
            gone = (
                "FROM gone JOIN images USING (image_id)"
                " WHERE root_id = ? AND path >= ? AND path < ?"
            )
            place = (walk.root_id, first, last)
            strays = self._sql.execute(
                f"SELECT size_bytes, mtime_ns {gone} EXCEPT SELECT size_bytes, mtime_ns FROM todo",
                place,
            )
            if strays.fetchone() is not None:
                yield walk, int(self._sql.execute(f"SELECT count(*) {gone}", place).fetchone()[0])

    def todo_count(self) -> int:
        """Count the files that are to be read."""
        return int(self._sql.execute("SELECT count(*) FROM todo").fetchone()[0])

    def todo(self) -> Iterator[FileStamp]:
        """Yield the files that are to be read, ordered by root and path."""
        position = 0
        while True:
            rows = self._sql.execute(
                "SELECT position, root_id, path, size_bytes, mtime_ns FROM todo"
                " WHERE position > ? ORDER BY position LIMIT ?",
                (position, _ROWS_PER_READ),
            ).fetchall()
            if not rows:
                return
            for position, root_id, path, size, mtime in rows:  # noqa: B007 - the last one goes on
                yield FileStamp(root_id, os.fsdecode(path), size, mtime)

    def claim_gone(self, content_hash: bytes) -> int | None:
        """Return a row whose file is gone and had this content, once; None if there is none."""
        row = self._sql.execute(
            "SELECT image_id FROM gone WHERE content_hash = ? ORDER BY image_id LIMIT 1",
            (content_hash,),
        ).fetchone()
        if row is None:
            return None
        self._sql.execute("DELETE FROM gone WHERE image_id = ?", row)
        return int(row[0])

    def gone(self) -> list[int]:
        """Return some of the rows whose files are gone and that nobody claimed; empty at last."""
        rows = self._sql.execute(
            "SELECT image_id FROM gone ORDER BY image_id LIMIT ?", (_ROWS_PER_READ,)
        ).fetchall()
        self._sql.executemany("DELETE FROM gone WHERE image_id = ?", rows)
        return [row[0] for row in rows]

    def forget_gone_rejects(self) -> None:
        """Take files off the list of rejects that are no longer there; in a transaction."""
        self._sql.execute(
            "DELETE FROM rejects"
            f" WHERE (root_id, path) IN ({_NOT_THERE.replace('{table}', 'rejects')})"
        )

    def _note_unlisted(self, walk: Walk, path: str, error: OSError) -> None:
        below = "/".join(filter(None, (walk.prefix, path)))
        self._sql.execute(
            "INSERT INTO unlisted VALUES (?, ?, ?, ?, ?)",
            (walk.root_id, *_range_of(below), error.strerror or str(error)),
        )


def _range_of(prefix: str) -> tuple[bytes, bytes, bytes]:
    """Return a path and the range of the paths below it; '0' is the byte after '/'."""
    path = os.fsencode(prefix)
    return (path, path + b"/", path + b"0") if path else (b"", b"", _AFTER_ALL_PATHS)


def _parts_of(
    rows: Iterable[tuple[int, bytes, int, int]],
) -> Iterator[list[tuple[int, bytes, int, int]]]:
    part: list[tuple[int, bytes, int, int]] = []
    for row in rows:
        part.append(row)
        if len(part) == _ROWS_PER_INSERT:
            yield part
            part = []
    if part:
        yield part
