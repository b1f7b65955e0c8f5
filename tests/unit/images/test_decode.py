import io
import random
import struct
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from imgsearch.errors import ImageReadError, ImageTooLargeError, UnsupportedImageError
from imgsearch.images.decode import decode
from imgsearch.images.failures import decoding

ORIENTATION = 0x0112

# The quarters r g / b y as a camera stores them for each orientation, by the EXIF standard's
# "row 0 is ..., column 0 is ...": the viewer must always come back to r g / b y.
STORED_AS = {
    1: [],
    2: [Image.Transpose.FLIP_LEFT_RIGHT],
    3: [Image.Transpose.ROTATE_180],
    4: [Image.Transpose.FLIP_TOP_BOTTOM],
    5: [Image.Transpose.TRANSPOSE],
    6: [Image.Transpose.ROTATE_90],  # shown after a quarter turn clockwise
    7: [Image.Transpose.TRANSVERSE],
    8: [Image.Transpose.ROTATE_270],
}


def failure_of(content, *, name="x.jpg", **options):
    with pytest.raises(ImageReadError) as caught:
        decode(content, name=name, **options)
    return caught.value


def as_png(array, **options):
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG", **options)
    return stream.getvalue()


def pixel(content, name="x"):
    return tuple(int(level) for level in decode(content, name=name).pixels[0, 0])


@pytest.mark.parametrize(
    ("kind", "format_name"),
    [
        ("JPEG", "JPEG"),
        ("MPO", "JPEG"),
        ("PNG", "PNG"),
        ("WEBP", "WEBP"),
        ("GIF", "GIF"),
        ("BMP", "BMP"),
        ("TIFF", "TIFF"),
        ("JPEG2000", "JPEG2000"),
        ("AVIF", "AVIF"),
        ("PPM", "PPM"),
        ("PCX", "PCX"),
        ("SGI", "SGI"),
        ("DDS", "DDS"),
        ("ICNS", "ICNS"),
        ("QOI", "QOI"),
    ],
)
def test_decode_reads_every_promised_format(pictures, kind, format_name):
    side = 128 if kind == "ICNS" else 64
    content = pictures.encode(pictures.quarters(side, side), kind)

    decoded = decode(content, name="x")

    assert decoded.format == format_name
    assert pictures.names_of_quarters(decoded.pixels) == "rgby"


def test_decode_reads_heif(pictures):
    stream = io.BytesIO()
    pillow_heif.from_pillow(pictures.quarters(64, 64)).save(stream, quality=90)

    decoded = decode(stream.getvalue(), name="x.heic")

    assert decoded.format == "HEIF"
    assert pictures.names_of_quarters(decoded.pixels) == "rgby"


def test_decode_reads_heif_without_teaching_pillow_to(pictures, tmp_path):
    path = tmp_path / "x.heic"
    pillow_heif.from_pillow(pictures.quarters(64, 64)).save(path, quality=90)
    # In a process of its own: other tests may have taught Pillow already.
    code = (
        "import sys; from pathlib import Path; from PIL import Image;"
        " from imgsearch.images.decode import decode;"
        " print(decode(Path(sys.argv[1]), name='x').format, 'HEIF' in Image.OPEN)"
    )

    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)

    assert done.stdout.split() == ["HEIF", "False"], done.stderr


def test_decode_reads_targa_by_its_name(pictures):
    content = pictures.encode(pictures.quarters(), "TGA")

    assert pictures.names_of_quarters(decode(content, name="x.TGA").pixels) == "rgby"


def test_decode_goes_by_content_and_not_by_suffix(pictures):
    content = pictures.encode(pictures.quarters(), "PNG")

    assert decode(content, name="x.jpg").format == "PNG"


def test_decode_returns_writable_rgb_bytes(pictures):
    decoded = decode(pictures.encode(pictures.quarters(64, 32), "JPEG"), name="x")

    assert decoded.pixels.shape == (32, 64, 3)
    assert decoded.pixels.dtype == np.uint8
    assert decoded.pixels.flags.c_contiguous
    assert decoded.pixels.flags.writeable


def test_decode_reads_from_a_path_what_it_reads_from_bytes(pictures, tmp_path):
    content = pictures.encode(pictures.photo(), "JPEG")
    (tmp_path / "x.jpg").write_bytes(content)

    from_path = decode(tmp_path / "x.jpg", name="x")

    assert np.array_equal(from_path.pixels, decode(content, name="x").pixels)


def test_decode_streams_a_file_too_large_for_memory(pictures, tmp_path, monkeypatch):
    (tmp_path / "x.jpg").write_bytes(pictures.encode(pictures.quarters(1600, 800), "JPEG"))
    monkeypatch.setattr("imgsearch.images.decode.load", lambda path, **_: path)

    decoded = decode(tmp_path / "x.jpg", name="x", shrink_to=200)

    # Pillow's draft takes the largest of 1, 2, 4, 8 that keeps both sides at 200 or more: 4.
    assert decoded.pixels.shape == (200, 400, 3)
    assert (decoded.width, decoded.height) == (1600, 800)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_decode_turns_a_picture_upright(pictures, kind, orientation):
    picture = pictures.quarters(64, 32)
    for transposition in STORED_AS[orientation]:
        picture = picture.transpose(transposition)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = pictures.encode(picture, kind, exif=exif)

    decoded = decode(content, name="x")

    assert pictures.names_of_quarters(decoded.pixels) == "rgby"
    assert decoded.pixels.shape == (32, 64, 3)
    assert (decoded.width, decoded.height) == (64, 32)


@pytest.mark.parametrize("exif", [b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0nonsense"])
def test_decode_ignores_broken_exif(pictures, exif):
    content = pictures.encode(pictures.quarters(), "JPEG", exif=exif)

    assert pictures.names_of_quarters(decode(content, name="x").pixels) == "rgby"


def test_decode_ignores_an_orientation_out_of_range(pictures):
    exif = Image.Exif()
    exif[ORIENTATION] = 9

    decoded = decode(pictures.encode(pictures.quarters(), "JPEG", exif=exif), name="x")

    assert pictures.names_of_quarters(decoded.pixels) == "rgby"


@pytest.mark.parametrize("progressive", [False, True])
def test_decode_of_a_jpeg_equals_pillows(pictures, progressive):
    content = pictures.encode(pictures.photo(), "JPEG", progressive=progressive)

    decoded = decode(content, name="x")

    assert np.array_equal(decoded.pixels, np.asarray(Image.open(io.BytesIO(content))))


def test_decode_shrinks_a_large_jpeg_but_not_below_what_was_asked(pictures):
    content = pictures.encode(pictures.photo(1600, 1200), "JPEG")

    decoded = decode(content, name="x", shrink_to=448)

    # libjpeg scales by eighths: 3/8 of 1200 is 450, 2/8 would be 300.
    assert decoded.pixels.shape == (450, 600, 3)
    assert (decoded.width, decoded.height) == (1600, 1200)


def test_decode_shrinks_other_pictures_by_a_whole_factor(pictures):
    content = pictures.encode(pictures.quarters(1600, 1000), "PNG")

    decoded = decode(content, name="x", shrink_to=448)

    # 1000 // 448 is 2.
    assert decoded.pixels.shape == (500, 800, 3)
    assert (decoded.width, decoded.height) == (1600, 1000)


def test_decode_never_enlarges(pictures):
    content = pictures.encode(pictures.quarters(64, 32), "JPEG")

    assert decode(content, name="x", shrink_to=448).pixels.shape == (32, 64, 3)


def test_decode_scales_16_bit_greys(pictures):
    # 257 is 1/255 of 65535; 32896 is 128 * 257.
    content = as_png(np.array([[0, 257, 32896, 65535]], dtype=np.uint16))

    assert decode(content, name="x").pixels[0, :, 0].tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),  # unit scale
        ([0.0, 100.0, 255.0], [0, 100, 255]),  # bytes
        ([0.0, 257.0, 65535.0], [0, 1, 255]),  # 16 bits
        ([-2.0, 0.0, 2.0], [0, 128, 255]),  # no known scale: its own range
        ([0.0, float("nan"), 1.0], [0, 0, 255]),
        ([float("nan")] * 3, [0, 0, 0]),
    ],
)
def test_decode_scales_floats_by_the_range_they_use(pictures, values, levels):
    picture = Image.fromarray(np.array([values], dtype=np.float32))

    decoded = decode(pictures.encode(picture, "TIFF"), name="x")

    assert decoded.pixels[0, :, 0].tolist() == levels


def test_decode_scales_32_bit_integers(pictures):
    picture = Image.fromarray(np.array([[0, 257, 65535]], dtype=np.int32))

    decoded = decode(pictures.encode(picture, "TIFF"), name="x")

    assert decoded.pixels[0, :, 0].tolist() == [0, 1, 255]


def test_decode_reads_one_bit_pictures(pictures):
    picture = Image.fromarray(np.array([[True, False]]))

    decoded = decode(pictures.encode(picture, "PNG"), name="x")

    assert decoded.pixels[0, :, 0].tolist() == [255, 0]


@pytest.mark.parametrize(
    ("mode", "colour", "seen"),
    [
        ("RGBA", (255, 0, 0, 0), (255, 255, 255)),
        ("RGBA", (255, 0, 0, 255), (255, 0, 0)),
        ("RGBA", (0, 0, 0, 51), (204, 204, 204)),  # 51 is a fifth of 255
        ("LA", (0, 0), (255, 255, 255)),
        ("LA", (7, 255), (7, 7, 7)),
    ],
)
def test_decode_puts_transparency_onto_white(pictures, mode, colour, seen):
    content = pictures.encode(Image.new(mode, (4, 4), colour), "PNG")

    assert pixel(content) == seen


@pytest.mark.parametrize(("mode", "transparent"), [("P", 0), ("RGB", (0, 0, 0)), ("L", 0)])
def test_decode_puts_a_transparent_colour_onto_white(pictures, mode, transparent):
    content = pictures.encode(Image.new(mode, (4, 4)), "PNG", transparency=transparent)

    assert pixel(content) == (255, 255, 255)


def test_decode_ignores_an_alpha_channel_that_is_mere_padding(pictures):
    content = pictures.encode(Image.new("RGBA", (4, 4), (255, 0, 0, 0)), "TGA")

    assert pixel(content, "x.tga") == (255, 0, 0)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_decode_takes_the_first_of_several_frames(pictures, kind):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("#f00", "#00f")]
    options = {"lossless": True} if kind == "WEBP" else {}
    content = pictures.encode(frames[0], kind, save_all=True, append_images=frames[1:], **options)

    assert pixel(content) == (255, 0, 0)


def test_decode_takes_the_main_picture_of_an_mpo(pictures):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("#fff", "#000")]

    content = pictures.encode(frames[0], "MPO", save_all=True, append_images=frames[1:])

    assert pixel(content) == (255, 255, 255)


def test_decode_reads_cmyk_as_printed(pictures):
    # Pillow writes CMYK JPEGs inverted with an Adobe marker, as Photoshop does.
    content = pictures.encode(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)

    red, green, blue = pixel(content)

    assert red > 240
    assert max(green, blue) < 15


def linear_profile():
    """An RGB matrix profile with the primaries of sRGB and no gamma."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile = profile.replace("sRGB".encode("utf-16-be"), "Line".encode("utf-16-be"))
    profile = profile.replace(b"sRGB", b"Line")
    count = struct.unpack(">I", profile[128:132])[0]
    for index in range(count):
        tag, offset, _ = struct.unpack(">4sII", profile[132 + 12 * index : 144 + 12 * index])
        if tag in (b"rTRC", b"gTRC", b"bTRC"):
            # A 'para' curve of type 3 becomes one of type 0 (y = x ** g) with g = 1.0.
            profile[offset : offset + 16] = b"para" + bytes(4) + b"\0\0\0\0" + b"\0\x01\0\0"
    return bytes(profile)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_decode_converts_a_colour_profile_to_srgb(pictures, kind):
    content = pictures.encode(
        Image.new("RGB", (16, 16), (55, 55, 55)), kind, icc_profile=linear_profile()
    )

    # Linear 55/255 = 0.2157; sRGB encodes it as 1.055 * 0.2157 ** (1/2.4) - 0.055 = 0.5018: 128.
    assert pixel(content) == pytest.approx((128, 128, 128), abs=2)


def test_decode_leaves_an_srgb_picture_as_it_is(pictures):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = pictures.encode(Image.new("RGB", (4, 4), (1, 2, 250)), "PNG", icc_profile=profile)

    assert pixel(content) == (1, 2, 250)


@pytest.mark.parametrize("profile", [b"nonsense", b"\0" * 200])
def test_decode_ignores_a_broken_profile(pictures, profile):
    content = pictures.encode(Image.new("RGB", (4, 4), (1, 2, 250)), "PNG", icc_profile=profile)

    assert pixel(content) == (1, 2, 250)


def test_decode_ignores_a_profile_for_other_colours(pictures):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    content = pictures.encode(Image.new("RGB", (4, 4), (1, 2, 250)), "PNG", icc_profile=profile)

    assert pixel(content) == (1, 2, 250)


def test_decode_reads_lab_colours(pictures):
    # L at its full 255 with a and b at their neutral 128 is white.
    content = pictures.encode(Image.new("LAB", (4, 4), (255, 128, 128)), "TIFF")

    assert pixel(content) == pytest.approx((255, 255, 255), abs=2)


def test_decode_says_that_a_file_is_empty():
    assert failure_of(b"").reason == "the file is empty"


@pytest.mark.parametrize("content", [b"\xff", b"hello", b"<html><body>404</body></html>"])
def test_decode_says_what_is_not_a_picture(content):
    failure = failure_of(content)

    assert isinstance(failure, UnsupportedImageError)
    assert failure.reason == "it is not a picture"


def test_decode_says_that_a_file_was_zeroed():
    assert failure_of(bytes(5000)).reason == "it is not a picture; it begins with zero bytes"


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (b"\xff\x0a" + bytes(40), "x.jxl", "JPEG XL"),
        (b"\xff\x0a" + bytes(40), "x.jpg", "JPEG XL"),
        (b"<?xml version='1.0'?><svg/>", "x.svg", "SVG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "x.eps", "EPS"),
        (b"%PDF-1.7", "x.jpg", "PDF"),
        (b"II*\0\x08\0\0\0", "x.NEF", "camera raw (NEF)"),
    ],
)
def test_decode_names_a_kind_that_it_cannot_read(content, name, kind):
    failure = failure_of(content, name=name)

    assert isinstance(failure, UnsupportedImageError)
    assert failure.reason == f"{kind} is not supported; convert it to JPEG or PNG"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP", "AVIF", "JPEG2000"])
def test_decode_refuses_half_a_picture(pictures, kind):
    content = pictures.encode(pictures.photo(), kind)

    failure = failure_of(content[: len(content) // 2])

    assert kind in failure.reason


def test_decode_refuses_half_a_heif(pictures):
    stream = io.BytesIO()
    pillow_heif.from_pillow(pictures.photo()).save(stream)

    assert "HEIF" in failure_of(stream.getvalue()[: len(stream.getvalue()) // 2]).reason


@pytest.mark.parametrize("shrink_to", [None, 64])
def test_decode_says_that_a_jpeg_ends_early(pictures, shrink_to):
    content = pictures.encode(pictures.photo(), "JPEG")

    failure = failure_of(content[: len(content) * 2 // 3], shrink_to=shrink_to)

    assert failure.reason == "the JPEG data ends early"


def test_decode_accepts_what_follows_the_end_of_a_jpeg(pictures):
    content = pictures.encode(pictures.quarters(), "JPEG") + b"motion photo" * 100

    assert pictures.names_of_quarters(decode(content, name="x").pixels) == "rgby"


def test_decode_leaves_a_jpeg_with_stray_bytes_to_pillow(pictures):
    content = pictures.encode(pictures.quarters(), "JPEG")
    table = content.index(b"\xff\xdb")

    decoded = decode(content[:table] + b"stray" + content[table:], name="x")

    assert pictures.names_of_quarters(decoded.pixels) == "rgby"


def test_decode_refuses_a_picture_that_declares_too_many_pixels(pictures):
    failure = failure_of(pictures.encode(pictures.quarters(64, 32), "PNG"), max_pixels=2047)

    assert isinstance(failure, ImageTooLargeError)
    assert (failure.pixels, failure.limit) == (2048, 2047)


def test_decode_accepts_a_picture_of_just_the_limit(pictures):
    content = pictures.encode(pictures.quarters(64, 32), "PNG")

    assert decode(content, name="x", max_pixels=2048).width == 64


def test_decode_refuses_a_bomb_by_its_header_alone(pictures):
    content = bytearray(pictures.encode(pictures.quarters(), "BMP"))
    content[18:26] = struct.pack("<ii", 100_000, 100_000)

    failure = failure_of(bytes(content))

    assert isinstance(failure, ImageTooLargeError)
    assert failure.pixels == 10_000_000_000


def test_decode_takes_its_own_limit_and_not_the_host_programs(pictures, monkeypatch):
    content = pictures.encode(pictures.quarters(64, 32), "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)

    assert decode(content, name="x").width == 64


def test_decode_survives_mutated_files_with_nothing_but_its_own_errors(pictures):
    rng = random.Random(20)
    picture = pictures.photo(64, 48)
    kinds = ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"]
    originals = [pictures.encode(picture, kind) for kind in kinds]
    outcomes = {"read": 0, "refused": 0}

    for round_number in range(600):
        content = bytearray(originals[round_number % len(originals)])
        for _ in range(rng.randint(1, 8)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        if rng.random() < 0.3:
            del content[rng.randrange(len(content)) :]
        try:
            decode(bytes(content), name="x", max_pixels=10**6, shrink_to=rng.choice([None, 16]))
            outcomes["read"] += 1
        except ImageReadError:
            outcomes["refused"] += 1

    assert min(outcomes.values()) > 50


def test_decode_is_quiet_about_odd_pictures_in_many_threads(pictures, capfd):
    exif = b"Exif\0\0II*\0\xff\xff\xff\xff"
    odd = pictures.encode(pictures.quarters(mode="CMYK"), "JPEG", exif=exif)
    transparent = pictures.encode(pictures.quarters(mode="P"), "PNG", transparency=b"\0" * 4)

    with warnings.catch_warnings(), ThreadPoolExecutor(8) as pool:
        warnings.simplefilter("always")
        list(pool.map(lambda content: decode(content, name="x"), [odd, transparent] * 40))

    assert capfd.readouterr().err == ""


def test_decode_leaves_the_warning_filters_as_they_were(pictures):
    before = list(warnings.filters)

    decode(pictures.encode(pictures.quarters(), "PNG"), name="x")

    assert warnings.filters == before


def test_decoding_keeps_warnings_off_until_the_last_thread_is_done():
    inside, leave = threading.Event(), threading.Event()

    def stay():
        with decoding("x", "PNG"):
            inside.set()
            leave.wait(5)

    before = list(warnings.filters)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(stay)
        inside.wait(5)
        with decoding("y", "PNG"):
            pass
        during = list(warnings.filters)
        leave.set()
        running.result()

    assert len(during) == len(before) + 1
    assert warnings.filters == before


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (EOFError(), "the PNG data ends early"),
        (OSError("image file is truncated (3 bytes not processed)"), "the PNG data ends early"),
        (MemoryError(), "there is not enough memory to decode it"),
        (OSError(5, "Input/output error"), "input/output error"),
        (IndexError("list index out of range"), "the PNG data is damaged"),
        (SyntaxError("broken PNG file"), "the PNG data is damaged (broken PNG file)"),
        (
            Image.DecompressionBombError("too big"),
            "the PNG data unpacks to more pixels than is safe to decode",
        ),
    ],
)
def test_decoding_explains_what_a_decoder_raises(error, reason):
    with pytest.raises(ImageReadError) as caught, decoding("x.png", "PNG"):
        raise error

    assert caught.value.reason == reason
    assert caught.value.path == "x.png"


def test_decoding_lets_an_interrupt_pass():
    with pytest.raises(KeyboardInterrupt), decoding("x.png", "PNG"):
        raise KeyboardInterrupt
