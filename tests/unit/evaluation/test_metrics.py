import numpy as np
import pytest
import pytrec_eval
from sklearn.metrics import average_precision_score, ndcg_score

from imgsearch.evaluation import metrics


def ranking(marks):
    """Read a string of + (relevant) and - (not), best first."""
    return np.array([mark == "+" for mark in marks], dtype=bool)


@pytest.mark.parametrize(
    ("marks", "relevant_count", "expected"),
    [
        ("+", 1, 1.0),
        ("++--", 2, 1.0),
        ("-+", 1, 1 / 2),
        ("+-+", 2, 5 / 6),  # (1/1 + 2/3) / 2
        ("+-+", 4, 5 / 12),  # (1/1 + 2/3 + 0 + 0) / 4
        ("--+-+", 2, 11 / 30),  # (1/3 + 2/5) / 2
        ("---", 3, 0.0),
        ("", 2, 0.0),
    ],
)
def test_average_precision_is_the_mean_precision_at_the_relevant_ranks(
    marks, relevant_count, expected
):
    assert metrics.average_precision(ranking(marks), relevant_count) == pytest.approx(expected)


def test_average_precision_equals_that_of_scikit_learn_on_complete_rankings():
    random = np.random.default_rng(7)
    for _ in range(20):
        relevant = random.random(50) < 0.2
        relevant[random.integers(50)] = True
        descending_scores = -np.arange(50)

        ours = metrics.average_precision(relevant, int(relevant.sum()))

        assert ours == pytest.approx(average_precision_score(relevant, descending_scores))


def test_mean_average_precision_weighs_each_query_the_same():
    answers = [(ranking("+"), 1), (ranking("-+--"), 1), (ranking("-"), 5)]

    assert metrics.mean_average_precision(answers) == pytest.approx(0.5)  # (1 + 1/2 + 0) / 3


@pytest.mark.parametrize(("k", "expected"), [(1, 1.0), (2, 0.5), (3, 2 / 3), (4, 0.5), (8, 0.25)])
def test_precision_at_k_charges_for_places_left_empty(k, expected):
    assert metrics.precision_at_k(ranking("+-+"), k) == pytest.approx(expected)


@pytest.mark.parametrize(("k", "expected"), [(1, 0.2), (2, 0.2), (3, 0.4), (9, 0.4)])
def test_recall_at_k_counts_relevant_images_that_were_never_found(k, expected):
    assert metrics.recall_at_k(ranking("+-+"), 5, k) == pytest.approx(expected)


def test_recall_is_one_when_k_covers_a_complete_ranking():
    assert metrics.recall_at_k(ranking("-+-+"), 2, 4) == 1.0


@pytest.mark.parametrize(("k", "expected"), [(1, 0.25), (2, 0.5), (3, 0.75), (99, 0.75)])
def test_hit_rate_at_k_counts_queries_with_any_relevant_image(k, expected):
    answers = [ranking("+++"), ranking("-+"), ranking("--+"), ranking("---")]

    assert metrics.hit_rate_at_k(answers, k) == pytest.approx(expected)


@pytest.mark.parametrize("relevant_count", [0, -1, 1])
def test_a_relevant_count_that_cannot_be_is_rejected(relevant_count):
    with pytest.raises(ValueError, match="relevant_count"):
        metrics.average_precision(ranking("++"), relevant_count)
    with pytest.raises(ValueError, match="relevant_count"):
        metrics.recall_at_k(ranking("++"), relevant_count, 1)


@pytest.mark.parametrize("wrong", [np.array([1, 0]), np.array([[True]])])
def test_relevance_that_is_not_a_row_of_booleans_is_rejected(wrong):
    with pytest.raises(ValueError, match="bool"):
        metrics.average_precision(wrong, 1)
    with pytest.raises(ValueError, match="bool"):
        metrics.precision_at_k(wrong, 1)


def test_k_below_one_is_rejected():
    with pytest.raises(ValueError, match="k must"):
        metrics.precision_at_k(ranking("+"), 0)


def test_a_mean_over_no_queries_is_rejected():
    with pytest.raises(ValueError, match="no query"):
        metrics.mean_average_precision([])
    with pytest.raises(ValueError, match="no query"):
        metrics.hit_rate_at_k([], 1)


@pytest.mark.parametrize(
    ("marks", "relevant_count", "k", "expected"),
    [
        ("+-", 1, 2, 1.0),
        ("-+", 1, 2, 1 / np.log2(3)),
        ("-+", 1, 1, 0.0),
        ("+-+", 2, 3, 1.5 / (1 + 1 / np.log2(3))),  # 1/log2(2) + 1/log2(4), of the best two
        ("+--", 9, 2, 1 / (1 + 1 / np.log2(3))),  # more are relevant than ranks are looked at
        ("+", 3, 5, 1 / (1 + 1 / np.log2(3) + 1 / 2)),  # the answer is shorter than k
    ],
)
def test_the_discounted_gain_is_divided_by_that_of_the_best_order(
    marks, relevant_count, k, expected
):
    assert metrics.ndcg_at_k(ranking(marks), relevant_count, k) == pytest.approx(expected)


def test_the_discounted_gain_equals_that_of_scikit_learn():
    random = np.random.default_rng(8)
    for k in (1, 3, 10, 50, 80):
        relevant = random.random(50) < 0.2
        relevant[random.integers(50)] = True
        expected = ndcg_score([relevant.astype(int)], [-np.arange(50)], k=k)
        assert metrics.ndcg_at_k(relevant, int(relevant.sum()), k) == pytest.approx(expected)


def test_every_figure_equals_that_of_trec_eval():
    random = np.random.default_rng(9)
    for number in range(20):
        relevant = random.random(30) < 0.3
        relevant[random.integers(30)] = True
        never_found = int(random.integers(4))
        count = int(relevant.sum()) + never_found
        judged = {f"d{place}": int(mark) for place, mark in enumerate(relevant)}
        judged |= {f"missed{place}": 1 for place in range(never_found)}
        run = {f"d{place}": -float(place) for place in range(30)}
        wanted = {"map", "P.5,10", "recall.5,10", "success.5,10", "ndcg_cut.5,10"}
        found = pytrec_eval.RelevanceEvaluator({"q": judged}, wanted).evaluate({"q": run})["q"]

        assert metrics.average_precision(relevant, count) == pytest.approx(found["map"]), number
        for k in (5, 10):
            ours = {
                f"P_{k}": metrics.precision_at_k(relevant, k),
                f"recall_{k}": metrics.recall_at_k(relevant, count, k),
                f"success_{k}": metrics.hit_rate_at_k([relevant], k),
                f"ndcg_cut_{k}": metrics.ndcg_at_k(relevant, count, k),
            }
            assert ours == pytest.approx({name: found[name] for name in ours}), number
