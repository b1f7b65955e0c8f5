"""`imgsearch check`: is a gallery sound, and does its index answer as scikit-learn would?"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from imgsearch.cli.choose import chosen_model, gallery_to_read
from imgsearch.cli.options import GalleryOption, JsonOption, ModelOption, QuietOption
from imgsearch.cli.output import json_path, print_error, print_json, print_line
from imgsearch.dedup.leftovers import find_leftovers
from imgsearch.gallery.check import CheckReport, check_gallery


def check(
    gallery: GalleryOption = None,
    model: ModelOption = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="Mend what is damaged: the catalogue, its vectors, the index."
        ),
    ] = False,
    sample: Annotated[
        int, typer.Option("--sample", min=1, help="How many pictures to ask scikit-learn about.")
    ] = 100,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Check that a gallery is sound.

    Looks at its catalogue, its vectors and its index; a sample of the answers of FAISS is held
    against scikit-learn's cosine_similarity. Exits 1 if anything is wrong; an index file that is
    merely behind, as while `imgsearch index` runs, is not, nor is a clean-up that was cut off.

    Example: imgsearch check
    """
    folder = gallery_to_read(gallery, chosen_model(model))
    report = _with_leftovers(check_gallery(folder, sample=sample, repair=repair), folder)
    if as_json:
        print_json(
            {
                **json_path(folder.resolve(), "gallery"),
                "healthy": report.healthy,
                **asdict(report),
            }
        )
    elif report.healthy and not quiet:
        print_line(_summary(report))
    for note in report.notes if not quiet else ():
        print_error(f"note: {note}")
    for problem in report.problems:
        print_error(f"problem: {problem}")
    if not report.healthy:
        raise typer.Exit(1)


def _with_leftovers(report: CheckReport, folder: Path) -> CheckReport:
    """Add what clean-ups of copies left behind."""
    left = find_leftovers(folder)
    return replace(
        report, notes=report.notes + left.notes, problems=report.problems + left.problems
    )


def _summary(report: CheckReport) -> str:
    mended = "index built anew; " if report.repaired else ""
    if not report.sampled:
        return f"{mended}sound: {report.images:,} images"
    return (
        f"{mended}sound: {report.images:,} images; top {report.k} of {report.sampled:,} queries as"
        f" scikit-learn's, scores within {report.max_score_difference:.0e}"
    )
