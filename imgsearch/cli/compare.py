"""`imgsearch compare`: the cosine similarity of two pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imgsearch.cli.choose import chosen_identity, chosen_model, embedder_maker, gallery_to_read
from imgsearch.cli.options import (
    PIXELS_PER_MEGAPIXEL,
    EngineName,
    EngineOption,
    JsonOption,
    MaxMegapixelsOption,
    ModelOption,
    PrecisionName,
    PresetOption,
    WeightsOption,
)
from imgsearch.cli.output import json_path, print_json, print_line
from imgsearch.query import QueryImage, compare_images


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="A picture.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another picture.")],
    preset: PresetOption = None,
    model: ModelOption = None,
    precision: Annotated[
        PrecisionName, typer.Option("--precision", help="The arithmetic; fp32 is exact.")
    ] = PrecisionName.fp32,
    engine: EngineOption = EngineName.auto,
    gallery: Annotated[
        Path | None,
        typer.Option(
            "--gallery", metavar="DIR", help="Use this gallery's preset.", show_default=False
        ),
    ] = None,
    max_megapixels: MaxMegapixelsOption = 300,
    weights: WeightsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the cosine similarity of two pictures.

    Neither need be indexed. With --preset tutorial it is the number that the classic Keras
    steps give.

    Example: imgsearch compare cat.jpg dog.jpg
    """
    chosen = chosen_model(model, preset)
    make_embedder = embedder_maker(engine, precision, weights, chosen)
    if gallery is not None and chosen is not None:
        gallery = gallery_to_read(gallery, chosen)
    score = compare_images(
        QueryImage(first, str(first)),
        QueryImage(second, str(second)),
        make_embedder(chosen_identity(preset, gallery, chosen)),
        max_pixels=int(max_megapixels * PIXELS_PER_MEGAPIXEL),
    )
    if as_json:
        paths = {**json_path(first.absolute(), "a"), **json_path(second.absolute(), "b")}
        print_json({**paths, "score": score})
    else:
        print_line(f"{score:.4f}")
