"""`imgsearch calibrate`: from which score on are pictures the same picture?"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from imgsearch.cli.choose import chosen_model, embedder_maker, gallery_to_read
from imgsearch.cli.options import (
    EngineName,
    EngineOption,
    GalleryOption,
    JsonOption,
    ModelOption,
    PrecisionName,
    PrecisionOption,
    QuietOption,
    WeightsOption,
)
from imgsearch.cli.output import json_path, print_json, print_line
from imgsearch.cli.progress import counting_bar
from imgsearch.cli.tables import Table, plain_lines
from imgsearch.gallery.calibration import Calibration, write_calibration
from imgsearch.gallery.store import open_for_reading

_LARGEST_SAMPLE = 5000
_SHOWN_SCORES = (0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5)


def _target(value: float) -> float:
    if not 0 < value < 1:  # also refuses nan, which min= and max= let through
        raise typer.BadParameter("it lies between 0 and 1")
    return value


def _share(value: float) -> float:
    if not 0 < value <= 1:
        raise typer.BadParameter("it is above 0, and at most 1")
    return value


def calibrate(
    target: Annotated[
        float,
        typer.Option(
            "--target",
            callback=_target,
            help="The share of returned pictures that shall be the same picture.",
        ),
    ] = 0.99,
    share: Annotated[
        float,
        typer.Option(
            "--share",
            callback=_share,
            help="How many of your questions have a copy in the gallery.",
        ),
    ] = 0.5,
    sample: Annotated[
        int,
        typer.Option(
            "--sample", min=1, max=_LARGEST_SAMPLE, help="How many pictures to edit, at most."
        ),
    ] = 200,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the choice and the edits.")] = 0,
    gallery: GalleryOption = None,
    model: ModelOption = None,
    precision: PrecisionOption = PrecisionName.auto,
    engine: EngineOption = EngineName.auto,
    weights: WeightsOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Find out from which score on a picture is the same picture.

    A sample of the gallery's own pictures is edited (re-encoded, cropped, captioned, turned, ...)
    and asked for; other pictures that come back are wrong, unless they are copies themselves. What
    is found is kept in the gallery, for `query --probability`. No photo is changed.

    Example: imgsearch calibrate
    """
    from imgsearch.measuring.calibration import CalibrationOptions
    from imgsearch.measuring.calibration import calibrate as measure

    chosen = chosen_model(model)
    options = CalibrationOptions(sample=sample, seed=seed, target=target, share=share)
    with (
        open_for_reading(gallery_to_read(gallery, chosen)) as store,
        counting_bar("Asking for copies", quiet=quiet) as on_progress,
    ):
        maker = embedder_maker(engine, precision, weights, chosen)
        found = measure(store, maker, options, on_progress)
        write_calibration(store.folder, found)
        folder = store.folder
    if as_json:
        print_json({**json_path(folder, "gallery"), **calibration_document(found)})
    elif not quiet:
        _print_plain(found)


def calibration_document(calibration: Calibration) -> dict[str, Any]:
    """Return a calibration as JSON fields."""
    names = ("images", "target", "score", "recall", "share", "sample", "copies", "others")
    curve = [
        {"score": score, "probability": probability}
        for score, probability in zip(
            calibration.curve.scores, calibration.curve.probabilities, strict=True
        )
    ]
    fields = {name: getattr(calibration, name) for name in (*names, "left_out", "seed")}
    return {**fields, "curve": curve}


def summary(calibration: Calibration) -> str:
    """Say in a line from which score on a picture is the same one."""
    share = f"{100 * calibration.target:.4g} % of what is returned is the same picture"
    if calibration.score is None:
        return f"no score was seen from which on {share}; a larger --sample may show one"
    found = f"that finds {100 * calibration.recall:.0f} % of edited copies"
    return f"from {calibration.score:.3f} on, {share}; {found}"


def _print_plain(calibration: Calibration) -> None:
    print_line(summary(calibration))
    left_out = (
        f"; {calibration.left_out:,} that are copies left out" if calibration.left_out else ""
    )
    print_line(
        f"by {calibration.copies:,} edited copies of {calibration.sample:,} pictures, and"
        f" {calibration.others:,} pairs with others{left_out}"
    )
    rows = tuple((f"{score:.2f}", f"{calibration.curve(score):.3f}") for score in _SHOWN_SCORES)
    print_line("")
    for line in plain_lines(Table(("score", "probability"), rows)):
        print_line(line)
