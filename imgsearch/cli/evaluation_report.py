"""What `imgsearch evaluate` says: as a JSON document, and as tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from imgsearch.cli.output import json_path
from imgsearch.cli.tables import Table
from imgsearch.evaluation.bootstrap import Estimate
from imgsearch.evaluation.retrieval import FIGURES, Terms
from imgsearch.evaluation.verdicts import PairTerms
from imgsearch.measuring.pairs import PairReport
from imgsearch.measuring.retrieval import RetrievalReport, WorstQuery


def retrieval_document(report: RetrievalReport, terms: Terms) -> dict[str, Any]:
    """Return a report on labelled pictures as JSON fields."""
    return {
        "labelled": report.labelled,
        "never_relevant": report.never_relevant,
        "unlabelled": report.unlabelled,
        "missing": _missing(report.missing),
        "queries": report.queries,
        "without_answer": report.without_answer,
        **asdict(terms),
        "metrics": _figures(report.figures),
        "classes": [
            {"class": one.name, "queries": one.queries, "metrics": _figures(one.figures)}
            for one in report.classes
        ],
        "worst": [_worst(query) for query in report.worst],
    }


def retrieval_tables(report: RetrievalReport, terms: Terms) -> list[Table]:
    """Return a report on labelled pictures as tables: all queries, then class by class."""
    names = [_heading(name, terms.k) for name in FIGURES]
    overall = Table(
        (f"{report.queries:,} queries", "value", f"{terms.confidence:.0%} interval"),
        tuple(
            (name, _number(report.figures[figure].value), _interval(report.figures[figure]))
            for name, figure in zip(names, FIGURES, strict=True)
        ),
    )
    classes = Table(
        ("class", "queries", *names, "mAP interval"),
        tuple(
            (
                one.name,
                f"{one.queries:,}",
                *(_number(one.figures[figure].value) for figure in FIGURES),
                _interval(one.figures["mAP"]),
            )
            for one in report.classes
        ),
    )
    return [overall, classes]


def pair_document(report: PairReport, terms: PairTerms) -> dict[str, Any]:
    """Return a report on labelled pairs as JSON fields."""
    figures = report.figures
    return {
        "pairs": report.pairs,
        "copies": report.copies,
        "left_out": report.left_out,
        "missing": _missing(report.missing),
        "confidence": terms.confidence,
        "seed": terms.seed,
        "metrics": {
            "micro_average_precision": asdict(figures.micro_average_precision),
            "recall_at_precision": {
                "at": terms.precision,
                **asdict(figures.recall_at_precision),
                "score": figures.score_at_precision,
            },
            "precision": {"min_score": figures.score, **asdict(figures.precision)},
            "recall": {"min_score": figures.score, **asdict(figures.recall)},
        },
        "kinds": [asdict(kind) for kind in report.kinds],
    }


def pair_tables(report: PairReport, terms: PairTerms) -> list[Table]:
    """Return a report on labelled pairs as tables: all pairs, then kind by kind."""
    figures = report.figures
    score = figures.score_at_precision
    reached = "" if score is None else f" (cosine {score:.3f})"
    rows = {
        "micro average precision": figures.micro_average_precision,
        f"recall at precision {terms.precision:g}{reached}": figures.recall_at_precision,
        f"precision from cosine {figures.score:.3f} on": figures.precision,
        f"recall from cosine {figures.score:.3f} on": figures.recall,
    }
    overall = Table(
        (
            f"{report.pairs:,} pairs, {report.copies:,} of them copies",
            "value",
            f"{terms.confidence:.0%} interval",
        ),
        tuple((name, _number(one.value), _interval(one)) for name, one in rows.items()),
    )
    kinds = Table(
        (f"called copies from cosine {figures.score:.3f} on", "pairs", "called"),
        tuple(
            (
                f"{'dup' if kind.is_copy else 'notdup'} {kind.kind}".strip(),
                f"{kind.pairs:,}",
                f"{kind.called_copies:,}",
            )
            for kind in report.kinds
        ),
    )
    return [overall, kinds]


def _missing(paths: tuple[Path, ...]) -> dict[str, Any]:
    first = json_path(paths[0], "first") if paths else {"first": None}
    return {"count": len(paths), **first}


def _figures(figures: Mapping[str, Estimate]) -> dict[str, dict[str, float]]:
    return {name: asdict(estimate) for name, estimate in figures.items()}


def _worst(query: WorstQuery) -> dict[str, Any]:
    return {
        **json_path(query.path),
        "class": query.class_name,
        "average_precision": query.average_precision,
        "hits": [
            {
                **json_path(hit.path),
                "class": hit.class_name or None,
                "score": hit.score,
                "relevant": hit.is_relevant,
            }
            for hit in query.hits
        ],
    }


def _heading(figure: str, k: int) -> str:
    return figure.replace("ndcg", "NDCG").replace("_", " ").replace("at k", f"at {k}")


def _number(value: float) -> str:
    return f"{value:.3f}"


def _interval(estimate: Estimate) -> str:
    return f"{estimate.low:.3f} to {estimate.high:.3f}"
