"""Retrieval metrics over ranked relevance; arithmetic only.

Three measures go by the name of recall. Here `recall_at_k` is the share of the relevant images that
were found, and `hit_rate_at_k` the share of queries that found any (metric-learning papers call
that one recall@k). How well an approximate index agrees with the exact one is neither of them.

`relevant` is always one query's answer: shape (n,), bool, in rank order, best first, True where the
image is relevant. `relevant_count` is how many relevant images the gallery holds, found or not.

Average precision, precision and recall are those of Manning, Raghavan and Schütze, Introduction to
Information Retrieval (2008), chapter 8, and of trec_eval; the discounted gain is Järvelin and
Kekäläinen's (2002) with the discount 1 / log2(rank + 1) that is used since.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

Relevance = npt.NDArray[np.bool_]


def average_precision(relevant: Relevance, relevant_count: int) -> float:
    """Average the precision at each relevant rank, a relevant image not found counting as 0.

    AP = (1 / relevant_count) * sum over relevant ranks r of (relevant among the first r) / r.

    Returns:
        In [0, 1]; 1 exactly if all the relevant images come first.

    Raises:
        ValueError: If `relevant` is not (n,) bool, or `relevant_count` is below 1 or below the
            number of relevant images found.
    """
    _check_relevant_count(relevant, relevant_count)
    ranks = np.flatnonzero(relevant) + 1
    found = np.arange(1, ranks.size + 1)
    return float((found / ranks).sum() / relevant_count)


def mean_average_precision(answers: Iterable[tuple[Relevance, int]]) -> float:
    """Average `average_precision` over queries, each weighing the same.

    Args:
        answers: One (relevant, relevant_count) per query.

    Returns:
        In [0, 1].

    Raises:
        ValueError: If there is no query, or for the reasons of `average_precision`.
    """
    return _mean([average_precision(relevant, count) for relevant, count in answers])


def precision_at_k(relevant: Relevance, k: int) -> float:
    """Divide the relevant among the first `k` by `k`.

    An answer shorter than `k` is charged for the places that it left empty.

    Returns:
        In [0, 1].

    Raises:
        ValueError: If `relevant` is not (n,) bool, or `k` is below 1.
    """
    return _found_at_k(relevant, k) / k


def recall_at_k(relevant: Relevance, relevant_count: int, k: int) -> float:
    """Divide the relevant among the first `k` by `relevant_count`.

    Returns:
        In [0, 1]; it never falls as `k` grows.

    Raises:
        ValueError: If `k` is below 1, or for the reasons of `average_precision`.
    """
    _check_relevant_count(relevant, relevant_count)
    return _found_at_k(relevant, k) / relevant_count


def hit_rate_at_k(answers: Iterable[Relevance], k: int) -> float:
    """Divide the queries with a relevant image among their first `k` by all queries.

    Args:
        answers: One `relevant` per query.
        k: How many ranks count, at least 1.

    Returns:
        In [0, 1]; it never falls as `k` grows.

    Raises:
        ValueError: If there is no query, one is not (n,) bool, or `k` is below 1.
    """
    return _mean([float(_found_at_k(relevant, k) > 0) for relevant in answers])


def ndcg_at_k(relevant: Relevance, relevant_count: int, k: int) -> float:
    """Divide the discounted gain of the first `k` by that of the best order there is.

    DCG = sum over relevant ranks r <= k of 1 / log2(r + 1); the best order has its first
    min(k, relevant_count) ranks relevant.

    Returns:
        In [0, 1]; 1 exactly if the first min(k, relevant_count) are all relevant.

    Raises:
        ValueError: If `k` is below 1, or for the reasons of `average_precision`.
    """
    _check_relevant_count(relevant, relevant_count)
    _found_at_k(relevant, k)
    discounts = 1 / np.log2(np.arange(2, min(k, max(relevant.size, relevant_count)) + 2))
    ranks = np.flatnonzero(relevant[:k])
    return float(discounts[ranks].sum() / discounts[: min(k, relevant_count)].sum())


def _found_at_k(relevant: Relevance, k: int) -> int:
    _check_relevance(relevant)
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    return int(np.count_nonzero(relevant[:k]))


def _mean(values: Sequence[float]) -> float:
    if not values:
        raise ValueError("there is no query to average over")
    return float(np.mean(values))


def _check_relevance(relevant: Relevance) -> None:
    if relevant.ndim != 1 or relevant.dtype != np.bool_:
        raise ValueError(
            f"relevant must be bool of shape (n,), not {relevant.dtype} of shape {relevant.shape}"
        )


def _check_relevant_count(relevant: Relevance, relevant_count: int) -> None:
    _check_relevance(relevant)
    found = int(np.count_nonzero(relevant))
    if relevant_count < max(1, found):
        raise ValueError(
            f"relevant_count must be at least 1 and cover the {found} found, not {relevant_count}"
        )
