"""Measure how well each preset answers for labelled photos, and print a Markdown table.

    .venv/bin/python scripts/measure_presets.py LABELS.csv [PRESET...]

LABELS.csv has the columns `path` (below the CSV's folder) and `class`. Every photo whose class is
not `_distractor` is used once as the query, all labelled photos are the gallery, and the query
itself is left out of its answer; answers are ordered as `imgsearch query` orders them.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import imgsearch
from imgsearch.embedding.registry import PRESETS
from imgsearch.evaluation.labels import Labels, read_labels
from imgsearch.evaluation.retrieval import Terms
from imgsearch.gallery.store import open_for_reading
from imgsearch.measuring.retrieval import RetrievalOptions, evaluate_retrieval


@dataclass(frozen=True)
class Measured:
    """What is in a row of the table; bytes are those of the gallery for each picture."""

    mean_average_precision: float
    hit_rate: float
    photos_per_second: float
    bytes_per_photo: float


def main(labels: Path, presets: list[str]) -> None:
    known = read_labels(labels)
    folder = Path(os.path.commonpath([picture.path.parent for picture in known.pictures]))
    print("| preset | mAP | hit rate at 1 | photos/s | bytes a photo |\n|---|--:|--:|--:|--:|")
    for preset in presets or PRESETS:
        row = measure(folder, known, preset)
        print(
            f"| `{preset}` | {row.mean_average_precision:.3f} | {row.hit_rate:.3f}"
            f" | {row.photos_per_second:.1f} | {row.bytes_per_photo:,.0f} |",
            flush=True,
        )


def measure(folder: Path, labels: Labels, preset: str) -> Measured:
    """Index a folder into a gallery of its own, and ask for every labelled photo in it."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "gallery"
        with imgsearch.create_gallery(place, preset=preset) as gallery:
            report = gallery.update(folder)
        size = sum(file.stat().st_size for file in place.iterdir())
        with open_for_reading(place) as store:
            options = RetrievalOptions(terms=Terms(k=1), worst=0)
            figures = evaluate_retrieval(store, labels, options).figures
    return Measured(
        figures["mAP"].value,
        figures["hit_rate_at_k"].value,
        report.images_per_second,
        size / report.images,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
