"""The lines of a clean-up's journal: what they say, and how it is written."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

from imgsearch.dedup.paths import path_fields, path_of

Action: TypeAlias = Literal["trash", "quarantine", "hardlink"]

_VERSION: Final = 1
_CRC_DIGITS: Final = 8


@dataclass(frozen=True, slots=True)
class HandledFile:
    """A file that is removed or linked, as it was just before.

    Attributes:
        path: Where it was.
        stored: Where it goes, if that is known beforehand.
        size_bytes: Its size.
        mtime_ns: When it was last modified, in nanoseconds since 1970.
        mode: Its permissions, as `stat` gives them.
        sha256: The hash of its bytes.
    """

    path: Path
    stored: Path | None
    size_bytes: int
    mtime_ns: int
    mode: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Step:
    """Files that go together, or stay together: a picture and what belongs to it.

    Attributes:
        number: Its place in the journal, from 1.
        files: The picture first.
        keep: The file for whose sake they go.
    """

    number: int
    files: tuple[HandledFile, ...]
    keep: Path


@dataclass(frozen=True, slots=True)
class Heading:
    """What a journal is about.

    Attributes:
        plan: The digest of the plan that is applied.
        action: What is done with the files.
        folder: Where they are put, if it is a quarantine: a folder of this journal alone.
    """

    plan: str
    action: Action
    folder: Path | None


def line_of(document: dict[str, Any]) -> bytes:
    """Return a document as a line with its checksum."""
    text = json.dumps(document).encode()
    return f"{zlib.crc32(text):0{_CRC_DIGITS}x} ".encode() + text + b"\n"


def parse_line(line: bytes) -> dict[str, Any]:
    """Return the document of a line.

    Raises:
        ValueError: If it is not as it was written.
    """
    crc, text = line[:_CRC_DIGITS], line[_CRC_DIGITS + 1 :]
    if int(crc, 16) != zlib.crc32(text):
        raise ValueError("it is not as it was written")
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("it is no object")
    return document


def heading_document(heading: Heading) -> dict[str, Any]:
    """Return a journal's first line."""
    folder = {} if heading.folder is None else path_fields(heading.folder, "folder")
    return {
        "imgsearch_journal": _VERSION,
        "plan": heading.plan,
        "action": heading.action,
        **folder,
    }


def parse_heading(document: dict[str, Any]) -> Heading:
    """Return what a first line says.

    Raises:
        KeyError, TypeError, ValueError: If it is none.
    """
    if document["imgsearch_journal"] != _VERSION or document["action"] not in get_args(Action):
        raise ValueError("of another version")
    folder = path_of(document, "folder") if "folder" in document else None
    return Heading(document["plan"], document["action"], folder)


def step_document(step: Step) -> dict[str, Any]:
    """Return the line that announces a step."""
    files = [_file_document(file) for file in step.files]
    return {"step": step.number, **path_fields(step.keep, "keep"), "files": files}


def parse_step(document: dict[str, Any]) -> Step:
    """Return the step that a line announces.

    Raises:
        KeyError, TypeError, ValueError: If it announces none.
    """
    files = tuple(_parse_file(file) for file in document["files"])
    return Step(document["step"], files, path_of(document, "keep"))


def _file_document(file: HandledFile) -> dict[str, Any]:
    return {
        **path_fields(file.path),
        **({} if file.stored is None else path_fields(file.stored, "stored")),
        "size": file.size_bytes,
        "mtime_ns": file.mtime_ns,
        "mode": file.mode,
        "sha256": file.sha256.hex(),
    }


def _parse_file(document: dict[str, Any]) -> HandledFile:
    return HandledFile(
        path_of(document),
        path_of(document, "stored") if "stored" in document else None,
        document["size"],
        document["mtime_ns"],
        document["mode"],
        bytes.fromhex(document["sha256"]),
    )
