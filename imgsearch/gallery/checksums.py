"""A CRC-32 in each row of the catalogue: SQLite sees broken pages, but no flipped bit in a value.

The writer's connection seals rows by triggers of its own, so that no statement can forget to.
Vectors have theirs in `vectors`; a removal needs none, for the check compares whole indexes.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Sequence

SEALED = {
    "meta": ("key", "value"),
    "roots": ("root_id", "absolute", "relative"),
    "images": (
        "image_id", "root_id", "path", "size_bytes", "mtime_ns",
        "content_hash", "width", "height", "format", "generation", "taken", "camera", "exif_tags",
    ),
    "rejects": ("root_id", "path", "size_bytes", "mtime_ns", "kind", "reason"),
}  # fmt: skip
"""The tables with a `crc32`, and the columns that it is of; the first ones identify the row."""

_FUNCTION = "row_crc32"


def row_crc32(*values: int | str | bytes | None) -> int:
    """Return the checksum of a row's values, of which each counts with its type."""
    return zlib.crc32(ascii(values).encode("ascii"))


def is_sound(row: Sequence[int | str | bytes | None]) -> bool:
    """Tell whether a row that ends with its checksum is as it was written."""
    return row_crc32(*row[:-1]) == row[-1]


def register(connection: sqlite3.Connection) -> None:
    """Let SQL on this connection compute checksums."""
    connection.create_function(_FUNCTION, -1, row_crc32, deterministic=True)


def seal_writes(connection: sqlite3.Connection) -> None:
    """Give every row that this connection writes its checksum."""
    for table, columns in SEALED.items():
        key = " AND ".join(f"{name} = NEW.{name}" for name in _key_of(table))
        update = f"UPDATE {table} SET crc32 = {crc_of(columns, 'NEW.')} WHERE {key};"
        for event, name in (("INSERT", "inserted"), (f"UPDATE OF {', '.join(columns)}", "updated")):
            connection.execute(
                f"CREATE TEMP TRIGGER seal_{name}_{table} AFTER {event} ON main.{table}"
                f" BEGIN {update} END"
            )


def crc_of(columns: Sequence[str], prefix: str = "") -> str:
    """Return the SQL of the checksum of these columns."""
    return f"{_FUNCTION}({', '.join(prefix + name for name in columns)})"


def damaged_rows(connection: sqlite3.Connection) -> Iterator[str]:
    """Name the rows whose checksum is another than their values', a few words each.

    Raises:
        sqlite3.DatabaseError: If a table cannot be read through.
    """
    for table, columns in SEALED.items():
        names = ", ".join(columns)
        for row in connection.execute(f"SELECT {names}, crc32 FROM {table}"):
            if not is_sound(row):
                yield f"{table} row {row[0]}"


def _key_of(table: str) -> tuple[str, ...]:
    return ("root_id", "path") if table == "rejects" else SEALED[table][:1]
