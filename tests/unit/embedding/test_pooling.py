"""Poolings on feature maps so small that the answer can be worked out by hand."""

import re

import numpy as np
import pytest

from imgsearch.embedding.pooling import pooling_of
from imgsearch.errors import EmbedderError


def maps(*channels):
    """One picture's feature map, shape (1, channels, height, width)."""
    return np.array([channels], np.float32)


def test_avg_is_the_mean_of_each_channel_scaled_to_length_one():
    pooled = pooling_of("avg")(maps([[3, 3], [3, 3]], [[8, 8], [0, 0]]))

    assert pooled.tolist() == [[np.float32(0.6), np.float32(0.8)]]  # the means are 3 and 4


def test_gem_lifts_a_channel_with_one_strong_response():
    pooled = pooling_of("gem-2")(maps([[3, 3], [3, 3]], [[8, 0], [0, 0]]))

    # The roots of the mean squares: 3, and sqrt(64 / 4) = 4; the plain means would be 3 and 2.
    np.testing.assert_allclose(pooled, [[0.6, 0.8]], rtol=1e-6)


def test_rgem_counts_a_small_region_as_much_as_the_whole():
    # 2 x 2: level 1 is the whole map, on levels 2 and 3 the squares are single cells. The first
    # channel answers in every cell but one, the second in that one alone.
    pooled = pooling_of("rgem-2")(maps([[5, 5], [5, 0]], [[0, 0], [0, 5]]))

    # Whole: (sqrt(75/4), sqrt(25/4)) of length 5: (0.866025, 0.5). Level 2 and level 3 have four
    # cells each, three of direction (1, 0) and one of (0, 1): (6.866025, 2.5) in all.
    length = np.hypot(6.866025, 2.5)
    np.testing.assert_allclose(pooled, [[6.866025 / length, 2.5 / length]], rtol=1e-6)


def test_rgem_of_a_seven_by_seven_map_has_fourteen_regions():
    from imgsearch.embedding.pooling import _region_weights

    weights = _region_weights(7, 7)

    assert weights.shape == (49, 14)  # 1 of 7 x 7, 4 of 4 x 4, 9 of 3 x 3
    np.testing.assert_allclose(weights.sum(axis=0), 1, rtol=1e-6)
    assert sorted((weights > 0).sum(axis=0)) == [9] * 9 + [16] * 4 + [49]


def test_a_longer_side_has_one_region_more():
    from imgsearch.embedding.pooling import _region_weights

    assert _region_weights(6, 8).shape == (48, 1 * 2 + 2 * 3 + 3 * 4)


def test_poolings_joined_by_a_plus_count_the_same_each():
    # The means of the channels are 3 and 4, of length 5; the roots of the mean squares 4.2426
    # (18, half of 36) and 4: of length 1, each of the two vectors has half a say.
    joined = pooling_of("avg+gem-2")(maps([[6, 6], [0, 0]], [[4, 4], [4, 4]]))

    root, length = np.sqrt(18), np.sqrt(18 + 16)
    total = np.array([0.6 + root / length, 0.8 + 4 / length])
    np.testing.assert_allclose(joined, [total / np.hypot(*total)], rtol=1e-6)


def test_a_weight_says_how_much_a_pooling_counts():
    joined = pooling_of("avg+2*gem-2")(maps([[6, 6], [0, 0]], [[4, 4], [4, 4]]))

    root, length = np.sqrt(18), np.sqrt(18 + 16)
    total = np.array([0.6 + 2 * root / length, 0.8 + 2 * 4 / length])
    np.testing.assert_allclose(joined, [total / np.hypot(*total)], rtol=1e-6)


def test_the_third_power_is_the_third_power():
    pooled = pooling_of("gem-3")(maps([[2, 0], [0, 0]], [[1, 1], [1, 1]]))

    # The cube root of 8 / 4, and 1.
    root = 2 ** (1 / 3)
    np.testing.assert_allclose(
        pooled, [[root / np.hypot(root, 1), 1 / np.hypot(root, 1)]], rtol=1e-6
    )


def test_an_empty_batch_has_no_rows():
    assert pooling_of("rgem-2")(np.zeros((0, 4, 7, 7), np.float32)).shape == (0, 4)


def test_a_map_without_any_response_has_a_row_of_zeros():
    assert pooling_of("rgem-2")(np.zeros((1, 4, 7, 7), np.float32)).tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize(
    "name",
    [
        "max",
        "",
        "gem",
        "gem-",
        "gem-0",
        "rgem-0",
        "gem--1",
        "AVG",
        "avg+",
        "+avg",
        "avg+max",
        "2*avg",
        "avg+*avg",
    ],
)
def test_an_unknown_pooling_is_refused_by_its_name(name):
    with pytest.raises(EmbedderError, match=f"unknown pooling '{re.escape(name)}'"):
        pooling_of(name)
