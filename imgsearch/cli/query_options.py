"""The options of `imgsearch query`, and what they mean together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imgsearch.images.crop import Crop, parse_crop


def _in_range(score: float) -> float:
    if not -1 <= score <= 1:  # also refuses nan, which min= and max= let through
        raise typer.BadParameter("a cosine similarity lies between -1 and 1")
    return score


def crop_of(text: str | None) -> Crop | None:
    """Read the four numbers of a crop.

    Raises:
        typer.BadParameter: If they are not four, or make no rectangle.
    """
    if text is None:
        return None
    try:
        return parse_crop(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _named(names: list[str]) -> list[str]:
    if not all(names):  # mostly a variable that is not set
        raise typer.BadParameter("the name of a picture is empty")
    return names


ImagesArgument = Annotated[
    list[str],
    typer.Argument(metavar="IMAGE...", help="Pictures; '-' reads standard input.", callback=_named),
]
TopOption = Annotated[int, typer.Option("-k", "--top", min=1, help="How many hits of each.")]
MinScoreOption = Annotated[
    float, typer.Option("--min-score", help="Leave out lower cosines.", callback=_in_range)
]
ExcludeSelfOption = Annotated[
    bool, typer.Option("--exclude-self", help="Leave out the query's own file.")
]
ProbabilityOption = Annotated[
    bool,
    typer.Option(
        "--probability",
        help="Print after each score how likely it is the same picture; needs"
        " `imgsearch calibrate` once.",
    ),
]
ExpandOption = Annotated[
    bool | None,
    typer.Option(
        "--expand/--no-expand",
        help="Order the nearest anew by what they have near themselves, which finds more of a kind;"
        " scores stay cosines. Default: with the preset quality. The last of the two counts.",
        show_default=False,
    ),
]
TogetherOption = Annotated[
    bool, typer.Option("--together", help="One answer to all pictures: what is like all of them.")
]
NotOption = Annotated[
    list[str] | None,
    typer.Option("--not", metavar="IMAGE", help="What hits are not to be like; may be repeated."),
]
CropOption = Annotated[
    str | None,
    typer.Option(
        "--crop",
        metavar="X,Y,W,H",
        help="Search for this part of each picture: in parts of its sides if no number is above"
        " 1, else in pixels; from the upper left corner.",
    ),
]
PathOption = Annotated[
    list[str] | None,
    typer.Option(
        "--path",
        metavar="GLOB",
        help="Choose among these paths: 'IMG_*', 'beach/*' or '/whole/path/*'; may be repeated.",
    ),
]
InOption = Annotated[
    list[Path] | None,
    typer.Option("--in", metavar="FOLDER", help="Choose among those below; may be repeated."),
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="DATE", help="Taken then or later, by EXIF: 2024, 2024-05-31."),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="DATE", help="Taken then or before, by EXIF.")
]
CameraOption = Annotated[
    str | None, typer.Option("--camera", metavar="TEXT", help="Taken with such a camera, by EXIF.")
]
MinWidthOption = Annotated[int, typer.Option("--min-width", min=0, help="Pixels across.")]
MinHeightOption = Annotated[int, typer.Option("--min-height", min=0, help="Pixels down.")]
MinMegapixelsOption = Annotated[
    float, typer.Option("--min-megapixels", min=0, max=1e6, help="Millions of pixels.")
]
FormatOption = Annotated[
    list[str] | None,
    typer.Option("--format", metavar="NAME", help="JPEG, PNG, HEIF, ...; may be repeated."),
]
InlineOption = Annotated[
    bool,
    typer.Option("--inline", help="Show the hits below their lines, in a terminal that can."),
]
JsonLinesOption = Annotated[
    bool, typer.Option("--json-lines", help="Print a line of JSON for each hit.")
]
NullOption = Annotated[
    bool, typer.Option("-0", "--null", help="Print paths only, a NUL after each.")
]
HtmlOption = Annotated[
    Path | None,
    typer.Option("--html", metavar="OUT", help="Write a page that shows the hits, too."),
]
OpenOption = Annotated[bool, typer.Option("--open", help="Open that page in the browser.")]
PngOption = Annotated[
    Path | None,
    typer.Option("--png", metavar="OUT", help="Write a contact sheet of the hits, too."),
]
GroupOption = Annotated[
    bool, typer.Option("--group", help="One hit for each picture, whatever copies there are of it.")
]
