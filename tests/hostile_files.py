"""Hostile picture files: real ones of every kind, mutated by a seeded generator."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pillow_heif
from PIL import Image, ImageCms

PHOTOS = Path(__file__).parent.parent / "data" / "photos"
LIMIT_PIXELS = 20_000_000
_SIZES = (0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 30_000)


def seeds() -> dict[str, bytes]:
    """Encode one photo in every kind that people have, by name of the file."""
    photo = Image.open(sorted(PHOTOS.glob("*.jpg"))[0]).convert("RGB").resize((96, 64))
    frames = [photo.rotate(angle) for angle in (5, 10)]
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    exif.get_ifd(0x8769)[0x9286] = b"a comment"
    files: dict[str, bytes] = {}

    def add(name: str, picture: Image.Image, **options: object) -> None:
        file = io.BytesIO()
        picture.save(file, name.split(".")[0].upper(), **options)
        files[name] = file.getvalue()

    add("jpeg.a", photo, exif=exif, icc_profile=profile)
    add("jpeg.progressive", photo, progressive=True)
    add("jpeg.cmyk", photo.convert("CMYK"))
    add("png.a", photo, exif=exif, icc_profile=profile)
    add("png.animated", photo, save_all=True, append_images=frames)
    add("png.palette", photo.quantize(64), transparency=3)
    add("webp.a", photo, exif=exif, icc_profile=profile)
    add("webp.lossless", photo.convert("RGBA"), lossless=True)
    add("webp.animated", photo, save_all=True, append_images=frames)
    add("gif.a", photo, save_all=True, append_images=frames)
    add("tiff.a", photo, exif=exif)
    for compression in ("tiff_lzw", "jpeg", "tiff_adobe_deflate", "packbits"):
        add(f"tiff.{compression}", photo, compression=compression)
    add("tiff.group4", photo.convert("1"), compression="group4")
    add("avif.a", photo, exif=exif)
    add("jpeg2000.a", photo)
    add("bmp.a", photo)
    add("ico.a", photo)
    add("icns.a", photo.resize((128, 128)))
    add("tga.a", photo, rle=True)
    heic = io.BytesIO()
    pillow_heif.from_pillow(photo).save(heic, exif=exif.tobytes())
    files["heif.a"] = heic.getvalue()
    return files


def mutants(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield so many mutated files, each with a name that tells where it comes from."""
    originals = sorted(seeds().items())
    for number in range(count):
        rng = random.Random(f"{seed}-{number}")
        name, content = originals[number % len(originals)]
        data = bytearray(content)
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            mutation = rng.choice(MUTATIONS)
            mutation(data, rng)
        suffix = ".tga" if name == "tga.a" else ""
        yield f"{seed}-{number}-{name}{suffix}", bytes(data)


def _flip_bits(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 2, 8, 64))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _flip_header_bits(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 2, 4))):
        data[rng.randrange(min(len(data), 200))] ^= 1 << rng.randrange(8)


def _truncate(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data) // 2, len(data)) + 1 :]


def _claim_another_size(data: bytearray, rng: random.Random) -> None:
    """Write an extreme number over a number of the header."""
    code = rng.choice(("<H", ">H", "<I", ">I"))
    value = rng.choice(_SIZES) & (0xFFFF if code[1] == "H" else 0xFFFFFFFF)
    place = rng.randrange(max(1, min(len(data), 600) - 4))
    data[place : place + struct.calcsize(code)] = struct.pack(code, value)


def _repeat_a_part(data: bytearray, rng: random.Random) -> None:
    """Endless frames, chunks, segments and markers."""
    start = rng.randrange(len(data))
    part = data[start : start + rng.choice((4, 40, 400))]
    data[start:start] = part * rng.choice((2, 50, 1000))


def _cut_a_part_out(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data))
    if len(data) > 100:
        del data[start : start + rng.randrange(1, 50)]


def _point_back(data: bytearray, rng: random.Random) -> None:
    """Make an offset lead to another one: directories and boxes that go round in a circle."""
    code = rng.choice(("<I", ">I"))
    place = rng.randrange(max(1, len(data) - 4))
    data[place : place + 4] = struct.pack(code, rng.choice((0, 4, 8, 10, place, place - 2)) % 2**32)


def _zero_a_part(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data))
    end = min(len(data), start + rng.randrange(1, 64))
    data[start:end] = bytes(end - start)


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip_bits,
    _flip_header_bits,
    _truncate,
    _claim_another_size,
    _repeat_a_part,
    _cut_a_part_out,
    _point_back,
    _zero_a_part,
)
