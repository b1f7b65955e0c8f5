"""Make one picture's light and colour those of another, as far as an edit of the whole could."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2  # noqa: TID251 - see pyproject.toml
import numpy as np
import numpy.typing as npt

from imgsearch.dedup.geometry import median

Plane: TypeAlias = npt.NDArray[np.float32]
"""One value for each pixel: shape (rows, columns)."""
Planes: TypeAlias = Sequence[Plane]
"""Light and two differences of colour."""
Colour: TypeAlias = npt.NDArray[np.uint8]
"""Two differences of colour around 128 for every other pixel along each side, as it is kept."""
Mask: TypeAlias = npt.NDArray[np.bool_]
"""Yes or no for each pixel: shape (rows, columns)."""

_ROUNDS: Final = 4
_ENOUGH: Final = 0.95  # of all pixels: if so many are unchanged, none was meant to be changed
_SAME: Final = 4.0  # levels
_SAMPLES: Final = 1200  # pixels that are enough to fit light and colour
_MOST_HUE_TURN: Final = 0.6  # radians; what turns further is another colour, not another light
_NO_COLOUR: Final = 0.25  # of what there was, along both differences together, is hardly any
_USUAL: Final = 1.4826  # standard deviations of normal noise for its median
_SAME_LIGHT: Final = np.array([0, 255, *[0] * 10], np.float32)[:, None]
_SAME_COLOUR: Final = np.eye(4, 2, dtype=np.float32)
_STIFFNESS: Final = 1e-2


@dataclass(frozen=True, slots=True)
class LightFit:
    """How light was changed: by one curve, by colour, and smoothly from the middle to the corners.

    Attributes:
        terms: Shape (12,): four of the curve; two slopes across the picture; four of the light
            itself, which are two slopes, and dark corners by the square and the fourth power of
            the distance from the middle; one of each difference of colour.
        usual: What is left of the difference at most pixels, in levels.
        contrast: The deviation of the light that was wanted, in levels.
    """

    terms: npt.NDArray[np.float32]
    usual: float
    contrast: float

    @property
    def unchanged(self) -> bool:
        """Whether light was not changed at all."""
        return bool((self.terms == _SAME_LIGHT[:, 0]).all())

    def left(self, target: Plane, source: Plane, colour: Colour) -> Plane:
        """Return how the target differs from the source, whose light is changed to be like its.

        Args:
            target: The light that is wanted.
            source: The light to change.
            colour: The source's.
        """
        if self.unchanged:
            return np.asarray(target - source, np.float32)
        x, y = _places(source.shape)
        flat, once, twice, thrice, across, down, *lit = map(float, self.terms[:10])
        light = source * np.float32(1 / 255)
        curve = ((thrice * light + twice) * light + once) * light + flat
        far = x * x + y * y
        shade = lit[0] * x + (lit[1] * y + (lit[2] + lit[3] * far) * far)
        tinted = cv2.resize(_centred(colour) @ self.terms[10:], source.shape[::-1])
        smoothly = across * x + down * y + tinted
        return np.asarray(target - curve - smoothly - shade * light, np.float32)


def fit_light(target: Plane, source: Plane, colour: Colour, shared: Mask) -> LightFit:
    """Find what makes the light of the source, of which the colour is given, that of the target.

    Warmer light, or another mixture of the channels, changes it by colour.
    """
    step = _step(shared)
    chosen = shared[step]
    light, wanted = source[step][chosen], target[step][chosen]
    left, contrast = np.abs(wanted - light), float(wanted.std())
    if np.count_nonzero(left <= _SAME) >= _ENOUGH * len(left):
        return LightFit(_SAME_LIGHT[:, 0], _USUAL * median(left), contrast)
    x, y = (np.broadcast_to(each, source.shape)[step][chosen] for each in _places(source.shape))
    light = light * np.float32(1 / 255)
    square, far = light * light, x * x + y * y
    lit = [x * light, y * light, far * light, far * far * light]
    terms = np.stack([np.ones_like(light), light, square, square * light, x, y, *lit], -1)
    tints = cv2.resize(_centred(colour), source.shape[::-1])[step][chosen]
    terms = np.hstack([terms, tints])
    solution, _, left = robust_fit(terms, wanted[:, None], _SAME_LIGHT, least=_SAME)
    return LightFit(solution[:, 0], _USUAL * median(left), contrast)


def colour_left(below: Planes, above: Planes, shared: Mask) -> Plane:
    """Return how far colours differ, in the terms of the picture that has less colour."""
    step = _step(shared)
    chosen = shared[step]
    strengths = [np.hypot(each[1][step], each[2][step])[chosen].mean() for each in (below, above)]
    target, source = (below, above) if strengths[0] <= strengths[1] else (above, below)
    sampled = [plane[step][chosen] for plane in source]
    wanted = np.stack([plane[step][chosen] for plane in target[1:]], -1)
    raw = np.hypot(sampled[1] - wanted[:, 0], sampled[2] - wanted[:, 1])
    if np.count_nonzero(raw <= _SAME) >= _ENOUGH * len(raw):
        return np.asarray(np.hypot(target[1] - source[1], target[2] - source[2]), np.float32)
    terms = np.stack([sampled[1], sampled[2], sampled[0] / 255, np.ones_like(sampled[0])], -1)
    solution, weights, _ = robust_fit(terms, wanted, _SAME_COLOUR, least=5.0)
    if turns_hues(solution[:2]):
        solution = _less_colour(terms[:, :2], wanted, weights)
    solution[2] /= 255
    left = [
        target[1 + k] - (a * source[1] + b * source[2] + c * source[0] + d)
        for k, (a, b, c, d) in enumerate(solution.T)
    ]
    return np.asarray(np.hypot(*left), np.float32)


def turns_hues(change: npt.NDArray[np.floating]) -> bool:
    """Tell whether a change of the two differences of colour, shape (2, 2), makes others of them.

    That is another thing, and not another light. Where hardly any colour is left, it has no hue.
    """
    if np.linalg.norm(change) < _NO_COLOUR:
        return False
    angle = np.arctan2(change[0, 1] - change[1, 0], change[0, 0] + change[1, 1])
    return bool(abs(angle) > _MOST_HUE_TURN or np.linalg.det(change) < 0)


def _less_colour(
    chosen: npt.NDArray[np.float32], wanted: npt.NDArray[np.float32], weights: Plane
) -> npt.NDArray[np.float32]:
    """Fit saturation alone."""
    product = float((weights[:, None] * wanted * chosen).sum())
    square = float((weights[:, None] * chosen**2).sum())
    solution = np.zeros((4, 2), np.float32)
    solution[0, 0] = solution[1, 1] = max(0.0, product / (square + 1))
    return solution


def _centred(colour: Colour) -> Plane:
    return np.asarray(colour, np.float32) - 128


def _places(shape: tuple[int, ...]) -> tuple[Plane, Plane]:
    """Return x as a row and y as a column, both from -1 to 1."""
    rows, columns = shape
    x = np.linspace(-1, 1, columns, dtype=np.float32)[None, :]
    return x, np.linspace(-1, 1, rows, dtype=np.float32)[:, None]


def sampled(planes: npt.NDArray[np.uint8], shared: Mask) -> npt.NDArray[np.uint8]:
    """Return the values of some pixels that are shared: shape (n, channels)."""
    step = _step(shared)
    return planes[step][shared[step]]


def _step(shared: Mask) -> tuple[slice, slice]:
    """Return which pixels are samples: every so many along each side, or all if that hits none."""
    every = max(1, int((np.count_nonzero(shared) / _SAMPLES) ** 0.5))
    step = slice(every // 2, None, every), slice(every // 2, None, every)
    return step if shared[step].any() else (slice(None), slice(None))


def robust_fit(
    terms: npt.NDArray[np.float32],
    wanted: npt.NDArray[np.float32],
    unchanged: npt.NDArray[np.float32],
    *,
    least: float,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Fit by least squares what most rows agree on.

    Args:
        terms: Shape (n, terms).
        wanted: Shape (n, values).
        unchanged: The solution that says that nothing was changed; returned if it fits as many
            rows as the best. Few rows with great differences would else bend the fit.
        least: A difference that is never suspicious.

    Returns:
        The solution, shape (terms, values); how much each row counts, shape (n,); and by how
        much it is missed, shape (n,).
    """
    before = _missed(terms, wanted, unchanged)
    left, weights = before, _weights(before, least)
    explained = np.count_nonzero(before <= least)
    ridge = _STIFFNESS * np.eye(terms.shape[1], dtype=np.float32)
    for _ in range(_ROUNDS):
        weighted = (terms * weights[:, None]).T
        solution = np.linalg.solve(weighted @ terms + ridge, weighted @ wanted)
        left = _missed(terms, wanted, solution)
        weights = _weights(left, least)
    if explained >= np.count_nonzero(left <= least):
        return unchanged.copy(), _weights(before, least), before
    return solution, weights, left


def _missed(
    terms: npt.NDArray[np.float32],
    wanted: npt.NDArray[np.float32],
    solution: npt.NDArray[np.float32],
) -> npt.NDArray[np.float32]:
    missed = wanted - terms @ solution
    return np.asarray(np.sqrt((missed * missed).sum(axis=1)))


def _weights(left: npt.NDArray[np.float32], least: float) -> npt.NDArray[np.float32]:
    return np.asarray(1 / (1 + (left / max(least, 1.5 * median(left))) ** 2) ** 2, np.float32)
