"""What somebody says of pictures: which class each is of, or which pairs are copies.

A CSV file with a header. With the columns `path` and `class`, and perhaps `query`, it labels
pictures; with `a`, `b` and `verdict`, and perhaps `kind`, pairs. Other columns are left alone.
Paths are absolute, or relative to the folder of the file.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from imgsearch.errors import LabelsError

NEVER_RELEVANT: Final = "_distractor"
"""The class of pictures that belong to no class, unless another is named."""

_QUERY: Final = "query"
_YES: Final = frozenset(("1", "true", "yes"))
_NO: Final = frozenset(("", "0", "false", "no"))
_VERDICTS: Final = {"dup": True, "notdup": False}


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """One line of a file that labels pictures.

    Attributes:
        path: The picture, absolute.
        class_name: Pictures of one class are relevant to each other.
        is_query: Whether it is to be asked for; None where the file has no such column.
    """

    path: Path
    class_name: str
    is_query: bool | None


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """One line of a file that labels pairs; equal whichever picture is named first.

    Attributes:
        first: The picture whose path sorts first, absolute.
        second: The other one.
        is_copy: Whether one is a copy of the other.
        kind: What kind of pair it is; empty where the file does not say.
    """

    first: Path
    second: Path
    is_copy: bool
    kind: str


@dataclass(frozen=True, slots=True)
class Labels:
    """A file of labels; it labels either pictures or pairs, and the other tuple is empty."""

    path: Path
    pictures: tuple[LabelledPicture, ...] = ()
    pairs: tuple[LabelledPair, ...] = ()


def read_labels(path: Path) -> Labels:
    """Read a file of labels.

    Raises:
        LabelsError: If it cannot be read, lacks a column or a value, labels nothing, or labels
            one picture, or one pair, in two ways.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            return _parse(path, csv.DictReader(file, restkey="", strict=True))
    except OSError as error:
        raise LabelsError(path, (error.strerror or str(error)).lower()) from error
    except csv.Error as error:
        raise LabelsError(path, f"it is no CSV file ({error})") from error


def _parse(path: Path, rows: csv.DictReader[str]) -> Labels:
    columns = set(rows.fieldnames or ())
    folder = path.absolute().parent
    lines = (_Line(path, rows.line_num, folder, row) for row in rows)
    if {"path", "class"} <= columns:
        labels = Labels(path, pictures=tuple(_pictures(lines)))
    elif {"a", "b", "verdict"} <= columns:
        labels = Labels(path, pairs=tuple(_pairs(lines)))
    else:
        columns_wanted = "path,class for pictures, or a,b,verdict for pairs"
        raise LabelsError(path, f"its first line has to name the columns {columns_wanted}")
    if not labels.pictures and not labels.pairs:
        raise LabelsError(path, "it has no line below its header")
    return labels


def _pictures(lines: Iterator[_Line]) -> Iterator[LabelledPicture]:
    seen: dict[Path, LabelledPicture] = {}
    for line in lines:
        picture = LabelledPicture(line.place("path"), line.text("class"), line.is_query())
        if picture.path not in seen:
            yield picture
        if seen.setdefault(picture.path, picture) != picture:
            raise line.error(f"labels {picture.path} in another way than a line before it")


def _pairs(lines: Iterator[_Line]) -> Iterator[LabelledPair]:
    seen: dict[tuple[Path, Path], bool] = {}
    for line in lines:
        first, second = sorted((line.place("a"), line.place("b")))
        if first == second:
            raise line.error(f"pairs {first} with itself")
        pair = LabelledPair(first, second, line.is_copy(), line.get("kind") or "")
        if (first, second) not in seen:
            yield pair
        if seen.setdefault((first, second), pair.is_copy) != pair.is_copy:
            raise line.error(f"contradicts a line before it about {first} and {second}")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line, and where it is, for messages."""

    file: Path
    number: int
    folder: Path
    row: dict[str, str | None]

    def get(self, column: str) -> str | None:
        """Return what is in a column; None if there is no such column, or the line is short."""
        return self.row.get(column)

    def text(self, column: str) -> str:
        """Return what is in a column, which has to be something."""
        text = self.get(column)
        if not text:
            raise self.error(f"has no {column}")
        if "\0" in text:
            raise self.error(f"has a null byte as {column}, which no file has in its name")
        return text

    def place(self, column: str) -> Path:
        """Return the absolute path in a column; its links are left as they are."""
        return self.folder / self.text(column)

    def is_query(self) -> bool | None:
        """Return whether the picture is to be asked for, None where there is no such column."""
        if _QUERY not in self.row:
            return None
        flag = (self.get(_QUERY) or "").strip().lower()
        if flag not in _YES | _NO:
            raise self.error(f"has {flag!r} as query, which is neither 1 nor 0")
        return flag in _YES

    def is_copy(self) -> bool:
        """Return the verdict."""
        verdict = self.text("verdict")
        if verdict not in _VERDICTS:
            raise self.error(f"has the verdict {verdict!r}, which is neither dup nor notdup")
        return _VERDICTS[verdict]

    def error(self, reason: str) -> LabelsError:
        return LabelsError(self.file, f"line {self.number} {reason}")
