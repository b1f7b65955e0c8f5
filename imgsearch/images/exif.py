"""What a camera noted in a picture: when it was taken, with what, and how much it says of it.

A reader of its own: it costs some hundredths of a millisecond, looks at a few tags only, and
whatever the bytes are, it reads no further than they go and raises nothing.
"""

from __future__ import annotations

import io
import re
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final

from PIL import Image

_ORDERS: Final = {b"II*\0": "<", b"MM\0*": ">"}
_PREFIX: Final = b"Exif\0\0"
_MOST_ENTRIES: Final = 500  # of a directory; no camera writes half as many
_LONGEST_TEXT: Final = 100

_MAKE, _MODEL = 0x010F, 0x0110
_EXIF_DIRECTORY, _GPS_DIRECTORY, _OTHER_DIRECTORY = 0x8769, 0x8825, 0xA005
_TAKEN, _TAKEN_FRACTION = 0x9003, 0x9291
_BYTES, _TEXT, _LONG, _UNDEFINED, _DIRECTORY, _UTF8 = 1, 2, 4, 7, 13, 129

# Where the pixels are and how they are stored, which every TIFF says, and where other tags are. A
# file whose pixels were turned and that says so holds no more than one whose pixels are upright.
_OF_THE_FILE: Final = frozenset(
    (
        *range(0x00FE, 0x010B), 0x0111, 0x0112, 0x0115, 0x0116, 0x0117, 0x011C, 0x013D, 0x0140,
        *range(0x0142, 0x0146), 0x014A, 0x0152, 0x0153, 0x015B, 0x0201, 0x0202, 0x0211, 0x0212,
        0x0213, 0x0214, 0x02BC, 0x8649, 0x8773, _EXIF_DIRECTORY, _GPS_DIRECTORY, _OTHER_DIRECTORY,
    )
)  # fmt: skip

_MOMENT: Final = re.compile(rb"(\d{4})\D(\d\d)\D(\d\d)\D(\d\d)\D(\d\d)\D(\d\d)")
_FRACTION: Final = re.compile(rb"\d{1,6}")

_Entry = tuple[int, int, bytes]
"""A tag's kind, how many values it has, and the four bytes that hold them or where they are."""


@dataclass(frozen=True, slots=True)
class Details:
    """What the EXIF data of a picture say.

    Attributes:
        taken: When the shutter opened, by the camera's clock, in ISO 8601 without a zone, such as
            `"2024-05-31T18:20:05.12"`; None if it does not say, or says no date.
        camera: Make and model on one line, printable characters only; None without both.
        exif_tags: How many tags there are, those left out that only say how the file is laid out.
    """

    taken: str | None = None
    camera: str | None = None
    exif_tags: int = 0


def read_details(block: BinaryIO) -> Details:
    """Read what a block of EXIF data says, which is nothing if it is none.

    Args:
        block: The block from its beginning, with or without the `Exif` in front; a TIFF file is
            one as it is.
    """
    start = len(_PREFIX) if block.read(len(_PREFIX)) == _PREFIX else 0
    block.seek(start)
    order = _ORDERS.get(block.read(4))
    if order is None:
        return Details()
    tags = _Tags(block, start, order)
    main = tags.directory(tags.number(block.read(4)))
    photo = tags.directory_at(main.get(_EXIF_DIRECTORY))
    place = tags.directory_at(main.get(_GPS_DIRECTORY))
    return Details(
        _moment(tags.text(photo.get(_TAKEN)), tags.text(photo.get(_TAKEN_FRACTION))),
        _camera(_plain(tags.text(main.get(_MAKE))), _plain(tags.text(main.get(_MODEL)))),
        len(main.keys() - _OF_THE_FILE) + len(photo.keys() - _OF_THE_FILE) + len(place),
    )


def block_of(picture: Image.Image) -> BinaryIO:
    """Return the EXIF block that Pillow found in a picture that is no TIFF; empty if none."""
    block = picture.info.get("exif")
    if block is None:
        block = _from_hexadecimal(picture.info.get("Raw profile type exif"))
    return io.BytesIO(block if isinstance(block, bytes) else b"")


class _Tags:
    """The directories of a block: some entries each, and values anywhere in it."""

    def __init__(self, block: BinaryIO, start: int, order: str) -> None:
        self._block, self._start, self._order = block, start, order
        self._entry = struct.Struct(f"{order}HHI4s")

    def directory(self, offset: int) -> dict[int, _Entry]:
        """Return the entries of the directory at an offset by tag, none if there is none."""
        count = self.number(self._read(offset, 2)) if offset else 0
        body = self._read(offset + 2, min(count, _MOST_ENTRIES) * self._entry.size)
        whole = body[: len(body) // self._entry.size * self._entry.size]
        return {tag: (kind, n, value) for tag, kind, n, value in self._entry.iter_unpack(whole)}

    def directory_at(self, entry: _Entry | None) -> dict[int, _Entry]:
        """Return the entries of the directory that an entry points to."""
        if entry is None or entry[0] not in (_LONG, _DIRECTORY):
            return {}
        return self.directory(self.number(entry[2]))

    def text(self, entry: _Entry | None) -> bytes:
        """Return the beginning of an entry's text, up to its end or first zero byte."""
        if entry is None or entry[0] not in (_BYTES, _TEXT, _UNDEFINED, _UTF8):
            return b""
        _, count, value = entry
        if count > len(value):
            value = self._read(self.number(value), min(count, _LONGEST_TEXT))
        return value[:count].partition(b"\0")[0]

    def number(self, value: bytes) -> int:
        """Return an unsigned number of as many bytes as there are; 0 of none."""
        return int.from_bytes(value, "little" if self._order == "<" else "big")

    def _read(self, offset: int, size: int) -> bytes:
        self._block.seek(self._start + offset)
        return self._block.read(size)


def _moment(text: bytes, fraction: bytes) -> str | None:
    """Turn EXIF's `2024:05:31 18:20:05` and `12` into ISO 8601."""
    found = _MOMENT.match(text)
    if found is None:
        return None
    try:
        year, month, day, hour, minute, second = map(int, found.groups())
        moment = datetime(year, month, day, hour, minute, second).isoformat()
    except ValueError:  # all zeros, mostly
        return None
    digits = _FRACTION.match(fraction)
    return f"{moment}.{digits[0].decode()}" if digits else moment


def _camera(make: str, model: str) -> str | None:
    """Join make and model; `NIKON CORPORATION` and `NIKON D70` are one NIKON."""
    brand = make.partition(" ")[0].casefold()
    return (model if model.casefold().startswith(brand) else f"{make} {model}".strip()) or None


def _plain(text: bytes) -> str:
    """Return a text on one line, of printable characters only."""
    letters = (letter if letter.isprintable() else " " for letter in text.decode(errors="replace"))
    return " ".join("".join(letters).split())


def _from_hexadecimal(profile: object) -> bytes:
    """Read the way in which ImageMagick puts EXIF data into a PNG: text, with three lines first."""
    if not isinstance(profile, str):
        return b""
    try:
        return bytes.fromhex("".join(profile.split("\n")[3:]))
    except ValueError:
        return b""
