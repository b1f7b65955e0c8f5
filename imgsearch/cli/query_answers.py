"""How `imgsearch query` prints its answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imgsearch.cli.output import (
    json_path,
    one_line,
    print_json,
    print_json_line,
    print_line,
    print_paths,
)
from imgsearch.query import Hit

STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits of one question.

    Attributes:
        names: The pictures that asked it.
        hits: Best first.
        probability: That a hit of a score is the same picture; None if nobody asked.
    """

    names: tuple[str, ...]
    hits: Sequence[Hit]
    probability: Callable[[float], float] | None = None


def print_plain(
    answers: Sequence[Answer], beside: Callable[[Hit], None] = lambda _hit: None
) -> None:
    """Print a score and a path a line; with several answers, a line before each says whose.

    Args:
        answers: What to print.
        beside: Called after the line of each hit.
    """
    for answer in answers:
        if len(answers) > 1:
            print_line(f"# {one_line(answer.names[0])}")
        for hit in answer.hits:
            figures = [hit.score]
            if answer.probability is not None:
                figures.append(answer.probability(hit.score))
            columns = [*(f"{figure:.3f}" for figure in figures), one_line(str(hit.path))]
            print_line("\t".join(columns))
            beside(hit)


def print_document(folder: Path, answers: Sequence[Answer], *, with_copies: bool = False) -> None:
    """Print all answers as one JSON document.

    Args:
        folder: The gallery's own folder.
        answers: What to print.
        with_copies: Whether to say of each hit which copies it stands for.
    """
    queries = [
        {
            **_query(answer),
            "hits": [_hit(answer, hit, with_copies=with_copies) for hit in answer.hits],
        }
        for answer in answers
    ]
    print_json({**json_path(folder, "gallery"), "queries": queries})


def print_json_lines(answers: Sequence[Answer], *, with_copies: bool = False) -> None:
    """Print a line of JSON for each hit; see `print_document`."""
    for answer in answers:
        for hit in answer.hits:
            print_json_line({**_query(answer), **_hit(answer, hit, with_copies=with_copies)})


def print_null(answers: Sequence[Answer]) -> None:
    """Print the paths of all hits, a NUL after each, for `xargs -0` and the like."""
    print_paths(hit.path for answer in answers for hit in answer.hits)


def _query(answer: Answer) -> dict[str, Any]:
    """Return the picture that asked; of several, the first one, and all of them beside it."""
    fields: dict[str, Any] = json_path(_absolute(answer.names[0]), "query")
    if len(answer.names) > 1:
        fields["together"] = [json_path(_absolute(name)) for name in answer.names]
    return fields


def _absolute(name: str) -> str:
    return name if name == STANDARD_INPUT else str(Path(name).absolute())


def _hit(answer: Answer, hit: Hit, *, with_copies: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {"rank": hit.rank, "score": hit.score, **json_path(hit.path)}
    if answer.probability is not None:
        fields["probability"] = answer.probability(hit.score)
    if with_copies:
        fields["copies"] = [{"score": copy.score, **json_path(copy.path)} for copy in hit.copies]
    return fields
