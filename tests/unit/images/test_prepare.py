import io

import numpy as np
import pytest
from PIL import Image

from imgsearch.errors import ImageReadError
from imgsearch.images.prepare import prepare
from imgsearch.types import Preprocessing

FAITHFUL = Preprocessing(224, "faithful")
KERAS = Preprocessing(224, "keras")
KEPT = Preprocessing(320, "faithful", keeps_aspect=True)
ORIENTATION = 0x0112


def turned(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


@pytest.mark.parametrize("preprocessing", [FAITHFUL, KERAS])
def test_prepare_returns_a_square_of_the_wanted_side(pictures, preprocessing):
    prepared = prepare(pictures.encode(pictures.photo(), "JPEG"), preprocessing, name="x")

    assert prepared.pixels.shape == (224, 224, 3)
    assert prepared.pixels.dtype == np.uint8
    assert prepared.pixels.flags.c_contiguous
    assert (prepared.width, prepared.height, prepared.format) == (640, 480, "JPEG")


@pytest.mark.parametrize("preprocessing", [FAITHFUL, KERAS])
def test_prepare_reports_the_upright_size(pictures, preprocessing):
    content = pictures.encode(pictures.quarters(640, 480), "JPEG", exif=turned(6))

    prepared = prepare(content, preprocessing, name="x")

    assert (prepared.width, prepared.height) == (480, 640)


def test_prepare_faithfully_turns_the_picture(pictures):
    content = pictures.encode(pictures.quarters(), "JPEG", exif=turned(3))

    # Upside down, r g / b y reads y b / g r.
    assert pictures.names_of_quarters(prepare(content, FAITHFUL, name="x").pixels) == "ybgr"


def test_prepare_like_keras_does_not_turn_the_picture(pictures):
    content = pictures.encode(pictures.quarters(), "JPEG", exif=turned(3))

    assert pictures.names_of_quarters(prepare(content, KERAS, name="x").pixels) == "rgby"


def test_prepare_like_keras_drops_alpha(pictures):
    content = pictures.encode(Image.new("RGBA", (4, 4), (9, 0, 0, 0)), "PNG")

    assert prepare(content, KERAS, name="x").pixels[0, 0].tolist() == [9, 0, 0]


def test_prepare_faithfully_averages_where_keras_picks_pixels(pictures):
    checks = np.indices((448, 448)).sum(axis=0) % 2 * 255
    content = pictures.encode(Image.fromarray(checks.astype(np.uint8)), "PNG")

    # Every 2 x 2 block of the chequerboard averages to 127.5; one pixel of it is black or white.
    # At the border the filter has no neighbours on one side, hence the margin.
    assert np.abs(prepare(content, FAITHFUL, name="x").pixels.astype(int) - 127.5).max() <= 3
    assert set(np.unique(prepare(content, KERAS, name="x").pixels)) <= {0, 255}


@pytest.mark.parametrize("size", [(640, 480), (1024, 768), (2000, 1500), (500, 3000)])
def test_prepare_of_a_scaled_jpeg_is_close_to_the_full_decode(pictures, size):
    content = pictures.encode(pictures.photo(*size), "JPEG", quality=90)
    full = Image.open(io.BytesIO(content)).resize((224, 224), Image.Resampling.BILINEAR)

    prepared = prepare(content, FAITHFUL, name="x")

    assert np.abs(prepared.pixels - np.asarray(full, dtype=np.int16)).mean() < 1.5


@pytest.mark.parametrize("preprocessing", [FAITHFUL, KERAS])
def test_prepare_reads_from_a_path(pictures, tmp_path, preprocessing):
    content = pictures.encode(pictures.photo(), "JPEG")
    (tmp_path / "x.jpg").write_bytes(content)

    prepared = prepare(tmp_path / "x.jpg", preprocessing, name="x")

    assert np.array_equal(prepared.pixels, prepare(content, preprocessing, name="x").pixels)


@pytest.mark.parametrize("preprocessing", [FAITHFUL, KERAS])
def test_prepare_refuses_half_a_picture(pictures, preprocessing):
    content = pictures.encode(pictures.photo(), "JPEG")

    with pytest.raises(ImageReadError, match="cannot read x: the JPEG data ends early"):
        prepare(content[: len(content) // 2], preprocessing, name="x")


@pytest.mark.weights
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("JPEG", "RGB"),
        ("JPEG", "L"),
        ("JPEG", "CMYK"),
        ("PNG", "RGB"),
        ("PNG", "RGBA"),
        ("PNG", "LA"),
        ("PNG", "L"),
        ("PNG", "P"),
        ("PNG", "1"),
        ("PNG", "I;16"),
        ("GIF", "P"),
        ("TIFF", "RGB"),
    ],
)
def test_prepare_like_keras_equals_keras_to_the_bit(pictures, tmp_path, kind, mode):
    import keras

    picture = pictures.photo(333, 217)
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture.convert("L"), dtype=np.uint16) * 200)
    else:
        picture = picture.convert(mode)
    if mode == "RGBA":
        picture.putalpha(picture.convert("L"))
    path = tmp_path / "x"
    path.write_bytes(pictures.encode(picture, kind))

    expected = np.asarray(keras.utils.load_img(path, target_size=(224, 224)))

    assert np.array_equal(prepare(path, KERAS, name="x").pixels, expected)


def flag(size, stripes):
    """A picture with vertical stripes of the same width, left to right."""
    picture = Image.new("RGB", size)
    width = size[0] // len(stripes)
    for place, colour in enumerate(stripes):
        picture.paste(colour, (place * width, 0, (place + 1) * width, size[1]))
    return picture


def test_a_crop_from_the_shorter_side_is_the_square_in_the_middle(pictures):
    wide = pictures.encode(flag((192, 64), ["red", "lime", "blue"]), "PNG")

    prepared = prepare(wide, Preprocessing(32, "faithful", 32), name="x")

    assert prepared.pixels.shape == (32, 32, 3)
    assert (prepared.pixels == [0, 255, 0]).all()
    assert (prepared.width, prepared.height) == (192, 64)


def test_a_crop_from_more_cuts_the_margin_off(pictures):
    # Of 64 columns the middle 32 are kept: the two inner stripes of 16, which become 8 each.
    square = pictures.encode(flag((64, 64), ["red", "lime", "blue", "red"]), "PNG")

    pixels = prepare(square, Preprocessing(16, "faithful", 32), name="x").pixels

    assert (pixels[:, :8] == [0, 255, 0]).all()
    assert (pixels[:, 8:] == [0, 0, 255]).all()


@pytest.mark.parametrize("size", [(1, 500), (500, 1), (1, 1)])
def test_a_crop_of_the_narrowest_picture_has_the_wanted_side(pictures, size):
    content = pictures.encode(Image.new("RGB", size, "red"), "PNG")

    pixels = prepare(content, Preprocessing(16, "faithful", 20), name="x").pixels

    assert pixels.shape == (16, 16, 3)
    assert (pixels == [255, 0, 0]).all()


def test_a_crop_is_what_pillow_resizes_of_the_same_square(pictures):
    photo = pictures.photo()  # 640 x 480; of the shorter side 48 / 64, which is 360, are kept
    expected = photo.resize((48, 48), Image.Resampling.BOX, box=(140, 60, 500, 420))
    content = pictures.encode(photo, "PNG")

    pixels = prepare(content, Preprocessing(48, "faithful", 64), name="x").pixels

    assert np.abs(pixels - np.asarray(expected, np.float64)).mean() < 2


def test_a_kept_aspect_ratio_is_that_of_the_upright_picture(pictures):
    # 640 x 400 pixels that a viewer turns: 400 x 640, and five eighths of 320 are 200.
    content = pictures.encode(pictures.quarters(640, 400), "JPEG", exif=turned(6))

    prepared = prepare(content, KEPT, name="x")

    assert prepared.pixels.shape == (320, 192, 3)
    assert (prepared.width, prepared.height) == (400, 640)


def test_a_kept_aspect_ratio_shows_the_whole_picture(pictures):
    content = pictures.encode(pictures.quarters(640, 400), "PNG")

    assert pictures.names_of_quarters(prepare(content, KEPT, name="x").pixels) == "rgby"


def test_the_network_sees_a_picture_sharpened_and_everybody_else_as_it_is(pictures):
    grain = np.random.default_rng(1).integers(60, 196, (448, 448, 3), dtype=np.uint8)
    content = pictures.encode(Image.fromarray(grain), "JPEG")
    plain = prepare(content, FAITHFUL, name="x")

    prepared = prepare(content, Preprocessing(224, "faithful", sharpening=1.0), name="x")

    assert np.array_equal(prepared.pixels, plain.pixels)
    assert np.array_equal(plain.network_input, plain.pixels)
    steps = np.abs(np.diff(prepared.network_input.astype(int), axis=1)).mean()
    assert steps > 1.2 * np.abs(np.diff(plain.pixels.astype(int), axis=1)).mean()


def test_sharpening_is_known_of_a_picture_that_a_child_process_decoded(pictures):
    content = pictures.encode(pictures.photo(), "PNG")

    prepared = prepare(content, Preprocessing(224, "faithful", sharpening=1.0), name="x")

    assert prepared.sharpening == 1.0


def test_a_kept_aspect_ratio_may_be_of_two_sides_whose_mean_is_wanted(pictures):
    content = pictures.encode(pictures.photo(480, 640), "JPEG")
    shape = Preprocessing(224, "faithful", keeps_aspect=True, side_is_mean=True)

    assert prepare(content, shape, name="x").pixels.shape == (256, 192, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])  # decoded here, and in a child process
def test_beside_a_shape_of_a_mean_there_is_the_square_of_which_thumbnails_are_made(pictures, kind):
    content = pictures.encode(pictures.photo(1200, 900), kind)
    shape = Preprocessing(224, "faithful", keeps_aspect=True, side_is_mean=True, sharpening=1.0)

    prepared = prepare(content, shape, name="x")

    assert prepared.square is not None
    assert np.array_equal(prepared.square, prepare(content, FAITHFUL, name="x").pixels)
    assert prepare(content, KEPT, name="x").square is None
