"""The plot: photos a second as bars, drawn with Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmarks.table import Row, number

WIDTH = 960
ROW_HEIGHT = 30
BAR_LEFT = 400
BAR_RIGHT = 800
MARGIN = 20
PAPER = "#ffffff"
INK = "#222222"
COLOURS = {"tutorial": "#b0554a", "ours": "#3b6ea5", "limit": "#c9c9c9"}
PALETTE_COLOURS = 32  # enough for smooth letters, and small


def write_plot(rows: Sequence[Row], path: Path) -> None:
    """Draw a bar for each row; all have the same unit."""
    height = 2 * MARGIN + ROW_HEIGHT * (len(rows) + 1)
    picture = Image.new("RGB", (WIDTH, height), PAPER)
    pen = ImageDraw.Draw(picture)
    heading = f"{rows[0].unit}, and times the tutorial's loop"
    pen.text((MARGIN, MARGIN), heading, INK, ImageFont.load_default(16))
    longest = max(row.value for row in rows)
    for place, row in enumerate(rows, start=1):
        draw_bar(pen, row, MARGIN + place * ROW_HEIGHT, longest)
    picture.quantize(PALETTE_COLOURS).save(path, optimize=True)


def draw_bar(pen: ImageDraw.ImageDraw, row: Row, top: float, longest: float) -> None:
    font = ImageFont.load_default(14)
    right = BAR_LEFT + (BAR_RIGHT - BAR_LEFT) * row.value / longest
    pen.text((MARGIN, top + 5), row.name, INK, font)
    pen.rectangle((BAR_LEFT, top + 3, max(right, BAR_LEFT + 1), top + 24), COLOURS[kind(row)])
    ratio = "" if row.ratio is None else f"  ({number(row.ratio)} x)"
    pen.text((right + 8, top + 5), number(row.value) + ratio, INK, font)


def kind(row: Row) -> str:
    if row.name.startswith("limit"):
        return "limit"
    return "tutorial" if row.name.startswith(("tutorial", "Keras")) else "ours"
