"""See at a glance that one picture is all of another: in its own size, or smaller, or turned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from imgsearch.dedup.geometry import Transform, stretch
from imgsearch.dedup.guesses import turned
from imgsearch.dedup.portrait import MINIATURE_SIDE, Portrait
from imgsearch.dedup.residual import Residual, Seen, residual_between
from imgsearch.images.sketch import in_turn

_LEAST_CORRELATION: Final = 0.96
_MOST_STRETCH: Final = 1.04
_MOST_SHARPLY: Final = 4  # pixels of the miniature
_LEAST_STRUCTURED: Final = 80  # pixels of the miniature; of less, near-blank pictures are alike
_INNER: Final = np.pad(np.ones((MINIATURE_SIDE - 2, MINIATURE_SIDE - 2), np.uint8), 1)


@dataclass(frozen=True, slots=True)
class Glance:
    """What two miniatures show that are the same but for light and colour.

    Attributes:
        transform: From places in the first thumbnail to places in the second, shape (3, 3).
        residual: The comparison of the miniatures.
    """

    transform: Transform
    residual: Residual


def same_at_a_glance(first: Portrait, second: Portrait) -> Glance | None:
    """Compare two pictures small, if all of one may be all of the other.

    Returns:
        None if they differ, if that cannot be said so quickly, or if there is little to see.
    """
    alike = first.tiny_turns @ second.tiny_turns[0]
    turn = int(alike.argmax())
    if alike[turn] < _LEAST_CORRELATION:
        return None
    transform = turned(turn, first.content.frame, second.content.frame)
    most, least = stretch(transform)
    if most > _MOST_STRETCH * least:
        return None
    one = Seen(*(_turned(each, turn) for each in (first.miniature, *first.miniature_planes)))
    other = Seen(second.miniature, *second.miniature_planes)
    found = residual_between(one, other, _INNER)
    same = not found.changed.any() and np.count_nonzero(found.sharply) <= _MOST_SHARPLY
    seen = np.count_nonzero(found.structured) >= _LEAST_STRUCTURED
    return Glance(transform, found) if same and seen else None


def _turned(plane: npt.NDArray[np.uint8], turn: int) -> npt.NDArray[np.uint8]:
    """Turn a plane as the rows of `Portrait.tiny_turns` are."""
    return np.ascontiguousarray(in_turn(plane, turn))
