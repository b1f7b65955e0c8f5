"""Pooling: how the last feature map becomes one vector, the same for every engine.

`avg` is the mean over the map, as Keras computes it. `gem-P` is the generalised mean
(mean(x^P))^(1/P), which weighs strong responses more (Radenovic, Tolias and Chum, "Fine-tuning
CNN image retrieval with no human annotation", 2018). `rgem-P` takes that mean over the regions of
R-MAC (Tolias, Sicre and Jegou, "Particular object retrieval with integral max-pooling of CNN
activations", 2015), scales each to length 1 and adds them up, so that a small object counts as
much as its surroundings. Several of them joined by `+`, as in `avg+rgem-3`, are added up, each as
a vector of length 1, or of the length that stands before it, as in `avg+2*rgem-3`: what the whole
picture shows then counts beside what is in its parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from imgsearch.embedding.vgg16 import unit_rows
from imgsearch.errors import EmbedderError
from imgsearch.types import Embeddings

FeatureMaps: TypeAlias = npt.NDArray[np.float32]
"""Features after the last pool: shape (n, channels, height, width), float32, not negative."""

Pooling: TypeAlias = Callable[[FeatureMaps], Embeddings]

REGION_LEVELS: Final = (1, 2, 3)
"""R-MAC's scales: on level l, squares of 2/(l + 1) of the shorter side, l of them along it."""


def pooling_of(name: str) -> Pooling:
    """Return the function of a pooling name: feature maps in, unit rows (n, channels) out.

    Args:
        name: `"avg"`, or `"gem-P"` or `"rgem-P"` with a number P above 0, or several of them with
            `+` between, each perhaps with a weight before it, a number and `*`.

    Raises:
        EmbedderError: If there is no such pooling.
    """
    parts = name.split("+")
    if len(parts) == 1:
        return _one_pooling_of(name, name)
    return partial(_sum, [_term_of(part, name) for part in parts])


def _term_of(part: str, name: str) -> tuple[float, Pooling]:
    """Return the weight and the function of one of several parts of a pooling's name."""
    found = re.fullmatch(r"(?:(\d+(?:\.\d+)?)\*)?(.*)", part)
    assert found is not None  # whatever it is, it is matched
    return float(found[1] or 1), _one_pooling_of(found[2], name)


def _one_pooling_of(part: str, name: str) -> Pooling:
    """Return the function of a pooling that is no sum; `name` is the whole one, for the error."""
    if part == "avg":
        return partial(_generalised_mean, exponent=1.0)
    found = re.fullmatch(r"(r?gem)-(\d+(?:\.\d+)?)", part)
    if found is None or float(found[2]) == 0:
        raise EmbedderError(f"unknown pooling {name!r}: use avg, gem-P or rgem-P, such as rgem-2")
    mean = _generalised_mean if found[1] == "gem" else _regional_mean
    return partial(mean, exponent=float(found[2]))


def _sum(terms: list[tuple[float, Pooling]], maps: FeatureMaps) -> Embeddings:
    vectors = [np.float32(weight) * pool(maps) for weight, pool in terms]
    return unit_rows(np.sum(vectors, axis=0))


def _generalised_mean(maps: FeatureMaps, *, exponent: float) -> Embeddings:
    if exponent == 1:
        return unit_rows(maps.mean(axis=(2, 3)))
    powers = _powers(maps, exponent).mean(axis=(2, 3))
    return unit_rows(np.power(powers, np.float32(1 / exponent)))


def _regional_mean(maps: FeatureMaps, *, exponent: float) -> Embeddings:
    count, channels, height, width = maps.shape
    powers = _powers(maps, exponent).reshape(count, channels, height * width)
    means = np.power(powers @ _region_weights(height, width), np.float32(1 / exponent))
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    return unit_rows((means / np.maximum(lengths, np.finfo(np.float32).tiny)).sum(axis=2))


def _powers(maps: FeatureMaps, exponent: float) -> FeatureMaps:
    """Raise to a power; the third by products, in a fiftieth of the time."""
    return maps * maps * maps if exponent == 3 else np.power(maps, np.float32(exponent))


@cache
def _region_weights(height: int, width: int) -> npt.NDArray[np.float32]:
    """Return the matrix that takes means over regions, shape (height * width, regions)."""
    columns = []
    for side, tops, lefts in _regions(height, width):
        for top in tops:
            for left in lefts:
                mask = np.zeros((height, width), np.float32)
                mask[top : top + side, left : left + side] = 1 / side**2
                columns.append(mask.ravel())
    return np.stack(columns, axis=1)


def _regions(height: int, width: int) -> list[tuple[int, list[int], list[int]]]:
    """Return for each level the side of its squares, and where they begin down and across."""
    shorter = min(height, width)
    levels = []
    for level in REGION_LEVELS:
        side = max(1, 2 * shorter // (level + 1))
        levels.append(
            (side, _starts(height, shorter, side, level), _starts(width, shorter, side, level))
        )
    return levels


def _starts(length: int, shorter: int, side: int, level: int) -> list[int]:
    """Spread squares evenly: `level` of them along the shorter side, one more along the longer."""
    count = level + (length > shorter)
    return sorted({round(start) for start in np.linspace(0, length - side, count)})
