"""Figures on real pairs that somebody has labelled."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from copies.detectors import Detection, Pair
from copies.figures import table

COPY = "dup"


@dataclass(frozen=True, slots=True)
class Labels:
    """Labelled pairs.

    Attributes:
        root: The folder that holds all the files.
        kinds: The pairs of each (kind, verdict), the paths of a pair in order.
    """

    root: Path
    kinds: dict[tuple[str, str], set[Pair]]


def read_pairs(path: Path) -> Labels:
    """Read a CSV file with the columns a, b, kind, verdict; paths are relative to its folder."""
    kinds: dict[tuple[str, str], set[Pair]] = defaultdict(set)
    folder = path.resolve().parent
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            first, second = sorted(folder / row[name] for name in ("a", "b"))
            kinds[row["kind"], row["verdict"]].add((first, second))
    paths = [path for pairs in kinds.values() for pair in pairs for path in pair]
    return Labels(Path(os.path.commonpath([path.parent for path in paths])), dict(kinds))


def called_by_kind(found: Detection, labels: Labels) -> dict[str, tuple[int, int]]:
    """Count for each kind how many pairs are called copies, and how many there are.

    Pairs that are not labelled are counted as well; all that is known of them is whether their
    files lie in one folder.
    """
    counts = {
        f"{kind} ({verdict})": (len(pairs & found.called), len(pairs))
        for (kind, verdict), pairs in sorted(labels.kinds.items())
    }
    unlisted = found.called - set().union(*labels.kinds.values())
    across = {pair for pair in unlisted if pair[0].parent != pair[1].parent}
    counts["not listed, in one folder"] = (len(unlisted - across), 0)
    counts["not listed, in two folders"] = (len(across), 0)
    return counts


def labelled_markdown(names: Sequence[str], counts: Sequence[dict[str, tuple[int, int]]]) -> str:
    """Return a table of the pairs that each program calls copies."""
    rows = [
        [kind, str(total or ""), *(str(count[kind][0]) for count in counts)]
        for kind, (_, total) in counts[0].items()
    ]
    return table(["called copies", "pairs", *names], rows)
