"""Pictures that look alike and are no copies: what a clean-up must never call copies.

Real ones are rare and unlabelled, so these are made of photos. A kind with a seed and the same
photos always makes the same pictures.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from imgsearch.evaluation.edits import Copy, encoded
from imgsearch.evaluation.layouts import any_colour, any_words, shown_in_app, with_watermark, write
from imgsearch.evaluation.shapes import LANCZOS
from imgsearch.evaluation.staging import cut, pasted, shaken, with_moving_subject
from imgsearch.evaluation.tones import with_noise

Maker: TypeAlias = Callable[[Sequence[Image.Image], np.random.Generator], list[Image.Image]]
"""Takes RGB photos, all different, and returns pictures of which no two are copies."""

_PAGE: Final = (480, 640)
_MOTIF: Final = 40  # pixels; side of what a cloth repeats


@dataclass(frozen=True, slots=True)
class LookAlikes:
    """A kind of pictures that look alike.

    Attributes:
        name: What it is called in tables.
        photos: How many photos they are made of.
        make: Makes them.
    """

    name: str
    photos: int
    make: Maker


def make_lookalikes(photos: Sequence[Image.Image], kind: LookAlikes, seed: int) -> list[Copy]:
    """Make files that look alike, no two of which are copies.

    Args:
        photos: As many RGB photos as the kind needs, all different; they are left as they are.
        kind: What is made of them.
        seed: Not negative; another one makes others.

    Raises:
        ValueError: If there are too few or too many photos.
    """
    if len(photos) != kind.photos:
        raise ValueError(f"{kind.name} needs {kind.photos} photos, not {len(photos)}")
    random = np.random.default_rng([seed, zlib.crc32(kind.name.encode())])
    pictures = kind.make(photos, random)
    return [
        encoded(picture, ".jpg", {"quality": int(random.integers(80, 95))}) for picture in pictures
    ]


def burst(photos: Sequence[Image.Image], random: np.random.Generator) -> list[Image.Image]:
    """Three shots from a hand: the camera moves a little, the subject more."""
    return [
        with_noise(shaken(scene, random), random.uniform(2, 5), random)
        for scene in with_moving_subject(photos, random, 3)
    ]


def video(photos: Sequence[Image.Image], random: np.random.Generator) -> list[Image.Image]:
    """Three frames of a camera that stands still, in front of which something moves."""
    return [with_noise(scene, 1.5, random) for scene in with_moving_subject(photos, random, 3)]


def same_background(
    photos: Sequence[Image.Image], random: np.random.Generator
) -> list[Image.Image]:
    """Two subjects, one after the other at the same place before one background."""
    scene, *subjects = photos
    left, top = random.uniform(0.1, 0.5, 2) * scene.size
    share = random.uniform(0.4, 0.5)
    return [pasted(scene, subject, share, (left, top)) for subject in subjects]


def same_watermark(photos: Sequence[Image.Image], random: np.random.Generator) -> list[Image.Image]:
    """Photos of one seller, with his watermark all over them."""
    words, angle = any_words(random, 2), random.uniform(15, 45)
    strength = random.uniform(0.3, 0.6)
    return [with_watermark(photo, words, angle=angle, strength=strength) for photo in photos]


def same_app(photos: Sequence[Image.Image], random: np.random.Generator) -> list[Image.Image]:
    """Screenshots of one app that shows another photo each time."""
    app = int(random.integers(1 << 30))
    return [shown_in_app(photo, random, app) for photo in photos]


def same_card(photos: Sequence[Image.Image], random: np.random.Generator) -> list[Image.Image]:
    """Photos of one shape in one frame, with one text below."""
    card = Image.new("RGB", (420, 400), any_colour(random))
    pen = ImageDraw.Draw(card)
    for inset in (8, 14):
        pen.rectangle((inset, inset, 419 - inset, 399 - inset), outline=any_colour(random), width=3)
    write(pen, any_words(random, 4), (210, 355), 30, any_colour(random))
    cards = [card.copy() for _ in photos]
    for filled, photo in zip(cards, photos, strict=True):
        filled.paste(ImageOps.fit(photo, (360, 280), LANCZOS), (30, 35))
    return cards


def same_cloth(photos: Sequence[Image.Image], random: np.random.Generator) -> list[Image.Image]:
    """Two garments, photographed on one patterned cloth."""
    motif, *fabrics = photos
    tile = cut(motif, random, (_MOTIF, _MOTIF))
    cloth = Image.new("RGB", (400, 300))
    for corner in itertools.product(range(0, 400, _MOTIF), range(0, 300, _MOTIF)):
        cloth.paste(tile, corner)
    return [
        with_noise(shaken(_with_garment(cloth, fabric, random), random), 2, random)
        for fabric in fabrics
    ]


def same_design(photos: Sequence[Image.Image], random: np.random.Generator) -> list[Image.Image]:
    """Two flavours of one product: the carton differs in a picture, a word and a colour."""
    brand, seed = any_words(random, 1).upper(), random.integers(1 << 30)
    return [_carton(photo, brand, np.random.default_rng(seed), random) for photo in photos]


def near_blank(photos: Sequence[Image.Image], random: np.random.Generator) -> list[Image.Image]:
    """Skies and walls: nearly the same plain colour, each brighter in another direction."""
    del photos  # made of nothing
    colour = random.uniform(60, 200, 3)
    y, x = np.mgrid[0:1:225j, 0:1:300j]
    skies = []
    for _ in range(3):
        slopes = random.uniform(-25, 25, (2, 3)) + random.uniform(-8, 8, (2, 1))
        light = colour + x[..., None] * slopes[0] + y[..., None] * slopes[1]
        sky = Image.fromarray(np.clip(light, 0, 255).astype(np.uint8))
        skies.append(with_noise(sky, random.uniform(0.5, 3), random))
    return skies


def text_pages(photos: Sequence[Image.Image], random: np.random.Generator) -> list[Image.Image]:
    """Pages of one document: the same heading and margins, another text."""
    del photos
    heading = any_words(random, 3)
    return [_page(heading, random) for _ in range(3)]


def barely_overlapping(
    photos: Sequence[Image.Image], random: np.random.Generator
) -> list[Image.Image]:
    """The two halves of a wide view, sharing a twelfth of it."""
    width, height = photos[0].size
    cut = width * random.uniform(0.45, 0.55)
    shared = width / 24
    return [
        photos[0].crop((0, 0, round(cut + shared), height)),
        photos[0].crop((round(cut - shared), 0, width, height)),
    ]


LOOKALIKES: Final[Mapping[str, LookAlikes]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            LookAlikes("burst", 2, burst),
            LookAlikes("video", 2, video),
            LookAlikes("same background", 3, same_background),
            LookAlikes("same watermark", 3, same_watermark),
            LookAlikes("same app", 3, same_app),
            LookAlikes("same card", 3, same_card),
            LookAlikes("same cloth", 3, same_cloth),
            LookAlikes("same design", 2, same_design),
            LookAlikes("near blank", 0, near_blank),
            LookAlikes("text pages", 0, text_pages),
            LookAlikes("barely overlapping", 1, barely_overlapping),
        )
    }
)
"""Every kind by its name."""


def _with_garment(
    cloth: Image.Image, fabric: Image.Image, random: np.random.Generator
) -> Image.Image:
    """Lay a shirt of a fabric onto a cloth."""
    right = [(0.7, 0), (1, 0.25), (0.85, 0.4), (0.75, 0.3), (0.75, 1)]
    left = [(1 - x, y) for x, y in reversed(right)]
    shape = np.array(right + left)
    outline = (shape + random.uniform(-0.03, 0.03, shape.shape)) * (200, 220) + (100, 40)
    mask = Image.new("L", cloth.size)
    ImageDraw.Draw(mask).polygon([tuple(point) for point in outline.tolist()], fill=255)
    return Image.composite(ImageOps.fit(fabric, cloth.size, LANCZOS), cloth, mask)


def _carton(
    photo: Image.Image, brand: str, design: np.random.Generator, random: np.random.Generator
) -> Image.Image:
    """Draw a carton; what `design` chooses is common to all flavours."""
    carton = Image.new("RGB", (260, 400), any_colour(design))
    pen = ImageDraw.Draw(carton)
    pen.rectangle((0, 60, 260, 130), any_colour(design))
    write(pen, brand, (130, 95), 44, any_colour(design))
    for _ in range(12):
        x, y, radius = *design.uniform((0, 300), (260, 400)), design.uniform(4, 18)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), any_colour(design))
    flavour = any_colour(random)
    pen.rectangle((0, 140, 260, 175), flavour)
    write(pen, any_words(random, 1), (130, 157), 24, any_colour(random))
    carton.paste(ImageOps.fit(photo, (130, 100), LANCZOS), (65, 185))
    return shaken(carton, random)


def _page(heading: str, random: np.random.Generator) -> Image.Image:
    page = Image.new("RGB", _PAGE, "white")
    pen = ImageDraw.Draw(page)
    pen.text((50, 40), heading, "black", ImageFont.load_default(26))
    body = ImageFont.load_default(13)
    for top in range(100, 600, 20):
        pen.text((50, top), any_words(random, 8), "black", body)
    return page
