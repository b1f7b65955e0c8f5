"""Expansion: neighbours vouch for one another, and copies stay in front."""

import math

import numpy as np
import pytest

from imgsearch.index.base import Neighbours
from imgsearch.index.exact import ExactIndex
from imgsearch.index.expansion import CONSIDERED, expanded_order, in_expanded_order


def unit_rows(*angles):
    """Vectors in the plane, by degrees from the query's direction."""
    radians = np.radians(np.array(angles, np.float64))
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def random_rows(count, dim, seed):
    rows = np.abs(np.random.default_rng(seed).standard_normal((count, dim))).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def in_plain_steps(query, rows):
    """The order as the module's text has it, one number at a time."""
    unit = lambda v: v / math.sqrt(sum(v * v))  # noqa: E731
    cosines = [float(query @ row) for row in rows]
    centre = 0.6 * sum(rows) / len(rows)
    query, rows = unit(query - centre), [unit(row - centre) for row in rows]
    expanded = []
    for place, row in enumerate(rows):
        others = [other for other in range(len(rows)) if other != place]
        nearest = [place, *sorted(others, key=lambda other: -float(row @ rows[other]))[:8]]
        size = len(nearest)
        terms = [(size - rank) / size * rows[other] for rank, other in enumerate(nearest)]
        expanded.append(unit(sum(terms)))
    nearest = sorted(range(len(rows)), key=lambda place: -float(query @ expanded[place]))[:6]
    size = len(nearest) + 1
    terms = [(size - rank) / size * expanded[place] for rank, place in enumerate(nearest, 1)]
    question = unit(query + sum(terms))
    keys = [
        float(question @ one) + max(cosine, 0) ** 8
        for one, cosine in zip(expanded, cosines, strict=True)
    ]
    return sorted(range(len(rows)), key=lambda place: -keys[place])


@pytest.mark.parametrize("count", [1, 3, 9, 60])
def test_the_order_is_that_of_the_plain_steps(count):
    query = random_rows(1, 16, seed=1)[0]
    rows = random_rows(count, 16, seed=2)
    rows = rows[np.argsort(-(rows @ query))]

    assert expanded_order(query, rows, rows @ query).tolist() == in_plain_steps(
        query.astype(np.float64), rows.astype(np.float64)
    )


def test_those_among_their_own_kind_overtake_a_nearer_stranger():
    # On one side one at 30 degrees and eight at 40 to 47, its company; on the other side a
    # stranger at 38 whose own company is far away, at 80 to 87.
    angles = [30, -38, *range(40, 48), *range(-80, -88, -1)]
    rows = unit_rows(*angles)
    query = unit_rows(0)[0]

    order = [angles[place] for place in expanded_order(query, rows, rows @ query)]

    assert order.index(40) < order.index(-38)


def test_copies_of_the_query_stay_before_all_others():
    rows = unit_rows(0, 0, 20, 21, 22, 23, 24, 25, 26)
    query = unit_rows(0)[0]

    assert expanded_order(query, rows, rows @ query)[:2].tolist() == [0, 1]


def test_nothing_found_stays_nothing():
    empty = np.empty((0, 4), np.float32)

    assert expanded_order(np.ones(4, np.float32) / 2, empty, empty[:, 0]).shape == (0,)


def test_scores_go_with_their_ids_and_what_lies_beyond_keeps_its_order():
    rows = random_rows(CONSIDERED + 50, 8, seed=3)
    index = ExactIndex(8)
    index.add(np.arange(len(rows)) + 100, rows)
    query = random_rows(1, 8, seed=4)
    [found] = index.search(query, len(rows))

    answer = in_expanded_order(index, query[0], found)

    assert isinstance(answer, Neighbours)
    assert answer.ids[CONSIDERED:].tolist() == found.ids[CONSIDERED:].tolist()
    assert answer.ids[:CONSIDERED].tolist() != found.ids[:CONSIDERED].tolist()
    assert sorted(answer.ids) == sorted(found.ids)
    assert answer.scores == pytest.approx(rows[answer.ids - 100] @ query[0], abs=1e-6)
