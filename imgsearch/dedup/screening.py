"""Tell quickly which of many pairs could be copies, before any is looked at closely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from imgsearch.dedup.landmark_fit import LandmarkFit, fit_landmarks, lay, lay_turned
from imgsearch.images.sketch import LANDMARK, Landmarks, Sketch, uprights

_LEAST_CORRELATION: Final = 0.9  # of two tiny pictures
_MUCH_DETAIL: Final = 0.6  # likewise of what is fine in them; of copies it was 0.9 at least
_ENOUGH_LANDMARKS: Final = 32  # to tell a copy by them
_LEAST_AGREEING: Final = 6  # landmarks,
_LEAST_SHARE: Final = 0.17  # and this much of those that look like some of the other picture
_SURELY_AGREEING: Final = 12  # landmarks; with fewer, the tiny pictures
_LEAST_ALIKE: Final = 1.0  # have to be alike as well: as a whole and in detail together,
_LEAST_DETAIL: Final = 0.25  # and in detail alone;
_MOST_SCALE: Final = 3.3  # and none is a smaller part of the other
_LEAST_VOTES: Final = 5  # of landmarks for how the picture lies, to look at them more closely
_MOST_BITS: Final = 14  # of 64 in which two landmarks that are the same may differ
_TOGETHER: Final = 256  # pairs; what is compared of them stays in the processor's cache
_FAR: Final = 255  # bits; no landmark is there


class Matches(NamedTuple):
    """Landmarks of the two pictures of pairs that look alike: three arrays of one length.

    Attributes:
        pair: Which pair, ascending.
        own: Place of a landmark of its first picture.
        other: Place of one of the other.
    """

    pair: npt.NDArray[np.intp]
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


def screen(firsts: Sequence[Sketch], seconds: Sequence[Sketch]) -> dict[int, SketchFit | None]:
    """Choose of many pairs of pictures those that could be copies.

    Args:
        firsts: A picture of each pair.
        seconds: The other of each.

    Returns:
        The places of such pairs, in order, and how the first lies on the second; None where the
        two are so alike as a whole that this was not asked.
    """
    likely: dict[int, SketchFit | None] = {}
    for start in range(0, len(firsts), _TOGETHER):
        some = slice(start, start + _TOGETHER)
        found = _screen_some(firsts[some], seconds[some])
        likely |= {start + place: fit for place, fit in found.items()}
    return likely


def fit_sketch(first: Sketch, second: Sketch) -> SketchFit | None:
    """Find how a picture lies on another, None if enough landmarks agree on nothing."""
    return _fits([first], [second]).get(0)


def _screen_some(
    firsts: Sequence[Sketch], seconds: Sequence[Sketch]
) -> dict[int, SketchFit | None]:
    likely: dict[int, SketchFit | None] = dict.fromkeys(_alike_as_a_whole(firsts, seconds))
    left = [place for place in range(len(firsts)) if place not in likely]
    fits = _fits([firsts[place] for place in left], [seconds[place] for place in left])
    likely |= {left[place]: fit for place, fit in fits.items()}
    return dict(sorted(likely.items()))


def _alike_as_a_whole(firsts: Sequence[Sketch], seconds: Sequence[Sketch]) -> list[int]:
    """Return of which pairs the tiny pictures are the same, in the turn that is best."""
    once = {id(first): first for first in firsts}  # pairs come ordered by their first pictures
    row_of = {each: row for row, each in enumerate(once)}
    turns = np.stack([first.turns for first in once.values()])
    rows = [row_of[id(first)] for first in firsts]
    alike = np.matmul(turns[rows], uprights(seconds)[:, :, None])[..., 0]
    return [
        place
        for place in np.flatnonzero(alike.max(axis=1) >= _LEAST_CORRELATION).tolist()
        if _may_be_one(firsts[place], seconds[place], int(alike[place].argmax()))
    ]


def _may_be_one(first: Sketch, second: Sketch, turn: int) -> bool:
    """Tell whether pictures that are alike as a whole are so in detail, or have none that tells.

    Changed much or turned by a few degrees, they are not; then landmarks have to agree.
    """
    few = min(len(first.plain), len(second.plain)) < _ENOUGH_LANDMARKS
    return few or lay_turned(first, second, turn).detail >= _MUCH_DETAIL


def _fits(firsts: Sequence[Sketch], seconds: Sequence[Sketch]) -> dict[int, SketchFit]:
    """Return how the first picture of each pair, or its mirror image, lies on the second."""
    found: dict[int, SketchFit] = {}
    if not firsts:
        return found
    others = padded([second.plain for second in seconds])
    for mirrored in (False, True):
        for place, fit in _landmark_fits(firsts, seconds, others, mirrored=mirrored):
            if place not in found or fit.agreeing > found[place].fit.agreeing:
                found[place] = SketchFit(fit, mirrored)
    return found


def _landmark_fits(
    firsts: Sequence[Sketch], seconds: Sequence[Sketch], others: Landmarks, *, mirrored: bool
) -> Iterator[tuple[int, LandmarkFit]]:
    marks = padded([first.mirrored if mirrored else first.plain for first in firsts])
    matches = match_many(marks, others)
    own, found = marks[matches.pair, matches.own], others[matches.pair, matches.other]
    counts = np.bincount(matches.pair, minlength=len(seconds))
    for place, fit in fit_landmarks(own, found, matches.pair, _LEAST_VOTES).items():
        if fit.agreeing < max(_LEAST_AGREEING, _LEAST_SHARE * int(counts[place])):
            continue
        if fit.agreeing >= _SURELY_AGREEING or _is_alike(
            firsts[place], seconds[place], fit, mirrored=mirrored
        ):
            yield place, fit


def _is_alike(first: Sketch, second: Sketch, fit: LandmarkFit, *, mirrored: bool) -> bool:
    """Tell whether two pictures are alike where one lies on the other: few landmarks say so."""
    if not 1 / _MOST_SCALE < abs(fit.factor) < _MOST_SCALE:
        return False
    laid = lay(first, second, fit, mirrored=mirrored)
    return laid.detail >= _LEAST_DETAIL and laid.likeness + laid.detail >= _LEAST_ALIKE


def padded(marks: Sequence[Landmarks]) -> Landmarks:
    """Return the landmarks of several pictures as rows of one length; no size is after the last."""
    rows = np.zeros((len(marks), max(1, *map(len, marks))), LANDMARK)
    rows["size"] = np.nan
    for row, each in zip(rows, marks, strict=True):
        row[: len(each)] = each
    return rows


def match_many(marks: Landmarks, others: Landmarks) -> Matches:
    """Return which landmarks of the two pictures of each pair are each other's most alike.

    Args:
        marks: Those of a picture of each pair, as `padded` gives them, shape (pairs, n).
        others: Those of the other pictures, shape (pairs, m); all pairs are gone through together,
            for speed.
    """
    looks = np.ascontiguousarray(others["looks"])
    bits = np.empty((marks.shape[1], *looks.shape), np.uint8)
    different = np.empty_like(looks)  # one for all: it stays in the processor's cache
    for place, own in enumerate(np.ascontiguousarray(marks["looks"].T)):
        np.bitwise_xor(looks, own[:, None], out=different)
        np.bitwise_count(different, out=bits[place])
    bits[:, np.isnan(others["size"])] = _FAR
    bits[np.isnan(marks["size"].T)] = _FAR
    nearest = bits.argmin(axis=2)  # shape (n, pairs)
    fewest = np.take_along_axis(bits, nearest[..., None], 2)[..., 0]
    theirs = bits.min(axis=0, initial=_FAR)[np.arange(len(looks)), nearest]
    pair, own = np.nonzero(((fewest == theirs) & (fewest <= _MOST_BITS)).T)
    return Matches(pair, own, nearest[own, pair])
