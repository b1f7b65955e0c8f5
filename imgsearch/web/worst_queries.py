"""The worst queries of a measurement, each beside its first hits, as a contact sheet."""

from __future__ import annotations

from pathlib import Path

from imgsearch.measuring.retrieval import RetrievalReport, WorstQuery
from imgsearch.web.contact_sheet import Cell, Row, write_page, write_png


def write_worst_queries(
    report: RetrievalReport, *, png: Path | None = None, page: Path | None = None
) -> None:
    """Show the worst queries of a report, each in a row with its first hits.

    Args:
        report: What was measured.
        png: A picture to make of them, if any.
        page: A page of HTML to make of them, if any.

    Raises:
        SheetError: If a file that is no contact sheet is in the way, or the disk refuses.
    """
    rows = [_row(query) for query in report.worst]
    if png is not None:
        write_png(png, rows)
    if page is not None:
        write_page(page, f"The worst of {report.queries:,} queries", rows)


def _row(query: WorstQuery) -> Row:
    hits = (
        Cell(
            hit.path,
            f"{hit.score:.3f} {hit.class_name or 'no class'}",
            "right" if hit.is_relevant else "wrong",
        )
        for hit in query.hits
    )
    return Row(
        f"{query.class_name}: average precision {query.average_precision:.3f}",
        (Cell(query.path, query.path.name, "query"), *hits),
    )
