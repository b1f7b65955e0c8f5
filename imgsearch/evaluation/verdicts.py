"""How well a score tells pairs of copies from other pairs that somebody has labelled."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from imgsearch.evaluation.bootstrap import Estimate, Rows, estimate_over_strata
from imgsearch.evaluation.pair_metrics import (
    Correct,
    Scores,
    best_threshold,
    micro_average_precision,
    precision_and_recall,
    recall_at_precision,
    threshold_at_precision,
)


@dataclass(frozen=True, slots=True)
class PairTerms:
    """What is measured of labelled pairs, and how.

    Attributes:
        precision: The precision at which the recall is wanted, in (0, 1].
        min_score: From which score on a pair is called a copy; None takes the one of the best F1.
        confidence: How often the bounds of a figure shall hold it, in (0, 1).
        seed: Of the bootstrap.
    """

    precision: float = 0.99
    min_score: float | None = None
    confidence: float = 0.95
    seed: int = 0


@dataclass(frozen=True, slots=True)
class PairFigures:
    """How well a score tells labelled pairs apart.

    Precision depends on how many of the labelled pairs are copies; bounds are those of samples
    with as many copies, and as many others.

    Attributes:
        micro_average_precision: Over all pairs in one ranking.
        recall_at_precision: The largest recall at the precision that was asked for.
        score_at_precision: The score at which it is reached, None if none gives that precision.
        score: From which score on a pair is called a copy in the two figures that follow.
        precision: Share of the pairs called copies that are.
        recall: Share of the copies that are called so.
    """

    micro_average_precision: Estimate
    recall_at_precision: Estimate
    score_at_precision: float | None
    score: float
    precision: Estimate
    recall: Estimate


def measure_pairs(scores: Scores, correct: Correct, terms: PairTerms) -> PairFigures:
    """Compare scores of pairs with what somebody says of them.

    Args:
        scores: Of each pair, shape (n,), higher for surer.
        correct: Which of them are copies, shape (n,), bool.
        terms: What is measured.

    Raises:
        ValueError: If the shapes differ, there is no copy, or the confidence is out of range.
    """
    copies = int(correct.sum())
    best = best_threshold(scores, correct, copies)
    score = best if terms.min_score is None else terms.min_score

    def figures(rows: Rows) -> tuple[float, ...]:
        drawn = scores[rows], correct[rows], copies
        return (
            micro_average_precision(*drawn),
            recall_at_precision(*drawn, terms.precision),
            *precision_and_recall(*drawn, score),
        )

    strata = np.flatnonzero(correct), np.flatnonzero(~correct)
    average, at_precision, precision, recall = estimate_over_strata(
        figures, strata, confidence=terms.confidence, seed=terms.seed
    )
    threshold = threshold_at_precision(scores, correct, copies, terms.precision)
    finite = threshold if math.isfinite(threshold) else None
    return PairFigures(average, at_precision, finite, score, precision, recall)
