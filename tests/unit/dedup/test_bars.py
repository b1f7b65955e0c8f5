"""A bar along a side that hides part of a picture is an edit, if it does not hide too much."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from imgsearch.dedup.portrait import Portrait, thumbnail_of
from imgsearch.dedup.verify import verify

PHOTOS = Path(__file__).parents[3] / "data" / "photos"


def portrait(picture: Image.Image) -> Portrait:
    return Portrait(thumbnail_of(np.array(picture), picture.width, picture.height))


def photo(name: str) -> Image.Image:
    return Image.open(PHOTOS / name).convert("RGB")


def barred(picture: Image.Image, share: float) -> Image.Image:
    """Draw a bar over the lowest part of a picture, with words on it."""
    copy, top = picture.copy(), round(picture.height * (1 - share))
    pen = ImageDraw.Draw(copy)
    pen.rectangle((0, top, *picture.size), "black")
    font = ImageFont.load_default(picture.height * share * 0.6)
    middle = picture.width / 2, (top + picture.height) / 2
    pen.text(middle, "the way we were", "white", font, "mm")
    return copy


@pytest.mark.parametrize("name", ["tabby-cat.jpg", "dandelions.jpg", "books.jpg"])
@pytest.mark.parametrize("share", [0.12, 0.2])
@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_bar_over_one_side_is_an_edit(name, share, quarters):
    plain, changed = (
        portrait(each.rotate(90 * quarters, expand=True))
        for each in (photo(name), barred(photo(name), share))
    )
    assert verify(plain, changed).tier == "edited"
    assert verify(changed, plain).tier == "edited"


def test_a_bar_that_hides_half_of_a_picture_is_none():
    plain = photo("tabby-cat.jpg")
    assert not verify(portrait(plain), portrait(barred(plain, 0.5))).removable
