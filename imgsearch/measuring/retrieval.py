"""How well a gallery answers: labelled pictures of it as queries, ranked as `query` ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from imgsearch.embedding.registry import expands
from imgsearch.errors import LabelsError
from imgsearch.evaluation.bootstrap import Estimate
from imgsearch.evaluation.labels import NEVER_RELEVANT, Labels
from imgsearch.evaluation.retrieval import (
    NO_CLASS,
    Measured,
    Places,
    ScoreRows,
    Terms,
    measure,
    summarise,
)
from imgsearch.gallery.store import GalleryStore
from imgsearch.index.expansion import CONSIDERED, expanded_order
from imgsearch.measuring.labelled import find_labelled, require_found
from imgsearch.types import Embeddings, Ids

HITS_SHOWN: Final = 8
"""How many hits of a bad answer are named."""

_ABOVE_COSINES: Final = 2
_HIGHEST: Final = 3
"""What ranks pictures that were ordered by expansion lies between these."""


@dataclass(frozen=True, slots=True)
class RetrievalOptions:
    """How a gallery is measured.

    Attributes:
        terms: What is measured of the rankings.
        never_relevant: The class of pictures that are relevant to none.
        unlabelled_are_wrong: Whether pictures without a label are in the answers too, as relevant
            to none; otherwise they are left out, as if they were not in the gallery.
        strict: Whether a labelled picture that is not in the gallery is an error.
        worst: How many of the worst queries are named.
        expand: As in `imgsearch.query.QueryOptions`; None does as the gallery's preset does.
    """

    terms: Terms = field(default_factory=Terms)
    never_relevant: str = NEVER_RELEVANT
    unlabelled_are_wrong: bool = False
    strict: bool = False
    worst: int = 10
    expand: bool | None = None


@dataclass(frozen=True, slots=True)
class RankedPicture:
    """A hit of an answer; `class_name` is empty where the picture has no label."""

    path: Path
    class_name: str
    score: float
    is_relevant: bool


@dataclass(frozen=True, slots=True)
class WorstQuery:
    """A query with one of the lowest average precisions, and its first hits."""

    path: Path
    class_name: str
    average_precision: float
    hits: tuple[RankedPicture, ...]


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """The figures of the queries of one class, by their names."""

    name: str
    queries: int
    figures: dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class RetrievalReport:
    """What was measured.

    Attributes:
        labelled: Pictures that took part and have a label.
        never_relevant: Those of them that are relevant to none.
        unlabelled: Pictures of the gallery that have no label.
        missing: Labelled pictures that are not in the gallery; they are left out.
        queries: How many were asked.
        without_answer: Queries left out because nothing is relevant to them.
        figures: Means over all queries, by their names.
        classes: The figures of each class, by name.
        worst: The worst queries, the worst first.
    """

    labelled: int
    never_relevant: int
    unlabelled: int
    missing: tuple[Path, ...]
    queries: int
    without_answer: int
    figures: dict[str, Estimate]
    classes: tuple[ClassFigures, ...]
    worst: tuple[WorstQuery, ...]


@dataclass(frozen=True, slots=True)
class _Pictures:
    """All pictures that take part, ordered by id; `names` are those of the classes."""

    ids: Ids
    classes: Places
    names: list[str]
    queries: Places


def evaluate_retrieval(
    store: GalleryStore,
    labels: Labels,
    options: RetrievalOptions,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> RetrievalReport:
    """Measure how well pictures of a class find each other in a gallery.

    Each labelled picture that is not of the class `never_relevant`, or each that the labels name
    as a query, is asked for once, and all others that take part are ranked. In memory are the
    vectors of all that take part, and a block of scores.

    Args:
        store: The gallery, open for reading.
        labels: Labels of pictures.
        options: What is measured.
        on_progress: Called with how many queries were asked, and how many there are.

    Raises:
        LabelsError: If none of the labelled pictures is in the gallery, or no query has an answer.
        GalleryCorruptError: If the gallery is damaged.
    """
    with store.catalog.transaction("DEFERRED"):
        found = find_labelled(store, (picture.path for picture in labels.pictures))
        require_found(labels.path, found, folder=store.folder, strict=options.strict)
        pictures = _take_part(store, labels, found.ids, options)
        rows = store.catalog.embeddings(pictures.ids)
        expand = expands(store.identity()) if options.expand is None else options.expand
        rank_rows = partial(_expanded if expand else _cosines, rows)
        told = _telling(rank_rows, len(pictures.queries), on_progress)
        measured = measure(pictures.classes, pictures.queries, told, options.terms.k)
        if not len(measured.places):
            raise LabelsError(labels.path, "no picture has another of its class in the gallery")
        labelled = len(set(found.ids.values()))
        return RetrievalReport(
            labelled=labelled,
            never_relevant=labelled - int(np.count_nonzero(pictures.classes != NO_CLASS)),
            unlabelled=store.catalog.vector_count() - labelled,
            missing=found.missing,
            queries=len(measured.places),
            without_answer=measured.without_answer,
            figures=summarise(measured.values, options.terms),
            classes=tuple(_by_class(pictures, measured, options.terms)),
            worst=tuple(_worst(store, pictures, measured, rank_rows, options.worst)),
        )


def _take_part(
    store: GalleryStore, labels: Labels, found: dict[Path, int], options: RetrievalOptions
) -> _Pictures:
    """Return the pictures that are ranked, and those that are asked for."""
    names = sorted({picture.class_name for picture in labels.pictures} - {options.never_relevant})
    numbers = {name: number for number, name in enumerate(names)}
    classes: dict[int, int] = {}
    queries: set[int] = set()
    for picture in labels.pictures:
        image_id = found.get(picture.path)
        if image_id is None:
            continue
        number = numbers.get(picture.class_name, NO_CLASS)
        if classes.setdefault(image_id, number) != number:
            reason = f"{picture.path} is another name of a picture that it labels differently"
            raise LabelsError(labels.path, reason)
        if picture.is_query or (picture.is_query is None and number != NO_CLASS):
            queries.add(image_id)
    if options.unlabelled_are_wrong:
        images = store.catalog.iterate_images()
        unlabelled = (image.image_id for image in images if image.facts.content_hash)
        classes = dict.fromkeys(unlabelled, NO_CLASS) | classes
    ids = np.array(sorted(classes), dtype=np.int64)
    return _Pictures(
        ids,
        np.array([classes[image_id] for image_id in ids.tolist()], dtype=np.int64),
        names,
        np.searchsorted(ids, np.array(sorted(queries), dtype=np.int64)),
    )


def _cosines(rows: Embeddings, queries: Places) -> npt.NDArray[np.float32]:
    """Score all pictures for each query, shape (queries, pictures)."""
    return rows[queries] @ rows.T


def _expanded(rows: Embeddings, queries: Places) -> npt.NDArray[np.float32]:
    """Do so in the order in which `query` answers by expansion, without the query itself."""
    ranked = _cosines(rows, queries)
    for place, scores in zip(queries.tolist(), ranked, strict=True):
        order = np.argsort(-scores, kind="stable")
        nearest = order[order != place][:CONSIDERED]
        best = nearest[expanded_order(rows[place], rows[nearest], scores[nearest])]
        scores[best] = np.linspace(_HIGHEST, _ABOVE_COSINES, len(best), dtype=np.float32)
    return ranked


def _telling(
    score_rows: ScoreRows, total: int, on_progress: Callable[[int, int], None]
) -> ScoreRows:
    done = 0

    def told(queries: Places) -> npt.NDArray[np.float32]:
        nonlocal done
        scores = score_rows(queries)
        done += len(queries)
        on_progress(done, total)
        return scores

    return told


def _by_class(pictures: _Pictures, measured: Measured, terms: Terms) -> Iterator[ClassFigures]:
    for number, name in enumerate(pictures.names):
        values = measured.of_class(pictures.classes, number)
        if len(values):
            yield ClassFigures(name, len(values), summarise(values, terms))


def _worst(
    store: GalleryStore,
    pictures: _Pictures,
    measured: Measured,
    rank_rows: ScoreRows,
    count: int,
) -> Iterator[WorstQuery]:
    precisions = dict(zip(measured.places.tolist(), measured.values[:, 0].tolist(), strict=True))
    for place in measured.worst(count).tolist():
        [ranks] = rank_rows(np.array([place]))
        order = np.argsort(-ranks, kind="stable")
        best = order[order != place][:HITS_SHOWN]
        shown = pictures.ids[[place, *best]].tolist()
        vectors = store.catalog.embeddings(np.array(shown))
        scores = np.clip(vectors[1:] @ vectors[0], -1, 1)
        paths = store.paths(store.catalog.images(shown))
        yield WorstQuery(
            paths[shown[0]],
            _name(pictures, place),
            precisions[place],
            tuple(
                RankedPicture(
                    paths[image_id],
                    _name(pictures, int(hit)),
                    float(score),
                    bool(pictures.classes[hit] == pictures.classes[place]),
                )
                for image_id, hit, score in zip(shown[1:], best, scores, strict=True)
            ),
        )


def _name(pictures: _Pictures, place: int) -> str:
    number = int(pictures.classes[place])
    return "" if number == NO_CLASS else pictures.names[number]
