"""`imgsearch query --inline`: the hits as pictures, in the terminal itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from imgsearch.cli.output import print_bytes, print_error
from imgsearch.cli.query_answers import Answer, print_plain
from imgsearch.cli.terminal_kinds import Style, picture_style
from imgsearch.errors import ImageReadError
from imgsearch.query import Hit


def print_pictured(answers: Sequence[Answer], max_pixels: int) -> None:
    """Print answers as lines, each with its picture below where the terminal can show it.

    Args:
        answers: What to print.
        max_pixels: A picture that declares more is not shown.

    Raises:
        typer.BadParameter: If the environment asks for a style that there is not.
    """
    style = _style()
    if style is None:
        print_plain(answers)
        return
    print_plain(answers, lambda hit: _show(hit, style, max_pixels))


def _style() -> Style | None:
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    try:
        style = picture_style(os.environ)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    is_unicode = sys.stdout.encoding.lower().startswith("utf")
    return style if is_unicode or style in ("kitty", "iterm", "sixel") else None


def _show(hit: Hit, style: Style, max_pixels: int) -> None:
    # Both load what draws.
    from imgsearch.cli.terminal_pictures import GRAPHICS_SIDE, encode
    from imgsearch.web.small_pictures import read_within

    try:
        pixels = read_within(hit.path, GRAPHICS_SIDE, max_pixels=max_pixels)
    except ImageReadError as error:
        print_error(f"imgsearch: {error}")
        return
    print_bytes(encode(pixels, style))
