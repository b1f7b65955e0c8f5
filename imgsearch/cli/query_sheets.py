"""The pictures of `imgsearch query`'s answers, to look at: a page or a PNG."""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from imgsearch.cli.output import print_error
from imgsearch.cli.query_answers import STANDARD_INPUT, Answer
from imgsearch.web.contact_sheet import Cell, Row, write_page, write_png

_CELLS_IN_A_ROW = 8


def write_sheets(answers: Sequence[Answer], *, page: Path | None, png: Path | None) -> None:
    """Show the pictures that asked and their hits on a page of HTML, in a PNG, or both.

    Raises:
        SheetError: If another file is in the way, or the disk refuses.
    """
    rows = [row for answer in answers for row in _rows(answer)]
    if page is not None:
        write_page(page, "Similar pictures", rows)
    if png is not None:
        write_png(png, rows)


def open_page(page: Path) -> None:
    """Show a page in the user's browser, or say where it is."""
    if not webbrowser.open(page.absolute().as_uri()):
        print_error(f"imgsearch: there is no browser to open {page}")


def _rows(answer: Answer) -> list[Row]:
    asked = [
        Cell(Path(name), Path(name).name, "query")
        for name in answer.names
        if name != STANDARD_INPUT
    ]
    hits = [Cell(hit.path, f"{hit.score:.3f} {hit.path.name}", "hit") for hit in answer.hits]
    title = ", ".join(map(os.path.basename, answer.names))
    parts = _parts([*asked, *hits])
    return [Row(title, parts[0]), *(Row("", part) for part in parts[1:])]


def _parts(cells: list[Cell]) -> list[tuple[Cell, ...]]:
    starts = range(0, max(len(cells), 1), _CELLS_IN_A_ROW)
    return [tuple(cells[start : start + _CELLS_IN_A_ROW]) for start in starts]
