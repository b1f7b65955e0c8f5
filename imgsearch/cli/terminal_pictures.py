"""Pictures as what a terminal is sent to show them."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from imgsearch.cli.terminal_kinds import Style
from imgsearch.images.resize import resize
from imgsearch.types import Pixels

ROWS: Final = 9
"""How many lines a picture takes, at most."""

GRAPHICS_SIDE: Final = 360
"""The longer side of a picture for the terminals that scale it themselves, in pixels."""

_SIXEL_SIDE: Final = 180  # shown pixel by pixel: nine lines of twenty
_BLOCK_COLUMNS: Final = 40
_KITTY_CHUNK: Final = 4096  # bytes of base64 in one command, at most
_SIXEL_ROWS: Final = 6
_SIXEL_COLOURS: Final = 255
_SIXEL_ZERO: Final = 63
_SHORTEST_RUN: Final = 4  # a shorter one is no longer as it is
_CUBE: Final = (0, 95, 135, 175, 215, 255)
"""The levels of each colour in the palette of 256, of which 6 * 6 * 6 make up a cube."""
_CUBE_START: Final = 16


def encode(pixels: Pixels, style: Style) -> bytes:
    """Return what shows a picture, at most `ROWS` lines high, and ends the line.

    Args:
        pixels: Shape (height, width, 3), sRGB.
        style: How the terminal shows pictures.
    """
    return _ENCODERS[style](pixels)


def _kitty(pixels: Pixels) -> bytes:
    """Send a PNG in pieces; `q=2` keeps the terminal from answering into our input."""
    payload = b64encode(_png(pixels))
    pieces = [payload[at : at + _KITTY_CHUNK] for at in range(0, len(payload), _KITTY_CHUNK)]
    commands = []
    for number, piece in enumerate(pieces):
        keys = f"a=T,f=100,q=2,r={_rows(pixels)}," if number == 0 else ""
        more = int(number < len(pieces) - 1)
        commands.append(f"\x1b_G{keys}m={more};".encode() + piece + b"\x1b\\")
    return b"".join(commands) + b"\n"


def _iterm(pixels: Pixels) -> bytes:
    content = _png(pixels)
    keys = f"inline=1;size={len(content)};height={_rows(pixels)};preserveAspectRatio=1"
    return f"\x1b]1337;File={keys}:".encode() + b64encode(content) + b"\x07\n"


def _sixel(pixels: Pixels) -> bytes:
    """Send bands of six rows, colour by colour; 255 colours are chosen for each picture."""
    small = _within(pixels, _SIXEL_SIDE, _SIXEL_SIDE)
    chosen = Image.fromarray(small).quantize(_SIXEL_COLOURS, dither=Image.Dither.NONE)
    places = np.asarray(chosen)
    palette = np.array(chosen.getpalette(), dtype=int).reshape(-1, 3)
    colours = "".join(
        f"#{number};2;{';'.join(str(round(value / 2.55)) for value in palette[number])}"
        for number in np.unique(places)
    )
    height, width = places.shape
    bands = "-".join(
        "$".join(_band(places[top : top + _SIXEL_ROWS])) for top in range(0, height, _SIXEL_ROWS)
    )
    return f'\x1bP0;1;0q"1;1;{width};{height}{colours}{bands}\x1b\\\n'.encode("ascii")


def _band(places: npt.NDArray[np.uint8]) -> Iterator[str]:
    """Yield what draws each colour of a band: a character a column, a bit of it a row."""
    bits = 1 << np.arange(len(places))
    for colour in np.unique(places):
        columns = (places == colour).T @ bits
        starts = np.flatnonzero(np.diff(columns, prepend=-1))
        lengths = np.diff(starts, append=len(columns))
        runs = zip(columns[starts].tolist(), lengths.tolist(), strict=True)
        yield f"#{colour}" + "".join(_run(chr(_SIXEL_ZERO + mask), count) for mask, count in runs)


def _run(character: str, count: int) -> str:
    return character * count if count < _SHORTEST_RUN else f"!{count}{character}"


def _blocks(pixels: Pixels) -> bytes:
    return _half_blocks(pixels, lambda colour: f"2;{';'.join(map(str, colour.tolist()))}")


def _blocks_256(pixels: Pixels) -> bytes:
    return _half_blocks(pixels, lambda colour: f"5;{_nearest(colour)}")


def _half_blocks(pixels: Pixels, name: Callable[[npt.NDArray[np.uint8]], str]) -> bytes:
    """Draw two pixels a character: the upper half in the foreground's colour, and the lower."""
    small = _within(pixels, _BLOCK_COLUMNS, 2 * ROWS)
    lines = []
    for top in range(0, len(small), 2):
        upper, lower = small[top], small[top + 1] if top + 1 < len(small) else None
        line = ""
        for column, colour in enumerate(upper):
            below = "49" if lower is None else f"48;{name(lower[column])}"
            line += f"\x1b[38;{name(colour)};{below}m\u2580"
        lines.append(line + "\x1b[0m\n")
    return "".join(lines).encode()


def _nearest(colour: npt.NDArray[np.uint8]) -> int:
    """Return the place in the palette of 256 colours that comes closest within its cube."""
    red, green, blue = (
        min(range(len(_CUBE)), key=lambda level: abs(_CUBE[level] - value))
        for value in colour.tolist()
    )
    return _CUBE_START + 36 * red + 6 * green + blue


def _within(pixels: Pixels, columns: int, rows: int) -> Pixels:
    height, width = pixels.shape[:2]
    scale = min(1.0, columns / width, rows / height)
    if scale == 1.0:
        return pixels
    return resize(pixels, max(1, round(width * scale)), max(1, round(height * scale)))


def _rows(pixels: Pixels) -> int:
    """Return how many lines a picture is given: fewer if it is so wide that it would be too wide.

    A line is taken to be twice as high as a character is wide.
    """
    height, width = pixels.shape[:2]
    return int(np.clip(round(_BLOCK_COLUMNS * height / width / 2), 1, ROWS))


def _png(pixels: Pixels) -> bytes:
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "PNG")
    return encoded.getvalue()


_ENCODERS: Final[Mapping[Style, Callable[[Pixels], bytes]]] = {
    "kitty": _kitty,
    "iterm": _iterm,
    "sixel": _sixel,
    "blocks": _blocks,
    "blocks-256": _blocks_256,
}
