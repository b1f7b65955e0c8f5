"""The options that say which of several copies stays, shared by the subcommands of `dupes`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from imgsearch.dedup.keep_config import KeepWishes, parse_order, parse_tiers
from imgsearch.errors import KeepRulesError


def _names(texts: list[str] | None) -> tuple[str, ...]:
    """Return names that may be repeated, or joined by commas."""
    names = (name.strip() for text in texts or () for name in text.split(","))
    return tuple(name for name in names if name)


def _known(texts: list[str] | None, parse: Callable[[tuple[str, ...]], object]) -> list[str] | None:
    """Refuse names that say nothing; none at all is mostly a variable that is not set."""
    names = _names(texts)
    if texts and not names:
        raise typer.BadParameter("no name is given")
    try:
        parse(names)
    except KeepRulesError as error:
        raise typer.BadParameter(str(error)) from error
    return texts


def _known_rules(texts: list[str] | None) -> list[str] | None:
    return _known(texts, parse_order)


def _known_tiers(texts: list[str] | None) -> list[str] | None:
    return _known(texts, parse_tiers)


KeepOption = Annotated[
    list[str] | None,
    typer.Option(
        "--keep",
        metavar="RULE,...",
        help="Which copy stays, the most important rule first: resolution, siblings, exif, format,"
        " size, protected, oldest, shortest-name. Rules that are not named follow in this order.",
        callback=_known_rules,
        show_default=False,
    ),
]
TierOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tier",
        metavar="TIER,...",
        help="What may go: identical, pixels, copy, edited. Default: all but edited.",
        callback=_known_tiers,
        show_default=False,
    ),
]
KeepInOption = Annotated[
    list[str] | None,
    typer.Option(
        "--keep-in",
        metavar="DIR",
        help="Rather keep files in this folder, or of this glob; may be repeated.",
        show_default=False,
    ),
]
NeverTouchOption = Annotated[
    list[str] | None,
    typer.Option(
        "--never-touch",
        metavar="GLOB",
        help="Files of this glob, or in this folder, stay whatever is said of them; may be"
        " repeated.",
        show_default=False,
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="A TOML file with keep, keep-in, never-touch and tiers. Default: keep.toml in the"
        " gallery's folder, if there is one.",
        show_default=False,
    ),
]


def wishes_of(
    keep: list[str] | None,
    keep_in: list[str] | None,
    never_touch: list[str] | None,
    tiers: list[str] | None = None,
) -> KeepWishes:
    """Return what a command line asks for; names may be repeated, or joined by commas."""
    return KeepWishes(_names(keep), tuple(keep_in or ()), tuple(never_touch or ()), _names(tiers))
