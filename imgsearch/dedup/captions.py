"""Lines of text that somebody put onto a picture, among what differs between two.

A line is a row of marks, much steeper than what it covers, or between which the pictures are the
same. What is natural in both pictures, as a subject that moved is, is no line of text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.dedup.light import light_of, slope_of
from imgsearch.dedup.photometry import Mask
from imgsearch.dedup.residual import Bits, Differing

Box: TypeAlias = tuple[slice, slice]
Plane: TypeAlias = npt.NDArray[np.float32]
_Value = TypeVar("_Value", bound=np.generic)

MARGIN: Final = 3  # pixels around marks within which the window of `Residual.changed` reaches

_WORD_GAP: Final = 0.06  # of the side along a line: what separates its words, at most
_TALLEST_LINE: Final = 0.2  # of the side across the line
_TALLEST: Final = 2 * _TALLEST_LINE  # two lines that touch
_LEAST_LENGTH: Final = 3.0  # times a line's height
_LINE_AREA: Final = 0.01
_LEAST_SLOPE: Final = 5.0
_LEAST_TURNS: Final = 1.6  # from ink to ground or back, over as many pixels as the line is tall
_BUSIER: Final = 2.2  # slopes times turns, with the text and without
_MUCH_BUSIER: Final = 8.0
_LEAST_WIDE_TURNS: Final = 1.0  # where the ground is so plain; as many letters as this makes
_LEAST_LETTERS: Final = 6.0  # are no thing that moved
_FEWEST: Final = 12  # pixels between the marks, to compare
_FLATTEST: Final = 25.0  # squared levels, so that flat ground has a slope of none
_NEARLY_SAME: Final = 8.0  # levels by which the pictures may differ between the marks
_SAME: Final = 6.5
_LEAST_INK: Final = 0.45  # of a line
_CLEAR_INK: Final = 15.0  # levels of difference that are a mark
_LEAST_MARKS: Final = 1.1  # turns from mark to none
_LEAST_MARK_SLOPE: Final = 4.0
_CLEARLY_STEEPER: Final = 1.15  # times, is a picture where it is the one with the text
_LONG: Final = 6.0  # times its height is a line that is known by its letters alone
_SWING: Final = 16.0  # levels from a stroke to its ground
_LEAST_SWINGS: Final = 8.0  # along a line; each letter makes two or more
_MORE_SWINGS: Final = (1.3, 2.0)  # times, with the text, than without
_LIKE_BETWEEN: Final = (_NEARLY_SAME, 12.0)  # levels: the more clearly it is text, the less alike


@dataclass(frozen=True, slots=True)
class _Line:
    """What differs in a box that has the shape of a line, along which its rows lie.

    Attributes:
        greys: The two pictures there, shape (rows, columns).
        marks: The difference of their light, once that between the marks is evened out.
        left: How much of a difference is left between the marks, in levels.
        ink: How much of the line, without a margin, are marks.
        vertical: Whether it runs down.
    """

    greys: tuple[Bits, Bits]
    marks: Plane
    left: float
    ink: float
    vertical: bool


def captions(view: Differing, *, vertical: bool) -> Mask:
    """Say which pixels lie under lines of text that one of two pictures has and the other has not.

    Args:
        view: The pictures.
        vertical: Whether the lines run down.

    Returns:
        Shape (2, rows, columns): on the one below, and on the one above; on both where it is not
        clear which has them.
    """
    explained = np.zeros((2, *view.shared.shape), bool)
    for box in _lines(view.sharply, view.area, vertical=vertical):
        line = _line(view, box, vertical=vertical)
        if line is not None and (_is_text(line, view) or _are_two_lines(view, box, vertical)):
            explained[:, *box] |= _written_on(line)[:, None, None]
    return explained


def _is_text(line: _Line, view: Differing) -> bool:
    across = view.shared.shape[line.vertical]
    if line.marks.shape[0] - 2 * MARGIN > _TALLEST_LINE * across:
        return False
    return _stands_out(line) or _is_written_over(line) or _is_long_writing(line)


def _are_two_lines(view: Differing, box: Box, vertical: bool) -> bool:  # noqa: FBT001
    """Say whether a box holds two lines of text that touch."""
    halves = [_line(view, each, vertical=vertical) for each in _halves(view.sharply, box, vertical)]
    return all(half is not None and _is_long_writing(half) for half in halves)


def _halves(sharply: Mask, box: Box, vertical: bool) -> tuple[Box, Box]:  # noqa: FBT001
    """Cut a box along its lines where least differs, in the middle third."""
    rows, columns = box[::-1] if vertical else box
    counts = np.count_nonzero(_along(sharply[box], vertical), axis=1)
    third = len(counts) // 3
    cut = rows.start + third + int(counts[third : len(counts) - third].argmin())
    upper, lower = slice(rows.start, cut + MARGIN), slice(max(0, cut - MARGIN), rows.stop)
    if vertical:
        return (columns, upper), (columns, lower)
    return (upper, columns), (lower, columns)


def _lines(sharply: Mask, size: float, *, vertical: bool) -> Iterator[Box]:
    """Find what has the shape of a line of text among the pixels that differ."""
    sharp = sharply.astype(np.uint8)
    sharp = np.ascontiguousarray(sharp.T) if vertical else sharp
    gap = np.ones((1, max(3, round(_WORD_GAP * max(sharp.shape)))), np.uint8)
    joined = cv2.morphologyEx(sharp, cv2.MORPH_CLOSE, gap)
    joined = cv2.morphologyEx(joined, cv2.MORPH_OPEN, gap)  # cuts what joins two lines
    _, _, found, _ = cv2.connectedComponentsWithStats(joined, connectivity=4)
    for left, top, width, height, area in found[1:].tolist():
        long = width >= _LEAST_LENGTH * height and 2 * area >= width * height
        if long and area >= _LINE_AREA * size and height <= _TALLEST * len(sharp):
            rows = slice(max(0, top - MARGIN), top + height + MARGIN)
            columns = slice(max(0, left - MARGIN), left + width + MARGIN)
            yield (columns, rows) if vertical else (rows, columns)


def _line(view: Differing, box: Box, *, vertical: bool) -> _Line | None:
    """Look at a box; None if there is nothing between its marks that could be compared."""
    one, other = (_along(light_of(each[box]), vertical) for each in (view.below, view.above))
    sharply, shared = (_along(each[box], vertical) for each in (view.sharply, view.shared))
    between = shared & ~sharply
    if np.count_nonzero(between) < _FEWEST:
        return None
    light, wanted = other[between].astype(float), one[between].astype(float)
    shade = light - light.mean()
    slope = float(shade @ (wanted - wanted.mean())) / float(shade @ shade + len(shade) * _FLATTEST)
    marks = one - (slope * (other - light.mean()) + wanted.mean())
    clear = between & (cv2.dilate(sharply.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
    if np.count_nonzero(clear) >= _FEWEST:  # marks bleed into what is around them
        between = clear
    rows = sharply[MARGIN:-MARGIN]
    return _Line(
        (one, other),
        np.asarray(marks, np.float32),
        float(np.abs(marks[between]).mean()),
        float(rows.mean()) if rows.size else 1.0,
        vertical,
    )


def _along(plane: npt.NDArray[_Value], vertical: bool) -> npt.NDArray[_Value]:  # noqa: FBT001
    return plane.T if vertical else plane


def _stands_out(line: _Line) -> bool:
    """Say whether one of the pictures shows much steeper marks than the other."""
    if line.left > _NEARLY_SAME:
        return False
    slopes = [float(slope_of(each).mean()) for each in line.greys]
    turns = [_turns(each > each[_middle(each)].mean()) for each in line.greys]
    if slopes[0] < slopes[1]:
        slopes, turns = slopes[::-1], turns[::-1]
    busier = slopes[0] * turns[0] / (slopes[1] * turns[1] + 1e-6)
    if slopes[0] < _LEAST_SLOPE or busier < _BUSIER:
        return False
    return turns[0] >= _LEAST_TURNS or (busier >= _MUCH_BUSIER and _is_long(line, turns[0]))


def _is_long(line: _Line, turns: float) -> bool:
    """Say whether a line is so long that few turns for its height are many: outlined letters."""
    rows, columns = line.marks.shape
    return turns >= _LEAST_WIDE_TURNS and turns * columns / rows >= _LEAST_LETTERS


def _is_written_over(line: _Line) -> bool:
    """Say whether there are marks between which the pictures are the same, however busy."""
    if line.left > _SAME or line.ink < _LEAST_INK:
        return False
    turns = _turns(np.digitize(line.marks, [-_CLEAR_INK, _CLEAR_INK]))
    return turns >= _LEAST_MARKS and float(slope_of(line.marks).mean()) >= _LEAST_MARK_SLOPE


def _is_long_writing(line: _Line) -> bool:
    """Say whether light swings from stroke to ground all along a line in one of the pictures."""
    height, width = (max(1, length - 2 * MARGIN) for length in line.marks.shape)
    if width < _LONG * height or _swings(line.marks) < _LEAST_SWINGS:
        return False
    fewer, more = sorted(_swings(np.asarray(each, np.float32)) for each in line.greys)
    times = more / (fewer + 1)
    most = float(np.interp(times, _MORE_SWINGS, _LIKE_BETWEEN))
    return times >= _MORE_SWINGS[0] and line.left <= most


def _swings(line: Plane) -> float:
    """Count along a line how often light goes up or down clearly, and soon."""
    middle = np.ascontiguousarray(line[_middle(line)])
    height = max(1, len(line) - 2 * MARGIN)
    local = middle - cv2.blur(middle, (2 * (height // 2) + 1, 1))
    signs = (local > _SWING / 2).astype(np.int8) - (local < -_SWING / 2)
    rows, _ = np.nonzero(signs)
    values = signs[signs != 0]
    turned = (values[1:] != values[:-1]) & (rows[1:] == rows[:-1])
    return float(np.count_nonzero(turned)) / len(middle)


def _written_on(line: _Line) -> Mask:
    """Say of each of the pictures whether it may be the one with the text; shape (2,)."""
    slopes = np.array([float(slope_of(each).mean()) for each in line.greys])
    return np.asarray(slopes * _CLEARLY_STEEPER >= slopes.max())


def _middle(line: npt.NDArray[np.generic]) -> slice:
    """Return the rows of a line between which its marks are densest."""
    return slice(len(line) // 4, 3 * len(line) // 4 + 1)


def _turns(line: npt.NDArray[np.generic]) -> float:
    """Count along a line how often one value follows another, by the line's height."""
    height, width = line.shape
    middle = line[_middle(line)]
    turns = int(np.count_nonzero(middle[:, 1:] != middle[:, :-1]))
    return float(turns * height / (len(middle) * width))
