"""`imgsearch info`: what is indexed, with what, how large."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from imgsearch.cli.choose import chosen_model, gallery_to_read
from imgsearch.cli.options import GalleryOption, JsonOption, ModelOption
from imgsearch.cli.output import json_path, one_line, print_error, print_json, print_line
from imgsearch.embedding.registry import explain_auto, preset_of
from imgsearch.embedding.vgg16 import MODEL
from imgsearch.errors import CalibrationError, EngineError
from imgsearch.gallery.index_file import is_current
from imgsearch.gallery.roots import read_roots
from imgsearch.gallery.store import GalleryStore, open_for_reading
from imgsearch.types import EmbedderIdentity


def info(
    gallery: GalleryOption = None,
    model: ModelOption = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="List the files that could not be read, and why.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what a gallery holds.

    What is indexed, what made its vectors, and how large it is; --failed lists the files that
    could not be read.

    Example: imgsearch info --failed
    """
    with open_for_reading(gallery_to_read(gallery, chosen_model(model))) as store:
        if failed and not as_json:
            _print_failures(store)
        elif as_json:
            print_json(_document(store, failed=failed))
        else:
            _print_plain(store)


def _print_failures(store: GalleryStore) -> None:
    failures = _failures(store)
    for path, reason in failures:
        print_line(f"{one_line(str(path))}\t{one_line(reason)}")
    if not failures:
        print_error("imgsearch: every picture could be read")


def _failures(store: GalleryStore) -> list[tuple[Path, str]]:
    roots = read_roots(store.catalog)
    return [
        (roots[reject.stamp.root_id] / reject.stamp.path, reject.reason)
        for reject in store.catalog.rejects(sorted(roots), "failed")
    ]


def _document(store: GalleryStore, *, failed: bool) -> dict[str, Any]:
    from imgsearch.gallery.models import models_in

    catalog, identity = store.catalog, store.identity()
    document: dict[str, Any] = {
        **json_path(store.folder, "gallery"),
        "images": catalog.image_count(),
        "failed": catalog.reject_count("failed"),
        "ignored": catalog.reject_count("ignored"),
        "roots": [json_path(root) for root in sorted(read_roots(catalog).values())],
        "preset": preset_of(identity),
        "embedder": identity.to_json(),
        "precisions": catalog.precisions(),
        "auto_precision": _auto_precision(identity),
        "models": models_in(store.folder),
        "calibration": _calibration(store),
        "generation": catalog.generation(),
        "index_is_current": is_current(catalog),
        "size_bytes": _size(store.folder),
    }
    if failed:
        document["failures"] = [
            {**json_path(path), "reason": reason} for path, reason in _failures(store)
        ]
    return document


def _print_plain(store: GalleryStore) -> None:
    facts = _document(store, failed=False)
    identity = store.identity()
    lines = {
        "gallery": one_line(str(store.folder)),
        "images": f"{facts['images']:,}",
        "not readable": f"{facts['failed']:,}",
        "no pictures": f"{facts['ignored']:,}",
        "roots": ", ".join(one_line(root["path"]) for root in facts["roots"]),
        "preset": facts["preset"] or _no_preset(identity),
        "embedder": f"{identity.model}, {identity.preprocessing.in_words()}, {identity.pooling}"
        f" pooling, {identity.dim} numbers, weights {identity.weights[:8]}",
        "calibrated": _when_calibrated(facts["calibration"]),
        "other models": ", ".join(facts["models"]) or "none",
        "precision": ", ".join(facts["precisions"]) or "none yet",
        "auto takes": facts["auto_precision"],
        "index": "current" if facts["index_is_current"] else "behind; the next index run mends it",
        "size": f"{facts['size_bytes'] / 1e6:,.1f} MB",
    }
    width = max(map(len, lines))
    for name, value in lines.items():
        print_line(f"{name:<{width}}  {value}")


def _calibration(store: GalleryStore) -> dict[str, Any] | None:
    """Return what is known of what scores mean; None where nothing is that can be used."""
    from imgsearch.cli.calibrate import summary
    from imgsearch.gallery.calibration import read_calibration

    try:
        found = read_calibration(store)
    except CalibrationError as error:
        return {"problem": str(error)}
    if found is None:
        return None
    stale = found.is_stale(store.catalog.image_count())
    figures = {"target": found.target, "score": found.score, "recall": found.recall}
    return {**figures, "images": found.images, "stale": stale, "summary": summary(found)}


def _when_calibrated(facts: dict[str, Any] | None) -> str:
    if facts is None:
        return "no; `imgsearch calibrate` finds out what scores mean"
    if "problem" in facts:
        return one_line(facts["problem"])
    stale = f"; stale, as it was done with {facts['images']:,} images" if facts["stale"] else ""
    return f"{facts['summary']}{stale}"


def _no_preset(identity: EmbedderIdentity) -> str:
    return "none of this release" if identity.model == MODEL else "none, but a model of yours"


def _auto_precision(identity: EmbedderIdentity) -> str:
    try:
        return explain_auto(identity)
    except EngineError as error:
        return f"nothing: {error}"


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
