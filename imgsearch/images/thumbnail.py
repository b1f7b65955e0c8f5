"""Small pictures kept beside a gallery, so that a photo is decoded once and looked at often."""

from __future__ import annotations

import struct
from typing import Final

import simplejpeg

from imgsearch.images.prepare import PreparedImage
from imgsearch.types import Pixels, Preprocessing

THUMBNAIL_KIND: Final = "thumbnail/1"
"""Names thumbnails in a cache; another number when they are made another way."""

_SIZE: Final = struct.Struct("<II")
_QUALITY: Final = 88
_LEAST_SIDE: Final = 192  # pixels; with fewer, copies would be told from look-alikes less well


def serves_as_thumbnail(preprocessing: Preprocessing) -> bool:
    """Tell whether what is prepared for a network shows the whole picture, and not tiny."""
    is_whole = preprocessing.rendering == "faithful" and preprocessing.crop_from is None
    return is_whole and preprocessing.side >= _LEAST_SIDE


def pack_thumbnail(prepared: PreparedImage) -> bytes:
    """Keep a prepared picture as a thumbnail: a JPEG of some 10 KB, and the picture's own size."""
    size = _SIZE.pack(prepared.width, prepared.height)
    pixels = prepared.pixels if prepared.square is None else prepared.square
    picture: bytes = simplejpeg.encode_jpeg(pixels, _QUALITY, "RGB", "420")
    return size + picture


def unpack_thumbnail(content: bytes) -> tuple[Pixels, int, int]:
    """Return a thumbnail's pixels, perhaps stretched, and the picture's own width and height.

    Raises:
        ValueError: If it is no thumbnail.
    """
    width, height = _SIZE.unpack_from(content)
    pixels: Pixels = simplejpeg.decode_jpeg(content[_SIZE.size :], "RGB")
    return pixels, width, height
