"""`imgsearch query`: find the most similar photos."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from imgsearch.cli.choose import embedder_maker
from imgsearch.cli.options import (
    PIXELS_PER_MEGAPIXEL,
    EngineName,
    EngineOption,
    GalleryOption,
    JsonOption,
    MaxMegapixelsOption,
    PrecisionName,
    PrecisionOption,
    WeightsOption,
)
from imgsearch.cli.output import json_path, one_line, print_json, print_line
from imgsearch.errors import ImageReadError
from imgsearch.gallery.locate import find_gallery
from imgsearch.gallery.store import open_for_reading
from imgsearch.query import Hit, QueryImage, QueryOptions, search_gallery

_STANDARD_INPUT = "-"


def _in_range(score: float) -> float:
    if not -1 <= score <= 1:  # also refuses nan, which min= and max= let through
        raise typer.BadParameter("a cosine similarity lies between -1 and 1")
    return score


def query(
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Pictures; '-' reads standard input.")
    ],
    k: Annotated[int, typer.Option("-k", "--top", min=1, help="How many hits of each.")] = 10,
    min_score: Annotated[
        float,
        typer.Option("--min-score", help="Leave out lower cosines.", callback=_in_range),
    ] = -1,
    exclude_self: Annotated[
        bool, typer.Option("--exclude-self", help="Leave out the query's own file.")
    ] = False,
    gallery: GalleryOption = None,
    precision: PrecisionOption = PrecisionName.auto,
    engine: EngineOption = EngineName.auto,
    max_megapixels: MaxMegapixelsOption = 300,
    weights: WeightsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the photos most similar to a picture.

    The picture may be indexed or not. Prints a score and a path a line; the score is the cosine
    similarity. A picture that is itself indexed comes first with 1.000; leave it out with
    --exclude-self. With several pictures, a line '# PICTURE' heads each answer.

    Example: imgsearch query cat.jpg -k 5
    """
    options = QueryOptions(
        k=k,
        min_score=min_score,
        exclude_self=exclude_self,
        max_pixels=int(max_megapixels * PIXELS_PER_MEGAPIXEL),
    )
    queries = [_read(name) for name in images]
    with open_for_reading(find_gallery(gallery)) as store:
        maker = embedder_maker(engine, precision, weights)
        answers = search_gallery(store, queries, options, maker)
        if as_json:
            print_json(_document(store.folder, images, answers))
        else:
            _print_plain(images, answers)


def _read(name: str) -> QueryImage:
    if name == _STANDARD_INPUT:
        if sys.stdin is None:
            raise ImageReadError("standard input", "it is closed")
        return QueryImage(sys.stdin.buffer.read(), "standard input")
    return QueryImage(Path(name), name)


def _print_plain(names: list[str], answers: list[list[Hit]]) -> None:
    for name, hits in zip(names, answers, strict=True):
        if len(names) > 1:
            print_line(f"# {one_line(name)}")
        for hit in hits:
            print_line(f"{hit.score:.3f}\t{one_line(str(hit.path))}")


def _document(folder: Path, names: list[str], answers: list[list[Hit]]) -> dict[str, Any]:
    return {
        **json_path(folder, "gallery"),
        "queries": [
            {**json_path(_absolute(name), "query"), "hits": [_hit(hit) for hit in hits]}
            for name, hits in zip(names, answers, strict=True)
        ],
    }


def _absolute(name: str) -> str:
    return name if name == _STANDARD_INPUT else str(Path(name).absolute())


def _hit(hit: Hit) -> dict[str, Any]:
    return {"rank": hit.rank, "score": hit.score, **json_path(hit.path)}
