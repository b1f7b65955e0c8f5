"""A plan: which files are to go, each for the sake of one that stays, as a file to look at.

    {
    "imgsearch_plan": 1,
    "gallery": "/home/me/Pictures/.imgsearch",
    "entries": [
    {"keep": {...}, "remove": {...}, "siblings": [], "tier": "copy", ..., "crc32": 123},
    ...
    ]
    }

An entry a line, each with a checksum of the rest of it: a line may be deleted by hand, even the
last one, or left out by the review page, but none can be changed unnoticed.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from imgsearch.dedup.paths import path_fields, path_of, shown
from imgsearch.dedup.records import REMOVABLE, Tier
from imgsearch.errors import ImageReadError, PlanError
from imgsearch.gallery.durable import write_durably
from imgsearch.images.read import explain_os_error, open_regular

_VERSION: Final = 1
_HEAD: Final = '{\n"imgsearch_plan": '
BETWEEN_ENTRIES: Final = ",\n"
AFTER_ENTRIES: Final = "\n]\n}\n"
_LAST_COMMA: Final = re.compile(rb"},(\s*\]\s*\}\s*)\Z")
"""What is left at the end when the last entry's line is deleted."""

_HASH_BYTES: Final = 32
_ANEW: Final = "make it anew with `imgsearch dupes plan`"


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file as it was when the plan was made.

    Attributes:
        path: Where it is, absolute.
        size_bytes: Its size.
        mtime_ns: When it was last modified, in nanoseconds since 1970.
        sha256: The hash of its bytes, 32 bytes.
    """

    path: Path
    size_bytes: int
    mtime_ns: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class PlanEntry:
    """A picture that is to go, because another stays that it is a copy of.

    Attributes:
        keep: The file that stays.
        remove: The file that goes.
        siblings: The files that belong to it, and go with it.
        tier: How sure it is that it is a copy.
        score: The probability of that, in [0, 1].
        reason: Why it is one, for people.
    """

    keep: PlannedFile
    remove: PlannedFile
    siblings: tuple[PlannedFile, ...]
    tier: Tier
    score: float
    reason: str

    @property
    def removals(self) -> tuple[PlannedFile, ...]:
        """Everything that goes, the picture first."""
        return (self.remove, *self.siblings)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be removed.

    Attributes:
        gallery: The gallery's folder, absolute: there a journal of the removal is kept.
        entries: No file is in two of them, unless it is kept in both.
    """

    gallery: Path
    entries: tuple[PlanEntry, ...]

    @property
    def digest(self) -> str:
        """Tells plans apart by what they would do."""
        return sha256("".join(map(entry_text, self.entries)).encode()).hexdigest()


def before_entries(gallery: Path) -> str:
    """Return how a plan's file begins."""
    fields = [f'"{key}": {json.dumps(value)}' for key, value in _gallery_fields(gallery).items()]
    return f"{_HEAD}{_VERSION},\n" + "".join(f"{field},\n" for field in fields) + '"entries": [\n'


def entry_text(entry: PlanEntry) -> str:
    """Return an entry as a plan's file has it, one line of JSON."""
    body = entry_document(entry)
    return json.dumps({**body, "crc32": _crc32(body)})


def entry_document(entry: PlanEntry) -> dict[str, Any]:
    """Return an entry as a JSON document."""
    return {
        "keep": _file_document(entry.keep),
        "remove": _file_document(entry.remove),
        "siblings": [_file_document(file) for file in entry.siblings],
        "tier": entry.tier,
        "score": entry.score,
        "reason": entry.reason,
    }


def write_plan(path: Path, plan: Plan) -> None:
    """Write a plan's file; an earlier plan is replaced, any other file is not.

    Raises:
        PlanError: If another file is in the way, or the disk refuses.
    """
    path = path.absolute()
    _refuse_other_files(path)
    entries = BETWEEN_ENTRIES.join(map(entry_text, plan.entries))
    text = before_entries(plan.gallery) + entries + AFTER_ENTRIES
    try:
        write_durably(path, lambda temporary: _write_text(temporary, text))
    except OSError as error:
        reason = f"it cannot be written ({explain_os_error(error)}); name another place with -o"
        raise PlanError(path, reason) from error


def read_plan(path: Path) -> Plan:
    """Read a plan's file.

    Raises:
        PlanError: If it is no plan, is damaged, or contradicts itself.
    """
    try:
        with open_regular(path, name=str(path)) as file:
            content = file.read()
    except ImageReadError as error:
        raise PlanError(path, f"it cannot be read: {error.reason}") from error
    try:
        document = json.loads(_LAST_COMMA.sub(rb"}\1", content))
    except (ValueError, RecursionError) as error:
        raise PlanError(path, f"it is no plan, or was cut off; {_ANEW}") from error
    plan = _parse(path, document)
    for problem in _contradictions(plan.entries):
        raise PlanError(path, f"{problem}; {_ANEW}")
    return plan


def _parse(path: Path, document: Any) -> Plan:  # noqa: ANN401 - whatever JSON may be
    if not isinstance(document, dict) or "imgsearch_plan" not in document:
        raise PlanError(path, f"it is no plan; {_ANEW}")
    if document["imgsearch_plan"] != _VERSION:
        reason = f"it is of version {document['imgsearch_plan']}, and this release reads version"
        raise PlanError(path, f"{reason} {_VERSION}; {_ANEW}")
    try:
        gallery, texts = path_of(document, "gallery"), document["entries"]
        if not isinstance(texts, list):
            raise ValueError("its entries are no list")
    except (KeyError, ValueError) as error:
        raise PlanError(path, f"its head is damaged; {_ANEW}") from error
    return Plan(gallery, tuple(_parse_entries(path, texts)))


def _parse_entries(path: Path, documents: list[Any]) -> Iterator[PlanEntry]:
    for number, document in enumerate(documents, 1):
        try:
            yield _parse_entry(document)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"entry {number} is not as it was written; {_ANEW}, or delete that entry"
            raise PlanError(path, reason) from error


def _parse_entry(document: dict[str, Any]) -> PlanEntry:
    body = {key: value for key, value in document.items() if key != "crc32"}
    if document["crc32"] != _crc32(body):
        raise ValueError("its checksum does not hold")
    if body["tier"] not in REMOVABLE:
        raise ValueError("nothing of this tier may go")
    return PlanEntry(
        _parse_file(body["keep"]),
        _parse_file(body["remove"]),
        tuple(_parse_file(file) for file in body["siblings"]),
        body["tier"],
        float(body["score"]),
        str(body["reason"]),
    )


def _contradictions(entries: Sequence[PlanEntry]) -> Iterator[str]:
    kept = {entry.keep.path for entry in entries}
    removed = Counter(file.path for entry in entries for file in entry.removals)
    for path, count in removed.items():
        if path in kept:
            yield f"{shown(path)} is both to stay and to go"
        elif count > 1:
            yield f"{shown(path)} is to go twice"


def _file_document(file: PlannedFile) -> dict[str, Any]:
    return {
        **path_fields(file.path),
        "size": file.size_bytes,
        "mtime_ns": file.mtime_ns,
        "sha256": file.sha256.hex(),
    }


def _parse_file(document: dict[str, Any]) -> PlannedFile:
    size_bytes, mtime_ns = document["size"], document["mtime_ns"]
    digest = bytes.fromhex(document["sha256"])
    if type(size_bytes) is not int or type(mtime_ns) is not int or len(digest) != _HASH_BYTES:
        raise ValueError("a file is not described as it has to be")
    return PlannedFile(path_of(document), size_bytes, mtime_ns, digest)


def _gallery_fields(gallery: Path) -> dict[str, str]:
    return path_fields(gallery, "gallery")


def _crc32(body: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(body, sort_keys=True).encode())


def _refuse_other_files(path: Path) -> None:
    if not os.path.lexists(path):
        return
    try:
        with open_regular(path, name=str(path)) as file:
            head = file.read(len(_HEAD))
    except ImageReadError as error:
        raise PlanError(path, f"it cannot be replaced: {error.reason}") from error
    if head and head != _HEAD.encode():
        raise PlanError(path, "another file is there, which is left alone; name another with -o")


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
