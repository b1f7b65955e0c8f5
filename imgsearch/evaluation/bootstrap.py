"""How sure a mean is: Efron's bootstrap (1979), percentile intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Rows: TypeAlias = npt.NDArray[np.int64]
"""Which rows of a sample: shape (n,), int64."""

RESAMPLES: Final = 1000
"""How often the sample is drawn anew; more moves a bound in its third digit only."""

_DRAWS_PER_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, and between which bounds it lies with the confidence that was asked for."""

    value: float
    low: float
    high: float


def estimate_means(
    values: npt.NDArray[np.float64], *, confidence: float, seed: int
) -> list[Estimate]:
    """Estimate the mean of each column, and how far it depends on which rows were drawn.

    Rows are drawn anew with replacement, whole rows, `RESAMPLES` times. That takes the rows for
    independent; queries of one class are not quite, so that true bounds are a little wider.

    Args:
        values: A row for each query, a column for each figure, shape (n, m), n at least 1.
        confidence: How often the bounds shall hold the mean, in (0, 1).
        seed: The same seed draws the same rows.

    Raises:
        ValueError: If there is no row, or `confidence` is out of range.
    """
    if values.ndim != 2 or not len(values):
        raise ValueError(f"values must have shape (n, m) with n at least 1, not {values.shape}")
    low, high = np.quantile(_means(values, seed), tails(confidence), axis=0)
    return [
        Estimate(float(value), float(below), float(above))
        for value, below, above in zip(values.mean(axis=0), low, high, strict=True)
    ]


def estimate_over_strata(
    statistics: Callable[[Rows], Sequence[float]],
    strata: Sequence[Rows],
    *,
    confidence: float,
    seed: int,
) -> list[Estimate]:
    """Estimate statistics that are no means, drawing anew within each stratum.

    Args:
        statistics: Given which rows were drawn, computes finite numbers of them.
        strata: The rows of each stratum, which keep their number in every draw.
        confidence: How often the bounds shall hold a number, in (0, 1).
        seed: The same seed draws the same rows.

    Raises:
        ValueError: If `confidence` is out of range.
    """
    random = np.random.default_rng(seed)
    drawn = [
        statistics(np.concatenate([random.choice(rows, len(rows)) for rows in strata if len(rows)]))
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(np.array(drawn), tails(confidence), axis=0)
    return [
        Estimate(float(value), float(below), float(above))
        for value, below, above in zip(statistics(np.concatenate(strata)), low, high, strict=True)
    ]


def tails(confidence: float) -> tuple[float, float]:
    """Return the quantiles between which a share `confidence` lies, as much below as above.

    Raises:
        ValueError: If `confidence` is not in (0, 1).
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence}")
    return (1 - confidence) / 2, (1 + confidence) / 2


def _means(values: npt.NDArray[np.float64], seed: int) -> npt.NDArray[np.float64]:
    """Return the means of `RESAMPLES` samples, shape (RESAMPLES, m)."""
    random = np.random.default_rng(seed)
    step = max(1, _DRAWS_PER_BLOCK // len(values))
    counts = [min(step, RESAMPLES - start) for start in range(0, RESAMPLES, step)]
    return np.concatenate(
        [
            values[random.integers(len(values), size=(count, len(values)))].mean(axis=1)
            for count in counts
        ]
    )
