"""`imgsearch evaluate`: how well does a gallery answer, by what somebody says of its pictures?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from imgsearch.cli.choose import chosen_model, gallery_to_read
from imgsearch.cli.evaluation_report import (
    pair_document,
    pair_tables,
    retrieval_document,
    retrieval_tables,
)
from imgsearch.cli.options import GalleryOption, JsonOption, ModelOption, QuietOption
from imgsearch.cli.output import json_path, print_error, print_json, print_line
from imgsearch.cli.progress import counting_bar
from imgsearch.cli.query_options import ExpandOption
from imgsearch.cli.tables import Table, markdown_lines, plain_lines
from imgsearch.evaluation.labels import NEVER_RELEVANT, Labels, read_labels
from imgsearch.evaluation.retrieval import Terms
from imgsearch.evaluation.verdicts import PairTerms
from imgsearch.gallery.store import GalleryStore, open_for_reading
from imgsearch.measuring.pairs import evaluate_pairs
from imgsearch.measuring.retrieval import RetrievalOptions, evaluate_retrieval


def _share(value: float) -> float:
    if not 0 < value < 1:  # also refuses nan, which min= and max= let through
        raise typer.BadParameter("it lies between 0 and 1")
    return value


def _score(value: float | None) -> float | None:
    if value is not None and not -1 <= value <= 1:
        raise typer.BadParameter("a cosine similarity lies between -1 and 1")
    return value


def evaluate(
    labels: Annotated[
        Path,
        typer.Argument(
            metavar="LABELS.csv",
            help="Columns path,class and perhaps query for pictures; a,b,verdict and perhaps kind"
            " for pairs. Paths are absolute, or relative to its folder.",
        ),
    ],
    k: Annotated[int, typer.Option("-k", "--top", min=1, help="Ranks of the figures at k.")] = 10,
    never_relevant: Annotated[
        str,
        typer.Option("--never-relevant", metavar="CLASS", help="The class relevant to nothing."),
    ] = NEVER_RELEVANT,
    unlabelled_wrong: Annotated[
        bool,
        typer.Option(
            "--unlabelled-wrong",
            help="Rank pictures without a label too, as wrong; otherwise they are left out.",
        ),
    ] = False,
    precision: Annotated[
        float,
        typer.Option("--precision", callback=_share, help="Of pairs: where recall is measured."),
    ] = 0.99,
    min_score: Annotated[
        float | None,
        typer.Option(
            "--min-score",
            callback=_score,
            help="Of pairs: the cosine from which a pair is called a copy. Default: that of the"
            " best F1.",
            show_default=False,
        ),
    ] = None,
    confidence: Annotated[
        float, typer.Option("--confidence", callback=_share, help="Of the intervals.")
    ] = 0.95,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the bootstrap.")] = 0,
    worst: Annotated[
        int, typer.Option("--worst", min=0, help="How many of the worst queries to show.")
    ] = 10,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 if a labelled picture is not in the gallery.")
    ] = False,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="OUT.png", help="Draw the worst queries with their hits."),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option("--html", metavar="OUT.html", help="The same as a page."),
    ] = None,
    expand: ExpandOption = None,
    gallery: GalleryOption = None,
    model: ModelOption = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown tables.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Measure how well a gallery answers, by pictures or pairs that you have labelled.

    Each labelled picture is asked for once and left out of its own answer; those of its class are
    relevant. Prints mean average precision over the whole ranking, and recall, hit rate, precision
    and NDCG at k, each with a bootstrap interval, for all queries and class by class. Labelled
    pairs are told apart by their cosine. Labelled pictures that are not in the gallery are left
    out, with a note.

    Example: imgsearch evaluate labels.csv --markdown
    """
    known = read_labels(labels)
    if known.pairs and (sheet or page):
        raise typer.BadParameter("--sheet and --html show queries, but the labels are of pairs")
    with open_for_reading(gallery_to_read(gallery, chosen_model(model))) as store:
        if known.pairs:
            answer = _pairs(store, known, PairTerms(precision, min_score, confidence, seed), strict)
        else:
            terms = Terms(k, confidence, seed)
            options = RetrievalOptions(
                terms, never_relevant, unlabelled_wrong, strict, worst, expand
            )
            answer = _retrieval(store, known, options, _Shown(sheet, page, quiet))
        paths = {**json_path(store.folder, "gallery"), **json_path(labels.absolute(), "labels")}
    if answer.missing and not quiet:
        print_error(_note(answer.missing))
    if as_json:
        print_json({**paths, **answer.document})
    else:
        _print_tables(answer.tables, as_markdown=markdown)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What there is to print."""

    document: dict[str, Any]
    tables: list[Table]
    missing: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Shown:
    """Where the worst queries are to be shown, and whether progress is not."""

    png: Path | None
    page: Path | None
    quiet: bool


def _pairs(store: GalleryStore, labels: Labels, terms: PairTerms, strict: bool) -> _Answer:
    report = evaluate_pairs(store, labels, terms, strict=strict)
    return _Answer(pair_document(report, terms), pair_tables(report, terms), report.missing)


def _retrieval(
    store: GalleryStore, labels: Labels, options: RetrievalOptions, shown: _Shown
) -> _Answer:
    with counting_bar("Asking", quiet=shown.quiet) as on_progress:
        report = evaluate_retrieval(store, labels, options, on_progress)
    if shown.png or shown.page:
        from imgsearch.web.worst_queries import write_worst_queries  # loads Pillow and OpenCV

        write_worst_queries(report, png=shown.png, page=shown.page)
    terms = options.terms
    return _Answer(
        retrieval_document(report, terms), retrieval_tables(report, terms), report.missing
    )


def _note(missing: Sequence[Path]) -> str:
    which = "picture that is" if len(missing) == 1 else "pictures that are"
    return (
        f"note: left out {len(missing):,} labelled {which} not in the gallery, the first:"
        f" {missing[0]}"
    )


def _print_tables(shown: Sequence[Table], *, as_markdown: bool) -> None:
    render = markdown_lines if as_markdown else plain_lines
    for number, table in enumerate(shown):
        if number:
            print_line("")
        for line in render(table):
            print_line(line)
