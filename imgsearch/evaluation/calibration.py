"""What a score means: how likely it is that two pictures with that cosine are the same one.

The probability is an isotonic regression, the non-decreasing step function that is nearest to what
was seen (pool adjacent violators: Ayer et al., "An empirical distribution function for sampling
with incomplete information", 1955). One more pair that scores 1 and is not the same picture is
added to what was seen, so that nothing is ever called certain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Figures: TypeAlias = npt.NDArray[np.float64]

_LIKELY: Final = 0.5


@dataclass(frozen=True, slots=True)
class ScoredPairs:
    """Pairs of pictures of which it is known whether they are the same one.

    Attributes:
        scores: The cosine of each, shape (n,), float64.
        same: Whether it is one picture, shape (n,), bool.
        weights: How many pairs each stands for, shape (n,), float64, above 0.
    """

    scores: Figures
    same: npt.NDArray[np.bool_]
    weights: Figures


@dataclass(frozen=True, slots=True)
class ProbabilityCurve:
    """The probability of each score: straight lines between points, and level beyond them.

    Attributes:
        scores: Of the points, ascending; at least one.
        probabilities: At the points, never falling, in [0, 1].
    """

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __call__(self, score: float) -> float:
        """Return the probability that a pair with this score is one picture."""
        return float(np.interp(score, self.scores, self.probabilities))


def fit_curve(pairs: ScoredPairs) -> ProbabilityCurve:
    """Fit the probability that a pair is one picture, given its score.

    Raises:
        ValueError: If there is no pair.
    """
    scores, same, weights = _by_score(_with_one_more(pairs))
    levels = _never_falling(same / weights, weights)
    # Where a level goes on, only its two ends are needed.
    ends = np.ones(len(levels), np.bool_)
    ends[1:-1] = (levels[1:-1] != levels[:-2]) | (levels[1:-1] != levels[2:])
    return ProbabilityCurve(tuple(scores[ends].tolist()), tuple(levels[ends].tolist()))


def score_at_precision(pairs: ScoredPairs, target: float) -> float | None:
    """Return the lowest score from which on a share of the pairs are one picture.

    And with which a pair is one picture rather than not: many sure pairs above must not make up
    for doubtful ones at the end.

    Args:
        pairs: What was seen.
        target: The share, in (0, 1).

    Returns:
        None if no score does that.

    Raises:
        ValueError: If there is no pair.
    """
    scores, same, weights = _by_score(_with_one_more(pairs))
    likely = _never_falling(same / weights, weights) >= _LIKELY
    shares = (np.cumsum(same[::-1]) / np.cumsum(weights[::-1]))[::-1]
    reached = scores[likely & (shares >= target)]
    return float(reached[0]) if len(reached) else None


def recall_from(pairs: ScoredPairs, score: float) -> float:
    """Return how many of the pairs that are one picture have a score or more, in [0, 1]."""
    weights = pairs.weights * pairs.same
    return float(weights[pairs.scores >= score].sum() / weights.sum())


def _with_one_more(pairs: ScoredPairs) -> ScoredPairs:
    if not len(pairs.scores):
        raise ValueError("there are no pairs")
    return ScoredPairs(
        np.append(pairs.scores, 1.0), np.append(pairs.same, False), np.append(pairs.weights, 1.0)
    )


def _by_score(pairs: ScoredPairs) -> tuple[Figures, Figures, Figures]:
    """Return each score once, ascending, how much of it is one picture, and how much there is."""
    scores, places = np.unique(pairs.scores, return_inverse=True)
    total = np.bincount(places, pairs.weights).astype(np.float64)
    same = np.bincount(places, pairs.weights * pairs.same).astype(np.float64)
    return scores, same, total


def _never_falling(values: Figures, weights: Figures) -> Figures:
    """Pool neighbours into their mean wherever one falls below the one before."""
    pools: list[tuple[float, float, int]] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        pool = (value, weight, 1)
        while pools and pools[-1][0] >= pool[0]:
            before = pools.pop()
            total = before[1] + pool[1]
            mean = (before[0] * before[1] + pool[0] * pool[1]) / total
            pool = (mean, total, before[2] + pool[2])
        pools.append(pool)
    return np.repeat([mean for mean, _, _ in pools], [count for _, _, count in pools])
