"""Give one picture the colours of another, as an edit of the whole would: warmer, more vivid.

An edit mixes the three channels, and cuts off what becomes too bright or too dark; it does so twice
where a picture is made more vivid, and then warmer. So the picture before the edit says what the
one after it must be, and not the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.dedup.photometry import Mask, robust_fit, sampled, turns_hues
from imgsearch.types import Pixels

Floats: TypeAlias = npt.NDArray[np.float32]

_SAME: Final = 6.0  # levels
_ENOUGH: Final = 0.9  # of all samples: if so many are the same, nothing was done to the whole
_CUT_OFF: Final = (6, 249)  # levels beyond which there may have been more
_FEWEST: Final = 60
_CLEARLY: Final = 0.7  # times the difference, that is to be left at most
_SATURATIONS: Final = np.arange(0.4, 2.5, 0.15)
_FINER: Final = np.arange(-0.1, 0.11, 0.05)
_ENOUGH_ROUGHLY: Final = 300  # samples
_CLEAR: Final = (30, 225)  # levels between which a channel's gain is seen,
_LEAST_CLEAR: Final = 0.05  # of all samples, if so many are
_UNCHANGED: Final = 255 * np.eye(4, 3, dtype=np.float32)
_LUMA: Final = np.array([0.299, 0.587, 0.114])
_TO_COLOUR: Final = np.array([(0.5, -0.419, -0.081), (-0.169, -0.331, 0.5)])  # red, blue
_FROM_COLOUR: Final = np.linalg.pinv(np.vstack([_LUMA, _TO_COLOUR]))[:, 1:]


@dataclass(frozen=True, slots=True)
class _Mixture:
    """How the channels of one picture make those of another.

    Attributes:
        steps: One after the other, each of shape (3, 4): of red, green, blue and 1; cut off after
            each.
        left: What is left of the difference, in levels.
    """

    steps: tuple[npt.NDArray[np.float64], ...]
    left: float

    def recoloured(self, pixels: Pixels) -> Pixels:
        """Return a picture in the colours of the other."""
        for step in self.steps:
            pixels = np.asarray(cv2.transform(pixels, step), np.uint8)
        return pixels


_NONE: Final = _Mixture((), np.inf)


class _Saturation(NamedTuple):
    """How vivid a picture is made, and what light each channel is given then.

    Attributes:
        strength: 0 makes it grey, and 1 leaves it as it is.
        gains: Shape (3,).
        left: What is left of the difference to another picture, in levels.
    """

    strength: float
    gains: Floats
    left: float


def colourings(below: Pixels, above: Pixels, shared: Mask) -> list[tuple[Pixels, Pixels]]:
    """Recolour either picture as the other, if it may have been made of it; the likelier first.

    Args:
        below: Shape (rows, columns, 3).
        above: What lies on it, of the same shape.
        shared: Where they are compared.

    Returns:
        Pairs of pictures, at least one; the pictures themselves if nothing shows an edit.
    """
    one, other = (sampled(each, shared).astype(np.float32) for each in (below, above))
    apart = np.abs(one - other)
    if np.count_nonzero(apart.max(axis=1) <= _SAME) >= _ENOUGH * len(one):
        return [(below, above)]
    forth, back = _best(one, other), _best(other, one)
    likely = [
        each
        for each in sorted((forth, back), key=lambda mixture: mixture.left)
        if each.left <= _CLEARLY * max(float(apart.mean()), 1)
    ]
    return [
        (each.recoloured(below), above) if each is forth else (below, each.recoloured(above))
        for each in likely
    ] or [(below, above)]


def _best(source: Floats, target: Floats) -> _Mixture:
    vivid = _vivid(source, target)
    mixed = _mixture(source, target)
    return mixed if mixed.left <= vivid.left else vivid


def _vivid(source: Floats, target: Floats) -> _Mixture:
    """Fit a saturation, and then a gain of each channel; some of the samples say roughly which."""
    source, target = (np.ascontiguousarray(each.T) for each in (source, target))
    some = slice(None, None, max(1, source.shape[1] // _ENOUGH_ROUGHLY))
    roughly = _most_alike(source[:, some], target[:, some], _SATURATIONS)
    found = _most_alike(source, target, roughly.strength + _FINER)
    saturation = np.zeros((3, 4))
    saturation[:, :3] = found.strength * np.eye(3) + (1 - found.strength) * _LUMA
    return _Mixture((saturation, np.diag(found.gains) @ np.eye(3, 4)), found.left)


def _most_alike(
    source: Floats,
    target: Floats,
    strengths: npt.NDArray[np.float64],
) -> _Saturation:
    """Return the saturation after which gains make of the source what is most like the target.

    Both are given channel by channel: shape (3, samples).
    """
    grey = _LUMA.astype(np.float32) @ source
    vivid = np.clip(grey + strengths.astype(np.float32)[:, None, None] * (source - grey), 0, 255)
    gains = _gains(vivid, target)
    left = np.abs(target - np.clip(vivid * gains[..., None], 0, 255)).mean(axis=(1, 2))
    best = int(left.argmin())
    return _Saturation(float(strengths[best]), gains[best], float(left[best]))


def _gains(vivid: Floats, target: Floats) -> Floats:
    """Return the median gain of each channel, 1 where hardly any sample shows it.

    Args:
        vivid: Shape (strengths, 3, samples).
        target: Shape (3, samples).

    Returns:
        Shape (strengths, 3).
    """
    clear = (np.minimum(vivid, target) > _CLEAR[0]) & (np.maximum(vivid, target) < _CLEAR[1])
    ratios = np.full_like(vivid, np.inf)
    np.divide(target, vivid, out=ratios, where=clear)
    ratios.sort(axis=-1)  # those that are not clear come last
    counts = np.count_nonzero(clear, axis=-1)
    medians = np.take_along_axis(ratios, counts[..., None] // 2, -1)[..., 0]
    return np.where(counts >= _LEAST_CLEAR * vivid.shape[-1], medians, np.float32(1))


def _mixture(source: Floats, target: Floats) -> _Mixture:
    """Fit what makes the target of the source, by what is not cut off in the target."""
    whole = (target > _CUT_OFF[0]) & (target < _CUT_OFF[1])
    if np.count_nonzero(whole, axis=0).min() < _FEWEST:
        return _NONE
    terms = np.column_stack([source, np.full(len(source), 255, np.float32)]) / np.float32(255)
    columns = [
        robust_fit(terms[clear], wanted[clear, None], unchanged[:, None], least=_SAME)[0]
        for clear, wanted, unchanged in zip(whole.T, target.T, _UNCHANGED.T, strict=True)
    ]
    solution = np.hstack(columns)
    predicted = np.clip(terms @ solution, 0, 255)
    matrix = (solution / np.array([[255], [255], [255], [1]])).T
    if turns_hues(_TO_COLOUR @ matrix[:, :3] @ _FROM_COLOUR):
        return _NONE
    return _Mixture((matrix,), float(np.abs(target - predicted).mean()))
