"""Contrast: what vectors share is turned down, and they stay unit vectors."""

import numpy as np
import pytest

from imgsearch.index.contrast import in_contrast, leading_directions


def rows_of(count, dim, seed, scales=1):
    """Unit rows that have a direction in common, and numbers of different spread."""
    noise = np.random.default_rng(seed).standard_normal((count, dim)) * scales
    rows = 1 + 0.3 * noise
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_vectors_alike_by_what_all_share_come_apart():
    # Each is 1 + 0.3 times noise in every number. Of the 1, 0.3 is left: as much as of the noise.
    rows = rows_of(100, 32, seed=1)
    others = ~np.eye(100, dtype=bool)

    _, apart = in_contrast(rows[0], rows)

    assert (rows @ rows.T)[others].mean() > 0.9
    assert (apart @ apart.T)[others].mean() == pytest.approx(0.5, abs=0.1)


def test_results_are_unit_vectors_of_single_precision():
    rows = rows_of(50, 16, seed=2)

    query, apart = in_contrast(rows[3], rows)

    assert np.linalg.norm(apart, axis=1) == pytest.approx(np.ones(50), abs=1e-5)
    assert (query.dtype, apart.dtype) == (np.float32, np.float32)
    assert query == pytest.approx(apart[3], abs=1e-5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [1, 2, 40])
def test_copies_of_one_vector_stay_alike(count):
    rows = np.repeat(rows_of(1, 16, seed=3), count, axis=0)

    query, apart = in_contrast(rows[0], rows)

    assert apart @ query == pytest.approx(np.ones(count), abs=1e-4)


def test_the_leading_directions_are_those_of_the_decomposition():
    scales = 0.7 ** np.arange(64)
    rows = rows_of(200, 64, seed=4, scales=scales)
    _, lengths, exact = np.linalg.svd((rows - rows.mean(axis=0)).astype(np.float64))

    directions, variances = leading_directions(rows, 5)

    assert np.abs((directions * exact[:5]).sum(axis=1)) == pytest.approx(np.ones(5), abs=1e-3)
    assert variances == pytest.approx(lengths[:5] ** 2, rel=1e-3)


def test_the_same_vectors_give_the_same_answer():
    rows = rows_of(60, 40, seed=5)

    assert in_contrast(rows[0], rows)[1].tolist() == in_contrast(rows[0], rows)[1].tolist()


def test_directions_beyond_those_in_which_vectors_differ_are_nothing():
    rows = np.outer(np.linspace(0.5, 1, 30), rows_of(1, 40, seed=6)[0]).astype(np.float32)

    directions, variances = leading_directions(rows, 3)

    assert np.linalg.norm(directions, axis=1) == pytest.approx([1, 0, 0], abs=1e-4)
    assert variances[1:] == pytest.approx([0, 0], abs=1e-6)
