import numpy as np
import pytest

from imgsearch.index.faiss_halves import QUERIES_WORTH_MATRICES, FaissHalves
from imgsearch.index.half_precision import rounding_bound


def unit_rows(count, dim):
    drawn = np.random.default_rng(3).standard_normal((count, dim)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def test_the_rounding_bound_holds_where_every_number_is_rounded_the_same_way():
    # Numbers just below the middle of two neighbours in float16, all of them rounded down.
    row = np.full((1, 512), np.float32(1 / np.sqrt(512)), np.float32)
    step = np.spacing(row[0, 0].astype(np.float16)).astype(np.float32)
    row = (row.astype(np.float16).astype(np.float32) + 0.499 * step).astype(np.float32)
    row /= np.linalg.norm(row, axis=1, keepdims=True)
    halves = FaissHalves(512)
    halves.add(np.array([1]), row)

    _, scores = halves.nearest(row, 1, None)

    off = abs(float(scores[0, 0]) - 1)
    assert 1e-5 < off <= rounding_bound(512)


@pytest.mark.parametrize("query_count", [1, QUERIES_WORTH_MATRICES, 40])
def test_scores_are_within_the_rounding_bound_of_the_oracle(query_count):
    rows = unit_rows(500, 64)
    halves = FaissHalves(64)
    halves.add(np.arange(500, dtype=np.int64) * 3, rows)

    ids, scores = halves.nearest(rows[:query_count], 20, None)

    assert ids.shape == scores.shape == (query_count, 20)
    exact = np.take_along_axis(rows[:query_count] @ rows.T, ids // 3, axis=1)
    np.testing.assert_allclose(scores, exact, atol=rounding_bound(64))
    assert (np.diff(scores, axis=1) <= 0).all()
    assert ids[:, 0].tolist() == (3 * np.arange(query_count)).tolist()


def test_all_above_a_score_are_those_of_the_oracle():
    rows = unit_rows(300, 8)
    halves = FaissHalves(8)
    halves.add(np.arange(300, dtype=np.int64), rows)
    exact = rows[:3] @ rows.T
    lowest = 0.55
    assert np.abs(exact - lowest).min() > rounding_bound(8)  # rounding decides nothing here

    found = list(halves.above(rows[:3], lowest))

    assert [sorted(ids.tolist()) for ids in found] == [
        np.flatnonzero(scores > lowest).tolist() for scores in exact
    ]
