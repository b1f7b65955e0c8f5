"""`imgsearch dupes --in NEW --against OLD`: what is not yet in a collection."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imgsearch.cli.output import (
    json_path,
    one_line,
    print_error,
    print_json,
    print_line,
    print_paths,
)
from imgsearch.cli.progress import stages_bar
from imgsearch.dedup.against import Arrival, compare_folders
from imgsearch.gallery.store import open_for_reading


def print_arrivals(
    gallery: Path, new: Path, old: Path, *, null: bool, quiet: bool, as_json: bool
) -> None:
    """Print which pictures of one folder are not in another."""
    started = time.monotonic()
    with open_for_reading(gallery) as store, stages_bar(quiet=quiet or as_json) as bar:
        arrivals = compare_folders(store, new, old, bar)
    missing = [arrival for arrival in arrivals if arrival.is_new]
    if as_json:
        print_json({**_document(arrivals), "seconds": time.monotonic() - started})
    elif null:
        print_paths(arrival.picture.path for arrival in missing)
    else:
        for arrival in missing:
            print_line(one_line(str(arrival.picture.path)))
        if not quiet:
            print_error(_summary(arrivals, missing))


def _summary(arrivals: Sequence[Arrival], missing: Sequence[Arrival]) -> str:
    text = f"{len(missing):,} of {len(arrivals):,} pictures are new"
    lesser = sum(arrival.counterpart is not None for arrival in missing)
    return text + (f"; {lesser:,} of them have a smaller or an edited copy there" if lesser else "")


def _document(arrivals: Sequence[Arrival]) -> dict[str, Any]:
    return {
        "new": [_arrival(arrival) for arrival in arrivals if arrival.is_new],
        "known": [_arrival(arrival) for arrival in arrivals if not arrival.is_new],
    }


def _arrival(arrival: Arrival) -> dict[str, Any]:
    fields: dict[str, Any] = dict(json_path(arrival.picture.path))
    if arrival.counterpart is not None:
        verdict = arrival.counterpart.verdict
        fields |= {
            **json_path(arrival.counterpart.picture.path, "copy"),
            "tier": verdict.tier,
            "score": verdict.score,
            "reason": verdict.reason,
        }
    return fields
