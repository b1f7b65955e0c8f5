"""Tell quickly which of many pictures could be copies of one, before any is looked at closely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from imgsearch.dedup.portrait import Portrait

_STRONGEST: Final = 48  # features of the first picture that are looked for in the others
_RATIO: Final = 0.92
_LEAST_COSINE: Final = 0.75
_LEAST_MATCHES: Final = 4
_LEAST_CORRELATION: Final = 0.7


def screen(first: Portrait, seconds: Sequence[Portrait]) -> npt.NDArray[np.bool_]:
    """Say of each of many pictures whether it could be a copy of the first.

    Those that could not need no `verify`, which would call them different pictures.

    Returns:
        Shape (len(seconds),).
    """
    if not seconds:
        return np.zeros(0, bool)
    whole = np.array([(first.tiny_turns @ each.tiny_turns[0]).max() for each in seconds])
    return (whole >= _LEAST_CORRELATION) | (_shared_features(first, seconds) >= _LEAST_MATCHES)


def _shared_features(first: Portrait, seconds: Sequence[Portrait]) -> npt.NDArray[np.intp]:
    """Count the strongest features of the first picture that each other one has as well."""
    counts = np.zeros(len(seconds), np.intp)
    rows = first.features.unit_rows()[:_STRONGEST]
    if not len(rows):
        return counts
    mirrored = first.features.mirrored(first.shape[1]).unit_rows()[:_STRONGEST]
    both = np.concatenate([rows, mirrored])
    for place, second in enumerate(seconds):
        if len(second.features) < 2:
            continue
        cosines = both @ second.features.unit_rows().T
        two = np.partition(cosines, -2, axis=1)[:, -2:]
        clear = (two[:, 1] >= _LEAST_COSINE) & (two[:, 0] < _RATIO * two[:, 1])
        counts[place] = clear.reshape(2, -1).sum(axis=1).max()
    return counts
