"""Pictures inside of margins: on a screen, on a sheet, turned on a ground of one colour."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imgsearch.dedup.insides import inside_of, turns_inside
from imgsearch.dedup.margins import content_of
from imgsearch.dedup.turned_frame import turned_frame
from imgsearch.images.sketch import coarse_turns, draw

PHOTOS = Path(__file__).parents[3] / "data" / "photos"


@pytest.fixture(scope="module")
def cat():
    return Image.open(PHOTOS / "cat.jpg").convert("RGB").resize((240, 160))


def turned(picture, degrees, fill="white"):
    return picture.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=fill)


def likeness(picture, original):
    inside = inside_of(np.array(picture))
    return float(
        (
            turns_inside(inside) @ coarse_turns(draw(np.array(original), *original.size).tiny)[0]
        ).max()
    )


@pytest.mark.parametrize("degrees", [5, 17, 33, 45, 60, 80, 100, 155, 260, 350])
def test_the_frame_of_a_turned_picture_is_found_whatever_the_angle(cat, degrees):
    whole = np.array(turned(cat, degrees))
    frame = turned_frame(whole)
    # A picture of 240 x 160 turned about the middle of the whole, which is the frame's middle.
    assert frame @ (0.5, 0.5, 1) == pytest.approx(
        ((whole.shape[1] - 1) / 2, (whole.shape[0] - 1) / 2, 1), abs=2
    )
    sides = sorted(float(np.hypot(*frame[:2, axis])) for axis in (0, 1))
    assert sides == pytest.approx([160, 240], rel=0.04)
    slope = math.degrees(math.atan2(frame[1, 0], frame[0, 0]))
    assert (slope + degrees + 1) % 90 == pytest.approx(1, abs=2)


@pytest.mark.parametrize("degrees", [0, 90])
def test_a_picture_that_fills_all_is_not_turned(cat, degrees):
    assert turned_frame(np.array(turned(cat, degrees))) is None


def test_a_triangle_that_is_no_corner_of_a_turned_picture_makes_no_frame(cat):
    cut = cat.copy()
    ImageDraw.Draw(cut).polygon([(0, 0), (120, 0), (0, 20)], "white")
    assert turned_frame(np.array(cut)) is None


@pytest.mark.parametrize("fill", ["black", "white", "#c04020"])
def test_what_is_inside_of_a_turned_picture_is_like_the_picture(cat, fill):
    assert likeness(turned(cat, 25, fill), cat) > 0.95


def test_what_is_on_a_screen_is_like_the_picture(cat):
    screen = Image.new("RGB", (260, 460), "#203040")
    screen.paste(cat, (10, 140))
    pen = ImageDraw.Draw(screen)
    pen.rectangle((0, 0, 260, 40), "white")
    pen.text((10, 10), "12:34", "black")
    assert likeness(screen, cat) > 0.95


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (3, 2), (64, 64)])
def test_a_blank_picture_has_nothing_inside(size):
    assert inside_of(np.array(Image.new("RGB", size, "white"))) == b""


def test_a_photo_to_its_edges_has_nothing_inside(cat):
    assert inside_of(np.array(cat)) == b""


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(256, 1, 3), (1, 256, 3), (256, 2, 3)])
def test_a_picture_as_thin_as_a_line_has_nothing_inside_of_a_margin(shape):
    for ground in (np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)):
        assert content_of(ground).framed is False
        assert inside_of(ground) == b""


def in_a_ragged_frame(picture, depth):
    """Lay a picture on a sheet whose colour bleeds into it, here and there, to some depth."""
    sheet = Image.new("RGB", (picture.width + 40, picture.height + 40), "red")
    sheet.paste(picture, (20, 20))
    pen = ImageDraw.Draw(sheet)
    for left in range(24, picture.width, 16):
        pen.rectangle((left, 20, left + 5, 19 + depth), "red")
        pen.rectangle(
            (left + 8, 20 + picture.height - depth, left + 13, 40 + picture.height), "red"
        )
    return np.array(sheet)


def test_a_frame_whose_colour_bleeds_into_the_picture_is_a_margin(cat):
    content = content_of(in_a_ragged_frame(cat, 4))
    assert content.framed
    assert content.area == pytest.approx(240 * 160, rel=0.1)


def test_what_is_not_nearly_a_rectangle_is_no_picture_in_a_frame(cat):
    assert not content_of(in_a_ragged_frame(cat, 20)).framed
