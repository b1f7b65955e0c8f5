"""Diffusion: likeness reaches those that are linked with what is like the query."""

import numpy as np
import pytest

from imgsearch.index.diffusion import spread


def unit_rows(*angles):
    """Vectors in the plane, by degrees from the query's direction."""
    radians = np.radians(np.array(angles, np.float64))
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def test_a_chain_of_neighbours_carries_further_than_a_gap():
    # Eleven each, so that ten links stay among themselves: a chain from 10 to 60 degrees, and a
    # crowd at -60, which is as far from the query as the chain's end but has nobody between.
    chain, crowd = [10 + 5 * step for step in range(11)], [-60 - step / 10 for step in range(11)]
    rows = unit_rows(*chain, *crowd)

    reached = spread(rows, np.maximum(rows[:, 0], 0) * (rows[:, 0] > 0.6))

    assert reached[10] > 0.05  # the chain's end
    assert reached[11:].max() < reached[10] / 4


def test_the_highest_share_is_one():
    rows = unit_rows(0, 10, 20, 100, 110)

    reached = spread(rows, rows[:, 0])

    assert reached.max() == pytest.approx(1)
    assert reached.min() >= 0


def test_nothing_like_the_query_hands_nothing_on():
    rows = unit_rows(120, 150, 180)

    assert spread(rows, rows[:, 0]).tolist() == [0, 0, 0]


def test_a_single_vector_has_no_neighbour_to_hand_on_to():
    assert spread(unit_rows(0), np.ones(1, np.float32)).tolist() == [1]
