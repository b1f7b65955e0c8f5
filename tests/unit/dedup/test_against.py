from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from imgsearch.dedup.against import compare_folders
from imgsearch.errors import CopiesFolderError

PHOTOS = Path(__file__).parents[3] / "data" / "photos"


def encoded(picture, *, kind="JPEG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def cat():
    return Image.open(PHOTOS / "cat.jpg").convert("RGB")


@pytest.fixture
def card(lab, cat):
    """A card with five pictures, and a collection that has some of them."""
    width, height = cat.size
    lab.write("card/same.jpg", (PHOTOS / "dog.jpg").read_bytes())
    lab.write("card/anew.jpg", encoded(Image.open(PHOTOS / "owl.jpg").convert("RGB"), quality=70))
    lab.write("card/larger.jpg", (PHOTOS / "cat.jpg").read_bytes())
    lab.write("card/uncropped.jpg", (PHOTOS / "coffee.jpg").read_bytes())
    lab.write("card/unknown.jpg", (PHOTOS / "trip" / "temple.jpg").read_bytes())
    lab.write("old/dog.jpg", (PHOTOS / "dog.jpg").read_bytes())
    lab.write("old/owl.jpg", (PHOTOS / "owl.jpg").read_bytes())
    lab.write("old/cat-small.jpg", encoded(cat.resize((width // 2, height // 2)), quality=90))
    coffee = Image.open(PHOTOS / "coffee.jpg").convert("RGB")
    lab.write("old/part.jpg", encoded(coffee.crop((0, 0, coffee.width * 3 // 4, coffee.height))))
    lab.update()
    return lab


def compared(lab, new, old):
    with lab.reader() as store:
        return {
            arrival.picture.path.name: (
                arrival.is_new,
                arrival.counterpart and arrival.counterpart.verdict.tier,
                arrival.counterpart and arrival.counterpart.picture.path.name,
            )
            for arrival in compare_folders(store, lab.root / new, lab.root / old)
        }


def test_a_picture_is_new_unless_the_other_folder_has_one_as_good(card):
    answer = compared(card, "card", "old")

    uncropped = answer.pop("uncropped.jpg")
    assert uncropped[0]
    assert answer == {
        "same.jpg": (False, "identical", "dog.jpg"),
        "anew.jpg": (False, "copy", "owl.jpg"),
        "larger.jpg": (True, "copy", "cat-small.jpg"),
        "unknown.jpg": (True, None, None),
    }


def test_a_flattened_copy_is_not_as_good_as_a_transparent_picture(lab, cat):
    clear = cat.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(cat.size).point(lambda a: 200 + a // 8))
    for name, picture in (("card/clear.png", clear), ("old/flat.png", _on_white(clear))):
        lab.write(name, encoded(picture, kind="PNG"))
    lab.update()

    assert compared(lab, "card", "old")["clear.png"][0]
    assert not compared(lab, "old", "card")["flat.png"][0]


def _on_white(picture):
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert("RGB")


def test_a_smaller_picture_is_known_where_the_larger_one_is(card):
    answer = compared(card, "old", "card")

    assert answer["cat-small.jpg"] == (False, "copy", "larger.jpg")


def test_a_folder_that_is_not_indexed_is_an_error_that_says_what_to_do(card):
    (card.root / "empty").mkdir()
    with pytest.raises(CopiesFolderError, match="none of its pictures is indexed; run"):
        compared(card, "empty", "old")


def test_folders_within_one_another_are_refused(card):
    with pytest.raises(CopiesFolderError, match=r"cannot look for copies in .* overlap"):
        compared(card, "card", ".")
