"""What small pictures do not show of two files: all their pixels, and further pictures in them."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from imgsearch.dedup.close_look import differ_somewhere
from imgsearch.dedup.enlargement import has_as_much_detail
from imgsearch.dedup.evidence import Evidence
from imgsearch.dedup.judge import judge
from imgsearch.dedup.leeway import LEAST_LEEWAY
from imgsearch.dedup.moments import seconds_apart
from imgsearch.dedup.probability import probability
from imgsearch.dedup.records import Picture, Plainer, Verdict
from imgsearch.errors import ImageReadError
from imgsearch.images.decode import decode, opened
from imgsearch.types import DEFAULT_MAX_PIXELS

UNREADABLE: Final = Verdict(None, 0.0, "one of the files cannot be read")
"""Not about the contents, but about what became of their files."""

_SINGLE: Final = frozenset(("JPEG", "JPEG2000", "BMP", "QOI", "TGA", "PPM", "SGI", "DDS", "PCX"))
"""Formats whose files hold one picture."""

_LOSSLESS: Final = frozenset(("PNG", "BMP", "TIFF", "QOI", "TGA", "PPM", "SGI", "PCX", "WEBP"))


def confirm(evidence: Evidence | None, first: Picture, second: Picture) -> Verdict:
    """Judge, and look at the files of two pictures that are copies by what small pictures show.

    A file of several pictures (an animation, pages) is no copy of another whose first picture is
    the same, nor are two frames of a burst copies, nor two pages of which a word differs. Where
    all pixels are the same, the tier says so. One without additions is not plainer if it has lost
    detail.

    Args:
        evidence: What the small pictures showed.
        first: A picture.
        second: The other.
    """
    verdict = judge(evidence)
    if evidence is None or not verdict.removable:
        return verdict
    try:
        return _looked_at(verdict, evidence, first, second)
    except ImageReadError:
        return UNREADABLE


def _looked_at(verdict: Verdict, evidence: Evidence, first: Picture, second: Picture) -> Verdict:
    if _holds_several(first) or _holds_several(second):
        reason = "the first of several pictures in a file; the others were not compared"
        return Verdict("similar", probability(LEAST_LEEWAY), reason)
    if verdict.tier == "copy" and _are_equal(first, second):
        return Verdict("pixels", 1.0, "the same pixels", whole=True)
    if apart := seconds_apart(first.facts.taken, second.facts.taken):
        return Verdict("similar", probability(LEAST_LEEWAY), f"taken {apart:g} s apart")
    if verdict.tier == "copy" and differ_somewhere(first.path, second.path):
        return replace(verdict, tier="edited", reason="something in it is another")
    if verdict.plainer and not _loses_little(verdict.plainer, evidence, first, second):
        return replace(verdict, plainer="")
    return verdict


def _loses_little(plainer: Plainer, evidence: Evidence, first: Picture, second: Picture) -> bool:
    if plainer == "first":
        return has_as_much_detail(first, second, evidence.transform)
    return has_as_much_detail(second, first, evidence.swapped.transform)


def _holds_several(picture: Picture) -> bool:
    if picture.facts.format in _SINGLE:
        return False
    path = picture.path
    with opened(path, name=str(path), max_pixels=DEFAULT_MAX_PIXELS) as found:
        return int(getattr(found.picture, "n_frames", 1)) > 1


def _are_equal(first: Picture, second: Picture) -> bool:
    """Tell whether two pictures have the same pixels; of two JPEGs, one may lack its EXIF data."""
    one, other = first.facts, second.facts
    same_size = (one.width, one.height) == (other.width, other.height)
    comparable = one.format == other.format or {one.format, other.format} <= _LOSSLESS
    return same_size and comparable and _digest(first.path) == _digest(second.path)


def _digest(path: Path) -> bytes:
    pixels = decode(path, name=str(path)).pixels
    return sha256(pixels.data).digest()
