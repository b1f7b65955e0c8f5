import io
import math

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from imgsearch.evaluation.edits import EDITS, FAMILY, make_copy
from imgsearch.evaluation.layouts import shown_in_app, with_watermark
from imgsearch.evaluation.shapes import inscribed


def opened(copy):
    with Image.open(io.BytesIO(copy.content)) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def edited(picture, name, seed=1):
    return opened(make_copy(picture, EDITS[name], seed))


def difference(first, second):
    return np.abs(np.asarray(first, float) - np.asarray(second, float)).mean()


@pytest.fixture
def picture():
    """Smooth, so that JPEG changes it little, and another under every turn and mirror."""
    y, x = np.mgrid[0:1:120j, 0:1:160j]
    waves = (x, y * (1 - x), 0.5 + 0.5 * np.sin(5 * x * y))
    return Image.fromarray((255 * np.stack(waves, -1)).astype(np.uint8))


def test_the_library_has_more_than_twenty_edits_and_the_family_fifteen():
    assert len(EDITS) > 20
    assert len(FAMILY) == 15
    assert all(EDITS[edit.name] is edit for edit in FAMILY)


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_with_a_seed_always_makes_the_same_copy(picture, name):
    before = picture.copy()
    copy = make_copy(picture, EDITS[name], 7)
    assert make_copy(picture, EDITS[name], 7) == copy
    assert picture == before
    assert min(opened(copy).size) > 20


@pytest.mark.parametrize("name", [edit.name for edit in FAMILY if edit.changes])
def test_every_change_of_the_family_is_visible(picture, name):
    picture.paste("white", (40, 30, 80, 60))  # an edge, for what blurs
    copy = edited(picture, name)
    assert copy.size != picture.size or difference(copy, picture) > 1


def test_another_seed_makes_another_copy(picture):
    assert make_copy(picture, EDITS["crop"], 1) != make_copy(picture, EDITS["crop"], 2)


def test_sides_become_a_quarter(picture):
    assert edited(picture, "quarter").size == (40, 30)


@pytest.mark.parametrize("seed", range(5))
def test_a_crop_leaves_three_fifths_of_the_area(picture, seed):
    width, height = edited(picture, "crop", seed).size
    assert width * height / (160 * 120) == pytest.approx(0.6, abs=0.01)


def test_a_mirrored_copy_mirrored_again_is_the_picture(picture):
    assert difference(ImageOps.mirror(edited(picture, "mirror")), picture) < 3


def test_an_exif_turn_looks_like_the_picture_in_a_viewer(picture):
    copy = make_copy(picture, EDITS["EXIF turn"], 1)
    with Image.open(io.BytesIO(copy.content)) as stored:
        assert stored.size == (120, 160)
    assert difference(opened(copy), picture) < 3


def test_a_border_is_as_wide_on_every_side(picture):
    copy = edited(picture, "border")
    width = (copy.width - 160) // 2
    inside = copy.crop((width, width, width + 160, width + 120))
    assert copy.size == (160 + 2 * width, 120 + 2 * width)
    assert width >= 4
    assert difference(inside, picture) < 5


@pytest.mark.parametrize("seed", range(5))
def test_a_straightened_copy_has_no_empty_corner(seed):
    white = Image.new("RGB", (200, 120), "white")
    assert np.asarray(edited(white, "straighten", seed)).min() > 250


def test_the_rectangle_inscribed_in_a_square_turned_by_an_eighth_has_sides_shorter_by_root_two():
    assert inscribed(10, 10, math.pi / 4) == pytest.approx((10 / math.sqrt(2),) * 2)
    assert inscribed(30, 20, 0) == (30, 20)


def test_grey_copies_have_no_colour(picture):
    values = np.asarray(edited(picture, "grey"), int)
    assert np.ptp(values, axis=-1).max() <= 4


def test_formats_other_than_jpeg_are_used(picture):
    copies = [make_copy(picture, EDITS["format"], seed) for seed in range(20)]
    suffixes = {copy.suffix for copy in copies}
    assert ".jpg" not in suffixes
    assert len(suffixes) >= 4
    for copy in copies:
        assert difference(opened(copy), picture) < 8


def test_one_app_shows_two_pictures_between_the_same_bars(picture):
    other = ImageOps.invert(picture)
    first, second = (
        np.asarray(shown_in_app(shown, np.random.default_rng(0), 5)) for shown in (picture, other)
    )
    changed = np.flatnonzero((first != second).any(axis=(1, 2)))
    assert 0 < changed.size < first.shape[0] * 0.9


def test_a_watermark_leaves_most_of_the_picture(picture):
    marked = with_watermark(picture, "sample", strength=0.3)
    assert marked.size == picture.size
    assert 1 < difference(marked, picture) < 40


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_straight_lines_stay_straight_when_seen_from_aside(seed):
    paper = Image.new("RGB", (600, 400), "white")
    ImageDraw.Draw(paper).line((70, 60, 520, 330), "black", 3)
    ink = np.argwhere(np.asarray(edited(paper, "perspective", seed).convert("L")) < 128)
    from_middle = ink - ink.mean(axis=0)
    directions, _, _ = np.linalg.svd(from_middle.T @ from_middle)
    assert np.abs(from_middle @ directions[:, 1]).max() < 2.5
