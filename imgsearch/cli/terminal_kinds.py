"""How a terminal can show pictures, by what it says of itself in the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, cast, get_args

Style: TypeAlias = Literal["kitty", "iterm", "sixel", "blocks", "blocks-256"]
"""By the protocol of kitty, of iTerm2, or sixel graphics; else as half blocks of characters, in
24-bit colour or in 256 colours."""

STYLES: Final = get_args(Style)
STYLE_VARIABLE: Final = "IMGSEARCH_PICTURES"
"""Names a style, or `none`, where a terminal says too little of itself."""

_BY_PROGRAM: Final[Mapping[str, Style]] = {
    "ghostty": "kitty",
    "iTerm.app": "iterm",
    "mintty": "iterm",
    "WezTerm": "iterm",
    "contour": "sixel",
}
_BY_TERM: Final[Mapping[str, Style]] = {
    "xterm-kitty": "kitty",
    "xterm-ghostty": "kitty",
    "foot": "sixel",
    "foot-extra": "sixel",
    "mlterm": "sixel",
    "mlterm-256color": "sixel",
    "contour": "sixel",
    "yaft-256color": "sixel",
}
_MULTIPLEXERS: Final = ("screen", "tmux")


def picture_style(environment: Mapping[str, str]) -> Style | None:
    """Tell how the terminal can show pictures; None if not at all.

    Raises:
        ValueError: If `IMGSEARCH_PICTURES` names no style.
    """
    wished = environment.get(STYLE_VARIABLE)
    if wished:
        return _named(wished)
    return _graphics(environment) or _blocks(environment)


def _named(wished: str) -> Style | None:
    if wished not in (*STYLES, "none"):
        raise ValueError(f"{STYLE_VARIABLE} is {wished}; choose one of {', '.join(STYLES)} or none")
    return cast("Style", wished) if wished != "none" else None


def _graphics(environment: Mapping[str, str]) -> Style | None:
    """Tell which protocol the terminal knows; a multiplexer in between lets none through."""
    term = environment.get("TERM", "")
    if "TMUX" in environment or term.startswith(_MULTIPLEXERS) or term == "dumb":
        return None
    program = environment.get("TERM_PROGRAM", "")
    known = _BY_PROGRAM.get(program) or _BY_TERM.get(term)
    if known is not None or program:  # whatever else is set may be of the terminal around this one
        return known
    if "KITTY_WINDOW_ID" in environment:
        return "kitty"
    return "iterm" if environment.get("LC_TERMINAL") == "iTerm2" else None


def _blocks(environment: Mapping[str, str]) -> Style | None:
    """Tell how many colours there are for half blocks, which are nothing without colours."""
    term = environment.get("TERM", "")
    if term == "dumb" or environment.get("NO_COLOR"):
        return None
    if environment.get("COLORTERM") in ("truecolor", "24bit") or "WT_SESSION" in environment:
        return "blocks"
    return "blocks-256" if "256color" in term else None
