"""`imgsearch check`: is a gallery sound, and does its index answer as scikit-learn would?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from imgsearch.cli.choose import chosen_model, gallery_to_read
from imgsearch.cli.options import GalleryOption, JsonOption, ModelOption, QuietOption
from imgsearch.cli.output import json_path, one_line, print_error, print_json, print_line
from imgsearch.dedup.leftovers import find_leftovers
from imgsearch.errors import GalleryError, GalleryNotFoundError
from imgsearch.gallery.check import CheckReport, check_gallery

_NOTHING = CheckReport(
    images=0, problems=(), repaired=False, sampled=0, k=0, max_score_difference=0.0
)


@dataclass(frozen=True)
class _Checked:
    """A gallery that was looked at; `name` is the model's, if it is one inside another gallery."""

    folder: Path
    report: CheckReport
    name: str = ""

    @property
    def prefix(self) -> str:
        return f"{self.name}: " if self.name else ""

    def document(self) -> dict[str, Any]:
        return {
            **json_path(self.folder.resolve(), "gallery"),
            "healthy": self.report.healthy,
            **asdict(self.report),
        }


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

    Looks at its catalogue, its vectors and its index, and at those of every other model in it; a
    sample of the answers of FAISS is held against scikit-learn's cosine_similarity. Exits 1 if
    anything is wrong; an index file that is merely behind, as while `imgsearch index` runs, is
    not, nor is a clean-up that was cut off.

    Example: imgsearch check
    """
    folder = gallery_to_read(gallery, chosen_model(model))
    found = [_Checked(folder, _look(folder, sample, repair=repair))]
    if model is None:
        found += _other_models(folder, sample, repair=repair)
    if as_json:
        print_json(_document(found))
    _tell(found, quiet=quiet, is_told=as_json)
    if not _all_healthy(found):
        raise typer.Exit(1)


def _look(folder: Path, sample: int, *, repair: bool) -> CheckReport:
    return _with_leftovers(check_gallery(folder, sample=sample, repair=repair), folder)


def _other_models(folder: Path, sample: int, *, repair: bool) -> Iterator[_Checked]:
    """Look at the models beside the first one; one that cannot be opened hides no other."""
    from imgsearch.gallery.models import gallery_of_name, models_in

    for name in models_in(folder):
        inner = gallery_of_name(folder, name)
        try:
            report = _look(inner, sample, repair=repair)
        except GalleryNotFoundError as error:  # it was begun, and never held anything
            report = replace(_NOTHING, notes=(error.reason,))
        except GalleryError as error:
            report = replace(_NOTHING, problems=(error.reason,))
        yield _Checked(inner, report, name)


def _all_healthy(found: list[_Checked]) -> bool:
    return all(one.report.healthy for one in found)


def _document(found: list[_Checked]) -> dict[str, Any]:
    first, *others = found
    return {
        **first.document(),
        "healthy": _all_healthy(found),
        "models": [{"name": one.name, **one.document()} for one in others],
    }


def _tell(found: list[_Checked], *, quiet: bool, is_told: bool) -> None:
    """Say what was found: what is sound to standard output, unless a document told it already."""
    for one in found:
        if one.report.healthy and not quiet and not is_told:
            print_line(one_line(f"{one.prefix}{_summary(one.report)}"))
        for note in one.report.notes if not quiet else ():
            print_error(f"note: {one.prefix}{note}")
        for problem in one.report.problems:
            print_error(f"problem: {one.prefix}{problem}")


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
