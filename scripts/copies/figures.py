"""The figures of a detection, and the tables that show them."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from copies.collection import ORIGINAL, family_of, kind_of
from copies.detectors import Detection, Pair
from imgsearch.evaluation.pair_metrics import (
    micro_average_precision,
    recall_at_precision,
    threshold_at_precision,
)

PRECISION = 0.999


@dataclass(frozen=True, slots=True)
class Figures:
    """How well a program found the copies of a collection.

    Attributes:
        name: The program.
        recall: Share of all pairs of copies that it calls copies.
        precision: Share of the pairs it calls copies that are.
        micro_average_precision: Over all pairs, ranked by its scores.
        recall_at_precision: The best recall that any threshold of its scores gives at
            precision `PRECISION`.
        edits: For each edit, the share of copies made by it that are called copies of the
            original.
        edits_at_precision: The same at that threshold.
        false_pairs: How many pairs it calls copies that are not, by what they are.
        examples: Some of these pairs.
        seconds: Wall-clock time of each step.
        cpu_seconds: Time of processors, of all steps together.
    """

    name: str
    recall: float
    precision: float
    micro_average_precision: float
    recall_at_precision: float
    edits: dict[str, float]
    edits_at_precision: dict[str, float]
    false_pairs: dict[str, int]
    examples: list[tuple[str, str]]
    seconds: dict[str, float]
    cpu_seconds: float


def figures_of(found: Detection, root: Path) -> Figures:
    """Compare what was found in a collection with what there is."""
    copies = pairs_of_copies(root)
    pairs = list(found.scores)
    ranking = (
        np.array([found.scores[pair] for pair in pairs], float),
        np.array([is_copy(pair) for pair in pairs], bool),
        len(copies),
    )
    threshold = threshold_at_precision(*ranking, PRECISION)
    precise = {pair for pair, score in found.scores.items() if score >= threshold}
    correct = len(found.called & copies)
    wrong = sorted(found.called - copies)
    return Figures(
        name=found.name,
        recall=correct / len(copies),
        precision=correct / len(found.called) if found.called else 1.0,
        micro_average_precision=micro_average_precision(*ranking),
        recall_at_precision=recall_at_precision(*ranking, PRECISION),
        edits=recall_by_edit(copies, found.called),
        edits_at_precision=recall_by_edit(copies, precise),
        false_pairs=dict(Counter(map(mistake, wrong)).most_common()),
        examples=[(name_in(root, a), name_in(root, b)) for a, b in wrong[:200]],
        seconds=found.seconds,
        cpu_seconds=found.cpu_seconds,
    )


def pairs_of_copies(root: Path) -> set[Pair]:
    families = defaultdict(list)
    for path in photos_in_families(root):
        families[family_of(path)].append(path)
    return {pair for paths in families.values() for pair in itertools.combinations(paths, 2)}


def photos_in_families(root: Path) -> list[Path]:
    return sorted(path for path in (root / "families").rglob("*") if path.is_file())


def is_copy(pair: Pair) -> bool:
    family = family_of(pair[0])
    return family is not None and family == family_of(pair[1])


def recall_by_edit(copies: set[Pair], called: set[Pair]) -> dict[str, float]:
    answers = defaultdict(list)
    for pair in copies:
        names = {path.stem for path in pair}
        if ORIGINAL in names and len(names) == 2:
            answers[(names - {ORIGINAL}).pop()].append(pair in called)
    return {name: sum(found) / len(found) for name, found in sorted(answers.items())}


def mistake(pair: Pair) -> str:
    """Name what two pictures are that are no copies."""
    if pair[0].parent == pair[1].parent and kind_of(pair[0]) != "distractors":
        return kind_of(pair[0])
    return " and ".join(sorted({kind_of(path) for path in pair}))


def name_in(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


Row = tuple[str, Callable[[Figures], str]]


def markdown(all_figures: Sequence[Figures]) -> str:
    """Return a table with a column for each program."""
    rows: list[Row] = [
        ("recall of all pairs", lambda f: share(f.recall)),
        ("precision", lambda f: f"{f.precision:.4f}"),
        ("micro-AP", lambda f: share(f.micro_average_precision)),
        (f"recall at precision {PRECISION}", lambda f: share(f.recall_at_precision)),
        ("pairs wrongly called copies", lambda f: f"{sum(f.false_pairs.values())}"),
        ("seconds of processor time", lambda f: f"{f.cpu_seconds:.0f}"),
    ]
    rows += [(f"*{name}*", edit_cell(name)) for name in all_figures[0].edits]
    return table(
        ["", *(f.name for f in all_figures)],
        [[label, *(cell(f) for f in all_figures)] for label, cell in rows],
    )


def edit_cell(name: str) -> Callable[[Figures], str]:
    return lambda figures: share(figures.edits[name])


def mistakes_markdown(all_figures: Sequence[Figures]) -> str:
    """Return a table of the pairs wrongly called copies."""
    kinds = sorted({kind for figures in all_figures for kind in figures.false_pairs})
    rows = [[kind, *(str(f.false_pairs.get(kind, 0)) for f in all_figures)] for kind in kinds]
    return table(["wrongly called copies", *(f.name for f in all_figures)], rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def share(value: float) -> str:
    return f"{value:.3f}"


def as_json(figures: Figures) -> dict[str, Any]:
    return {name: getattr(figures, name) for name in Figures.__slots__}
