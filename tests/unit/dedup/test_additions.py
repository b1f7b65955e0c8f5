"""What was put onto a picture is told from what else differs."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from picturing import EXACT
from PIL import Image, ImageDraw, ImageFont

from imgsearch.dedup.captions import captions
from imgsearch.dedup.judge import judge
from imgsearch.dedup.portrait import Portrait, thumbnail_of
from imgsearch.dedup.residual import Differing
from imgsearch.dedup.verify import verify
from imgsearch.evaluation.edits import EDITS, make_copy

PHOTOS = Path(__file__).parents[3] / "data" / "photos"


def evidence(**found):
    return replace(EXACT, **found)


def portrait(picture: Image.Image) -> Portrait:
    return Portrait(thumbnail_of(np.array(picture), picture.width, picture.height))


def photo(name: str) -> Image.Image:
    return Image.open(PHOTOS / name).convert("RGB")


def captioned(picture: Image.Image, text: str, height: float, ink: str) -> Image.Image:
    written = picture.copy()
    font = ImageFont.load_default(picture.height * 0.07)
    place = (picture.width / 2, picture.height * height)
    outline = "white" if ink == "black" else "black"
    ImageDraw.Draw(written).text(place, text, ink, font, "mm", stroke_width=1, stroke_fill=outline)
    return written


@pytest.mark.parametrize("height", range(1, 9))
@pytest.mark.parametrize("vertical", [False, True])
def test_a_dashed_line_along_the_very_edge_is_looked_at(height, vertical):
    sharply = np.zeros((120, 160), bool)
    sharply[:height] = np.random.default_rng(0).random((height, 160)) < 0.8
    below = np.full((120, 160, 3), 200, np.uint8)
    above = np.where(sharply[..., None], np.uint8(60), below)
    planes = [below, above, sharply, np.ones_like(sharply)]
    view = Differing(*(each.swapaxes(0, 1) if vertical else each for each in planes))

    assert captions(view, vertical=vertical).shape == (2, *view.shared.shape)


@pytest.mark.parametrize("name", ["gravel.tif", "dandelions.jpg", "snowy-forest.jpg"])
@pytest.mark.parametrize("ink", ["black", "white", "cyan"])
def test_a_caption_on_ground_as_busy_as_itself_is_an_edit(name, ink):
    plain = photo(name)
    written = captioned(plain, "our first holiday market", 0.92, ink)

    assert verify(portrait(plain), portrait(written)).tier == "edited"


def test_two_lines_of_a_caption_that_touch_are_an_edit():
    plain = photo("snowy-forest.jpg")
    first = captioned(plain, "wake up early, friends", 0.08, "cyan")
    written = captioned(first, "1987", 0.15, "red")

    assert verify(portrait(plain), portrait(written)).tier == "edited"


@pytest.mark.parametrize(
    ("name", "seed"),
    [("blossom.jpg", 9), ("clock.jpg", 9), ("dog.jpg", 2), ("pencils.jpg", 2), ("sushi.jpg", 2)],
)
def test_lines_of_a_caption_that_touch_in_a_small_recoloured_picture_are_an_edit(name, seed):
    plain = photo(name)
    plain.thumbnail((300, 300))
    copy = make_copy(plain, EDITS["combination"], seed)
    written = Image.open(io.BytesIO(copy.content))

    assert verify(portrait(plain), portrait(written)).tier == "edited"


@pytest.mark.parametrize(
    ("scene", "thing"),
    [("cat.jpg", "books.jpg"), ("coffee.jpg", "pencils.jpg"), ("dog.jpg", "sushi.jpg")],
)
def test_a_long_busy_thing_that_moved_is_no_caption(scene, thing):
    train = photo(thing).resize((110, 20))
    frames = [photo(scene).resize((300, 225)) for _ in range(2)]
    for frame, place in zip(frames, (15, 165), strict=True):
        frame.paste(train, (place, 150))

    assert not verify(*map(portrait, frames)).removable


def test_a_logo_with_a_letter_on_ground_as_flat_as_itself_is_an_edit():
    plain = Image.new("RGB", (300, 240), "#b01010")
    plain.paste(photo("cat.jpg").resize((180, 240)), (120, 0))
    stamped = plain.copy()
    pen = ImageDraw.Draw(stamped)
    pen.rectangle((30, 60, 80, 130), "#e0a0d0")
    pen.text((55, 95), "H", "black", ImageFont.load_default(34), "mm", stroke_width=2)

    assert verify(portrait(plain), portrait(stamped)).tier == "edited"


def with_a_white_sheet(name: str) -> Image.Image:
    scene = photo(name).resize((300, 240))
    ImageDraw.Draw(scene).rectangle((100, 40, 240, 200), "white")
    return scene


@pytest.mark.parametrize("name", ["books.jpg", "goldfish.jpg", "pencils.jpg"])
@pytest.mark.parametrize("shape", ["rectangle", "ellipse"])
def test_a_logo_partly_of_the_colour_of_its_ground_is_an_edit(name, shape):
    plain = with_a_white_sheet(name)
    stamped = plain.copy()
    pen = ImageDraw.Draw(stamped)
    getattr(pen, shape)((45, 10, 130, 85), "white")
    pen.text((80, 48), "S", "green", ImageFont.load_default(40), "mm")

    assert verify(portrait(plain), portrait(stamped)).tier == "edited"


@pytest.mark.parametrize("name", ["books.jpg", "goldfish.jpg", "pencils.jpg"])
def test_a_thing_that_is_gone_from_plain_ground_was_not_covered_by_a_logo(name):
    empty = with_a_white_sheet(name)
    outline = Image.new("L", (80, 80))
    ImageDraw.Draw(outline).ellipse((0, 0, 79, 79), fill=255)
    full = empty.copy()
    full.paste(photo("cat.jpg").resize((80, 80)), (130, 80), outline)

    assert not verify(portrait(empty), portrait(full)).removable


def test_one_subject_before_two_backgrounds_makes_no_copies():
    subject = photo("cat.jpg").resize((150, 170))
    scenes = [photo(name).resize((300, 200)) for name in ("books.jpg", "pencils.jpg")]
    for scene in scenes:
        scene.paste(subject, (80, 30))

    assert not verify(*map(portrait, scenes)).removable


def test_pictures_half_of_which_would_be_captions_are_no_copies():
    assert judge(evidence(added=0.3)).tier == "edited"
    assert judge(evidence(added=0.5)).tier == "similar"


def test_where_detail_misses_detail_less_may_be_unlike():
    assert judge(evidence(unlike=0.02, changed=0.03)).tier == "edited"
    assert judge(evidence(unlike=0.02, changed=0.03, slip=0.5)).tier == "similar"
    assert judge(evidence(slip=0.5)).removable  # a soft picture, in which nothing differs
