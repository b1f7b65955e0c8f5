"""What scores mean: the curve by scikit-learn's isotonic regression, thresholds by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from imgsearch.evaluation.calibration import (
    ScoredPairs,
    fit_curve,
    recall_from,
    score_at_precision,
)


def pairs_of(*rows):
    """Pairs of (score, whether it is one picture, weight)."""
    scores, same, weights = zip(*rows, strict=True)
    return ScoredPairs(np.array(scores), np.array(same, bool), np.array(weights, float))


@st.composite
def some_pairs(draw):
    # Not nearer than what scikit-learn takes for the same score.
    scores = st.floats(-1, 1).map(lambda score: round(score, 2))
    weights = st.sampled_from([0.5, 1.0, 7.5])
    return pairs_of(*draw(st.lists(st.tuples(scores, st.booleans(), weights), min_size=1)))


@settings(max_examples=60, deadline=None)
@given(some_pairs(), st.lists(st.floats(-1, 1), min_size=1, max_size=5))
def test_the_curve_is_scikit_learns_isotonic_regression_of_one_more_wrong_pair(pairs, asked):
    reference = IsotonicRegression(out_of_bounds="clip").fit(
        np.append(pairs.scores, 1.0),
        np.append(pairs.same, 0.0),
        sample_weight=np.append(pairs.weights, 1.0),
    )

    curve = fit_curve(pairs)

    points = np.append(asked, pairs.scores)
    found = [curve(float(point)) for point in points]
    assert found == pytest.approx(reference.predict(points), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(some_pairs())
def test_the_curve_never_falls_and_nothing_is_certain(pairs):
    curve = fit_curve(pairs)

    assert all(np.diff(curve.probabilities) >= 0)
    assert 0 <= curve(-1) <= curve(1) < 1


def test_where_nothing_is_wrong_the_one_more_wrong_pair_bounds_the_probability():
    curve = fit_curve(pairs_of(*[(0.9, True, 1)] * 99))

    # Of 100 pairs 99 are one picture.
    assert curve(0.95) == pytest.approx(0.99)


def test_the_score_at_a_precision_is_the_lowest_that_reaches_it():
    right, wrong = [(0.9, True, 1)] * 98, [(0.8, True, 1), (0.7, False, 1)]

    pairs = pairs_of(*right, *wrong)

    # With the one more wrong pair: 98 of 99 from 0.9 on, 99 of 100 from 0.8.
    assert score_at_precision(pairs, 0.99) == 0.8


def test_sure_pairs_do_not_make_up_for_doubtful_ones():
    pairs = pairs_of(*[(0.9, True, 1)] * 98, (0.7, False, 1))

    # 98 of 100 from 0.7 on, but at 0.7 itself all are wrong.
    assert score_at_precision(pairs, 0.98) == 0.9


def test_a_precision_that_no_score_reaches_has_none():
    assert score_at_precision(pairs_of((0.9, True, 1)), 0.99) is None


def test_a_pair_that_stands_for_many_counts_as_many():
    seen = [*[(0.9, True, 1)] * 9, (0.5, True, 1)]

    # Ten of 11.25 from 0.5 on, and there one of 1.25; or ten of 13, and one of 3.
    assert score_at_precision(pairs_of(*seen, (0.5, False, 0.25)), 0.85) == 0.5
    assert score_at_precision(pairs_of(*seen, (0.5, False, 2)), 0.85) == 0.9


def test_the_recall_is_the_share_of_the_same_pictures():
    pairs = pairs_of((0.9, True, 1), (0.8, True, 1), (0.7, False, 9), (0.6, True, 2))

    assert recall_from(pairs, 0.8) == pytest.approx(0.5)


def test_no_pairs_at_all_are_refused():
    nothing = ScoredPairs(np.zeros(0), np.zeros(0, bool), np.zeros(0))

    with pytest.raises(ValueError, match="there are no pairs"):
        fit_curve(nothing)
    with pytest.raises(ValueError, match="there are no pairs"):
        score_at_precision(nothing, 0.99)
