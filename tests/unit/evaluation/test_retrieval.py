"""The figures of rankings, query by query."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, ndcg_score

from imgsearch.evaluation.retrieval import FIGURES, NO_CLASS, Terms, measure, summarise


def by_matrix(scores):
    return lambda queries: np.asarray(scores, np.float32)[queries]


def test_a_query_is_left_out_of_its_own_answer():
    # Of the two others, the one of class 0 comes second.
    classes = np.array([0, 0, 1])
    scores = [[1.0, 0.2, 0.9], [0, 0, 0], [0, 0, 0]]

    measured = measure(classes, np.array([0]), by_matrix(scores), k=1)

    assert dict(zip(FIGURES, measured.values[0].tolist(), strict=True)) == {
        "mAP": 0.5,
        "recall_at_k": 0,
        "hit_rate_at_k": 0,
        "precision_at_k": 0,
        "ndcg_at_k": 0,
    }


def test_equal_scores_are_ranked_in_the_order_of_the_pictures():
    classes = np.array([0, 1, 0, 1])
    scores = np.ones((4, 4))

    measured = measure(classes, np.arange(4), by_matrix(scores), k=1)

    # 0 sees 1 0' 1: rank 2; 1 sees 0 0 1': rank 3; 2 sees 0' 1 1: rank 1; 3 sees 0 1' 0: rank 2.
    assert measured.values[:, 0].tolist() == pytest.approx([1 / 2, 1 / 3, 1, 1 / 2])


def test_figures_equal_those_of_scikit_learn():
    random = np.random.default_rng(2)
    classes = random.integers(-1, 4, 60)
    scores = np.round(random.random((60, 60)), 2) + classes[:, None] * 0  # with ties
    order = -np.arange(60) * 1e-9  # scikit-learn is shown what breaks them
    queries = np.flatnonzero(classes != NO_CLASS)

    measured = measure(classes, queries, by_matrix(scores), k=7)

    for query, row in zip(queries, measured.values, strict=True):
        others = np.arange(60) != query
        relevant = (classes == classes[query])[others]
        shown = (scores[query].astype(np.float32) + order)[others]
        assert row[0] == pytest.approx(average_precision_score(relevant, shown))
        assert row[4] == pytest.approx(ndcg_score([relevant], [shown], k=7))


def test_a_query_to_which_nothing_is_relevant_is_left_out_and_counted():
    classes = np.array([0, 0, 1, NO_CLASS])

    measured = measure(classes, np.arange(4), by_matrix(np.eye(4)), k=1)

    assert measured.places.tolist() == [0, 1]
    assert measured.without_answer == 2
    assert measured.values.shape == (2, 5)


def test_scores_are_asked_for_in_blocks(monkeypatch):
    monkeypatch.setattr("imgsearch.evaluation.retrieval._SCORES_PER_BLOCK", 12)
    asked = []

    def score_rows(queries):
        asked.append(queries.tolist())
        return np.zeros((len(queries), 6), np.float32)

    measure(np.zeros(6, np.int64), np.arange(5), score_rows, k=1)

    assert asked == [[0, 1], [2, 3], [4]]


def test_the_worst_queries_come_worst_first():
    classes = np.array([0, 0, 1, 1, 1])
    scores = np.array([[0, 1, 2, 3, 4], [9, 0, 1, 1, 1], *np.zeros((3, 5))])

    measured = measure(classes, np.array([0, 1]), by_matrix(scores), k=1)

    assert measured.worst(1).tolist() == [0]
    assert measured.worst(9).tolist() == [0, 1]


def test_means_are_named_and_bounded():
    values = np.array([[1.0, 0, 0, 0, 0], [0.0, 0, 0, 0, 0]])

    figures = summarise(values, Terms(k=1))

    assert tuple(figures) == FIGURES
    assert figures["mAP"].value == 0.5
    assert 0 <= figures["mAP"].low < 0.5 < figures["mAP"].high <= 1
