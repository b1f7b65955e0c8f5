"""A patch that was veiled, blurred or pixelated is an edit; one of something else is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from imgsearch.dedup.portrait import Portrait, thumbnail_of
from imgsearch.dedup.verify import verify

PHOTOS = Path(__file__).parents[3] / "data" / "photos"


def portrait(picture: Image.Image) -> Portrait:
    return Portrait(thumbnail_of(np.array(picture), picture.width, picture.height))


def photo(name: str) -> Image.Image:
    return Image.open(PHOTOS / name).convert("RGB")


def middle_of(picture: Image.Image) -> tuple[int, int, int, int]:
    width, height = picture.size
    return width * 3 // 8, height * 3 // 8, width * 5 // 8, height * 6 // 8


def veiled(picture: Image.Image) -> Image.Image:
    sheet = Image.new("RGBA", picture.size)
    ImageDraw.Draw(sheet).rectangle(middle_of(picture), (40, 90, 200, 130))
    return Image.alpha_composite(picture.convert("RGBA"), sheet).convert("RGB")


def pixelated(picture: Image.Image) -> Image.Image:
    part = picture.crop(middle_of(picture))
    coarse = part.resize((5, 5), Image.Resampling.BOX)
    copy = picture.copy()
    copy.paste(coarse.resize(part.size, Image.Resampling.NEAREST), middle_of(picture)[:2])
    return copy


def blurred(picture: Image.Image) -> Image.Image:
    part = picture.crop(middle_of(picture))
    copy = picture.copy()
    blur = ImageFilter.GaussianBlur(part.height / 8)
    copy.paste(part.filter(blur), middle_of(picture)[:2])
    return copy


@pytest.mark.parametrize("name", ["tabby-cat.jpg", "books.jpg", "gravel.tif"])
@pytest.mark.parametrize("edit", [veiled, pixelated, blurred])
def test_a_patch_through_which_the_picture_shows_is_an_edit(name, edit):
    plain, changed = portrait(photo(name)), portrait(edit(photo(name)))

    assert [verify(plain, changed).tier, verify(changed, plain).tier] == ["edited", "edited"]


@pytest.mark.parametrize("edit", [veiled, pixelated, blurred])
def test_the_picture_without_such_a_patch_is_plainer(edit):
    plain, changed = portrait(photo("tabby-cat.jpg")), portrait(edit(photo("tabby-cat.jpg")))

    assert [verify(plain, changed).plainer, verify(changed, plain).plainer] == ["first", "second"]


@pytest.mark.parametrize("edit", [veiled, pixelated, blurred])
def test_a_patch_of_another_picture_is_none_whatever_was_done_to_it(edit):
    plain = photo("tabby-cat.jpg")
    other = photo("books.jpg").resize(plain.size)
    changed = plain.copy()
    changed.paste(edit(other).crop(middle_of(plain)), middle_of(plain)[:2])

    assert not verify(portrait(plain), portrait(changed)).removable
