"""How likely it is that a pair is one picture, as measured on edited photos and look-alikes."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

CURVE_FILE: Final = "probabilities.json"


def probability(leeway: float) -> float:
    """Return the probability that two pictures that a search compares are copies.

    It is an isotonic regression over pairs whose answer is known, of photos that were edited in
    some forty ways; `scripts/calibrate_copies.py` makes its file.

    Args:
        leeway: The least of a `Leeway`.

    Returns:
        In [0, 1]; never falling with the leeway, and above 0.5 where no demand fails.
    """
    leeways, probabilities = _curve()
    return float(np.interp(leeway, leeways, probabilities))


@cache
def _curve() -> tuple[list[float], list[float]]:
    document = json.loads(files(__package__).joinpath(CURVE_FILE).read_text(encoding="utf-8"))
    return document["leeways"], document["probabilities"]
