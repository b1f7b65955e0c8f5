import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from imgsearch.evaluation.pair_metrics import (
    best_threshold,
    micro_average_precision,
    precision_and_recall,
    recall_at_precision,
    threshold_at_precision,
)


def pairs(*rows):
    scores, correct = zip(*rows, strict=True)
    return np.array(scores, float), np.array(correct, bool)


def test_copies_ahead_of_everything_else_score_one():
    assert micro_average_precision(*pairs((0.9, 1), (0.8, 1), (0.1, 0)), 2) == 1


def test_a_copy_that_is_not_reported_counts_as_nothing():
    # Precision is 1 at the first copy and 2/3 at the second; the third is missed.
    scored = pairs((0.9, 1), (0.8, 0), (0.7, 1))
    assert micro_average_precision(*scored, 3) == pytest.approx((1 + 2 / 3) / 3)


def test_pairs_of_one_score_come_together():
    # Both copies are reached only together with the two others: precision 2/4.
    assert micro_average_precision(*pairs((1, 1), (1, 0), (1, 1), (1, 0)), 2) == 0.5


def test_the_average_precision_is_that_of_scikit_learn():
    random = np.random.default_rng(4)
    correct = random.random(500) < 0.3
    scores = np.round(correct * 0.3 + random.random(500), 2)
    expected = average_precision_score(correct, scores)
    assert micro_average_precision(scores, correct, int(correct.sum())) == pytest.approx(expected)


def test_recall_is_taken_at_the_lowest_score_that_is_still_precise():
    # Down to 0.6 it is 3 of 4: precise enough for 0.75, not for 0.8.
    scored = pairs((0.9, 1), (0.8, 1), (0.7, 0), (0.6, 1), (0.5, 0))
    assert recall_at_precision(*scored, 4, 0.75) == 0.75
    assert threshold_at_precision(*scored, 4, 0.75) == 0.6
    assert recall_at_precision(*scored, 4, 0.8) == 0.5
    assert threshold_at_precision(*scored, 4, 0.8) == 0.8


def test_nothing_is_recalled_where_no_score_is_precise():
    scored = pairs((0.9, 0), (0.8, 1))
    assert recall_at_precision(*scored, 1, 0.9) == 0
    assert threshold_at_precision(*scored, 1, 0.9) == float("inf")


def test_nothing_reported_recalls_nothing():
    empty = np.empty(0), np.empty(0, bool)
    assert recall_at_precision(*empty, 5, 0.999) == 0
    assert micro_average_precision(*empty, 5) == 0


@pytest.mark.parametrize("copies", [0, 1])
def test_a_number_of_copies_that_cannot_be_is_refused(copies):
    with pytest.raises(ValueError, match="copies must be"):
        micro_average_precision(*pairs((0.9, 1), (0.8, 1)), copies)


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        micro_average_precision(np.zeros(2), np.zeros(3, bool), 1)


def test_precision_and_recall_are_those_down_to_a_score():
    scored = pairs((0.9, 1), (0.8, 0), (0.7, 1))
    assert precision_and_recall(*scored, 4, 0.8) == (1 / 2, 1 / 4)
    assert precision_and_recall(*scored, 4, 0.95) == (1, 0)


def test_the_best_threshold_has_the_best_f1():
    # F1 of 3 copies: 2/4 at 0.9, 2/5 at 0.8, 4/6 at 0.7, 4/7 at 0.6.
    assert best_threshold(*pairs((0.9, 1), (0.8, 0), (0.7, 1), (0.6, 0)), 3) == 0.7
    assert best_threshold(np.empty(0), np.empty(0, bool), 3) == float("inf")
