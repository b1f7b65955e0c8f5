"""`imgsearch query`: find the most similar photos."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from imgsearch.cli.choose import chosen_model, embedder_maker, gallery_to_read
from imgsearch.cli.options import (
    PIXELS_PER_MEGAPIXEL,
    EngineName,
    EngineOption,
    GalleryOption,
    JsonOption,
    MaxMegapixelsOption,
    ModelOption,
    PrecisionName,
    PrecisionOption,
    WeightsOption,
)
from imgsearch.cli.output import print_error
from imgsearch.cli.query_answers import (
    STANDARD_INPUT,
    Answer,
    print_document,
    print_json_lines,
    print_null,
    print_plain,
)
from imgsearch.cli.query_options import (
    CameraOption,
    CropOption,
    ExcludeSelfOption,
    ExpandOption,
    FormatOption,
    GroupOption,
    HtmlOption,
    ImagesArgument,
    InlineOption,
    InOption,
    JsonLinesOption,
    MinHeightOption,
    MinMegapixelsOption,
    MinScoreOption,
    MinWidthOption,
    NotOption,
    NullOption,
    OpenOption,
    PathOption,
    PngOption,
    ProbabilityOption,
    SinceOption,
    TogetherOption,
    TopOption,
    UntilOption,
    crop_of,
)
from imgsearch.cli.query_pictures import print_pictured
from imgsearch.errors import ImageReadError
from imgsearch.gallery.filters import Filter, unread_exif_count
from imgsearch.gallery.store import GalleryStore, open_for_reading
from imgsearch.images.crop import Crop
from imgsearch.query import QueryImage, QueryOptions, Search, search_gallery

if TYPE_CHECKING:
    from imgsearch.evaluation.calibration import ProbabilityCurve  # loaded only when asked for


def query(
    images: ImagesArgument,
    k: TopOption = 10,
    min_score: MinScoreOption = -1,
    exclude_self: ExcludeSelfOption = False,
    probability: ProbabilityOption = False,
    expand: ExpandOption = None,
    together: TogetherOption = False,
    unlike: NotOption = None,
    crop: CropOption = None,
    paths: PathOption = None,
    folders: InOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    camera: CameraOption = None,
    min_width: MinWidthOption = 0,
    min_height: MinHeightOption = 0,
    min_megapixels: MinMegapixelsOption = 0,
    formats: FormatOption = None,
    group: GroupOption = False,
    gallery: GalleryOption = None,
    model: ModelOption = None,
    precision: PrecisionOption = PrecisionName.auto,
    engine: EngineOption = EngineName.auto,
    max_megapixels: MaxMegapixelsOption = 300,
    weights: WeightsOption = None,
    as_json: JsonOption = False,
    json_lines: JsonLinesOption = False,
    null: NullOption = False,
    inline: InlineOption = False,
    page: HtmlOption = None,
    open_it: OpenOption = False,
    png: PngOption = None,
) -> None:
    """Find the photos most similar to a picture.

    The picture may be indexed or not. Prints a score and a path a line; the score is the cosine
    similarity. A picture that is itself indexed comes first with 1.000; leave it out with
    --exclude-self. With several pictures, a line '# PICTURE' heads each answer.

    Example: imgsearch query cat.jpg -k 5
    """
    if as_json + json_lines + null + inline > 1:
        raise typer.BadParameter("choose one of --json, --json-lines, --null and --inline")
    if probability and (together or unlike):
        raise typer.BadParameter("--probability is of single pictures: no --together, no --not")
    if open_it and page is None:
        raise typer.BadParameter("--open needs a page: --html OUT")
    try:
        only = Filter(
            paths=tuple(paths or ()),
            folders=tuple(folders or ()),
            since=_with_t(since),
            until=_with_t(until),
            camera=camera,
            min_width=min_width,
            min_height=min_height,
            min_pixels=round(min_megapixels * PIXELS_PER_MEGAPIXEL),
            formats=tuple(formats or ()),
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    part = crop_of(crop)
    options = QueryOptions(
        k=k,
        min_score=min_score,
        exclude_self=exclude_self,
        max_pixels=int(max_megapixels * PIXELS_PER_MEGAPIXEL),
        only=only,
        unlike=tuple(_read(name, None) for name in unlike or ()),
        together=together,
        expand=expand,
    )
    queries = [_read(name, part) for name in images]
    chosen = chosen_model(model)
    with open_for_reading(gallery_to_read(gallery, chosen)) as store:
        maker = embedder_maker(engine, precision, weights, chosen)
        curve = _curve(store) if probability else None
        found = _search(group)(store, queries, options, maker)
        names = [tuple(images)] if together else [(name,) for name in images]
        answers = [Answer(asked, hits, curve) for asked, hits in zip(names, found, strict=True)]
        _remark(store, only, answers)
        if as_json:
            print_document(store.folder, answers, with_copies=group)
        elif json_lines:
            print_json_lines(answers, with_copies=group)
        elif null:
            print_null(answers)
        elif inline:
            print_pictured(answers, options.max_pixels)
        else:
            print_plain(answers)
    if page is not None or png is not None:
        from imgsearch.cli.query_sheets import open_page, write_sheets  # loads what draws

        write_sheets(answers, page=page, png=png)
        if page is not None and open_it:
            open_page(page)


def _search(group: bool) -> Search:
    """Return what answers, with copies in groups or not."""
    if not group:
        return search_gallery
    from imgsearch.grouping import search_grouped  # loads more than a plain query needs

    return search_grouped


def _curve(store: GalleryStore) -> ProbabilityCurve:
    """Return what the gallery's scores mean; say so if that was found out long ago."""
    from imgsearch.gallery.calibration import require_calibration

    calibration, images = require_calibration(store), store.catalog.image_count()
    if calibration.is_stale(images):
        print_error(
            f"note: the gallery had {calibration.images:,} pictures when it was calibrated, and has"
            f" {images:,} now; run `imgsearch calibrate` again"
        )
    return calibration.curve


def _with_t(date: str | None) -> str | None:
    """Allow a blank between a day and its time."""
    return None if date is None else date.strip().replace(" ", "T")


def _read(name: str, crop: Crop | None) -> QueryImage:
    if name == STANDARD_INPUT:
        if sys.stdin is None:
            raise ImageReadError("standard input", "it is closed")
        return QueryImage(sys.stdin.buffer.read(), "standard input", crop)
    return QueryImage(Path(name), name, crop)


def _remark(store: GalleryStore, only: Filter, answers: Sequence[Answer]) -> None:
    """Say what a filter could not know of."""
    unread = unread_exif_count(store) if only.asks_exif else 0
    if unread:
        print_error(
            f"imgsearch: the EXIF data of {unread:,} pictures were never read, so no date and no"
            " camera finds them; run `imgsearch index --rehash` on their folders"
        )
    if only != Filter() and not any(answer.hits for answer in answers):
        print_error("imgsearch: no picture that passes the filters was found")
