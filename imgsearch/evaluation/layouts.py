"""Edits that put something around a picture or on it: borders, captions, bars, logos.

Each takes an RGB picture and a generator of random numbers, and returns a new RGB picture.
"""

from __future__ import annotations

import colorsys
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from imgsearch.evaluation.shapes import LANCZOS

_WORDS: Final = (
    *("summer", "hills", "a day", "by the sea", "our first", "home", "look at", "this", "friends"),
    *("never", "forget", "when you", "wake up", "early", "market", "street", "bridge", "1987"),
    *("holiday", "with", "grandma", "best", "dog", "of all", "HAPPY", "BIRTHDAY", "Monday"),
)
_PHONE_SIDES: Final = ((360, 780), (390, 844), (640, 360), (768, 1024))
RGB = tuple[int, int, int]


def any_colour(random: np.random.Generator) -> RGB:
    """Choose a colour: white, black, or any other."""
    if random.random() < 0.5:
        return ((255, 255, 255), (0, 0, 0))[random.integers(2)]
    shades = colorsys.hsv_to_rgb(random.random(), random.uniform(0.2, 1), random.uniform(0.3, 1))
    red, green, blue = (round(255 * shade) for shade in shades)
    return red, green, blue


def any_words(random: np.random.Generator, count: int) -> str:
    """Choose some words."""
    return " ".join(random.choice(_WORDS, count))


def write(
    pen: ImageDraw.ImageDraw, text: str, place: tuple[float, float], size: float, ink: RGB
) -> None:
    """Write a line around a place, with an outline that shows on any ground."""
    font = ImageFont.load_default(max(6.0, size))
    outline = "black" if sum(ink) > 382 else "white"
    thickness = max(1, round(size / 14))
    pen.text(place, text, ink, font, "mm", stroke_width=thickness, stroke_fill=outline)


def border(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Put a frame of one colour around it, 4 to 15 % of the shorter side wide."""
    width = max(1, round(random.uniform(0.04, 0.15) * min(picture.size)))
    return ImageOps.expand(picture, width, any_colour(random))


def letterbox(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Put it in the middle of a square, or of a wide screen, of one colour."""
    long = max(picture.size)
    canvas = (long, long) if random.random() < 0.5 else (round(long * 16 / 9), long)
    return ImageOps.pad(picture, canvas, LANCZOS, any_colour(random))


def caption(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Write one or two lines across it, near the top or the bottom."""
    written = picture.copy()
    pen = ImageDraw.Draw(written)
    size = random.uniform(0.06, 0.1) * picture.height
    for line in range(random.integers(1, 3)):
        height = picture.height - size if random.random() < 0.5 else size * (1 + 1.3 * line)
        write(pen, any_words(random, 4), (picture.width / 2, height), size, any_colour(random))
    return written


def caption_band(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Add a band of one colour above or below, with words in it."""
    band = max(8, round(random.uniform(0.12, 0.25) * picture.height))
    above = bool(random.random() < 0.5)
    page = Image.new("RGB", (picture.width, picture.height + band), any_colour(random))
    page.paste(picture, (0, band if above else 0))
    middle = band / 2 if above else picture.height + band / 2
    words = any_words(random, 5)
    write(ImageDraw.Draw(page), words, (picture.width / 2, middle), band / 2.5, any_colour(random))
    return page


def overlay(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Put a logo on it, 12 to 28 % of each side: a filled shape with a letter."""
    covered = picture.copy()
    pen = ImageDraw.Draw(covered)
    width, height = random.uniform(0.12, 0.28, 2) * picture.size
    left, top = random.random(2) * (picture.width - width, picture.height - height)
    box = (left, top, left + width, top + height)
    draw = (pen.ellipse, pen.rectangle)[random.integers(2)]
    draw(box, any_colour(random))
    letter = any_words(random, 1)[:1].upper()
    middle = (left + width / 2, top + height / 2)
    write(pen, letter, middle, height / 2, any_colour(random))
    return covered


def watermark(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Write half-transparent words all over it, as sellers of pictures do."""
    text, angle = any_words(random, 2), random.uniform(15, 45)
    return with_watermark(picture, text, angle=angle, strength=random.uniform(0.2, 0.4))


def with_watermark(
    picture: Image.Image, text: str, *, angle: float = 30, strength: float = 0.3
) -> Image.Image:
    """Write half-transparent words all over a picture.

    Args:
        picture: What is written on.
        text: The words.
        angle: In degrees, anticlockwise.
        strength: How opaque the words are, in [0, 1].
    """
    side = 2 * max(picture.size)
    size = max(8, min(picture.size) // 10)
    sheet = Image.new("L", (side, side))
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size)
    step = round(pen.textlength(text, font)) + 2 * size
    for row, top in enumerate(range(0, side, 3 * size)):
        for left in range(-step * (row % 2) // 2, side, step):
            pen.text((left, top), text, round(255 * strength), font)
    turned = sheet.rotate(angle)
    corner = ((side - picture.width) // 2, (side - picture.height) // 2)
    mask = turned.crop((*corner, corner[0] + picture.width, corner[1] + picture.height))
    return Image.composite(Image.new("RGB", picture.size, "white"), picture, mask)


def screenshot(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Show it on a telephone or a tablet, between the bars of an app."""
    return shown_in_app(picture, random, random.integers(1 << 30))


def shown_in_app(
    picture: Image.Image, random: np.random.Generator, app: int | np.integer
) -> Image.Image:
    """Show a picture on a screen: a number stands for the app, with its screen, bars and colours.

    Args:
        picture: What is shown, as large as fits between the bars.
        random: Chooses the words.
        app: Two pictures with the same number have the same surroundings.
    """
    design = np.random.default_rng(int(app))
    width, height = _PHONE_SIDES[design.integers(len(_PHONE_SIDES))]
    ground, bars = any_colour(design), any_colour(design)
    ink: RGB = (0, 0, 0) if sum(bars) > 382 else (255, 255, 255)
    top, bottom = (round(height * share) for share in design.uniform((0.05, 0.06), (0.1, 0.12)))
    screen = Image.new("RGB", (width, height), ground)
    pen = ImageDraw.Draw(screen)
    pen.rectangle((0, 0, width, top), bars)
    pen.rectangle((0, height - bottom, width, height), bars)
    clock = f"{random.integers(24)}:{random.integers(60):02}"
    pen.text((top / 4, top / 2), clock, ink, ImageFont.load_default(top / 2.5), "lm")
    pen.text((width / 2, top / 2), any_words(random, 2), ink, ImageFont.load_default(top / 3), "mm")
    for button in range(int(design.integers(3, 6))):
        x, radius = width * (button + 1) / 6, bottom / 5
        middle = height - bottom / 2
        pen.ellipse(
            (x - radius, middle - radius, x + radius, middle + radius), outline=ink, width=2
        )
    shown = ImageOps.contain(picture, (width, height - top - bottom - 2), LANCZOS)
    gap = height - top - bottom - shown.height
    screen.paste(shown, ((width - shown.width) // 2, top + 1 + gap // 2))
    return screen
