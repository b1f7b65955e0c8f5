"""How well pictures of a class find each other: figures of every query, and their means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from imgsearch.evaluation.bootstrap import Estimate, estimate_means
from imgsearch.evaluation.metrics import (
    Relevance,
    average_precision,
    hit_rate_at_k,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
)

Places: TypeAlias = npt.NDArray[np.int64]
"""Which of the pictures: shape (q,), int64, each in [0, n)."""

ScoreRows: TypeAlias = Callable[[Places], npt.NDArray[np.float32]]
"""Scores every picture for each of these queries: shape (q, n), float32, higher is better."""

FIGURES: Final = ("mAP", "recall_at_k", "hit_rate_at_k", "precision_at_k", "ndcg_at_k")
"""The names of the figures, in the order of their columns."""

NO_CLASS: Final = -1
"""The class of a picture that is relevant to none."""

_SCORES_PER_BLOCK: Final = 1 << 22  # 16 MiB of float32


@dataclass(frozen=True, slots=True)
class Terms:
    """What is measured, and how.

    Attributes:
        k: How many ranks the figures "at k" look at.
        confidence: How often the bounds of a figure shall hold it, in (0, 1).
        seed: Of the bootstrap.
    """

    k: int = 10
    confidence: float = 0.95
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of all queries, in the order in which they were asked.

    Attributes:
        places: The queries that have an answer: others of their class are there. Shape (q,).
        values: A column for each of `FIGURES`, shape (q, 5), each in [0, 1].
        without_answer: How many queries are the only picture of their class, or of none.
    """

    places: Places
    values: npt.NDArray[np.float64]
    without_answer: int

    def worst(self, count: int) -> Places:
        """Return the queries of the lowest average precision, the worst first."""
        return self.places[np.argsort(self.values[:, 0], kind="stable")[:count]]

    def of_class(self, classes: Places, number: int) -> npt.NDArray[np.float64]:
        """Return the rows of the queries of one class."""
        rows: npt.NDArray[np.float64] = self.values[classes[self.places] == number]
        return rows


def measure(classes: Places, queries: Places, score_rows: ScoreRows, k: int) -> Measured:
    """Ask for each query, rank all other pictures, and compare the ranking with the classes.

    A query is left out of its own answer. All others of its class are relevant, and nothing else
    is. Equal scores are ranked in the order of the pictures.

    Args:
        classes: The class of each picture, `NO_CLASS` for none, shape (n,).
        queries: Which pictures are asked for.
        score_rows: Ranks the pictures; called with as many queries as a block of scores holds.
        k: How many ranks the figures "at k" look at, at least 1.

    Raises:
        ValueError: If `k` is below 1.
    """
    sizes = np.bincount(classes[classes != NO_CLASS], minlength=1)
    wanted = classes[queries]
    answerable = queries[(wanted != NO_CLASS) & (sizes[wanted] > 1)]
    rows = []
    for place, scores in _scored(answerable, score_rows, len(classes)):
        own = classes[place]
        rows.append(_figures(_answer(scores, classes == own, place), int(sizes[own]) - 1, k))
    values = np.array(rows, dtype=np.float64).reshape(len(rows), len(FIGURES))
    return Measured(answerable, values, len(queries) - len(answerable))


def summarise(values: npt.NDArray[np.float64], terms: Terms) -> dict[str, Estimate]:
    """Return the mean of each figure with its bounds, by the names of `FIGURES`.

    Raises:
        ValueError: If there is no row, or the confidence is not in (0, 1).
    """
    means = estimate_means(values, confidence=terms.confidence, seed=terms.seed)
    return dict(zip(FIGURES, means, strict=True))


def _scored(
    queries: Places, score_rows: ScoreRows, pictures: int
) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    step = max(1, _SCORES_PER_BLOCK // max(1, pictures))
    for start in range(0, len(queries), step):
        block = queries[start : start + step]
        for place, scores in zip(block, score_rows(block), strict=True):
            yield int(place), scores


def _answer(scores: npt.NDArray[np.float32], relevant: Relevance, own: int) -> Relevance:
    """Return which ranks are relevant, of all pictures but the query: shape (n - 1,)."""
    answer = np.zeros(len(scores) - 1, dtype=np.bool_)
    answer[_ranks(np.delete(scores, own), np.delete(relevant, own))] = True
    return answer


def _ranks(scores: npt.NDArray[np.float32], relevant: Relevance) -> npt.NDArray[np.int64]:
    """Return the ranks of the relevant pictures, from 0; equal scores in the order they have."""
    wanted = -scores[relevant]
    in_order = np.sort(-scores)
    better = np.searchsorted(in_order, wanted, side="left")
    if (np.searchsorted(in_order, wanted, side="right") - better == 1).all():
        return better  # the rule, and several times faster than an order of everything
    return np.flatnonzero(relevant[np.argsort(-scores, kind="stable")])


def _figures(relevant: Relevance, count: int, k: int) -> tuple[float, ...]:
    return (
        average_precision(relevant, count),
        recall_at_k(relevant, count, k),
        hit_rate_at_k([relevant], k),
        precision_at_k(relevant, k),
        ndcg_at_k(relevant, count, k),
    )
