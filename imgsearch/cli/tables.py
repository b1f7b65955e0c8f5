"""Tables of text: in columns for a terminal, or as Markdown."""

from __future__ import annotations

from dataclasses import dataclass

from imgsearch.cli.output import one_line


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text below a header; the first column is names, the others are figures."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def plain_lines(table: Table) -> list[str]:
    """Return a table's lines with its columns aligned: names to the left, figures to the right."""
    rows = [tuple(map(one_line, row)) for row in (table.header, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_aligned(row, widths)).rstrip() for row in rows]


def markdown_lines(table: Table) -> list[str]:
    """Return a table's lines in Markdown."""
    marks = ["---", *["--:"] * (len(table.header) - 1)]
    rows = [tuple(_escaped(cell) for cell in row) for row in table.rows]
    return [_joined(table.header), f"|{'|'.join(marks)}|", *map(_joined, rows)]


def _aligned(row: tuple[str, ...], widths: list[int]) -> list[str]:
    name, *figures = row
    cells = [f"{cell:>{width}}" for cell, width in zip(figures, widths[1:], strict=True)]
    return [f"{name:<{widths[0]}}", *cells]


def _joined(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace("|", "\\|")
