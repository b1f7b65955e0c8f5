"""The catalogue: what is indexed, read from and written to SQLite."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from imgsearch.errors import GalleryCorruptError
from imgsearch.faultpoints import reached
from imgsearch.gallery import vectors
from imgsearch.gallery.checksums import SEALED, is_sound
from imgsearch.gallery.records import FileStamp, ImageFacts, IndexedFile, Reject, StoredImage
from imgsearch.gallery.schema import MEND, translated
from imgsearch.types import EmbedderIdentity, Embeddings, Ids

_IMAGE_COLUMNS = ", ".join((*SEALED["images"], "crc32"))
_WRITTEN_COLUMNS = (
    *("size_bytes", "mtime_ns", "root_id", "path"),
    *("content_hash", "width", "height", "format", "taken", "camera", "exif_tags", "generation"),
)
_INSERT_IMAGE = (
    f"INSERT INTO images ({', '.join(_WRITTEN_COLUMNS)})"
    f" VALUES ({', '.join('?' * len(_WRITTEN_COLUMNS))})"
)
_UPDATE_IMAGE = (
    f"UPDATE images SET {', '.join(f'{name} = ?' for name in _WRITTEN_COLUMNS)} WHERE image_id = ?"
)
_IDS_PER_QUERY = 500


class Catalog:
    """The rows of one gallery; the single place that knows their SQL.

    Reads may be made at any time; writes only inside `transaction`.
    """

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self.connection = connection
        self.folder = folder

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    @contextmanager
    def transaction(self, mode: str = "IMMEDIATE") -> Iterator[None]:
        """Make everything inside happen at once or not at all.

        Args:
            mode: `"IMMEDIATE"` to write; `"DEFERRED"` to read one state throughout.

        Raises:
            GalleryWriteError: If the disk refuses; nothing has then changed.
            GalleryCorruptError: If the catalogue is damaged.
        """
        with translated(self.folder):
            reached("transaction.wanted")
            self.connection.execute(f"BEGIN {mode}")
            try:
                reached("transaction.begun")
                yield
                reached("transaction.done")
                self.connection.execute("COMMIT")
                reached("transaction.committed")
            finally:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")

    def identity(self) -> EmbedderIdentity | None:
        """Return the identity of the embedder that made the vectors, None before the first."""
        text = self.get_meta("embedder")
        if text is None:
            return None
        try:
            return EmbedderIdentity.from_json(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._damaged_entry("embedder") from error

    def set_identity(self, identity: EmbedderIdentity) -> None:
        """Store the identity of the embedder that makes the vectors."""
        self.set_meta("embedder", json.dumps(identity.to_json()))

    def precisions(self) -> list[str]:
        """Return the precisions that vectors were computed in, sorted."""
        return [name for name in (self.get_meta("precisions") or "").split(",") if name]

    def add_precision(self, precision: str) -> None:
        """Record that vectors were computed in this precision."""
        self.set_meta("precisions", ",".join(sorted({*self.precisions(), precision})))

    def generation(self) -> int:
        """Return the number of changes made so far to ids and vectors."""
        return self.get_number("generation")

    def next_generation(self) -> int:
        """Begin the next generation, and return its number."""
        number = self.generation() + 1
        self.set_meta("generation", str(number))
        return number

    def image_count(self) -> int:
        """Count the pictures in the gallery."""
        return int(self.connection.execute("SELECT count(*) FROM images").fetchone()[0])

    def vector_count(self) -> int:
        """Count the pictures that have a vector, which all have but those set aside."""
        query = "SELECT count(*) FROM images WHERE content_hash = x''"
        return self.image_count() - int(self.connection.execute(query).fetchone()[0])

    def find_image(self, root_id: int, path: str) -> StoredImage | None:
        """Return the row of a path, or None if it is not indexed."""
        row = self.connection.execute(
            f"SELECT {_IMAGE_COLUMNS} FROM images WHERE root_id = ? AND path = ?",
            (root_id, os.fsencode(path)),
        ).fetchone()
        return None if row is None else _image_of(row, self.folder)

    def images(self, ids: Sequence[int]) -> dict[int, StoredImage]:
        """Return the rows of these ids; ids that are not there are left out."""
        found: dict[int, StoredImage] = {}
        for start in range(0, len(ids), _IDS_PER_QUERY):
            part = ids[start : start + _IDS_PER_QUERY]
            marks = ",".join("?" * len(part))
            rows = self.connection.execute(
                f"SELECT {_IMAGE_COLUMNS} FROM images WHERE image_id IN ({marks})", part
            )
            found.update((row[0], _image_of(row, self.folder)) for row in rows)
        return found

    def iterate_images(self) -> Iterator[StoredImage]:
        """Yield all rows, ordered by id."""
        rows = self.connection.execute(f"SELECT {_IMAGE_COLUMNS} FROM images ORDER BY image_id")
        yield from (_image_of(row, self.folder) for row in rows)

    def embedding(self, image_id: int, dim: int) -> npt.NDArray[np.float32]:
        """Return the stored vector of an image, shape (dim,).

        Raises:
            GalleryCorruptError: If it is missing or damaged.
        """
        one = vectors.fetch_embeddings(self.connection, np.array([image_id]), dim, self.folder)
        row: npt.NDArray[np.float32] = one[0]
        return row

    def embeddings(self, ids: Ids) -> Embeddings:
        """Return the stored vectors of these images, in their order, shape (n, dim).

        Raises:
            GalleryCorruptError: If one is missing or damaged.
        """
        identity = self.identity()
        dim = 0 if identity is None else identity.dim
        return vectors.fetch_embeddings(self.connection, ids, dim, self.folder)

    def iterate_embeddings(
        self, dim: int, *, newer_than: int = -1
    ) -> Iterator[tuple[Ids, Embeddings]]:
        """Yield the embeddings in blocks; see `vectors.iterate_embeddings`."""
        return vectors.iterate_embeddings(self.connection, dim, self.folder, newer_than=newer_than)

    def find_content(self, content_hash: bytes) -> StoredImage | None:
        """Return the oldest row with this content, or None."""
        row = self.connection.execute(
            f"SELECT {_IMAGE_COLUMNS} FROM images WHERE content_hash = ? ORDER BY image_id LIMIT 1",
            (content_hash,),
        ).fetchone()
        return None if row is None else _image_of(row, self.folder)

    def rejects(self, root_ids: Iterable[int], kind: str) -> Iterator[Reject]:
        """Yield the files of these roots that are not in the gallery, ordered by path."""
        for root_id in root_ids:
            rows = self.connection.execute(
                "SELECT root_id, path, size_bytes, mtime_ns, kind, reason FROM rejects"
                " WHERE root_id = ? AND kind = ? ORDER BY path",
                (root_id, kind),
            )
            for root, path, size, mtime, stored_kind, reason in rows:
                stamp = FileStamp(root, os.fsdecode(path), size, mtime)
                yield Reject(stamp, stored_kind, reason)

    def reject_count(self, kind: str) -> int:
        """Count the files of a kind that are not in the gallery."""
        query = "SELECT count(*) FROM rejects WHERE kind = ?"
        return int(self.connection.execute(query, (kind,)).fetchone()[0])

    def put_image(self, file: IndexedFile, generation: int) -> bool:
        """Insert or replace the row and the vector of a path; return whether it is a new path."""
        stamp, facts = file.stamp, file.facts
        stored = self.find_image(stamp.root_id, stamp.path)
        values = (*_stamp_values(stamp), *_facts_values(facts), generation)
        if stored is None:
            image_id = self.connection.execute(_INSERT_IMAGE, values).lastrowid
        else:
            image_id = stored.image_id
            self.connection.execute(_UPDATE_IMAGE, (*values, image_id))
        self.connection.execute(
            "INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)",
            (image_id, *vectors.pack(file.embedding)),
        )
        self.forget_reject(stamp)
        return stored is None

    def note_exif(self, facts: ImageFacts) -> None:
        """Note what the EXIF data of a content say in the rows that do not know it yet."""
        self.connection.execute(
            "UPDATE images SET taken = ?, camera = ?, exif_tags = ?"
            " WHERE content_hash = ? AND exif_tags IS NULL",
            (facts.taken, facts.camera, facts.exif_tags, facts.content_hash),
        )

    def restamp_image(self, image_id: int, stamp: FileStamp) -> None:
        """Note that an image with the same content is now at this path, in this state."""
        self.connection.execute(
            "UPDATE images SET size_bytes = ?, mtime_ns = ?, root_id = ?, path = ?"
            " WHERE image_id = ?",
            (*_stamp_values(stamp), image_id),
        )
        self.forget_reject(stamp)

    def remove_images(self, ids: Iterable[int], generation: int) -> int:
        """Delete rows and their vectors, and return how many there were."""
        removed = 0
        for image_id in ids:
            cursor = self.connection.execute("DELETE FROM images WHERE image_id = ?", (image_id,))
            removed += cursor.rowcount
            self.connection.execute(
                "INSERT OR REPLACE INTO removals VALUES (?, ?)", (image_id, generation)
            )
        return removed

    def unreadable_without_vector(self) -> list[int]:
        """Return the pictures that a repair set aside, and whose files could not be read again."""
        rows = self.connection.execute(
            "SELECT image_id FROM images JOIN rejects USING (root_id, path)"
            " WHERE content_hash = x'' ORDER BY image_id"
        )
        return [row[0] for row in rows]

    def removed_since(self, generation: int) -> Ids:
        """Return the ids removed after a generation, sorted."""
        rows = self.connection.execute(
            "SELECT image_id FROM removals WHERE generation > ? ORDER BY image_id", (generation,)
        )
        return np.fromiter((row[0] for row in rows), dtype=np.int64)

    def put_reject(self, reject: Reject) -> None:
        """Note that a file is not in the gallery, and why."""
        stamp = reject.stamp
        self.connection.execute(
            "INSERT OR REPLACE INTO rejects (size_bytes, mtime_ns, root_id, path, kind, reason)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (*_stamp_values(stamp), reject.kind, reject.reason),
        )

    def forget_reject(self, stamp: FileStamp) -> None:
        """Take a path off the list of those that are not in the gallery."""
        self.connection.execute(
            "DELETE FROM rejects WHERE root_id = ? AND path = ?", (stamp.root_id, stamp.path_bytes)
        )

    def _damaged_entry(self, key: str) -> GalleryCorruptError:
        reason = f"its {key} entry is damaged; run `imgsearch check --repair`"
        return GalleryCorruptError(self.folder, reason)

    def get_meta(self, key: str) -> str | None:
        """Return a named value of the gallery, None if it was never set."""
        row = self.connection.execute(
            "SELECT key, value, crc32 FROM meta WHERE key = ?", (key,)
        ).fetchone()
        if row is not None and not is_sound(row):
            raise self._damaged_entry(key)
        return None if row is None else str(row[1])

    def get_number(self, key: str) -> int:
        """Return a named number of the gallery, 0 if it was never set.

        Raises:
            GalleryCorruptError: If it is no number.
        """
        text = self.get_meta(key) or "0"
        try:
            return int(text)
        except ValueError as error:
            raise self._damaged_entry(key) from error

    def set_meta(self, key: str, value: str) -> None:
        """Set a named value of the gallery; in a write transaction."""
        self.connection.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value)
        )


def _stamp_values(stamp: FileStamp) -> tuple[int, int, int, bytes]:
    return stamp.size_bytes, stamp.mtime_ns, stamp.root_id, stamp.path_bytes


def _facts_values(facts: ImageFacts) -> tuple[bytes | int | str | None, ...]:
    tags = facts.exif_tags if facts.exif_read else None
    plain = (facts.content_hash, facts.width, facts.height, facts.format)
    return (*plain, facts.taken, facts.camera, tags)


def _image_of(row: tuple[Any, ...], folder: Path) -> StoredImage:
    """Make a value of a row.

    Raises:
        GalleryCorruptError: If it is not as it was written.
    """
    if not is_sound(row):
        raise GalleryCorruptError(folder, f"the row of image {row[0]} is damaged; {MEND}")
    image_id, root_id, path, size, mtime = row[:5]
    digest, width, height, image_format, _, taken, camera, tags, _ = row[5:]
    stamp = FileStamp(root_id, os.fsdecode(path), size, mtime)
    is_read = tags is not None
    facts = ImageFacts(digest, width, height, image_format, taken, camera, tags or 0, is_read)
    return StoredImage(image_id, stamp, facts)
