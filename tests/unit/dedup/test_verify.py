from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

from imgsearch.dedup.local_features import extract
from imgsearch.dedup.portrait import Portrait, thumbnail_of
from imgsearch.dedup.verify import verify

PHOTOS = Path(__file__).parents[3] / "data" / "photos"


def portrait(picture: Image.Image) -> Portrait:
    pixels = np.array(picture.convert("RGB"))
    return Portrait(thumbnail_of(pixels, picture.width, picture.height))


@pytest.fixture(scope="module")
def cat():
    return Image.open(PHOTOS / "cat.jpg").convert("RGB")


@pytest.fixture(scope="module")
def dog():
    return Image.open(PHOTOS / "dog.jpg").convert("RGB")


@pytest.mark.parametrize("turn", list(Image.Transpose))
def test_a_turned_or_mirrored_picture_is_a_copy(cat, turn):
    assert verify(portrait(cat), portrait(cat.transpose(turn))).tier == "copy"


def test_a_cropped_and_mirrored_picture_is_edited(cat):
    width, height = cat.size
    part = cat.crop((width // 5, height // 6, width, height)).transpose(Image.Transpose(0))
    assert verify(portrait(cat), portrait(part)).tier == "edited"


def test_two_photos_are_different_pictures(cat, dog):
    assert verify(portrait(cat), portrait(dog)).tier is None


def with_disc(photo: Image.Image, colour: str, left: float) -> Image.Image:
    """Draw a disc that covers 5 % of a photo, without an edge as smooth as in nature."""
    drawn, side = photo.copy(), 0.25 * min(photo.size)
    place = (left * photo.width, 0.3 * photo.height)
    ImageDraw.Draw(drawn).ellipse((*place, place[0] + side, place[1] + side), colour)
    return drawn


def with_caption(photo: Image.Image, text: str) -> Image.Image:
    written = photo.copy()
    font = ImageFont.load_default(photo.height * 0.08)
    middle = (photo.width / 2, photo.height * 0.9)
    ImageDraw.Draw(written).text(
        middle, text, "white", font, "mm", stroke_width=2, stroke_fill="black"
    )
    return written


def test_a_caption_is_an_edit(cat):
    captioned = with_caption(cat, "never forget Monday, Wilma")
    assert verify(portrait(cat), portrait(captioned)).tier == "edited"


def test_a_caption_that_was_turned_with_its_picture_is_an_edit(cat):
    captioned = with_caption(cat, "never forget Monday, Wilma")
    turned = cat.rotate(25, Image.Resampling.BICUBIC, expand=True)
    assert verify(portrait(captioned), portrait(turned)).tier == "edited"


def test_a_logo_is_an_edit(cat):
    assert verify(portrait(cat), portrait(with_disc(cat, "purple", 0.1))).tier == "edited"


def test_a_thing_that_moved_is_no_logo(cat):
    one, other = with_disc(cat, "purple", 0.1), with_disc(cat, "purple", 0.6)
    assert verify(portrait(one), portrait(other)).tier == "similar"


def test_a_thing_of_another_colour_is_no_logo(cat):
    one, other = with_disc(cat, "purple", 0.1), with_disc(cat, "yellow", 0.1)
    assert verify(portrait(one), portrait(other)).tier == "similar"


def test_another_subject_before_the_same_background_is_no_copy(cat, dog):
    width, height = cat.size
    staged = cat.copy()
    staged.paste(dog.resize((width // 4, height // 3)), (width // 3, height // 3))  # 8 %
    assert verify(portrait(cat), portrait(staged)).tier == "similar"


def test_what_is_around_two_copies_may_differ(cat):
    framed = ImageOps.expand(cat, cat.height // 12, "darkgreen")
    turned = cat.rotate(25, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    assert verify(portrait(framed), portrait(turned)).tier == "edited"


def on_a_screen(photo: Image.Image) -> Image.Image:
    screen = Image.new("RGB", (360, 640), "darkslateblue")
    pen = ImageDraw.Draw(screen)
    pen.rectangle((0, 0, 360, 40), "white")
    pen.rectangle((0, 580, 360, 640), "white")
    pen.text((20, 20), "12:45", "black", ImageFont.load_default(18), "lm")
    screen.paste(ImageOps.contain(photo, (360, 480)), (0, 180))
    return screen


def test_a_picture_on_a_screen_is_found_in_a_frame(cat):
    framed = ImageOps.expand(cat, cat.height // 12, "darkgreen")
    assert verify(portrait(on_a_screen(cat)), portrait(framed)).tier == "edited"


def test_two_pictures_on_one_screen_are_no_copies(cat, dog):
    assert not verify(portrait(on_a_screen(cat)), portrait(on_a_screen(dog))).removable


def test_a_plain_copy_is_seen_at_a_glance_without_local_features(cat):
    one, other = portrait(cat), portrait(cat.resize((200, 133)).transpose(Image.Transpose(2)))
    assert verify(one, other).tier == "copy"
    assert not {"features", "corners"} & (vars(one).keys() | vars(other).keys())


def test_what_is_around_two_pictures_makes_them_no_copies(cat, dog):
    one, other = (ImageOps.expand(each.resize((300, 200)), 30, "red") for each in (cat, dog))
    assert not verify(portrait(one), portrait(other)).removable


def test_pages_with_other_text_are_no_copies():
    pages = []
    for words in ("the summer hills were green", "our first holiday with grandma"):
        page = Image.new("RGB", (480, 640), "white")
        for line in range(14):
            text = " ".join(np.roll(words.split(), line).tolist())
            ImageDraw.Draw(page).text(
                (40, 40 * line + 30), text, "black", ImageFont.load_default(18)
            )
        pages.append(portrait(page))
    assert not verify(*pages).removable


def test_neighbouring_views_that_overlap_a_little_are_no_copies(cat):
    width, height = cat.size
    left = cat.crop((0, 0, width * 6 // 10, height))
    right = cat.crop((width * 4 // 10, 0, width, height))  # a third of each is in both
    assert verify(portrait(left), portrait(right)).tier == "similar"


@pytest.mark.parametrize("size", [(1, 1), (1, 1000), (1000, 1), (2, 3), (40, 40)])
def test_a_blank_picture_is_no_copy_of_another(size):
    one, other = (portrait(Image.new("RGB", size, colour)) for colour in ("white", "#fefefe"))
    assert not verify(one, other).removable


def test_features_of_a_mirrored_picture_need_no_second_look(cat):
    pixels = portrait(cat).thumbnail.pixels
    derived = extract(pixels).mirrored(pixels.shape[1])
    found = extract(np.ascontiguousarray(pixels[:, ::-1]))
    alike = derived.unit_rows() @ found.unit_rows().T
    assert np.median(alike.max(axis=1)) > 0.99


@pytest.mark.parametrize("side", [128, 251, 256])
def test_a_feature_is_where_it_is_seen_in_large_and_small_pictures(side):
    down, across = np.mgrid[:side, :side]
    blob = 200 * np.exp(-((down - 60) ** 2 + (across - 90) ** 2) / (2 * 8**2))
    found = extract(np.repeat(blob.astype(np.uint8)[..., None], 3, axis=2))
    assert found.places[0] == pytest.approx((90, 60), abs=0.5)
    assert found.sizes[0] == pytest.approx(2 * 8, rel=0.2)


def toned(picture: Image.Image) -> dict[str, Image.Image]:
    grey = picture.convert("L").convert("RGB")
    return {"grey": grey, "brighter": ImageEnhance.Brightness(picture).enhance(1.3)}


@pytest.mark.parametrize("edit", ["grey", "brighter"])
def test_a_picture_in_other_light_or_colours_is_edited(cat, edit):
    verdict = verify(portrait(cat), portrait(toned(cat)[edit]))
    assert (verdict.tier, verdict.reason) == ("edited", "in other light or colours")


def test_the_reason_says_how_a_copy_was_turned(cat):
    def reason(turn):
        return verify(portrait(cat), portrait(cat.transpose(turn))).reason

    assert reason(Image.Transpose.ROTATE_90) == "the whole picture again, turned by 90 degrees"
    assert reason(Image.Transpose.ROTATE_180) == "the whole picture again, turned by 180 degrees"
    assert reason(Image.Transpose.FLIP_LEFT_RIGHT) == "the whole picture again, mirrored"


def test_the_reason_says_what_was_done_to_an_edited_picture(cat):
    width, height = cat.size
    part = cat.crop((0, 0, width * 2 // 3, height))
    assert verify(portrait(cat), portrait(part)).reason == "cropped"
    framed = ImageOps.expand(cat, 40, "black")
    assert verify(portrait(cat), portrait(framed)).reason == "with a margin"


def test_where_landmarks_tell_how_a_crop_lies_no_local_features_are_sought(cat):
    crop = cat.crop((0, 0, cat.width * 3 // 4, cat.height * 3 // 4))
    first, second = portrait(cat), portrait(crop)
    assert verify(first, second).tier == "edited"
    assert "features" not in vars(first)
    assert "features" not in vars(second)
