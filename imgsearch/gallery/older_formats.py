"""Catalogues of older formats: brought to the present one, or read as if they had been.

Format 1 had no checksums, format 2 none of `taken`, `camera` and `exif_tags`. A row that was
damaged before stays one whose checksum does not hold.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from imgsearch.gallery.checksums import SEALED, crc_of, is_sound, row_crc32

_EXIF_COLUMNS = {"taken": "TEXT", "camera": "TEXT", "exif_tags": "INTEGER"}
_IMAGES = SEALED["images"]
_OLD_IMAGES = _IMAGES[: -len(_EXIF_COLUMNS)]
_SEALED_IN_2 = SEALED | {"images": _OLD_IMAGES}

_SEALED_ANEW = f"CASE WHEN crc32 = {crc_of(_OLD_IMAGES)} THEN {crc_of(_IMAGES)} ELSE crc32 END"


def bring_up_to_date(connection: sqlite3.Connection, found: int) -> None:
    """Change the tables of a catalogue of an older format; in a write transaction."""
    if found == 1:
        for table, columns in _SEALED_IN_2.items():
            connection.execute(f"ALTER TABLE {table} ADD COLUMN crc32 INTEGER NOT NULL DEFAULT 0")
            connection.execute(f"UPDATE {table} SET crc32 = {crc_of(columns)}")
    for name, kind in _EXIF_COLUMNS.items():
        connection.execute(f"ALTER TABLE images ADD COLUMN {name} {kind}")
    connection.execute(f"UPDATE images SET crc32 = {_SEALED_ANEW}")


def show_up_to_date(connection: sqlite3.Connection, found: int) -> None:
    """Let a reader see a catalogue of an older format as a present one; nothing is written."""
    sealed = {table: crc_of(columns) for table, columns in SEALED.items()}
    if found > 1:
        sealed = {"images": _SEALED_ANEW}
    nulls = ", ".join(f"NULL AS {name}" for name in _EXIF_COLUMNS)
    for table, crc32 in sealed.items():
        source = f"(SELECT *, {nulls} FROM main.images)" if table == "images" else f"main.{table}"
        columns = ", ".join(SEALED[table])
        connection.execute(
            f"CREATE TEMP VIEW {table} AS SELECT {columns}, {crc32} AS crc32 FROM {source}"
        )


def as_in_present_format(table: str, row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a row, with its checksum last, as the present format has it.

    A sound row of format 2 that is read by the present tables has no EXIF columns, which shows as
    NULL, and a checksum of the others.
    """
    *values, crc32 = row
    if table != "images" or any(value is not None for value in values[len(_OLD_IMAGES) :]):
        return row
    is_old = is_sound((*values[: len(_OLD_IMAGES)], crc32))
    return (*values, row_crc32(*values)) if is_old else row
