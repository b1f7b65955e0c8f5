from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from imgsearch.dedup.screening import agreeing, matched, screen
from imgsearch.dedup.sketch import Sketch, coarse_turns, draw

PHOTOS = Path(__file__).parents[3] / "data" / "photos"


def photo(name):
    return Image.open(PHOTOS / name).convert("RGB")


def sketched(picture: Image.Image) -> Sketch:
    return draw(np.array(picture))


@pytest.fixture(scope="module")
def cat():
    return photo("cat.jpg")


EDITS = {
    "a crop": lambda picture: picture.crop((0, 0, picture.width * 3 // 4, picture.height * 3 // 4)),
    "mirrored": lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "a mirrored crop": lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).crop(
        (0, 0, picture.width * 3 // 4, picture.height * 3 // 4)
    ),
    "turned": lambda picture: picture.rotate(30, expand=True),
    "smaller": lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
    "blurred": lambda picture: picture.filter(ImageFilter.GaussianBlur(2)),
    "grey": lambda picture: picture.convert("L").convert("RGB"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_an_edited_copy_passes_and_other_photos_do_not(cat, edit):
    others = [sketched(photo(name)) for name in ("dog.jpg", "owl.jpg", "coffee.jpg")]
    copy = sketched(edit(cat))
    assert screen(sketched(cat), [*others, copy]).tolist() == [False, False, False, True]


def test_all_landmarks_of_a_picture_agree_with_themselves(cat):
    sketch = sketched(cat)
    assert len(sketch.plain) == 128
    # Some look like another of the same picture; only those that are each other's best count.
    assert agreeing(*matched(sketch.plain, sketch.plain)) > 100


@pytest.mark.parametrize("size", [(1, 1), (1, 1000), (1000, 1), (2, 3), (40, 40)])
def test_a_blank_picture_has_no_landmarks_and_is_like_nothing(cat, size):
    blank = sketched(Image.new("RGB", size, "white"))
    assert not len(blank.plain)
    assert screen(blank, [blank, sketched(cat)]).tolist() == [False, False]
    assert screen(sketched(cat), [blank]).tolist() == [False]


def test_of_no_pictures_none_is_likely(cat):
    assert screen(sketched(cat), []).tolist() == []


def test_a_sketch_survives_being_kept(cat):
    sketch = sketched(cat)
    kept = Sketch.from_bytes(sketch.to_bytes())
    assert (kept.tiny == sketch.tiny).all()
    assert (kept.plain == sketch.plain).all()
    assert (kept.mirrored == sketch.mirrored).all()


@pytest.mark.parametrize("content", [b"", bytes(100), bytes(1 + 256 + 7)])
def test_bytes_that_are_no_sketch_are_refused(content):
    with pytest.raises((ValueError, IndexError)):
        Sketch.from_bytes(content)


def test_the_turns_of_a_picture_are_those_that_pillow_makes(cat):
    square = cat.resize((192, 192))
    turns = sketched(square).turns
    ways = [None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270]
    for place, way in enumerate(ways):
        turned = sketched(square if way is None else square.transpose(way)).turns[0]
        assert float(turned @ turns[place]) == pytest.approx(1, abs=0.001)


def test_the_coarse_turns_of_a_picture_are_unit_rows(cat):
    turns = coarse_turns(sketched(cat))
    assert turns.shape == (8, 64)
    assert np.linalg.norm(turns, axis=1) == pytest.approx(np.ones(8), abs=1e-5)
