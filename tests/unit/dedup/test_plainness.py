"""Which of two copies is the picture itself, and which has something around it or on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

from imgsearch.dedup.portrait import Portrait, thumbnail_of
from imgsearch.dedup.verify import verify
from imgsearch.evaluation.layouts import shown_in_app
from imgsearch.images.prepare import prepare
from imgsearch.images.thumbnail import pack_thumbnail, unpack_thumbnail
from imgsearch.types import Preprocessing

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


def finely_framed(picture: Image.Image) -> Image.Image:
    return ImageOps.expand(picture, picture.height // 40, "black")


def on_itself(picture: Image.Image) -> Image.Image:
    """Fill a square with the picture, enlarged and blurred, as apps do that want a square."""
    side = max(picture.size)
    ground = picture.resize((side, side)).filter(ImageFilter.GaussianBlur(side / 25))
    ground.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return ground


@pytest.mark.parametrize("edit", [framed, finely_framed, on_itself, turned, stamped])
def test_the_picture_itself_is_plainer(photo, edit):
    assert verify(portrait(photo), portrait(edit(photo))).plainer == "first"
    assert verify(portrait(edit(photo)), portrait(photo)).plainer == "second"


def test_a_crop_is_not_plainer_than_all_of_the_picture(photo):
    width, height = photo.size
    part = photo.crop((width // 8, height // 8, width, height))
    assert verify(portrait(photo), portrait(part)).plainer == ""


def test_a_crop_is_not_plainer_than_a_picture_on_a_plain_ground(photo):
    small = photo.resize((photo.width // 2, photo.height // 2))
    whole = ImageOps.expand(small, (40, 120), "white")
    part = whole.crop((20, 50, whole.width - 20, whole.height - 50))
    assert verify(portrait(whole), portrait(part)).plainer == ""


def test_a_crop_is_not_plainer_than_a_picture_with_smooth_surroundings(photo):
    small = photo.resize((photo.width // 2, photo.height // 2))
    whole = on_itself(small).filter(ImageFilter.GaussianBlur(8))
    whole.paste(small.resize((60, 40)), (80, 90))
    part = whole.crop((20, 30, whole.width - 20, whole.height - 30))
    verdict = verify(portrait(whole), portrait(part))
    assert (verdict.tier, verdict.plainer) == ("edited", "")


def test_neither_of_two_plain_copies_is_plainer(photo):
    half = photo.resize((photo.width // 2, photo.height // 2))
    assert verify(portrait(photo), portrait(half)).plainer == ""


def as_kept(picture: Image.Image, path: Path) -> Portrait:
    """Save a picture, and make its portrait of the thumbnail that `index` keeps of it."""
    picture.save(path, quality=80)
    prepared = prepare(path, Preprocessing(224, "faithful"), name=str(path))
    return Portrait(thumbnail_of(*unpack_thumbnail(pack_thumbnail(prepared))))


@pytest.mark.parametrize("app", [7, 50, 53])
def test_bars_around_a_picture_are_seen_in_a_thumbnail_as_it_is_kept(photo, app, tmp_path):
    photo = photo.resize((300, 200))
    plain = as_kept(photo, tmp_path / "plain.jpg")
    screen = shown_in_app(photo, np.random.default_rng(app), app)
    assert verify(plain, as_kept(screen, tmp_path / "screen.jpg")).plainer == "first"
