"""Which of two copies is the picture itself, and which has something around it or on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from imgsearch.dedup.portrait import Portrait, thumbnail_of
from imgsearch.dedup.verify import verify

PHOTOS = Path(__file__).parents[3] / "data" / "photos"


def portrait(picture: Image.Image) -> Portrait:
    return Portrait(thumbnail_of(np.array(picture), picture.width, picture.height))


def framed(picture: Image.Image) -> Image.Image:
    return ImageOps.expand(picture, picture.height // 10, "darkgreen")


def turned(picture: Image.Image) -> Image.Image:
    return picture.rotate(20, Image.Resampling.BICUBIC, expand=True, fillcolor="white")


def stamped(picture: Image.Image) -> Image.Image:
    copy = picture.copy()
    pen, font = ImageDraw.Draw(copy), ImageFont.load_default(picture.height * 0.1)
    middle = picture.width / 2, picture.height * 0.1
    pen.text(middle, "our first holiday", "white", font, "mm", stroke_width=2, stroke_fill="black")
    return copy


@pytest.fixture(scope="module")
def photo():
    return Image.open(PHOTOS / "cat.jpg").convert("RGB")


@pytest.mark.parametrize("edit", [framed, turned, stamped])
def test_the_picture_itself_is_plainer(photo, edit):
    assert verify(portrait(photo), portrait(edit(photo))).plainer == "first"
    assert verify(portrait(edit(photo)), portrait(photo)).plainer == "second"


def test_a_crop_is_not_plainer_than_all_of_the_picture(photo):
    width, height = photo.size
    part = photo.crop((width // 8, height // 8, width, height))
    assert verify(portrait(photo), portrait(part)).plainer == ""


def test_neither_of_two_plain_copies_is_plainer(photo):
    half = photo.resize((photo.width // 2, photo.height // 2))
    assert verify(portrait(photo), portrait(half)).plainer == ""
