"""What the search for copies need not find out twice: small pictures, landmarks, verdicts.

A cache in a file of its own beside the catalogue. Nothing is lost when it is gone: where it cannot
be read, written or understood, the search goes on without it, and the log says so.
"""

from __future__ import annotations

import logging
import sqlite3
import stat
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Final
from urllib.parse import quote

from imgsearch.gallery.application_id import application_id

COPY_CACHE_NAME: Final = "copies.sqlite"

_log = logging.getLogger(__name__)

_OWNER: Final = 0x494D4743  # "IMGC": SQLite's place to say whose file this is
_PAGE_BYTES: Final = 16384
_KEYS_AT_ONCE: Final = 500
_BUSY_S: Final = 5.0
_HELD_S: Final = 1.0  # a value is held at most before it and all others are written
_DAMAGED: Final = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))
_REFUSALS = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises: the second where it quotes a damaged description of the table."""

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS found (
    kind  TEXT NOT NULL,        -- what the value is, with the version of the code that made it
    of    BLOB NOT NULL,        -- what it was found of: a content's hash, or those of a pair
    value BLOB NOT NULL,
    crc32 INTEGER NOT NULL,     -- of the rest of the row
    PRIMARY KEY (kind, of)
)
"""


class CopyCache:
    """Values by kind and by what they are of; for any number of threads.

    Args:
        folder: The gallery's. What is put into a cache on a read-only disk is gone with it.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / COPY_CACHE_NAME
        self._lock = threading.Lock()
        self._connection = self._opened()
        self._held: dict[str, dict[bytes, bytes]] = {}
        self._written = time.monotonic()

    def __enter__(self) -> CopyCache:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what is put in afterwards is not kept."""
        self._write_held()
        with self._lock:
            self._disconnect()

    def get(self, kind: str, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Return the sound values of some keys; a damaged one is as good as none."""
        wanted = list(dict.fromkeys(keys))
        found: dict[bytes, bytes] = {}
        for start in range(0, len(wanted), _KEYS_AT_ONCE):
            some = wanted[start : start + _KEYS_AT_ONCE]
            places = ",".join("?" * len(some))
            found |= self._sound(kind, f"AND of IN ({places})", some)
        with self._lock:
            held = self._held.get(kind, {})
            return found | {key: held[key] for key in wanted if key in held}

    def get_all(self, kind: str) -> dict[bytes, bytes]:
        """Return all sound values of a kind."""
        self._write_held()
        return self._sound(kind, "", ())

    def put(self, kind: str, values: Mapping[bytes, bytes]) -> None:
        """Keep values, in one transaction; those of the same kind and key are replaced."""
        self.put_kinds({kind: values})

    def put_soon(self, kind: str, values: Mapping[bytes, bytes]) -> None:
        """Keep values, together with others that are put within a second: a transaction is slow.

        They are there at once for whoever has this cache, and in the file when it is closed.
        """
        with self._lock:
            self._held.setdefault(kind, {}).update(values)
            is_time = time.monotonic() - self._written >= _HELD_S
        if is_time:
            self._write_held()

    def put_kinds(self, kinds: Mapping[str, Mapping[bytes, bytes]]) -> None:
        """Keep values of several kinds, in one transaction."""
        rows = [
            (kind, key, value, _crc32(kind, key, value))
            for kind, values in kinds.items()
            for key, value in values.items()
        ]
        if rows:
            self._change("INSERT OR REPLACE INTO found VALUES (?, ?, ?, ?)", rows)

    def remove(self, kind: str, keys: Iterable[bytes]) -> None:
        """Forget the values of some keys."""
        self._write_held()
        self._change("DELETE FROM found WHERE kind = ? AND of = ?", [(kind, key) for key in keys])

    def kinds(self) -> list[str]:
        """Return of which kinds there are values."""
        self._write_held()
        return [kind for (kind,) in self._rows("SELECT DISTINCT kind FROM found", ())]

    def keys(self, kind: str) -> list[bytes]:
        """Return what there are values of."""
        self._write_held()
        rows = self._rows("SELECT of FROM found WHERE kind = ?", (kind,))
        return [key for (key,) in rows if _are_bytes(key)]

    def _write_held(self) -> None:
        with self._lock:
            held = self._held
            self._held, self._written = {}, time.monotonic()
        self.put_kinds(held)

    def _sound(self, kind: str, condition: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        query = f"SELECT of, value, crc32 FROM found WHERE kind = ? {condition}"
        return {
            key: value
            for key, value, crc32 in self._rows(query, (kind, *keys))
            if _are_bytes(key, value) and _crc32(kind, key, value) == crc32
        }

    def _rows(self, query: str, values: Sequence[object]) -> Iterator[Any]:
        with self._lock:
            if self._connection is None:
                return iter(())
            try:
                return iter(self._connection.execute(query, values).fetchall())
            except _REFUSALS as error:
                self._give_up(error)
                return iter(())

    def _change(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        with self._lock:
            if self._connection is None:
                return
            try:
                with self._connection:
                    self._connection.executemany(statement, rows)
            except _REFUSALS as error:
                self._give_up(error)

    def _opened(self) -> sqlite3.Connection | None:
        """Open the file, or make it; one that is damaged is made anew, for it is only a cache."""
        if not _is_ours(self.path):
            _log.warning("%s is not ours, and is left alone; nothing is kept", self.path)
            return None
        try:
            return _connect(self.path)
        except _REFUSALS as error:
            if _code(error) not in _DAMAGED or not self._removed():
                return self._read_only(error)
        try:
            return _connect(self.path)
        except _REFUSALS as error:
            return self._read_only(error)

    def _read_only(self, error: Exception) -> sqlite3.Connection | None:
        address = f"file:{quote(bytes(self.path))}?mode=ro&immutable=1"
        try:
            connection = sqlite3.connect(address, uri=True, check_same_thread=False)
            with closing(connection.execute("SELECT 1 FROM found LIMIT 1")):
                return connection
        except _REFUSALS:
            _log.info("%s: nothing is kept of the search for copies (%s)", self.path, error)
            return None

    def _give_up(self, error: Exception) -> None:
        """Go on without the file: a disk that is full, say, may not stop the search."""
        _log.warning("%s: the search for copies goes on without it (%s)", self.path, error)
        self._disconnect()
        if _code(error) in _DAMAGED:
            self._removed()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _removed(self) -> bool:
        """Delete a damaged cache; the next search makes another."""
        try:
            self.path.unlink()
        except OSError:
            return False
        return True


def _is_ours(path: Path) -> bool:
    """Tell whether a file is a cache of ours, or can become one: it is empty, or not there."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return not path.is_symlink()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and (not status.st_size or application_id(path) == _OWNER)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_S, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        connection.execute("PRAGMA synchronous = NORMAL")
        with connection:  # together: a file that has a table has its owner too
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(f"PRAGMA application_id = {_OWNER}")
            connection.execute(_TABLE)
    except _REFUSALS:
        connection.close()
        raise
    return connection


def _code(error: Exception) -> int:
    if isinstance(error, UnicodeDecodeError):
        return sqlite3.SQLITE_CORRUPT
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _are_bytes(*values: object) -> bool:
    """Tell whether values have the kind that they were written with; damage may change it."""
    return all(isinstance(value, bytes) for value in values)


def _crc32(kind: str, key: bytes, value: bytes) -> int:
    return zlib.crc32(value, zlib.crc32(key, zlib.crc32(kind.encode())))
