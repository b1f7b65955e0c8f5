"""The few sizes in which a network sees pictures of any aspect ratio."""

import pytest

from imgsearch.images.shapes import kept_shape, kept_shape_by_mean


@pytest.mark.parametrize(
    ("width", "height", "shape"),
    [
        (640, 480, (320, 256)),  # three quarters of 320 are 240: 7.5 steps, rounded to even
        (4000, 3000, (320, 256)),
        (300, 200, (320, 224)),  # two thirds are 213: nearer to 7 steps than to 6
        (200, 300, (224, 320)),
        (50, 50, (320, 320)),
        (1920, 1080, (320, 192)),
    ],
)
def test_the_longer_side_is_as_wanted_and_the_shorter_a_multiple_of_32(width, height, shape):
    assert kept_shape(width, height, 320) == shape


def test_a_panorama_is_stretched_to_two_fifths():
    assert kept_shape(10_000, 100, 320) == (320, 128)
    assert kept_shape(1, 10_000, 320) == (128, 320)


def test_all_aspect_ratios_together_have_thirteen_sizes():
    shapes = {kept_shape(width, 1000, 320) for width in range(1, 20_000, 7)}

    assert len(shapes) == 13  # 128 to 288 in steps of 32, lying and upright, and the square


@pytest.mark.parametrize(
    ("width", "height", "shape"),
    [
        (500, 500, (224, 224)),
        (640, 480, (256, 192)),  # a seventh of 224 more and less: one step of 32
        (480, 640, (192, 256)),
        (300, 200, (256, 192)),  # a fifth, 44.8: nearer to one step than to two
        (1920, 1080, (288, 160)),
        (10_000, 100, (320, 128)),
    ],
)
def test_both_sides_add_up_to_twice_the_mean(width, height, shape):
    assert kept_shape_by_mean(width, height, 224) == shape


def test_no_picture_has_more_pixels_than_the_square():
    shapes = {kept_shape_by_mean(width, 1000, 224) for width in range(1, 20_000, 7)}

    assert len(shapes) == 7
    assert max(width * height for width, height in shapes) == 224 * 224


def test_a_mean_of_one_step_leaves_no_side_without_pixels():
    assert kept_shape_by_mean(10_000, 100, 32) == (32, 32)
