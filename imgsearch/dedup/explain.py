"""Explain a pair of files: what is known of each, and what they are to one another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imgsearch.dedup.evidence import Evidence
from imgsearch.dedup.groups import SAME_BYTES
from imgsearch.dedup.portrait import AS_A_SQUARE, Portrait, thumbnail_of
from imgsearch.dedup.records import Picture, Verdict
from imgsearch.dedup.verify import compare
from imgsearch.dedup.whole_files import confirm
from imgsearch.errors import ImageReadError
from imgsearch.gallery.records import FileStamp, ImageFacts
from imgsearch.images.fingerprint import content_hash
from imgsearch.images.prepare import PreparedImage, prepare
from imgsearch.images.read import explain_os_error


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of two files.

    Attributes:
        first: A file.
        second: The other.
        verdict: What they are to one another.
        evidence: What was measured; None where nothing lay on one another, or had to.
    """

    first: Picture
    second: Picture
    verdict: Verdict
    evidence: Evidence | None


def explain(first: Path, second: Path) -> Explanation:
    """Compare two files, indexed or not, as the search for copies does.

    Raises:
        ImageReadError: If one cannot be read or is damaged.
    """
    (one, its_portrait), (other, their_portrait) = _read(first), _read(second)
    if one.facts.content_hash == other.facts.content_hash:
        return Explanation(one, other, SAME_BYTES, None)
    evidence = compare(its_portrait, their_portrait)
    return Explanation(one, other, confirm(evidence, one, other), evidence)


def _read(path: Path) -> tuple[Picture, Portrait]:
    name = str(path)
    try:
        status = path.stat()
    except OSError as error:
        raise ImageReadError(name, explain_os_error(error)) from error
    square = prepare(path, AS_A_SQUARE, name=name)
    stamp = FileStamp(0, path.name, status.st_size, status.st_mtime_ns)
    picture = Picture(0, path.absolute(), stamp, _facts(path, square))
    return picture, Portrait(thumbnail_of(square.pixels, square.width, square.height))


def _facts(path: Path, square: PreparedImage) -> ImageFacts:
    return ImageFacts(
        content_hash(path, name=str(path)),
        square.width,
        square.height,
        square.format,
        square.taken,
        square.camera,
        square.exif_tags,
    )
