"""How well the cosine tells labelled pairs of copies from other pairs, in a gallery."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imgsearch.errors import LabelsError
from imgsearch.evaluation.labels import LabelledPair, Labels
from imgsearch.evaluation.pair_metrics import Scores
from imgsearch.evaluation.verdicts import PairFigures, PairTerms, measure_pairs
from imgsearch.gallery.store import GalleryStore
from imgsearch.measuring.labelled import find_labelled, require_found

_PAIRS_PER_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class KindFigures:
    """The pairs of one kind and verdict, and how many of them are called copies."""

    kind: str
    is_copy: bool
    pairs: int
    called_copies: int


@dataclass(frozen=True, slots=True)
class PairReport:
    """What was measured.

    Attributes:
        pairs: Labelled pairs that took part.
        copies: Those of them that are copies.
        left_out: Pairs left out because a picture of theirs is not in the gallery.
        missing: These pictures.
        figures: How well the cosine tells them apart.
        kinds: The same by kind, copies before others.
    """

    pairs: int
    copies: int
    left_out: int
    missing: tuple[Path, ...]
    figures: PairFigures
    kinds: tuple[KindFigures, ...]


def evaluate_pairs(
    store: GalleryStore, labels: Labels, terms: PairTerms, *, strict: bool = False
) -> PairReport:
    """Measure how well the cosine of stored vectors tells labelled pairs apart.

    Args:
        store: The gallery, open for reading.
        labels: Labels of pairs.
        terms: What is measured.
        strict: Whether a labelled picture that is not in the gallery is an error.

    Raises:
        LabelsError: If no pair of copies is in the gallery, or with `strict` one is missing.
        GalleryCorruptError: If the gallery is damaged.
    """
    with store.catalog.transaction("DEFERRED"):
        paths = (path for pair in labels.pairs for path in (pair.first, pair.second))
        found = find_labelled(store, paths)
        require_found(labels.path, found, folder=store.folder, strict=strict)
        pairs = [pair for pair in labels.pairs if {pair.first, pair.second} <= found.ids.keys()]
        scores = _cosines(store, pairs, found.ids)
    correct = np.array([pair.is_copy for pair in pairs], dtype=np.bool_)
    if not correct.any():
        raise LabelsError(labels.path, "both pictures of no pair of copies are in the gallery")
    figures = measure_pairs(scores, correct, terms)
    return PairReport(
        pairs=len(pairs),
        copies=int(correct.sum()),
        left_out=len(labels.pairs) - len(pairs),
        missing=found.missing,
        figures=figures,
        kinds=_by_kind(pairs, scores, figures.score),
    )


def _cosines(store: GalleryStore, pairs: list[LabelledPair], ids: dict[Path, int]) -> Scores:
    scores = np.empty(len(pairs))
    for start in range(0, len(pairs), _PAIRS_PER_BLOCK):
        block = pairs[start : start + _PAIRS_PER_BLOCK]
        firsts = store.catalog.embeddings(np.array([ids[pair.first] for pair in block]))
        seconds = store.catalog.embeddings(np.array([ids[pair.second] for pair in block]))
        products = np.einsum("ij,ij->i", firsts.astype(np.float64), seconds.astype(np.float64))
        scores[start : start + len(block)] = np.clip(products, -1, 1)
    return scores


def _by_kind(
    pairs: list[LabelledPair], scores: Scores, min_score: float
) -> tuple[KindFigures, ...]:
    counts: dict[tuple[bool, str], list[bool]] = {}
    for pair, score in zip(pairs, scores.tolist(), strict=True):
        counts.setdefault((not pair.is_copy, pair.kind), []).append(score >= min_score)
    return tuple(
        KindFigures(kind, not is_other, len(called), sum(called))
        for (is_other, kind), called in sorted(counts.items())
    )
