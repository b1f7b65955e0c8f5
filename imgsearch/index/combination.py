"""Several vectors as one to search for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from imgsearch.errors import QueryError

_UNWANTED_WEIGHT: Final = 0.5
"""How much pictures not to be like count, beside those to be like."""

_SHORTEST: Final = 1e-3
"""A sum of unit vectors below this length points nowhere in particular."""


def combined(
    wanted: Sequence[npt.NDArray[np.float32]], unwanted: Sequence[npt.NDArray[np.float32]]
) -> npt.NDArray[np.float32]:
    """Return the mean of what is wanted less a part of the mean of what is not, of length 1.

    Args:
        wanted: At least one unit vector, each of shape (dim,).
        unwanted: Any number of them.

    Raises:
        QueryError: If they cancel each other out.
    """
    total: npt.NDArray[np.float64] = np.stack(wanted).mean(axis=0, dtype=np.float64)
    if unwanted:
        total -= _UNWANTED_WEIGHT * np.stack(unwanted).mean(axis=0, dtype=np.float64)
    length = float(np.linalg.norm(total))
    if length < _SHORTEST:
        raise QueryError("the pictures cancel each other out; leave one of them out")
    return (total / length).astype(np.float32)
