"""Hostile pictures: each is indexed or listed, within limits of time and memory."""

import io
import struct
import time
import zlib

import pytest
from figures import tried
from hostile_files import LIMIT_PIXELS, mutants, seeds
from PIL import Image

from imgsearch.errors import ImageReadError
from imgsearch.images.prepare import prepare
from imgsearch.types import Preprocessing

SQUARE = Preprocessing(32, "faithful")


def outcome_of(name, content):
    """The shape of the pixels, or why there are none; anything else fails the test."""
    started = time.monotonic()
    try:
        outcome = prepare(content, SQUARE, name=name, max_pixels=LIMIT_PIXELS).pixels.shape
    except ImageReadError as error:
        outcome = error.reason
    assert outcome, name
    assert time.monotonic() - started < 30, name
    return outcome


@pytest.mark.parametrize("part", range(4))
def test_every_mutated_picture_is_decoded_or_refused_with_a_reason(part):
    outcomes = {name: outcome_of(name, content) for name, content in mutants(400, seed=part)}

    shapes = [outcome for outcome in outcomes.values() if isinstance(outcome, tuple)]
    assert len(outcomes) == 400
    assert set(shapes) == {(32, 32, 3)}
    # Mutants that nothing decodes any more, or that all still decode, would try nothing.
    assert 80 < len(shapes) < 320
    tried("mutated pictures, decoded or refused", len(outcomes))


@pytest.mark.parametrize("name", sorted(seeds()))
def test_every_original_of_the_mutants_is_decoded(name):
    suffix = ".tga" if name == "tga.a" else ""

    assert outcome_of(name + suffix, seeds()[name]) == (32, 32, 3)


def chunk(kind, content):
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def png(*chunks, size=(4, 4)):
    """A grey PNG of 4 x 4 pixels, whatever size it claims."""
    header = struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0\x80\x80\x80\x80" * 4)
    parts = (chunk(b"IHDR", header), *chunks, chunk(b"IDAT", rows), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(*entries, next_directory=0):
    """A TIFF of one directory at offset 8, of entries (tag, type, count, value)."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    count, end = struct.pack("<H", len(entries)), struct.pack("<I", next_directory)
    return b"II*\0\x08\0\0\0" + count + body + end


def jpeg_with(exif=b"", profile=b""):
    file = io.BytesIO()
    Image.new("RGB", (40, 40), "#f00").save(file, "JPEG", exif=exif, icc_profile=profile)
    return file.getvalue()


def test_a_profile_that_unpacks_to_gigabytes_is_not_unpacked():
    bomb = zlib.compress(bytes(200_000_000), 9)

    outcome = outcome_of("a.png", png(chunk(b"iCCP", b"a\0\0" + bomb)))

    assert outcome == (32, 32, 3) or "unpack" in outcome or "damaged" in outcome


def test_a_png_of_endless_comments_is_read_or_refused():
    comments = [chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(900_000)))] * 500

    assert outcome_of("a.png", png(*comments)) != ""


def test_a_png_that_claims_the_largest_size_is_refused_before_it_is_decoded():
    assert "over the limit" in outcome_of("a.png", png(size=(2**31 - 1, 2**31 - 1)))


def test_tiff_directories_that_go_round_in_a_circle_are_refused():
    assert isinstance(
        outcome_of("a.tif", tiff((256, 4, 1, 4), (257, 4, 1, 4), next_directory=8)), str
    )


def test_a_tiff_tag_of_billions_of_values_is_refused():
    assert isinstance(outcome_of("a.tif", tiff((256, 4, 1, 4), (273, 4, 0xFFFFFFFF, 8))), str)


@pytest.mark.parametrize("tag", [0x8769, 0x8825, 0xA005, 0x014A])
def test_exif_directories_that_contain_themselves_do_no_harm(tag):
    exif = b"Exif\0\0" + tiff((tag, 4, 1, 8), next_directory=8)

    assert outcome_of("a.jpg", jpeg_with(exif=exif)) == (32, 32, 3)


def test_a_profile_of_a_megabyte_of_rubbish_is_ignored():
    assert outcome_of("a.jpg", jpeg_with(profile=b"\xa5" * 1_000_000)) == (32, 32, 3)


def test_an_animation_of_thousands_of_frames_costs_one():
    file = io.BytesIO()
    frames = [Image.new("P", (16, 16), number % 7) for number in range(2)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    content = file.getvalue()
    endless = content[:-1] + content[-40:-1] * 100_000

    assert outcome_of("a.gif", endless) == (32, 32, 3)
