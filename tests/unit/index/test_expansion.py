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


def unit(vector):
    return vector / math.sqrt(sum(vector * vector))


def weights_of(cosines):
    """What each of the nearest counts beside the vector itself."""
    size = len(cosines) + 1
    return [(size - rank) / size * max(cosine, 0) for rank, cosine in enumerate(cosines, start=1)]


def contrasted(query, rows):
    """What is shared turned down, with an exact decomposition."""
    deviations = rows.std(axis=0)
    scales = (deviations + 0.3 * deviations.mean()) ** -0.5
    centre = 0.7 * rows.mean(axis=0)
    query, rows = (query - centre) * scales, (rows - centre) * scales
    count = min(16, (min(rows.shape) - 1) // 4)
    _, lengths, directions = np.linalg.svd(rows - rows.mean(axis=0))
    for place in range(count):
        factor = (lengths[place] / lengths[count]) ** (2 * -0.25)
        along = directions[place]
        query = query - (1 - factor) * (query @ along) * along
        rows = rows - np.outer((1 - factor) * (rows @ along), along)
    return unit(query), np.array([unit(row) for row in rows])


def handed_on(rows, similarities):
    """Likeness after twelve rounds over the graph of each vector's ten nearest."""
    size = len(rows)
    links = np.zeros((size, size))
    for place, row in enumerate(rows):
        others = [other for other in range(size) if other != place]
        for other in sorted(others, key=lambda other: -float(row @ rows[other]))[:10]:
            weight = max(float(row @ rows[other]), 0) ** 3
            links[place, other] = links[other, place] = max(links[place, other], weight)
    sums = links.sum(axis=1)
    sources = sorted(range(size), key=lambda place: -similarities[place])[:8]
    given = np.array(
        [max(similarities[place], 0) ** 3 if place in sources else 0 for place in range(size)]
    )
    reached = given
    for _ in range(12):
        received = [
            sum(
                links[place, other] / math.sqrt(sums[place] * sums[other]) * reached[other]
                for other in range(size)
                if links[place, other]
            )
            for place in range(size)
        ]
        reached = 0.9 * np.array(received) + 0.1 * given
    return reached / reached.max()


def in_plain_steps(query, rows):
    """The order as the modules' texts have it, one number at a time."""
    cosines = [float(query @ row) for row in rows]
    query, rows = contrasted(query, rows)
    expanded = []
    for place, row in enumerate(rows):
        others = [other for other in range(len(rows)) if other != place]
        nearest = sorted(others, key=lambda other: -float(row @ rows[other]))[:6]
        weights = weights_of([float(row @ rows[other]) for other in nearest])
        terms = [weight * rows[other] for weight, other in zip(weights, nearest, strict=True)]
        expanded.append(unit(row + sum(terms)))
    nearest = sorted(range(len(rows)), key=lambda place: -float(query @ expanded[place]))[:5]
    weights = weights_of([float(query @ expanded[place]) for place in nearest])
    terms = [weight * expanded[place] for weight, place in zip(weights, nearest, strict=True)]
    question = unit(query + sum(terms))
    similarities = [float(question @ one) for one in expanded]
    reached = handed_on(expanded, similarities)
    keys = [
        similarity + 0.5 * share + 2 * max(cosine, 0) ** 8
        for similarity, share, cosine in zip(similarities, reached, cosines, strict=True)
    ]
    return sorted(range(len(rows)), key=lambda place: -keys[place])


@pytest.mark.parametrize("count", [3, 9, 60])
def test_the_order_is_that_of_the_plain_steps(count):
    query = random_rows(1, 16, seed=1)[0]
    rows = random_rows(count, 16, seed=2)
    rows = rows[np.argsort(-(rows @ query))]

    assert expanded_order(query, rows, rows @ query).tolist() == in_plain_steps(
        query.astype(np.float64), rows.astype(np.float64)
    )


@pytest.mark.parametrize("rows", [unit_rows(30), unit_rows(30, 30), unit_rows(0, 180)])
def test_few_equal_or_opposite_vectors_keep_their_order(rows):
    query = unit_rows(10)[0]

    order = expanded_order(query, rows, rows @ query)

    assert order.tolist() == list(range(len(rows)))


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
