"""EXIF data are read for a date, a camera and a count; Pillow says what is right."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from imgsearch.images.exif import Details, block_of, read_details
from imgsearch.images.prepare import prepare
from imgsearch.types import Preprocessing

Tag = ExifTags.Base


def block(main=(), photo=(), place=()):
    """EXIF data of these tags, as Pillow writes them."""
    exif = Image.Exif()
    exif.update(dict(main))
    for directory, tags in ((ExifTags.IFD.Exif, photo), (ExifTags.IFD.GPSInfo, place)):
        if tags:
            exif.get_ifd(directory).update(dict(tags))
    return exif.tobytes()


def read(content):
    return read_details(io.BytesIO(content))


def taken(text, fraction=""):
    return read(block(photo={Tag.DateTimeOriginal: text, Tag.SubsecTimeOriginal: fraction})).taken


def camera(make, model):
    return read(block({Tag.Make: make, Tag.Model: model})).camera


def test_date_camera_and_the_tags_of_three_directories_are_read():
    found = read(
        block(
            {Tag.Make: "Canon", Tag.Model: "Canon EOS 5D", Tag.Software: "1.1"},
            {Tag.DateTimeOriginal: "2024:05:31 18:20:05", Tag.ISOSpeedRatings: 100},
            {ExifTags.GPS.GPSLatitudeRef: "N"},
        )
    )

    assert found == Details("2024-05-31T18:20:05", "Canon EOS 5D", 6)


def test_how_the_pixels_are_turned_counts_for_nothing():
    assert read(block({Tag.Orientation: 6})) == Details()


def test_both_byte_orders_are_read_with_and_without_the_word_exif_in_front():
    # One entry: tag 0x0110 (Model), text, 3 bytes: "X1" and a zero, in place.
    little = b"II*\0" + struct.pack("<IHHHI", 8, 1, 0x0110, 2, 3) + b"X1\0\0"
    big = b"MM\0*" + struct.pack(">IHHHI", 8, 1, 0x0110, 2, 3) + b"X1\0\0"

    for content in (little, big, b"Exif\0\0" + little, b"Exif\0\0" + big):
        assert read(content) == Details(None, "X1", 1)


def test_a_fraction_of_a_second_is_kept_as_the_camera_wrote_it():
    assert taken("2024:05:31 18:20:05", "07") == "2024-05-31T18:20:05.07"
    assert taken("2024:05:31 18:20:05", "  ") == "2024-05-31T18:20:05"


@pytest.mark.parametrize(
    "text", ["0000:00:00 00:00:00", "    :  :     :  :  ", "2024:02:30 10:00:00", "yesterday", ""]
)
def test_what_is_no_date_is_none(text):
    assert taken(text) is None


def test_a_brand_is_said_once():
    assert camera("NIKON CORPORATION", "NIKON D70") == "NIKON D70"
    assert camera("Apple", "iPhone 15") == "Apple iPhone 15"
    assert camera("", "Box") == "Box"
    assert camera("Box", "") == "Box"
    assert camera("", "") is None


def test_control_characters_and_bytes_that_are_no_text_stay_out_of_a_camera():
    assert camera(b"A\x1b[31m\nB", "\u202eC\x00hidden".encode()) == "A [31m B C"
    assert camera(b"", b"\xed\xa0\x80") == "\ufffd" * 3  # the bytes of a lone surrogate


def test_the_layout_of_a_tiff_counts_for_nothing():
    file = io.BytesIO()
    Image.new("RGB", (3, 2)).save(file, "TIFF")
    assert read_details(io.BytesIO(file.getvalue())) == Details()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("rendering", ["faithful", "keras"])
def test_every_kind_is_read_in_this_process_or_in_another(kind, rendering):
    file = io.BytesIO()
    noted = block({Tag.Model: "Box"}, {Tag.DateTimeOriginal: "2024:05:31 18:20:05"})
    Image.new("RGB", (32, 24), "red").save(file, kind, exif=noted)

    found = prepare(file.getvalue(), Preprocessing(8, rendering), name="x")

    assert found.format == kind
    assert (found.taken, found.camera, found.exif_tags) == ("2024-05-31T18:20:05", "Box", 2)


def test_a_picture_without_exif_data_says_nothing():
    assert read_details(block_of(Image.new("RGB", (1, 1)))) == Details()


def test_the_text_that_imagemagick_writes_is_read():
    picture = Image.new("RGB", (1, 1))
    content = block({Tag.Model: "Box"})
    lines = f"\nexif\n    {len(content)}\n{content.hex()}\n"
    picture.info["Raw profile type exif"] = lines
    assert read_details(block_of(picture)).camera == "Box"

    picture.info["Raw profile type exif"] = lines + "no hexadecimal"
    assert read_details(block_of(picture)) == Details()


SOUND = block(
    {Tag.Make: "Canon", Tag.Model: "Canon EOS 5D"}, {Tag.DateTimeOriginal: "2024:05:31 18:20:05"}
)


@given(st.data())
def test_no_bytes_are_too_hostile(data):
    content = bytearray(SOUND[: data.draw(st.integers(0, len(SOUND)))])
    places = st.integers(0, max(len(content) - 1, 0))
    for place, byte in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=8)):
        content[place : place + 1] = bytes((byte,))

    found = read(bytes(content))

    assert found.camera is None or found.camera.isprintable()
    assert found.taken is None or found.taken.isprintable()
    assert found.exif_tags >= 0


def test_a_directory_that_claims_thousands_of_tags_is_read_no_further_than_it_is_long():
    claims = b"II*\0" + struct.pack("<IH", 8, 65535) + bytes(12) * 3
    assert read(claims).exif_tags == 1  # three times tag 0
    assert read(b"II*\0\xff\xff\xff\xff") == Details()
