"""First guesses of how one picture lies on another: all on all, or as local features agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np

from imgsearch.dedup.geometry import Points, Transform, distances, fit_affine, stretch
from imgsearch.dedup.local_features import LocalFeatures
from imgsearch.dedup.portrait import Portrait
from imgsearch.dedup.screening import SketchFit, fit_sketch

_LEAST_CORRELATION: Final = 0.7  # of two tiny pictures, to look whether one is all of the other
_CLEAR_CORRELATION: Final = 0.88  # so that there is no need for local features, most times
_NEARLY_AS_GOOD: Final = 0.05
_MOST_STRETCH: Final = 1.8
_RATIO: Final = 0.92  # of the cosine of the second best match to that of the best
_LEAST_COSINE: Final = 0.75
_LEAST_MATCHES: Final = 5
_TOLERANCE: Final = 4.0  # pixels, from a place to where the transform takes it
_MOST_SCALE: Final = 8.0


@dataclass(frozen=True, slots=True)
class Guess:
    """How one picture may lie on another.

    Attributes:
        transform: From the first picture to the second.
        support: How many local features agree; 0 if the guess is of another kind.
        likeness: The correlation of the pictures, tiny and laid so; 0 if it is of another kind.
        is_hint: Whether it comes of the sketches: where such a guess is far off, so are others.
    """

    transform: Transform
    support: int = 0
    likeness: float = 0.0
    is_hint: bool = False


def guesses(first: Portrait, second: Portrait, fit: SketchFit | None = None) -> Iterator[Guess]:
    """Propose how two pictures may lie on one another, what is cheap to find first.

    Args:
        first: A picture.
        second: Another.
        fit: How the first lies on the second by their sketches, if that is known.
    """
    whole = list(_whole(first, second))
    yield from (guess for guess in whole if guess.likeness >= _CLEAR_CORRELATION)
    yield from _by_sketches(first, second, fit or fit_sketch(first.sketch, second.sketch))
    yield from _by_features(first, second)
    yield from (guess for guess in whole if guess.likeness < _CLEAR_CORRELATION)


def _whole(first: Portrait, second: Portrait) -> Iterator[Guess]:
    """Propose the turns and mirrors after which all of one picture is like all of the other."""
    alike = first.tiny_turns @ second.tiny_turns[0]
    for turn in np.argsort(-alike)[:2]:
        if alike[turn] < max(_LEAST_CORRELATION, alike.max() - _NEARLY_AS_GOOD):
            return
        transform = turned(int(turn), first.content.frame, second.content.frame)
        most, least = stretch(transform)
        if most <= _MOST_STRETCH * least:
            yield Guess(transform, likeness=float(alike[turn]))


def turned(turn: int, frame: Transform, other: Transform) -> Transform:
    """Return what takes one frame to another, after a turn as of `Portrait.tiny_turns`."""
    quarter = np.array([[0, 1, 0], [-1, 0, 1], [0, 0, 1]], dtype=float)  # anticlockwise
    steps = np.linalg.matrix_power(quarter, turn % 4)
    if turn >= 4:
        steps = np.array([[-1, 0, 1], [0, 1, 0], [0, 0, 1]], dtype=float) @ steps
    return np.asarray(other @ steps @ np.linalg.inv(frame), float)


def _by_sketches(first: Portrait, second: Portrait, found: SketchFit | None) -> Iterator[Guess]:
    """Propose what the landmarks of the sketches agree on."""
    if found is None:
        return
    mirror = np.diag([-1.0, 1.0, 1.0]) if found.mirrored else np.eye(3)
    to_pixels, from_pixels = _in_pixels(second), np.linalg.inv(_in_pixels(first))
    transform = np.asarray(to_pixels @ found.fit.matrix @ mirror @ from_pixels, float)
    most, least = stretch(transform)
    if 1 / _MOST_SCALE < least <= most < _MOST_SCALE:
        yield Guess(transform, found.fit.agreeing, is_hint=True)


def _in_pixels(portrait: Portrait) -> Transform:
    """Return what takes places from the middle, in parts of the longer side, to pixels."""
    rows, columns = portrait.shape
    longer = max(rows, columns)
    return np.array([[longer, 0, (columns - 1) / 2], [0, longer, (rows - 1) / 2], [0, 0, 1]])


def _by_features(first: Portrait, second: Portrait) -> Iterator[Guess]:
    """Propose what the local features agree on, and what those of the mirrored picture do."""
    plain = _agreed(first.features, second.features)
    if plain is None or plain.support < 3 * _LEAST_MATCHES:
        width = first.shape[1]
        mirrored = _agreed(first.features.mirrored(width), second.features)
        if mirrored is not None:
            swap = np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1]], dtype=float)
            mirrored = Guess(mirrored.transform @ swap, mirrored.support)
        both = [guess for guess in (plain, mirrored) if guess is not None]
        yield from sorted(both, key=lambda guess: -guess.support)
    else:
        yield plain


def _agreed(first: LocalFeatures, second: LocalFeatures) -> Guess | None:
    places, others = matches(first, second)
    if len(places) < _LEAST_MATCHES:
        return None
    found, chosen = cv2.estimateAffinePartial2D(
        places, others, ransacReprojThreshold=_TOLERANCE, maxIters=500, confidence=0.999
    )
    if found is None:
        return None
    agree = np.asarray(chosen).ravel().astype(bool)
    for tolerance in (1.5 * _TOLERANCE, _TOLERANCE):
        if agree.sum() < _LEAST_MATCHES:
            return None
        matrix = fit_affine(places[agree], others[agree])
        agree = distances(matrix, places, others) <= tolerance
    most, least = stretch(matrix)
    sound = least > 1 / _MOST_SCALE and most < _MOST_SCALE and most <= _MOST_STRETCH * least
    return Guess(matrix, int(agree.sum())) if sound and agree.sum() >= _LEAST_MATCHES else None


def matches(first: LocalFeatures, second: LocalFeatures) -> tuple[Points, Points]:
    """Return places of features that look alike and like no other: two arrays of one length."""
    if len(first) < 2 or len(second) < 2:
        return np.empty((0, 2), np.float32), np.empty((0, 2), np.float32)
    cosines = first.cosines(second)
    rows = np.arange(len(first))
    best = cosines.argmax(axis=1)
    value = cosines[rows, best]
    cosines[rows, best] = 0
    clear = (value >= _LEAST_COSINE) & (cosines.max(axis=1) < _RATIO * value)
    return first.places[clear], second.places[best[clear]]
