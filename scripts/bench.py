"""Measure imgsearch beside the tutorial's loop and the machine's own limits, in one run.

    scripts/bench [--quick] [--photos N] [--write FOLDER]

Everything is measured on files made from data/photos in a temporary folder, 1.5 GB at the most;
the search among 500,000 vectors needs 5 GB of memory. The table goes to stdout.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before a child process loads TensorFlow

from benchmarks import parts
from benchmarks.plan import FULL, QUICK, TINY, Plan
from benchmarks.plot import write_plot
from benchmarks.table import Row, machine, markdown


def main() -> None:
    wanted = arguments()
    plan = TINY if wanted.tiny else QUICK if wanted.quick else FULL
    plan = replace(plan, photos=wanted.photos) if wanted.photos else plan
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="imgsearch-bench-") as name:
        rows = list(measure(Path(name).resolve(), plan))
    document = describe(rows, quick=wanted.quick or wanted.tiny)
    print(document)
    parts.say(f"finished after {time.perf_counter() - started:.0f} s")
    if wanted.write:
        write(wanted.write, rows, document)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measure imgsearch beside the tutorial's loop and this machine's own limits.",
        epilog="Example: scripts/bench --write docs",
    )
    parser.add_argument("--quick", action="store_true", help="small sizes: a minute or two")
    parser.add_argument("--tiny", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--photos", type=photo_count, metavar="N", help="files of 0.2 megapixels")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="write bench.md and bench.png")
    return parser.parse_args()


def photo_count(text: str) -> int:
    count = int(text)
    if count < 2:
        raise argparse.ArgumentTypeError("at least 2")
    return count


def measure(workspace: Path, plan: Plan) -> Iterator[Row]:
    folders = parts.make_folders(workspace, plan)
    yield from parts.speed_rows(folders, plan)
    yield from parts.command_rows(folders, plan)
    yield from parts.scan_rows(folders, plan)
    yield from parts.search_rows(plan)
    yield from parts.memory_rows(folders, plan)


def describe(rows: list[Row], *, quick: bool) -> str:
    command = "scripts/bench --quick" if quick else "scripts/bench"
    return f"{markdown(rows)}\n\nMade by `{command}` on {machine()}."


def write(folder: Path, rows: list[Row], document: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = f"# Benchmark\n\n{document}\n\n![Photos a second](bench.png)\n"
    (folder / "bench.md").write_text(text, encoding="utf-8")
    write_plot([row for row in rows if is_drawn(row)], folder / "bench.png")


def is_drawn(row: Row) -> bool:
    """Leave out decoding alone: it is so fast that every other bar would be a line."""
    return row.unit == parts.PHOTOS and "alone," not in row.name


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
