"""Which files are pictures: told by suffix before reading, by content afterwards."""

from __future__ import annotations

import os
from typing import Final

_READ_SUFFIXES: Final = frozenset(
    (
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".mpo",
        ".png",
        ".apng",
        ".webp",
        ".gif",
        ".bmp",
        ".dib",
        ".tif",
        ".tiff",
        ".jp2",
        ".j2k",
        ".jpf",
        ".jpx",
        ".jpc",
        ".j2c",
        ".heic",
        ".heif",
        ".heics",
        ".heifs",
        ".hif",
        ".avif",
        ".avifs",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".tga",
        ".ico",
        ".cur",
        ".icns",
        ".pcx",
        ".sgi",
        ".rgb",
        ".rgba",
        ".bw",
        ".psd",
        ".dds",
        ".qoi",
    )
)

# Raw files are TIFF inside and would otherwise be read as their thumbnail, so the suffix decides.
RAW_SUFFIXES: Final = frozenset(
    (
        ".3fr",
        ".arw",
        ".cr2",
        ".cr3",
        ".crw",
        ".dcr",
        ".dng",
        ".erf",
        ".iiq",
        ".kdc",
        ".mef",
        ".mos",
        ".mrw",
        ".nef",
        ".nrw",
        ".orf",
        ".pef",
        ".raf",
        ".raw",
        ".rw2",
        ".rwl",
        ".sr2",
        ".srf",
        ".srw",
        ".x3f",
    )
)
"""The endings of camera raw files, in lower case."""

_UNREAD_SUFFIXES: Final = {
    ".ai": "Adobe Illustrator",
    ".djv": "DjVu",
    ".djvu": "DjVu",
    ".emf": "EMF",
    ".eps": "EPS",
    ".exr": "OpenEXR",
    ".fits": "FITS",
    ".hdr": "Radiance HDR",
    ".jxl": "JPEG XL",
    ".jxr": "JPEG XR",
    ".psb": "Photoshop PSB",
    ".svg": "SVG",
    ".svgz": "SVG",
    ".wdp": "JPEG XR",
    ".wmf": "WMF",
    ".xcf": "GIMP XCF",
}

_IMAGE_SUFFIXES: Final = _READ_SUFFIXES | RAW_SUFFIXES | _UNREAD_SUFFIXES.keys()

# In the order in which they are tried; the first beginning that fits wins.
_MAGIC: Final = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"FUJIFILMCCD-RAW", "camera raw"),
    (b"II*\x00\x10\x00\x00\x00CR", "camera raw"),
    (b"IIU\x00", "camera raw"),
    (b"IIRO", "camera raw"),
    (b"IIRS", "camera raw"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"II\xbc", "JPEG XR"),
    (b"8BPS\x00\x01", "PSD"),
    (b"8BPS\x00\x02", "Photoshop PSB"),
    (b"DDS ", "DDS"),
    (b"qoif", "QOI"),
    (b"icns", "ICNS"),
    (b"\x01\xda", "SGI"),
    (b"%PDF", "PDF"),
    (b"%!PS", "EPS"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"\xd7\xcd\xc6\x9a", "WMF"),
    (b"gimp xcf", "GIMP XCF"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"AT&TFORM", "DjVu"),
    (b"SIMPLE  =", "FITS"),
    (b"<svg", "SVG"),
)

_HEIF_BRANDS: Final = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)
_BMP_HEADER_SIZES: Final = frozenset((12, 16, 40, 52, 56, 64, 108, 124))


def looks_like_image(name: str) -> bool:
    """Say whether a file's name ends like a picture's, readable here or not.

    Well-known kinds that cannot be read are included, so that they are listed as failures
    rather than passed over in silence.
    """
    return _suffix(name) in _IMAGE_SUFFIXES


def sniff(head: bytes) -> str | None:
    """Name the picture format that a file's first bytes belong to.

    Args:
        head: The first 32 bytes or more; fewer if the file is shorter.

    Returns:
        A format name such as `"JPEG"` or `"HEIF"`, also for kinds that cannot be read, such as
        `"JPEG XL"`; None if the content is no known picture. Targa files have no signature.
    """
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    return _sniff_structured(head)


def unread_kind(name: str, sniffed: str | None) -> str | None:
    """Name the kind of a picture that its suffix shows to be one that cannot be read.

    Args:
        name: The file's name or path.
        sniffed: What `sniff` made of the content.
    """
    suffix = _suffix(name)
    if suffix in RAW_SUFFIXES and sniffed in (None, "TIFF", "camera raw"):
        return f"camera raw ({suffix[1:].upper()})"
    return _UNREAD_SUFFIXES.get(suffix) if sniffed is None else None


def is_targa_name(name: str) -> bool:
    """Say whether a name ends like a Targa picture's, the one readable kind without a signature."""
    return _suffix(name) == ".tga"


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - called for each file of a walk


def _sniff_structured(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:6] in (b"\x11\xaf", b"\x12\xaf"):
        return "FLI animation"
    if head[4:8] == b"ftyp":
        return _sniff_container(head)
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return "BMP"
    if head[:1] == b"P" and head[1:2] in b"123456f" and head[2:3].isspace():
        return "PPM"
    if head[:1] == b"\x0a" and head[1:2] in b"\x00\x02\x03\x05" and head[2:3] == b"\x01":
        return "PCX"
    return _sniff_icon(head)


def _sniff_container(head: bytes) -> str | None:
    """Tell the pictures among the ISO media files by their brands; the others are films."""
    length = int.from_bytes(head[:4], "big")
    brand, compatible = head[8:12], head[16:length]
    if brand in (b"avif", b"avis"):
        return "AVIF"
    if brand == b"crx ":
        return "camera raw"
    if brand in _HEIF_BRANDS:
        return "AVIF" if b"avif" in compatible and b"heic" not in compatible else "HEIF"
    return None


def _sniff_icon(head: bytes) -> str | None:
    has_entries = len(head) >= 22 and head[4:6] != b"\x00\x00"
    kinds = {b"\x00\x00\x01\x00": "ICO", b"\x00\x00\x02\x00": "CUR"}
    return kinds.get(head[:4]) if has_entries else None
