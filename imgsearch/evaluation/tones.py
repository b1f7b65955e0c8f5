"""Edits of a picture's pixels that leave its shape: colour, light, blur, noise.

Each takes an RGB picture and a generator of random numbers, and returns a new RGB picture.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageFilter, ImageOps


def grey(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Take the colour out."""
    del random  # it has nothing to choose
    return picture.convert("L").convert("RGB")


def colour(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Change the saturation, and make it warmer or colder."""
    saturated = ImageEnhance.Color(picture).enhance(random.uniform(0.5, 1.8))
    warmth = random.uniform(0.04, 0.18) * random.choice((-1, 1))
    return _each_value(saturated, lambda values: values * (1 + warmth, 1, 1 - warmth))


def sepia(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Tone it brown, as an old print."""
    light = ImageOps.grayscale(picture)
    brown = ImageOps.colorize(light, (20, 12, 4), (255, 240, 205), (160, 120, 80))
    return Image.blend(picture, brown, random.uniform(0.7, 1.0))


def brightness(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Make it brighter or darker, and change the contrast."""
    lit = ImageEnhance.Brightness(picture).enhance(random.uniform(0.65, 1.4))
    return ImageEnhance.Contrast(lit).enhance(random.uniform(0.7, 1.4))


def gamma(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Lift or lower the shadows."""
    power = random.uniform(1.3, 1.9) ** random.choice((-1, 1))
    return _each_value(picture, lambda values: 255 * (values / 255) ** power)


def vignette(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Darken the corners, by 25 to 50 % at their tips."""
    y, x = np.mgrid[-1 : 1 : picture.height * 1j, -1 : 1 : picture.width * 1j]
    shade = 1 - random.uniform(0.25, 0.5) * np.clip(x**2 + y**2 - 0.3, 0, None) / 1.7
    return _each_value(picture, lambda values: values * shade[..., None])


def filtered(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Apply what a photo app's filter does: colour, light and corners at once."""
    return vignette(gamma(colour(picture, random), random), random)


def posterise(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Leave few shades of each colour."""
    return ImageOps.posterize(picture, int(random.integers(3, 5)))


def blur(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Blur by 0.3 to 0.8 % of the longer side."""
    return picture.filter(
        ImageFilter.GaussianBlur(random.uniform(0.003, 0.008) * max(picture.size))
    )


def sharpen(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Sharpen visibly."""
    return picture.filter(ImageFilter.UnsharpMask(2, int(random.integers(80, 200)), 2))


def noise(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Add a camera's noise, its deviation 6 to 18 of 255."""
    return with_noise(picture, random.uniform(6, 18), random)


def with_noise(picture: Image.Image, deviation: float, random: np.random.Generator) -> Image.Image:
    """Add normal noise of a deviation, of 255, to each value."""
    grain = random.normal(0, deviation, (picture.height, picture.width, 3))
    return _each_value(picture, lambda values: values + grain)


def _each_value(
    picture: Image.Image,
    change: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
) -> Image.Image:
    """Change the values as floats, and cut the result to [0, 255]."""
    values = change(np.asarray(picture, np.float64))
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))
