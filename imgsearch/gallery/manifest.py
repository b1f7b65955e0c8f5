"""The manifest: which index file is current, and what it must look like.

The catalogue is the truth and the index a cache of it; this small JSON file joins the two. A
manifest that is lost or damaged costs a rebuild of the index and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from imgsearch.gallery.durable import read_regular, require_regular, write_durably

MANIFEST_NAME = "manifest.json"
_INDEX_NAME = re.compile(r"index-\d{8,}\.faiss")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of the current index file.

    Attributes:
        index_file: Its name in the gallery's folder.
        token: The catalogue's word for this very publication. Generations alone would not do:
            a catalogue made anew, or restored from a backup, counts the same numbers again.
        generation: The catalogue's generation that it holds.
        images: How many vectors it holds.
        size_bytes: Its size; a cheap check at every opening.
        sha256: Its digest in hexadecimal; the thorough check of `imgsearch check`.
    """

    index_file: str
    token: str
    generation: int
    images: int
    size_bytes: int
    sha256: str


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest, or None where there is none or it makes no sense: rebuild then."""
    try:
        document = json.loads(read_regular(folder / MANIFEST_NAME).decode())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    crc = document.pop("crc32", None)  # the first release wrote none
    if not _is_sound(document):
        return None
    manifest = Manifest(**document)
    return manifest if crc is None or crc == _crc32(manifest) else None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Make this manifest the current one, in one step.

    Raises:
        OSError: If the disk refuses.
    """
    text = json.dumps({**asdict(manifest), "crc32": _crc32(manifest)}, indent=2) + "\n"
    write_durably(folder / MANIFEST_NAME, lambda path: _write_text(path, text))


def file_digest(path: Path) -> str:
    """Return a file's sha256 in hexadecimal.

    Raises:
        OSError: If it cannot be read, or is no regular file.
    """
    require_regular(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _crc32(manifest: Manifest) -> int:
    return zlib.crc32(json.dumps(asdict(manifest), sort_keys=True).encode())


def _is_sound(document: dict[str, object]) -> bool:
    """Tell whether a JSON document has every field, each of its type."""
    if set(document) != {field.name for field in fields(Manifest)}:
        return False
    numbers = (document["generation"], document["images"], document["size_bytes"])
    name = document["index_file"]
    return (
        all(type(number) is int and number >= 0 for number in numbers)
        and isinstance(name, str)
        and _INDEX_NAME.fullmatch(name) is not None
        and isinstance(document["token"], str)
        and isinstance(document["sha256"], str)
    )
