"""Metrics of pairs that are called copies, ranked by score; arithmetic only.

`scores` are those of the pairs that were reported, shape (n,), float, higher for surer;
`correct` is which of them are copies, shape (n,), bool. `copies` is how many pairs of copies there
are, reported or not. Pairs of one score are taken together: no order among them is favoured.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]
Correct = npt.NDArray[np.bool_]


def micro_average_precision(scores: Scores, correct: Correct, copies: int) -> float:
    """Average the precision over all pairs of copies, in one ranking of all pairs.

    Precision at a score counts every pair of that score and better; a pair of copies that was
    not reported counts as 0.

    Returns:
        In [0, 1].

    Raises:
        ValueError: If the shapes differ, or `copies` is below 1 or below the number reported.
    """
    reported, found = _cumulated(scores, correct, copies)
    gained = np.diff(found, prepend=0)
    return float((gained * found / reported).sum() / copies)


def recall_at_precision(scores: Scores, correct: Correct, copies: int, precision: float) -> float:
    """Return the largest recall at a score down to which the precision is at least this.

    Returns:
        In [0, 1]; 0 if no score gives that precision.

    Raises:
        ValueError: For the reasons of `micro_average_precision`.
    """
    reported, found = _cumulated(scores, correct, copies)
    allowed = found >= precision * reported
    return float(found[allowed].max(initial=0) / copies)


def threshold_at_precision(
    scores: Scores, correct: Correct, copies: int, precision: float
) -> float:
    """Return the score at which `recall_at_precision` is reached; infinity if there is none.

    Raises:
        ValueError: For the reasons of `micro_average_precision`.
    """
    reported, found = _cumulated(scores, correct, copies)
    allowed = np.flatnonzero(found >= precision * reported)
    if not allowed.size:
        return float("inf")
    return float(np.unique(scores)[::-1][allowed[-1]])


def precision_and_recall(
    scores: Scores, correct: Correct, copies: int, min_score: float
) -> tuple[float, float]:
    """Return precision and recall of the pairs that score `min_score` or more.

    Returns:
        Two numbers in [0, 1]; the precision of no pair at all is 1.

    Raises:
        ValueError: For the reasons of `micro_average_precision`.
    """
    _cumulated(scores, correct, copies)
    called = scores >= min_score
    found = int(np.count_nonzero(correct & called))
    precision = found / int(called.sum()) if called.any() else 1.0
    return precision, found / copies


def best_threshold(scores: Scores, correct: Correct, copies: int) -> float:
    """Return the score that gives the best F1, the harmonic mean of precision and recall.

    Of several such scores it is the highest; without any pair it is infinity.

    Raises:
        ValueError: For the reasons of `micro_average_precision`.
    """
    reported, found = _cumulated(scores, correct, copies)
    if not reported.size:
        return float("inf")
    return float(np.unique(scores)[::-1][np.argmax(2 * found / (reported + copies))])


def _cumulated(
    scores: Scores, correct: Correct, copies: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Count the pairs, and the copies, down to each different score, the best first."""
    if scores.ndim != 1 or scores.shape != correct.shape or correct.dtype != np.bool_:
        raise ValueError(
            f"scores and correct must have one shape (n,), not {scores.shape} and {correct.shape}"
        )
    if copies < max(1, int(correct.sum())):
        raise ValueError(f"copies must be at least 1 and cover those reported, not {copies}")
    order = np.argsort(-scores, kind="stable")
    last_of_score = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    return last_of_score + 1, np.cumsum(correct[order], dtype=np.int64)[last_of_score]
