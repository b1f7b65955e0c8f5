"""`imgsearch index`: make a gallery of photos, or bring it up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from imgsearch.cli.choose import chosen_identity, chosen_model, embedder_maker, gallery_to_write
from imgsearch.cli.options import (
    PIXELS_PER_MEGAPIXEL,
    EngineName,
    EngineOption,
    JsonOption,
    MaxMegapixelsOption,
    ModelOption,
    PrecisionName,
    PrecisionOption,
    PresetOption,
    QuietOption,
    WeightsOption,
)
from imgsearch.cli.output import json_path, one_line, print_error, print_json, print_line
from imgsearch.cli.progress import progress_bar
from imgsearch.dedup.first_look import first_look
from imgsearch.gallery.forget import forget_roots
from imgsearch.gallery.locate import gallery_for_root, remember_gallery
from imgsearch.gallery.report import MOST_JOBS, FailedFile, UpdateOptions, UpdateReport
from imgsearch.gallery.update import update_gallery

_LISTED_FAILURES = 20


def _named_path(name: str) -> Path:
    """Refuse an empty name, mostly a variable that is not set: it would mean this very folder."""
    if not name:
        raise typer.BadParameter("the name of the folder is empty")
    return Path(name)


def index(
    roots: Annotated[
        list[Path],
        typer.Argument(metavar="ROOT...", help="Folders of photos.", parser=_named_path),
    ],
    gallery: Annotated[
        Path | None,
        typer.Option(
            "--gallery",
            metavar="DIR",
            parser=_named_path,
            help="Where to keep the gallery. Default: $IMGSEARCH_GALLERY, else ROOT/.imgsearch.",
            show_default=False,
        ),
    ] = None,
    preset: PresetOption = None,
    model: ModelOption = None,
    precision: PrecisionOption = PrecisionName.auto,
    engine: EngineOption = EngineName.auto,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs",
            "-j",
            min=0,
            max=MOST_JOBS,
            help="Threads that read files; 0: one per core.",
        ),
    ] = 0,
    max_megapixels: MaxMegapixelsOption = 300,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Read files again that failed before.")
    ] = False,
    rehash: Annotated[
        bool, typer.Option("--rehash", help="Trust no size and no time; read every file again.")
    ] = False,
    forget: Annotated[
        bool,
        typer.Option(
            "--forget",
            help="Take the ROOTs out of the gallery, there or not; no photo is touched.",
        ),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 if a file could not be read.")
    ] = False,
    wait: Annotated[
        float, typer.Option("--wait", min=0, metavar="S", help="Seconds to wait for a writer.")
    ] = 0,
    weights: WeightsOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Index folders of photos.

    Only what is new or changed is read. Interrupt it whenever you like; what was done is kept,
    and the next run goes on from there.

    Example: imgsearch index ~/Pictures
    """
    chosen = chosen_model(model, preset)
    base = gallery_for_root(roots[0], gallery)
    folder = gallery_to_write(base, chosen)
    if forget:
        report = forget_roots(folder, roots, wait_s=wait)
    else:
        options = UpdateOptions(
            jobs=jobs,
            max_pixels=int(max_megapixels * PIXELS_PER_MEGAPIXEL),
            retry_failed=retry_failed,
            rehash=rehash,
            wait_s=wait,
        )
        with progress_bar(quiet=quiet) as on_progress:
            report = update_gallery(
                folder,
                roots,
                identity=chosen_identity(preset, folder, chosen),
                make_embedder=embedder_maker(engine, precision, weights, chosen),
                options=options,
                on_progress=on_progress,
                look=first_look,
            )
        _remember(base)
    _print_failures(report.failed, quiet=quiet)
    if as_json:
        print_json(_document(folder, report))
    elif not quiet:
        print_line(one_line(_summary(report, folder)))
    if strict and report.failed:
        raise typer.Exit(1)


def _remember(folder: Path) -> None:
    try:
        remember_gallery(folder)
    except OSError as error:
        print_error(f"note: this gallery is not remembered as the last one: {error}")


def _print_failures(failed: tuple[FailedFile, ...], *, quiet: bool) -> None:
    if quiet:
        return
    for file in failed[:_LISTED_FAILURES]:
        print_error(f"cannot read {file.path}: {file.reason}")
    if len(failed) > _LISTED_FAILURES:
        rest = len(failed) - _LISTED_FAILURES
        print_error(f"... and {rest:,} more; `imgsearch info --failed` lists all")


def _summary(report: UpdateReport, folder: Path) -> str:
    """Say in one line what the gallery holds now, and what this run did."""
    counts = {
        "added": report.added,
        "updated": report.updated,
        "moved": report.moved,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "not readable": len(report.failed),
    }
    changes = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    if not report.images and not changes:
        return f"no pictures found; the gallery {folder} is empty"
    rate = f", {report.images_per_second:,.0f} files/s" if report.images_per_second else ""
    return (
        f"{report.images:,} images: {changes or 'nothing changed'} ({report.seconds:.1f} s{rate})"
    )


def _document(folder: Path, report: UpdateReport) -> dict[str, Any]:
    return {
        **json_path(folder.resolve(), "gallery"),
        "images": report.images,
        "added": report.added,
        "updated": report.updated,
        "moved": report.moved,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "failed": [_file(file) for file in report.failed],
        "ignored": [_file(file) for file in report.ignored],
        "seconds": round(report.seconds, 3),
        "images_per_second": round(report.images_per_second, 2),
    }


def _file(file: FailedFile) -> dict[str, str]:
    return {**json_path(file.path), "reason": file.reason}
