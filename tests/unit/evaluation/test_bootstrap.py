"""How sure a mean is."""

import numpy as np
import pytest
from scipy import stats

from imgsearch.evaluation.bootstrap import Estimate, estimate_means, estimate_over_strata


def test_the_bounds_are_those_of_scipy_but_for_what_is_drawn():
    values = np.random.default_rng(1).beta(2, 5, size=(400, 2))
    ours = estimate_means(values, confidence=0.9, seed=3)

    for column, estimate in zip(values.T, ours, strict=True):
        theirs = stats.bootstrap(
            (column,), np.mean, confidence_level=0.9, method="percentile", rng=5
        ).confidence_interval
        width = theirs.high - theirs.low
        assert estimate.value == pytest.approx(column.mean())
        assert estimate.low == pytest.approx(theirs.low, abs=width / 10)
        assert estimate.high == pytest.approx(theirs.high, abs=width / 10)


def test_bounds_hold_the_true_mean_about_as_often_as_they_say():
    held = 0
    for seed in range(200):
        sample = np.random.default_rng(seed).random((60, 1))
        [estimate] = estimate_means(sample, confidence=0.8, seed=seed)
        held += estimate.low <= 0.5 <= estimate.high

    assert 140 <= held <= 180  # 160 expected, with a standard deviation below 6


def test_one_seed_gives_one_answer_and_another_seed_another():
    values = np.random.default_rng(1).random((30, 1))

    assert estimate_means(values, confidence=0.9, seed=1) == estimate_means(
        values, confidence=0.9, seed=1
    )
    assert estimate_means(values, confidence=0.9, seed=1) != estimate_means(
        values, confidence=0.9, seed=2
    )


def test_drawing_block_by_block_changes_nothing(monkeypatch):
    values = np.random.default_rng(1).random((30, 2))
    at_once = estimate_means(values, confidence=0.9, seed=1)
    monkeypatch.setattr("imgsearch.evaluation.bootstrap._DRAWS_PER_BLOCK", 100)

    assert estimate_means(values, confidence=0.9, seed=1) == at_once


def test_a_stratum_keeps_its_number_of_rows():
    strata = np.array([0, 1, 2]), np.array([3, 4])
    seen = []

    def count(rows):
        seen.append((int((rows < 3).sum()), int((rows >= 3).sum())))
        return (float(rows.max()),)

    [estimate] = estimate_over_strata(count, strata, confidence=0.9, seed=1)

    assert set(seen) == {(3, 2)}
    assert estimate == Estimate(4, 3, 4)


@pytest.mark.parametrize("confidence", [0, 1, float("nan")])
def test_a_confidence_that_cannot_be_is_refused(confidence):
    with pytest.raises(ValueError, match="confidence"):
        estimate_means(np.zeros((1, 1)), confidence=confidence, seed=1)


def test_a_mean_of_nothing_is_refused():
    with pytest.raises(ValueError, match="shape"):
        estimate_means(np.zeros((0, 2)), confidence=0.9, seed=1)
