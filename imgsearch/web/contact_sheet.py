"""Contact sheets: rows of small pictures with captions, as one PNG or one offline page."""

from __future__ import annotations

import html
import io
import os
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, TypeAlias

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from imgsearch.errors import ImageReadError, SheetError
from imgsearch.gallery.durable import write_durably
from imgsearch.web.previews import data_uri, read_small

Mark: TypeAlias = Literal["query", "hit", "right", "wrong"]
"""What a picture is in its row; decides the colour of its frame."""

_MARK_OF_OURS: Final = "imgsearch contact sheet"
_HEAD_BYTES: Final = 256
_COLOURS: Final = {"query": "#3465a4", "hit": "#babdb6", "right": "#4e9a06", "wrong": "#cc0000"}
_SIDE: Final = 160
_FRAME: Final = 4
_GAP: Final = 8
_TEXT: Final = 12


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture, what is written below it, and what it is in its row."""

    path: Path
    caption: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Row:
    """Some pictures side by side, and what is written above them."""

    title: str
    cells: tuple[Cell, ...]


def write_png(path: Path, rows: Sequence[Row], *, side: int = _SIDE) -> None:
    """Write a contact sheet as a PNG.

    A picture that cannot be read is an empty frame.

    Args:
        path: The file to make; an earlier contact sheet is replaced, any other file is not.
        rows: What to show, at least one row.
        side: Of the square that each picture gets, in pixels.

    Raises:
        SheetError: If another file is in the way, or the disk refuses.
    """
    info = PngInfo()
    info.add_text("Software", _MARK_OF_OURS)
    encoded = io.BytesIO()
    _draw(rows, side).save(encoded, "PNG", pnginfo=info)
    _write(path, encoded.getvalue())


def write_page(path: Path, title: str, rows: Sequence[Row]) -> None:
    """Write a contact sheet as one page of HTML that holds its pictures.

    Args:
        path: The file to make; an earlier contact sheet is replaced, any other file is not.
        title: The page's heading.
        rows: What to show; one without a title goes on with the one before it.

    Raises:
        SheetError: If another file is in the way, or the disk refuses.
    """
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{_digest(_STYLE)}'"
    page = "\n".join(
        (
            f"<!doctype html><!-- {_MARK_OF_OURS} -->",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{_shown(title)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{_shown(title)}</h1>",
            *map(_row_html, _joined(rows)),
            "</body></html>\n",
        )
    )
    _write(path, page.encode())


def _write(path: Path, content: bytes) -> None:
    def write(temporary: Path) -> None:
        temporary.write_bytes(content)

    try:
        _refuse_other_files(path)
        write_durably(path.absolute(), write)
    except OSError as error:
        raise SheetError(path, (error.strerror or str(error)).lower()) from error


def _refuse_other_files(path: Path) -> None:
    try:
        with path.open("rb") as file:
            is_ours = _MARK_OF_OURS.encode() in file.read(_HEAD_BYTES)
    except FileNotFoundError:
        return
    if not is_ours:
        reason = "another file is there, which is left alone; choose another name"
        raise SheetError(path, reason)


def _draw(rows: Sequence[Row], side: int) -> Image.Image:
    cell_width = side + 2 * _FRAME
    row_height = _TEXT + cell_width + _TEXT + 4 * _GAP
    columns = max((len(row.cells) for row in rows), default=1)
    size = (_GAP + columns * (cell_width + _GAP), _GAP + len(rows) * row_height)
    sheet = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_TEXT)
    for number, row in enumerate(rows):
        top = _GAP + number * row_height
        pen.text((_GAP, top), _fitted(row.title, font, size[0] - 2 * _GAP), "black", font)
        for column, cell in enumerate(row.cells):
            corner = (_GAP + column * (cell_width + _GAP), top + _TEXT + _GAP)
            _draw_cell(sheet, cell, (*corner, side), font)
    return sheet


def _draw_cell(
    sheet: Image.Image,
    cell: Cell,
    square: tuple[int, int, int],
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """Draw a picture and its frame; `square` is the left, the top and the side of the picture."""
    left, top, side = square
    width = side + 2 * _FRAME
    pen = ImageDraw.Draw(sheet)
    end = left + width - 1, top + width - 1
    pen.rectangle(((left, top), end), "white", _COLOURS[cell.mark], _FRAME)
    try:
        picture = Image.fromarray(read_small(cell.path, side))
        picture.thumbnail((side, side))
        place = (width - picture.width) // 2, (width - picture.height) // 2
        sheet.paste(picture, (left + place[0], top + place[1]))
    except ImageReadError:
        pen.line(((left, top), end), _COLOURS[cell.mark])
    caption = _fitted(cell.caption, font, width)
    pen.text((left, end[1] + _GAP // 2), caption, "black", font)


def _fitted(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """Shorten a text to a width in pixels."""
    text = _readable(text)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}...") > width:
        text = text[:-1]
    return f"{text}..."


def _joined(rows: Sequence[Row]) -> list[Row]:
    """Join rows that were cut for a sheet of fixed width; a page has the width of its window."""
    joined: list[Row] = []
    for row in rows:
        if joined and not row.title:
            row = Row(joined[-1].title, joined.pop().cells + row.cells)
        joined.append(row)
    return joined


def _row_html(row: Row) -> str:
    cells = "".join(map(_cell_html, row.cells))
    return f"<section><h2>{_shown(row.title)}</h2><div>{cells}</div></section>"


def _cell_html(cell: Cell) -> str:
    try:
        picture = f'<img alt="" src="{data_uri(read_small(cell.path, _SIDE), _SIDE)}">'
    except ImageReadError as error:
        picture = f"<p>{_shown(error.reason)}</p>"
    title = html.escape(_readable(str(cell.path)))
    return (
        f'<figure class="{cell.mark}" title="{title}">{picture}'
        f"<figcaption>{_shown(cell.caption)}</figcaption></figure>"
    )


def _shown(text: str) -> str:
    return html.escape(_readable(text))


def _readable(text: str) -> str:
    """Return a text as well as it can be shown: on one line, whatever bytes a name has."""
    decoded = os.fsencode(text).decode(errors="replace")
    return "".join(character if character.isprintable() else "\ufffd" for character in decoded)


def _digest(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode("ascii")


_STYLE: Final = f"""
:root {{ color-scheme: light dark; --page: #f6f5f2; --card: #fff; --ink: #1d1c1a }}
@media (prefers-color-scheme: dark) {{
:root {{ --page: #161615; --card: #21201e; --ink: #eceae5 }}
}}
body {{
font: 14px/1.4 system-ui, sans-serif; margin: 0 auto; padding: 16px; max-width: 96rem;
color: var(--ink); background: var(--page)
}}
h1 {{ font-size: 20px; margin: 0 }}
h2 {{ font-size: 15px; margin: 16px 0 6px; overflow-wrap: anywhere }}
section > div {{
display: grid; gap: 8px; grid-template-columns: repeat(auto-fill, minmax(min({_SIDE}px, 44vw), 1fr))
}}
figure {{
margin: 0; border: {_FRAME - 1}px solid; border-radius: 8px; overflow: hidden;
background: var(--card); display: flex; flex-direction: column
}}
figure > :first-child {{ margin: auto; min-height: 0 }}
figure img {{ display: block; max-width: 100% }}
figure p {{ padding: 8px }}
figcaption {{
margin: 4px 8px 6px; overflow-wrap: anywhere; overflow: hidden;
display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3
}}
""" + "".join(f".{mark} {{ border-color: {colour} }}\n" for mark, colour in _COLOURS.items())
