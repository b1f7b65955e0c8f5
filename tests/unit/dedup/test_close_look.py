from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from imgsearch.dedup.close_look import differ_somewhere

PHOTOS = Path(__file__).parents[3] / "data" / "photos"
TEXT = "the quick brown fox jumps over lazy dogs while seven wizards boil jugs of quartz"


def page(name: str) -> Image.Image:
    """A page of text, of which only the addressee differs."""
    sheet = Image.new("RGB", (900, 1200), "white")
    words_of_text = TEXT.split()
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(20)
    for line in range(28):
        words = [words_of_text[(line * 5 + place * 3) % 15] for place in range(11)]
        words[4] = name if line == 12 else words[4]
        pen.text((60, 40 + 40 * line), " ".join(words[:5]), "black", font)
        pen.text((500, 40 + 40 * line), " ".join(words[5:8]), "black", font)
    return sheet


def saved(picture: Image.Image, path: Path, **options) -> Path:
    picture.save(path, **options)
    return path


@pytest.fixture(scope="module")
def cat():
    return Image.open(PHOTOS / "cat.jpg").convert("RGB")


def test_a_page_with_another_name_in_it_differs(tmp_path):
    one = saved(page("Robert"), tmp_path / "one.png")
    other = saved(page("Louise"), tmp_path / "other.jpg", quality=60)
    assert differ_somewhere(one, other)


@pytest.mark.parametrize("quality", [30, 90])
def test_a_page_encoded_again_does_not_differ(tmp_path, quality):
    one = saved(page("Robert"), tmp_path / "one.png")
    again = saved(page("Robert"), tmp_path / "again.jpg", quality=quality)
    assert not differ_somewhere(one, again)


def test_an_enlarged_photo_with_a_stamp_on_it_differs(tmp_path, cat):
    stamped = cat.resize((cat.width * 5 // 4, cat.height * 5 // 4))
    ImageDraw.Draw(stamped).text((20, 20), "(c) shop.example", "white", ImageFont.load_default(16))
    assert differ_somewhere(PHOTOS / "cat.jpg", saved(stamped, tmp_path / "stamped.png"))


@pytest.mark.parametrize("way", list(Image.Transpose))
def test_a_smaller_turned_copy_does_not_differ(tmp_path, cat, way):
    small = cat.resize((cat.width // 2, cat.height // 2)).transpose(way)
    assert not differ_somewhere(PHOTOS / "cat.jpg", saved(small, tmp_path / "small.jpg"))
    assert not differ_somewhere(tmp_path / "small.jpg", PHOTOS / "cat.jpg")


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (40, 40)])
def test_blank_pictures_of_any_shape_do_not_differ(tmp_path, size):
    one = saved(Image.new("RGB", size, "white"), tmp_path / "one.png")
    other = saved(Image.new("RGB", size, "#fefefe"), tmp_path / "other.png")
    assert not differ_somewhere(one, other)
