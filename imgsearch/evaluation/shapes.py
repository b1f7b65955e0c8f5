"""Edits of a picture's shape: scaled, cut, turned, mirrored, seen from aside.

Each takes an RGB picture and a generator of random numbers, and returns a new RGB picture.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from PIL import Image

Transpose = Image.Transpose
BICUBIC: Final = Image.Resampling.BICUBIC
LANCZOS: Final = Image.Resampling.LANCZOS
_QUARTER_TURNS: Final = (Transpose.ROTATE_90, Transpose.ROTATE_180, Transpose.ROTATE_270)
_FILLS: Final = ("black", "white", "#808080")


def scale(picture: Image.Image, factor: float, *, wider: float = 1.0) -> Image.Image:
    """Scale both sides, and the width once more; never below one pixel."""
    width, height = picture.width * factor * wider, picture.height * factor
    return picture.resize((max(1, round(width)), max(1, round(height))), LANCZOS)


def quarter(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Make each side a quarter as long."""
    del random  # it has nothing to choose
    return scale(picture, 0.25)


def half(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Make each side 45 to 60 % as long."""
    return scale(picture, random.uniform(0.45, 0.6))


def enlarge(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Make each side 1.3 to 2 times as long."""
    return scale(picture, random.uniform(1.3, 2.0))


def stretch(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Make it up to 15 % wider or narrower, and leave the height."""
    factor = random.uniform(1.05, 1.15) ** random.choice((-1, 1))
    return scale(picture, 1, wider=factor)


def crop_area(
    picture: Image.Image, share: float, random: np.random.Generator, *, reshape: float = 1.0
) -> Image.Image:
    """Keep a share of the area, anywhere in the picture.

    Args:
        picture: What is cropped.
        share: How much of the area is left, in (0, 1].
        random: Chooses the place and the shape.
        reshape: Up to how many times wider or narrower the shape may become.
    """
    shape = reshape ** random.uniform(-0.5, 0.5)
    width = min(1.0, math.sqrt(share) * shape)
    height = min(1.0, share / width)
    columns, rows = (
        max(1, round(s * w)) for s, w in zip(picture.size, (width, height), strict=True)
    )
    left = int(random.integers(picture.width - columns + 1))
    top = int(random.integers(picture.height - rows + 1))
    return picture.crop((left, top, left + columns, top + rows))


def trim(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Keep 80 to 95 % of the area."""
    return crop_area(picture, random.uniform(0.8, 0.95), random, reshape=1.1)


def crop(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Keep 60 % of the area, in another shape."""
    return crop_area(picture, 0.6, random, reshape=1.25)


def crop_hard(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Keep 60 % of each side: 36 % of the area."""
    return crop_area(picture, 0.36, random)


def quarter_turn(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Turn by 90, 180 or 270 degrees."""
    return picture.transpose(_QUARTER_TURNS[random.integers(3)])


def turn_left(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Turn by 90 degrees, anticlockwise."""
    del random
    return picture.transpose(Transpose.ROTATE_90)


def mirror(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Swap left and right."""
    del random
    return picture.transpose(Transpose.FLIP_LEFT_RIGHT)


def flip(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Swap top and bottom, or two opposite corners."""
    choices = (Transpose.FLIP_TOP_BOTTOM, Transpose.TRANSPOSE, Transpose.TRANSVERSE)
    return picture.transpose(choices[random.integers(3)])


def turn(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Turn by any angle, the whole picture inside and the corners filled."""
    fill = _FILLS[random.integers(len(_FILLS))]
    return picture.rotate(random.uniform(5, 355), BICUBIC, expand=True, fillcolor=fill)


def straighten(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Turn by 1 to 8 degrees, and crop to what has no empty corner."""
    angle = random.uniform(1, 8) * random.choice((-1, 1))
    width, height = inscribed(*picture.size, math.radians(abs(angle)))
    left, top = (picture.width - width) / 2, (picture.height - height) / 2
    return picture.rotate(angle, BICUBIC).crop((left, top, left + width, top + height))


def inscribed(width: int, height: int, angle: float) -> tuple[float, float]:
    """Return the sides of the largest upright rectangle of the same shape in a turned one.

    Args:
        width: Of the picture before it is turned.
        height: Of the picture before it is turned.
        angle: In radians, from 0 to a quarter turn.
    """
    sine, cosine = math.sin(angle), math.cos(angle)
    factor = min(
        width / (width * cosine + height * sine), height / (width * sine + height * cosine)
    )
    return width * factor, height * factor


def perspective(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Move each corner inwards by up to 6 % of the sides, as one does to straighten a facade.

    Lines that are straight stay so.
    """
    corners = np.array([(0, 0), (0, 1), (1, 1), (1, 0)], dtype=float)
    moved = corners + (0.5 - corners) * random.uniform(0, 0.12, (4, 2))
    (x, y), (u, v) = (corners * picture.size).T, (moved * picture.size).T
    none, one = np.zeros(4), np.ones(4)
    rows = np.concatenate([
        np.stack([x, y, one, none, none, none, -u * x, -u * y], -1),
        np.stack([none, none, none, x, y, one, -v * x, -v * y], -1),
    ])  # fmt: skip
    numbers = np.linalg.solve(rows, np.concatenate([u, v]))
    return picture.transform(
        picture.size, Image.Transform.PERSPECTIVE, tuple(numbers.tolist()), BICUBIC
    )
