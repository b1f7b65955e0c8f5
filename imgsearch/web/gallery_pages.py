"""What the web page asks for: lists of photos, hits, thumbnails, the photos themselves."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from imgsearch.errors import ImageReadError
from imgsearch.images.crop import Crop, parse_crop
from imgsearch.images.formats import sniff
from imgsearch.images.read import HEAD_BYTES, explain_os_error, load
from imgsearch.query import QueryImage, QueryOptions
from imgsearch.types import DEFAULT_MAX_PIXELS
from imgsearch.web.gallery_reader import Found, GalleryReader, Photo
from imgsearch.web.replies import Reply, bytes_reply, json_reply, problem
from imgsearch.web.small_pictures import SmallPictures

THUMBNAIL_SIDE: Final = 320
PREVIEW_SIDE: Final = 1600
MOST_PHOTOS: Final = 200
"""On one page of the gallery, and in one answer."""

_USUAL_PHOTOS: Final = 60
_USUAL_HITS: Final = 24
_LARGEST_NUMBER: Final = 2**63 - 1  # of SQLite

# What browsers show by themselves, and nothing that could hold a script.
_SHOWN_BY_BROWSERS: Final = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "AVIF": "image/avif",
}


class BadRequestError(ValueError):
    """A request that the page would not make."""


class GalleryPages:
    """Answers the page's questions about one gallery; serves several threads.

    Args:
        reader: The gallery.
        max_pixels: A picture that declares more is refused before it is decoded.
    """

    def __init__(self, reader: GalleryReader, max_pixels: int = DEFAULT_MAX_PIXELS) -> None:
        self._reader = reader
        self._max_pixels = max_pixels
        self._small = SmallPictures(max_pixels)

    def photos(self, wanted: Mapping[str, str]) -> Reply:
        """List a page of the gallery: `start`, `count`, `text`."""
        start = _number(wanted, "start", 0, least=0, most=_LARGEST_NUMBER)
        count = _number(wanted, "count", _USUAL_PHOTOS, least=1, most=MOST_PHOTOS)
        page = self._reader.page(start, count, wanted.get("text", ""))
        photos = [_describe(photo) for photo in page.photos]
        return json_reply({"total": page.total, "start": start, "photos": photos})

    def similar(self, wanted: Mapping[str, str]) -> Reply:
        """Search for what is like a photo of the gallery, without itself.

        Of `wanted` it takes `id`, and how to search: `k`, `crop`, `group`.
        """
        photo = self._reader.photo(_number(wanted, "id", None, least=0, most=_LARGEST_NUMBER))
        if photo is None:
            return _not_there()
        query = QueryImage(photo.path, str(photo.path), _crop(wanted))
        try:
            hits = self._hits(query, wanted, exclude_self=True)
        except ImageReadError as error:
            reason = f"this photo cannot be read: {error.reason}"
            return json_reply({"photo": _describe(photo), "error": reason}, HTTPStatus.GONE)
        return json_reply({"photo": _describe(photo), "hits": hits})

    def search(self, content: bytes, wanted: Mapping[str, str]) -> Reply:
        """Search for what is like a picture that was sent: `k`, `crop`, `group`."""
        query = QueryImage(content, "this picture", _crop(wanted))
        try:
            return json_reply({"hits": self._hits(query, wanted, exclude_self=False)})
        except ImageReadError as error:
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))

    def thumbnail(self, image_id: int) -> Reply:
        """Return a photo of the gallery, small."""
        return self._picture(image_id, THUMBNAIL_SIDE)

    def photo(self, image_id: int) -> Reply:
        """Return a photo's own file, or a large JPEG where browsers would not show that."""
        return self._picture(image_id, PREVIEW_SIDE, as_it_is=True)

    def _picture(self, image_id: int, side: int, *, as_it_is: bool = False) -> Reply:
        photo = self._reader.photo(image_id)
        if photo is None:
            return _not_there()
        try:
            state = _state_of(photo.path)
            own = _own_file(photo.path) if as_it_is else None
            content, kind = own or (self._small.jpeg(photo.path, side, state), "image/jpeg")
        except OSError as error:
            return problem(HTTPStatus.GONE, explain_os_error(error))
        except ImageReadError as error:
            return problem(HTTPStatus.GONE, error.reason)
        return bytes_reply(content, kind, _etag(photo.path, side, state))

    def _hits(
        self, query: QueryImage, wanted: Mapping[str, str], *, exclude_self: bool
    ) -> list[dict[str, Any]]:
        k = _number(wanted, "k", _USUAL_HITS, least=1, most=MOST_PHOTOS)
        group = _number(wanted, "group", 0, least=0, most=1) == 1
        options = QueryOptions(k=k, exclude_self=exclude_self, max_pixels=self._max_pixels)
        return [_hit(found) for found in self._reader.search(query, options, group=group)]


def image_id_of(text: str) -> int:
    """Read the id of an image.

    Raises:
        BadRequestError: If it is none.
    """
    return _number({"id": text}, "id", None, least=0, most=_LARGEST_NUMBER)


def _number(
    wanted: Mapping[str, str], name: str, usual: int | None, *, least: int, most: int
) -> int:
    text = wanted.get(name)
    if text is None and usual is not None:
        return usual
    if text is None or not (text.isascii() and text.isdigit()):
        raise BadRequestError(f"{name} has to be a number")
    number = int(text) if len(text) <= len(str(_LARGEST_NUMBER)) else most + 1
    if not least <= number <= most:
        raise BadRequestError(f"{name} has to be between {least} and {most}")
    return number


def _crop(wanted: Mapping[str, str]) -> Crop | None:
    """Read the part that is to be searched for: left, top, width and height, with commas."""
    text = wanted.get("crop")
    if text is None:
        return None
    try:
        return parse_crop(text)
    except ValueError as error:
        raise BadRequestError(f"crop: {error}") from error


def _not_there() -> Reply:
    return problem(HTTPStatus.NOT_FOUND, "this photo is no longer in the gallery")


def _own_file(path: Path) -> tuple[bytes, str] | None:
    """Read a photo and say what it is; None if it is huge, or nothing that browsers show.

    Raises:
        ImageReadError: If it is gone, no regular file, or cannot be read.
    """
    content = load(path)
    kind = sniff(content[:HEAD_BYTES]) if isinstance(content, bytes) else None
    if kind not in _SHOWN_BY_BROWSERS or not isinstance(content, bytes):
        return None
    return content, _SHOWN_BY_BROWSERS[kind]


def _state_of(path: Path) -> tuple[int, ...]:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns, facts.st_ino


def _etag(path: Path, side: int, state: tuple[int, ...]) -> str:
    return sha256(os.fsencode(path) + repr((side, state)).encode()).hexdigest()[:32]


def _hit(found: Found) -> dict[str, Any]:
    copies = [_describe(photo) for photo in found.copies]
    score = {"rank": found.hit.rank, "score": found.hit.score, "copies": copies}
    return score | _describe(found.photo)


def _describe(photo: Photo) -> dict[str, Any]:
    facts, stamp = photo.image.facts, photo.image.stamp
    return {
        "id": photo.image.image_id,
        "name": _shown(photo.path.name),
        "folder": _shown(str(photo.path.parent)),
        "place": _shown("/".join(photo.path.parts[-2 - stamp.path.count("/") : -1])),
        "width": facts.width,
        "height": facts.height,
        "format": facts.format,
        "size": stamp.size_bytes,
        "taken": facts.taken,
        "camera": facts.camera,
    }


def _shown(text: str) -> str:
    """Return a name as text for people; bytes that are no UTF-8 become a sign that says so."""
    return os.fsencode(text).decode(errors="replace")
