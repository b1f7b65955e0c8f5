"""Tell quickly which of many pictures could be copies of one, before any is looked at closely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from imgsearch.dedup.landmark_fit import LandmarkFit, count_votes, fit_landmarks, likeness
from imgsearch.images.sketch import LANDMARK, Landmarks, Sketch, uprights

_LEAST_CORRELATION: Final = 0.9  # of two tiny pictures
_LEAST_AGREEING: Final = 6  # landmarks,
_LEAST_SHARE: Final = 0.17  # and this much of those that look like some of the other picture
_SURELY_AGREEING: Final = 12  # landmarks; with fewer, the tiny pictures
_LEAST_LIKENESS: Final = 0.5  # have to be so much alike as well
_LEAST_VOTES: Final = 5  # of landmarks for how the picture lies, to look at them more closely
_MOST_BITS: Final = 14  # of 64 in which two landmarks that are the same may differ
_TOGETHER: Final = 256  # pictures; each may need some 500 KB while it is looked at
_FAR: Final = 255  # bits; no landmark is there


class Matches(NamedTuple):
    """Landmarks of one picture and of others that look alike: three arrays of one length.

    Attributes:
        picture: Which other picture, ascending.
        own: Place of a landmark of the one picture.
        other: Place of one of the other.
    """

    picture: npt.NDArray[np.intp]
    own: npt.NDArray[np.intp]
    other: npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class SketchFit:
    """How a picture lies on another, by their sketches.

    Attributes:
        fit: From the first picture, or from its mirror image, to the second.
        mirrored: Whether it is from the mirror image.
    """

    fit: LandmarkFit
    mirrored: bool


def screen(first: Sketch, seconds: Sequence[Sketch]) -> dict[int, SketchFit | None]:
    """Choose of many pictures those that could be copies of the first.

    Args:
        first: A picture.
        seconds: Others.

    Returns:
        Their places among the others, in order, and how the first lies on them; None where the
        two are so alike as a whole that this was not asked.
    """
    if not seconds:
        return {}
    whole = (uprights(seconds) @ first.turns.T).max(axis=1) >= _LEAST_CORRELATION
    likely: dict[int, SketchFit | None] = dict.fromkeys(np.flatnonzero(whole).tolist())
    left = np.flatnonzero(~whole)
    for start in range(0, len(left), _TOGETHER):
        some = left[start : start + _TOGETHER].tolist()
        fits = _fits(first, [seconds[place] for place in some])
        likely |= {some[place]: fit for place, fit in fits.items()}
    return dict(sorted(likely.items()))


def fit_sketch(first: Sketch, second: Sketch) -> SketchFit | None:
    """Find how a picture lies on another, None if enough landmarks agree on nothing."""
    return _fits(first, [second]).get(0)


def _fits(first: Sketch, seconds: Sequence[Sketch]) -> dict[int, SketchFit]:
    """Return how the first picture, or its mirror image, lies on those of many that it fits."""
    found: dict[int, SketchFit] = {}
    others = padded([second.plain for second in seconds])
    for mirrored in (False, True):
        for place, fit in _landmark_fits(first, seconds, others, mirrored=mirrored):
            if place not in found or fit.agreeing > found[place].fit.agreeing:
                found[place] = SketchFit(fit, mirrored)
    return found


def _landmark_fits(
    first: Sketch, seconds: Sequence[Sketch], others: Landmarks, *, mirrored: bool
) -> Iterator[tuple[int, LandmarkFit]]:
    marks = first.mirrored if mirrored else first.plain
    matches = match_many(marks, others)
    own, found = marks[matches.own], others[matches.picture, matches.other]
    votes = count_votes(own, found, matches.picture, len(seconds))
    for place in np.flatnonzero(votes >= _LEAST_VOTES).tolist():
        here = matches.picture == place
        fit = fit_landmarks(own[here], found[here])
        least = max(_LEAST_AGREEING, _LEAST_SHARE * int(here.sum()))
        if fit is None or fit.agreeing < least:
            continue
        sure = fit.agreeing >= _SURELY_AGREEING
        if sure or likeness(first, seconds[place], fit, mirrored=mirrored) >= _LEAST_LIKENESS:
            yield place, fit


def padded(marks: Sequence[Landmarks]) -> Landmarks:
    """Return the landmarks of several pictures as rows of one length; no size is after the last."""
    rows = np.zeros((len(marks), max(1, *map(len, marks))), LANDMARK)
    rows["size"] = np.nan
    for row, each in zip(rows, marks, strict=True):
        row[: len(each)] = each
    return rows


def match_many(marks: Landmarks, others: Landmarks) -> Matches:
    """Return which landmarks are each other's most alike.

    Args:
        marks: Those of a picture, shape (n,).
        others: Those of many others, as `padded` gives them, shape (pictures, m); they are gone
            through together, for speed.
    """
    looks = np.ascontiguousarray(others["looks"])
    bits = np.empty((len(marks), *looks.shape), np.uint8)
    different = np.empty_like(looks)  # one for all: it stays in the processor's cache
    for place, own in enumerate(marks["looks"]):
        np.bitwise_xor(looks, own, out=different)
        np.bitwise_count(different, out=bits[place])
    bits[:, np.isnan(others["size"])] = _FAR
    nearest = bits.argmin(axis=2)  # shape (n, pictures)
    fewest = np.take_along_axis(bits, nearest[..., None], 2)[..., 0]
    theirs = bits.min(axis=0, initial=_FAR)[np.arange(len(looks)), nearest]
    picture, own = np.nonzero(((fewest == theirs) & (fewest <= _MOST_BITS)).T)
    return Matches(picture, own, nearest[own, picture])
