"""How one picture lies on another, as their landmarks say, and how alike they are laid so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.dedup.geometry import Transform
from imgsearch.images.sketch import TINY_SIDE, Landmarks, Sketch, in_turn

_ANGLE: Final = 0.3  # by how much matches that agree may differ: radians,
_SIZE: Final = 0.35  # logarithms,
_PLACE: Final = 0.1  # and parts of the picture's longer side
_ROUNDS: Final = 2
_DETAIL: Final = (5, 5)  # pixels of a tiny picture, over which it is averaged
_TOGETHER: Final = 48  # pairs that are fitted at once
_SLIP: Final = 0.02  # of the longer side: by how much a place may be off one turn, scale and shift
_MOST_SCALE: Final = 8.0
_LEAST_OVERLAP: Final = 30  # pixels of a tiny picture
_LEAST_CONTRAST: Final = 4.0  # levels; what varies less is blank
_INSIDE: Final = np.ones((TINY_SIDE, TINY_SIDE), np.float32)
_WHOLLY: Final = 0.99  # of a pixel, that lies in a picture
_NEARLY: Final = 1.1  # times as fine, which needs no smoothing


@dataclass(frozen=True, slots=True)
class LandmarkFit:
    """What turns, scales and moves the landmarks of one picture to those of another.

    Attributes:
        agreeing: How many landmarks are where it takes them.
        factor: Turn and scale, as a complex number: of places x + iy in parts of the longer side.
        shift: From middle to middle, in parts of the second picture's longer side.
    """

    agreeing: int
    factor: complex
    shift: complex

    @property
    def matrix(self) -> Transform:
        """The same for places (x, y, 1)."""
        turn, shift = self.factor, self.shift
        return np.array([
            [turn.real, -turn.imag, shift.real],
            [turn.imag, turn.real, shift.imag],
            [0, 0, 1],
        ])  # fmt: skip


def fit_landmarks(
    marks: Landmarks, found: Landmarks, pair: npt.NDArray[np.intp], least_votes: int
) -> dict[int, LandmarkFit]:
    """Find how the first picture of each of many pairs lies on the second, by what looks alike.

    It is the one turn, scale and shift that explains the most matches.

    Args:
        marks: Landmarks of the first pictures, one for each match.
        found: Those of the second that look like them.
        pair: Of which pair each match is, ascending.
        least_votes: How many matches of a pair have to agree on how the pictures lie, roughly.

    Returns:
        By pair; none for two matches, or where one picture would be next to nothing.
    """
    fits: dict[int, LandmarkFit] = {}
    pairs, starts, counts = np.unique(pair, return_index=True, return_counts=True)
    order = np.argsort(counts, kind="stable")
    order = order[counts[order] >= least_votes]
    poses = np.stack(_poses(marks, found))
    places, others = _places(marks), _places(found)
    for begin in range(0, len(order), _TOGETHER):  # with as many matches each, nearly
        some = order[begin : begin + _TOGETHER]
        beside = np.arange(counts[some[-1]])
        there = beside < counts[some, None]
        rows = np.where(there, starts[some, None] + beside, 0)
        agree = _agreement(_Pose(*np.where(there, poses[:, rows], np.nan)))
        votes = agree.sum(axis=2)
        chosen = agree[np.arange(len(some)), votes.argmax(axis=1)]
        chosen &= (votes.max(axis=1) >= least_votes)[:, None]
        fitted = _fitted(places[rows], others[rows], chosen, there)
        fits |= {int(pairs[some[row]]): fit for row, fit in fitted.items()}
    return fits


def _fitted(
    places: npt.NDArray[np.complex64],
    others: npt.NDArray[np.complex64],
    chosen: npt.NDArray[np.bool_],
    there: npt.NDArray[np.bool_],
) -> dict[int, LandmarkFit]:
    """Fit the chosen matches of each row, and choose anew.

    Args:
        places: Of landmarks, shape (rows, matches).
        others: Of those that look like them.
        chosen: Which of them are fitted first.
        there: Which of them there are at all.
    """
    sound = np.ones(len(places), bool)
    factor = shift = np.zeros(len(places), np.complex128)
    for _ in range(_ROUNDS):
        sound &= chosen.sum(axis=1) >= 2
        many = np.maximum(1, chosen.sum(axis=1))
        middle, to = ((each * chosen).sum(axis=1) / many for each in (places, others))
        from_middle = (places - middle[:, None]) * chosen
        spread = np.square(np.abs(from_middle)).sum(axis=1)
        factor = (from_middle.conj() * others).sum(axis=1) / np.maximum(spread, 1e-9)
        shift = to - factor * middle
        off = np.abs(factor[:, None] * places + shift[:, None] - others)
        chosen = (off < _SLIP * np.maximum(1, np.abs(factor))[:, None]) & there
    sound &= (np.abs(factor) > 1 / _MOST_SCALE) & (np.abs(factor) < _MOST_SCALE)
    return {
        row: LandmarkFit(int(chosen[row].sum()), complex(factor[row]), complex(shift[row]))
        for row in np.flatnonzero(sound).tolist()
    }


@dataclass(frozen=True, slots=True)
class Laid:
    """Two tiny pictures that lie on one another.

    Attributes:
        below: Shape (`TINY_SIDE`, `TINY_SIDE`), float32.
        above: Likewise.
        both: Where both are.
    """

    below: npt.NDArray[np.float32]
    above: npt.NDArray[np.float32]
    both: npt.NDArray[np.bool_]

    @property
    def likeness(self) -> float:
        """Their correlation, in [-1, 1]; -1 if they share too little."""
        if not self._is_enough:
            return -1.0
        one, other = (plane[self.both] for plane in (self.below, self.above))
        one, other = one - one.mean(), other - other.mean()
        spread = max(float(one.std()), _LEAST_CONTRAST) * max(float(other.std()), _LEAST_CONTRAST)
        return float((one * other).mean()) / spread

    @property
    def detail(self) -> float:
        """The correlation of what is fine in them, in [-1, 1].

        Skies over land are alike as a whole, and so is whatever lies on white: but not in detail.
        It is -1 if they share too little, and 1 if there is too little detail to tell.
        """
        if not self._is_enough:
            return -1.0
        shared = self.both.astype(np.float32)
        count = np.maximum(cv2.blur(shared, _DETAIL), np.float32(1e-3))
        one, other = (
            (plane - cv2.blur(plane * shared, _DETAIL) / count)[self.both]
            for plane in (self.below, self.above)
        )
        strength = float(np.linalg.norm(one) * np.linalg.norm(other))
        return float((one * other).sum()) / strength if strength >= one.size else 1.0

    @property
    def _is_enough(self) -> bool:
        return int(self.both.sum()) >= _LEAST_OVERLAP


def lay(first: Sketch, second: Sketch, fit: LandmarkFit, *, mirrored: bool) -> Laid:
    """Lay the finer of two tiny pictures on the coarser one.

    Args:
        first: A picture.
        second: Another.
        fit: From the first, or from its mirror image, to the second.
        mirrored: Whether it is from the mirror image.
    """
    planes = [np.ascontiguousarray(sketch.tiny, np.float32) for sketch in (first, second)]
    planes[0] = np.ascontiguousarray(planes[0][:, ::-1]) if mirrored else planes[0]
    onto = tiny_frame(second) @ fit.matrix @ np.linalg.inv(tiny_frame(first))
    growth = float(np.sqrt(abs(np.linalg.det(onto[:2, :2]))))
    coarser, finer = (planes[0], planes[1]) if growth > 1 else (planes[1], planes[0])
    back = onto if growth > 1 else np.linalg.inv(onto)
    smooth = _smoothed(finer, max(growth, 1 / growth))
    return Laid(coarser, _warped(smooth, back), _warped(_INSIDE, back) > _WHOLLY)


def lay_turned(first: Sketch, second: Sketch, turn: int) -> Laid:
    """Lay all of a tiny picture, in one of the turns of `in_turn`, on all of another."""
    above, below = (
        np.ascontiguousarray(each, np.float32) for each in (in_turn(first.tiny, turn), second.tiny)
    )
    return Laid(below, above, np.ones(below.shape, np.bool_))


def tiny_frame(sketch: Sketch) -> Transform:
    """Return what takes places in parts of the longer side to pixels of the tiny picture."""
    longer, middle = max(sketch.rows, sketch.columns), (TINY_SIDE - 1) / 2
    across, down = (TINY_SIDE * longer / side for side in (sketch.columns, sketch.rows))
    return np.array([[across, 0, middle], [0, down, middle], [0, 0, 1]])


class _Pose(NamedTuple):
    """How matches say that a picture lies on another: arrays of one shape."""

    turn_x: npt.NDArray[np.float32]
    turn_y: npt.NDArray[np.float32]
    growth: npt.NDArray[np.float32]
    middle_x: npt.NDArray[np.float32]
    middle_y: npt.NDArray[np.float32]
    reach: npt.NDArray[np.float32]


def _poses(marks: Landmarks, found: Landmarks) -> _Pose:
    growth = found["size"].astype(np.float32) - marks["size"]
    turn = np.exp(1j * (found["angle"].astype(np.float32) - marks["angle"]))
    # Where each match alone puts the first picture's middle in the second.
    middle = _places(found) - _places(marks) * np.exp(growth) * turn
    reach = np.square(_PLACE * np.maximum(1, np.exp(growth)))
    return _Pose(turn.real, turn.imag, growth, middle.real, middle.imag, reach)


def _agreement(pose: _Pose) -> npt.NDArray[np.bool_]:
    """Tell which matches agree with which: shape (..., n, n), of poses of shape (..., n)."""
    one, other = (
        _Pose(*(part[..., :, None] for part in pose)),
        _Pose(*(part[..., None, :] for part in pose)),
    )
    alike = np.abs(one.growth - other.growth) < _SIZE
    alike &= one.turn_x * other.turn_x + one.turn_y * other.turn_y > np.cos(_ANGLE)
    across, down = one.middle_x - other.middle_x, one.middle_y - other.middle_y
    alike &= across * across + down * down < one.reach
    return np.asarray(alike, np.bool_)


def _places(marks: Landmarks) -> npt.NDArray[np.complex64]:
    return np.ascontiguousarray(marks["place"], np.float32).view(np.complex64)[..., 0]


def _smoothed(plane: npt.NDArray[np.float32], times: float) -> npt.NDArray[np.float32]:
    """Take away detail that a picture `times` as coarse cannot show."""
    if times < _NEARLY:
        return plane
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), 0.5 * np.sqrt(times**2 - 1)), np.float32)


def _warped(plane: npt.NDArray[np.float32], back: Transform) -> npt.NDArray[np.float32]:
    """Lay a tiny plane on another, 0 around it; `back` takes pixels of that one to its own."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(plane, back[:2], (TINY_SIDE, TINY_SIDE), flags=flags), np.float32
    )
