"""Measure how well each preset ranks labelled photos, and print a Markdown table.

    .venv/bin/python scripts/measure_presets.py LABELS.csv

LABELS.csv has the columns `path` (below the CSV's folder) and `class`. Every photo whose class does
not begin with an underscore is used once as the query, all labelled photos are the gallery, and the
query itself is left out of its answer.
"""

from __future__ import annotations

import csv
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import imgsearch
from imgsearch.embedding.registry import PRESETS
from imgsearch.evaluation.metrics import hit_rate_at_k, mean_average_precision
from imgsearch.gallery.export import export_gallery
from imgsearch.gallery.store import open_for_reading


def main(labels: Path) -> None:
    with labels.open(newline="", encoding="utf-8") as file:
        classes = {
            str((labels.parent / row["path"]).resolve()): row["class"]
            for row in csv.DictReader(file)
        }
    folder = Path(os.path.commonpath([Path(path).parent for path in classes]))
    print("| preset | mAP | hit rate at 1 | photos/s |\n|---|--:|--:|--:|")
    for preset in PRESETS:
        paths, embeddings, rate = embed(folder, preset)
        labelled = np.array([path in classes for path in paths])
        names = np.array([classes[path] for path in paths if path in classes])
        ranked = list(rank(names, embeddings[labelled]))
        precision = mean_average_precision((row, int(row.sum())) for row in ranked)
        hits = hit_rate_at_k(ranked, 1)
        print(f"| `{preset}` | {precision:.3f} | {hits:.3f} | {rate:.0f} |", flush=True)


def embed(folder: Path, preset: str) -> tuple[list[str], np.ndarray, float]:
    """Index a folder into a gallery of its own; return paths, unit rows and files per second."""
    with tempfile.TemporaryDirectory() as name:
        with imgsearch.create_gallery(Path(name) / "gallery", preset=preset) as gallery:
            report = gallery.update(folder)
        with open_for_reading(Path(name) / "gallery") as store:
            export_gallery(store, Path(name) / "vectors.npz")
        archive = np.load(Path(name) / "vectors.npz", allow_pickle=False)
        return archive["paths"].tolist(), archive["embeddings"], report.images_per_second


def rank(names: np.ndarray, embeddings: np.ndarray) -> Iterator[np.ndarray]:
    """Yield for each query which of the others are of its class, best score first."""
    for query in np.flatnonzero(~np.char.startswith(names, "_")):
        scores = embeddings @ embeddings[query]
        scores[query] = -np.inf
        order = np.argsort(-scores, kind="stable")[:-1]
        yield names[order] == names[query]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
