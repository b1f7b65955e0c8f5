"""Whose SQLite database is this: told without taking away the locks that this process holds on it.

When a process closes any of its descriptors of a file, the system drops all locks that it has on
that file. SQLite knows, and closes late; a look at the file beside SQLite would undo it. Another
process would then take itself for the last user of a gallery, and delete the log in which this one
is writing.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

_SQLITE: Final = b"SQLite format 3\0"
_OWNER_AT: Final = 68  # in SQLite's header, 4 bytes


def application_id(path: Path) -> int | None:
    """Return the application id in a database's header: 0 if it has no owner, as an empty file.

    Args:
        path: A regular file.

    Returns:
        None if the file is no database, or cannot be read.
    """
    address = f"file:{quote(bytes(path))}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            return int(connection.execute("PRAGMA application_id").fetchone()[0])
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return _as_written(path)


def _as_written(path: Path) -> int | None:
    """Read the id of a database so damaged that SQLite takes no lock on it either."""
    try:
        with path.open("rb") as file:
            head = file.read(_OWNER_AT + 4)
    except OSError:
        return None
    return int.from_bytes(head[_OWNER_AT:], "big") if head.startswith(_SQLITE) else None
