import numpy as np
import pytest
from PIL import Image

from imgsearch.images.resize import resize, sharpened

SIZES = [(1, 1), (3, 5), (100, 300), (224, 224), (300, 225), (448, 449), (1000, 750), (2000, 90)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [3, 4])
def test_a_picture_of_one_colour_keeps_it_in_every_size(size, channels):
    colour = np.array([200, 30, 90, 255][:channels], dtype=np.uint8)
    pixels = np.broadcast_to(colour, (size[1], size[0], channels)).copy()

    resized = resize(pixels, 224, 160)

    assert resized.shape == (160, 224, channels)
    assert resized.dtype == np.uint8
    assert (resized == colour).all()


@pytest.mark.parametrize("size", [(560, 374), (500, 375), (1000, 750), (300, 225), (2000, 300)])
def test_the_result_is_close_to_an_antialiased_resize_by_pillow(size):
    random = np.random.default_rng(5)
    coarse = random.integers(0, 256, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)

    ours = resize(np.asarray(picture), 224, 224).astype(int)
    pillows = np.asarray(picture.resize((224, 224), Image.Resampling.BOX)).astype(int)

    assert np.abs(ours - pillows).mean() < 4


@pytest.mark.parametrize("side", [450, 599, 601, 700, 900, 1500, 3000])
@pytest.mark.parametrize("period", [2, 3])
def test_stripes_finer_than_a_pixel_of_the_result_lose_most_of_their_contrast(side, period):
    wave = 127.5 + 127.5 * np.cos(2 * np.pi * np.arange(side) / period + 0.3)
    stripes = np.tile(wave.astype(np.uint8)[None, :, None], (16, 1, 3))

    resized = resize(stripes, 100, 100).astype(float)

    assert stripes.std() > 80
    assert resized.std() < stripes.std() / 3


def test_an_odd_source_is_not_shifted():
    left_to_right = np.tile(np.linspace(0, 255, 901).astype(np.uint8)[None, :, None], (300, 1, 3))

    resized = resize(left_to_right, 100, 100)[:, :, 0].astype(float)
    mirrored = resize(left_to_right[:, ::-1].copy(), 100, 100)[:, ::-1, 0].astype(float)

    assert np.abs(resized - mirrored).max() <= 1


def test_sharpening_adds_what_a_blur_takes_away():
    dot = np.full((5, 5, 3), 100, np.uint8)
    dot[2, 2] = 132

    # Blurred by 1 2 1 both ways, a quarter of the 32 stays in the middle, and an eighth goes to
    # each side, a sixteenth to each corner: differences of 24, -4 and -2.
    assert sharpened(dot, 1)[:, :, 0].tolist() == [
        [100, 100, 100, 100, 100],
        [100, 98, 96, 98, 100],
        [100, 96, 156, 96, 100],
        [100, 98, 96, 98, 100],
        [100, 100, 100, 100, 100],
    ]
    assert sharpened(dot, 0.5)[2, 2].tolist() == [144, 144, 144]


def test_sharpening_goes_no_further_than_black_and_white():
    edge = np.zeros((4, 8, 3), np.uint8)
    edge[:, 4:] = 255

    assert np.array_equal(sharpened(edge, 2), edge)


def test_sharpening_by_nothing_changes_nothing():
    picture = np.random.default_rng(3).integers(0, 256, (6, 7, 3), dtype=np.uint8)

    assert np.array_equal(sharpened(picture, 0), picture)
