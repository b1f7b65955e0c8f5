"""The rows of the catalogue as values."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

RejectKind = Literal["failed", "ignored"]


@dataclass(frozen=True, slots=True)
class FileStamp:
    """A file below a root, and what tells without opening it whether it has changed.

    Attributes:
        root_id: The root that it was found below.
        path: Its path below the root, '/' between the parts; bytes that are no UTF-8 are
            surrogate-escaped, as `os.fsdecode` gives them.
        size_bytes: Its size.
        mtime_ns: When it was last modified, in nanoseconds since 1970.
    """

    root_id: int
    path: str
    size_bytes: int
    mtime_ns: int

    @property
    def path_bytes(self) -> bytes:
        """The path as the file system spells it."""
        return os.fsencode(self.path)


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What the catalogue knows of a picture's content beside its embedding.

    Attributes:
        content_hash: sha256 of the file, 32 bytes.
        width: Pixels across, upright.
        height: Pixels down, upright.
        format: The name of its file format, e.g. `"JPEG"`.
        taken: When it was taken, by its EXIF data, in ISO 8601 without a zone; None if unsaid.
        camera: Make and model of the camera, on one line; None if unsaid.
        exif_tags: How many EXIF tags it has.
        exif_read: Whether the three are known: rows of before format 3 have to be read again.
    """

    content_hash: bytes
    width: int
    height: int
    format: str
    taken: str | None = None
    camera: str | None = None
    exif_tags: int = 0
    exif_read: bool = True


@dataclass(frozen=True, slots=True)
class StoredImage:
    """One row of the catalogue."""

    image_id: int
    stamp: FileStamp
    facts: ImageFacts


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """A file with everything that its row needs.

    Attributes:
        stamp: Where it is.
        facts: What its content is.
        embedding: Unit vector, shape (dim,), float32.
    """

    stamp: FileStamp
    facts: ImageFacts
    embedding: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Reject:
    """A file that is not in the gallery, and why.

    Attributes:
        stamp: Where it is, and the state in which it was refused.
        kind: `"failed"` for a picture that could not be read, `"ignored"` for a file that is
            no picture and does not claim to be one.
        reason: Why, for people.
    """

    stamp: FileStamp
    kind: RejectKind
    reason: str
