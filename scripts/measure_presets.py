"""Measure how well each preset answers for labelled photos, and at what cost, as a Markdown table.

    .venv/bin/python scripts/measure_presets.py LABELS.csv [PRESET...] [--precision fp32]

LABELS.csv has the columns `path` (below the CSV's folder) and `class`. Every photo whose class is
not `_distractor` is used once as the query, all labelled photos are the gallery, and the query
itself is left out of its answer; answers are ordered as `imgsearch query` orders them. Then some
photos are asked for again through `Gallery.search`, in one process that has asked before: as they
are, and with one more byte at their end, which no gallery knows, so that they must be embedded.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import imgsearch
from imgsearch.embedding.registry import PRESETS, WantedPrecision
from imgsearch.evaluation.labels import Labels, read_labels
from imgsearch.evaluation.retrieval import Terms
from imgsearch.gallery.store import open_for_reading
from imgsearch.measuring.retrieval import RetrievalOptions, evaluate_retrieval

ASKED_AGAIN = 40
"""How many photos are asked for to see how long an answer takes."""

HEAD = (
    "| preset | mAP | times | hit rate at 1 | photos/s | processor ms a photo"
    " | bytes a photo | query, indexed | query, embedded |\n|---|" + "--:|" * 8
)


@dataclass(frozen=True)
class Measured:
    """What is in a row of the table; bytes are those of the gallery for each picture.

    `processor` is the time that both cores together work on a photo while indexing, in ms, and
    `known` and `embedded` are the medians of an answer, in ms.
    """

    mean_average_precision: float
    hit_rate: float
    photos_per_second: float
    processor: float
    bytes_per_photo: float
    known: float
    embedded: float


def main() -> None:
    """Print a row for each preset; `times` is the mAP divided by that of the first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labels", type=Path)
    parser.add_argument("presets", nargs="*", help=", ".join(PRESETS))
    parser.add_argument("--precision", default="auto", choices=("auto", "fp32", "bf16", "int8"))
    arguments = parser.parse_args()
    known = read_labels(arguments.labels)
    folder = Path(os.path.commonpath([picture.path.parent for picture in known.pictures]))
    print(HEAD, flush=True)
    first = None
    for preset in arguments.presets or PRESETS:
        row = measure(folder, known, preset, arguments.precision)
        first = first or row.mean_average_precision
        print(
            f"| `{preset}` | {row.mean_average_precision:.3f}"
            f" | {row.mean_average_precision / first:.2f} | {row.hit_rate:.3f}"
            f" | {row.photos_per_second:.1f} | {row.processor:.1f} | {row.bytes_per_photo:,.0f}"
            f" | {row.known:.1f} ms | {row.embedded:.1f} ms |",
            flush=True,
        )


def measure(folder: Path, labels: Labels, preset: str, precision: WantedPrecision) -> Measured:
    """Index a folder into a gallery of its own, and ask for every labelled photo in it."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "gallery"
        with imgsearch.create_gallery(place, preset=preset, precision=precision) as gallery:
            worked = _processor_seconds()
            report = gallery.update(folder)
            worked = _processor_seconds() - worked
            known, embedded = _answer_times(gallery, labels)
        size = sum(file.stat().st_size for file in place.iterdir())
        with open_for_reading(place) as store:
            options = RetrievalOptions(terms=Terms(k=1), worst=0)
            figures = evaluate_retrieval(store, labels, options).figures
    return Measured(
        figures["mAP"].value,
        figures["hit_rate_at_k"].value,
        report.images_per_second,
        1000 * worked / report.images,
        size / report.images,
        known,
        embedded,
    )


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _answer_times(gallery: imgsearch.Gallery, labels: Labels) -> tuple[float, float]:
    """Return the median time of an answer in ms, for indexed photos and for those that are not."""
    step = max(1, len(labels.pictures) // ASKED_AGAIN)
    photos = [picture.path.read_bytes() for picture in labels.pictures[::step]]
    return (
        _median_ms(gallery.search, photos),
        _median_ms(gallery.search, [photo + b"\0" for photo in photos]),
    )


def _median_ms(ask: Callable[[bytes], object], photos: Sequence[bytes]) -> float:
    times = []
    for photo in (photos[0], *photos):  # the first one warms up
        began = time.perf_counter()
        ask(photo)
        times.append(time.perf_counter() - began)
    return 1000 * median(times[1:])


if __name__ == "__main__":
    main()
