"""The check: is a gallery sound, and does its index answer as scikit-learn would?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from imgsearch.errors import GalleryCorruptError, GalleryError, GalleryNotFoundError
from imgsearch.gallery.catalog import Catalog
from imgsearch.gallery.check_index import differences, inspect_file
from imgsearch.gallery.checksums import damaged_rows
from imgsearch.gallery.index_file import build_index, load_index, publish_index
from imgsearch.gallery.lock import writer_lock
from imgsearch.gallery.repair import set_damaged_aside
from imgsearch.gallery.salvage import salvage_catalog
from imgsearch.gallery.schema import CATALOG_NAME, MEND, has_sound_schema
from imgsearch.gallery.store import GalleryStore, open_for_reading, open_for_writing
from imgsearch.index.arrays import LENGTH_TOLERANCE
from imgsearch.index.exact import exact_scores
from imgsearch.types import Embeddings

SCORE_AGREEMENT = 1e-5
"""How far a FAISS score may be from scikit-learn's."""

_SEED = 20
_NAMED = 5


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found.

    Attributes:
        images: Pictures in the gallery.
        problems: What is wrong, a sentence each; empty for a sound gallery.
        repaired: Whether the index was built anew in this check.
        sampled: How many indexed pictures were used as queries.
        k: How many neighbours of each were compared.
        max_score_difference: The largest difference between a FAISS score and scikit-learn's
            `cosine_similarity` of the same rank.
        notes: What is unfinished and costs no answer, a sentence each: the index file is missing
            or behind, because an update is running or was stopped.
    """

    images: int
    problems: tuple[str, ...]
    repaired: bool
    sampled: int
    k: int
    max_score_difference: float
    notes: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def check_gallery(
    folder: Path, *, sample: int = 100, k: int = 10, repair: bool = False
) -> CheckReport:
    """Check catalogue, vectors and index, and compare a sample of answers with the oracle.

    Args:
        folder: The gallery's folder.
        sample: How many indexed pictures to use as queries.
        k: How many neighbours of each to compare.
        repair: First salvage the catalogue if it is damaged, set damaged vectors aside, for the
            next update to embed those pictures again, and build the index file anew, where it
            is not what the catalogue says.

    Raises:
        GalleryError: If there is no gallery, or it cannot be repaired.
    """
    salvaged = _salvage(folder) if repair else ()
    repaired = repair and _repair(folder)
    report = _check(folder, sample, k, repaired=repaired)
    return replace(report, notes=(*salvaged, *report.notes))


def _check(folder: Path, sample: int, k: int, *, repaired: bool) -> CheckReport:
    with open_for_reading(folder) as store, store.catalog.transaction("DEFERRED"):
        problems = [*_catalog_problems(store.catalog)]
        if not problems:
            problems = [*_vector_problems(store)]
        images = store.catalog.image_count()
        if problems or not images:
            return CheckReport(images, tuple(problems), repaired, 0, 0, 0.0)
        findings = inspect_file(store.catalog)
        if findings.problems:
            return CheckReport(images, findings.problems, repaired, 0, 0, 0.0, findings.notes)
        report = _compare_with_catalog(store, images, sample, k, repaired=repaired)
        return replace(report, notes=findings.notes)


def _salvage(folder: Path) -> tuple[str, ...]:
    """Write a damaged catalogue anew; return a sentence about it, or nothing for a sound one."""
    folder = folder.resolve()
    if not (folder / CATALOG_NAME).is_file() or not _is_damaged(folder):
        return ()
    with writer_lock(folder):
        return (salvage_catalog(folder),) if _is_damaged(folder) else ()


def _is_damaged(folder: Path) -> bool:
    try:
        with open_for_reading(folder) as store, store.catalog.transaction("DEFERRED"):
            store.catalog.identity()
            return any(_structure_problems(store.catalog))
    except GalleryCorruptError:
        return True
    except GalleryNotFoundError:
        return False  # empty: its making was interrupted


def _repair(folder: Path) -> bool:
    """Set damaged vectors aside and build the index anew, if need be; return whether it was.

    A damaged catalogue is left as it is: what cannot be read through must not be written to.
    """
    with open_for_writing(folder, must_exist=True) as store:
        catalog = store.catalog
        if any(_structure_problems(catalog)) or catalog.identity() is None:
            return False
        dim = store.identity().dim
        if (
            not set_damaged_aside(catalog, dim)
            and not inspect_file(catalog)
            and not any(differences(catalog, load_index(catalog, dim), dim))
        ):
            return False
        publish_index(catalog, build_index(catalog, dim))
    return True


def _catalog_problems(catalog: Catalog) -> Iterator[str]:
    damaged = False
    for problem in _structure_problems(catalog):
        damaged = True
        yield problem
    if damaged:
        return
    try:
        missing = _count_without_vector(catalog)
    except sqlite3.DatabaseError as error:
        yield f"the catalogue is damaged: {error}; {MEND}"
        return
    if missing:
        yield f"{missing} images have no vector; run `imgsearch index` on their folders"


def _structure_problems(catalog: Catalog) -> Iterator[str]:
    """Let SQLite look for damage, and compare each row with its checksum."""
    try:
        for (line,) in catalog.connection.execute("PRAGMA integrity_check(5)"):
            if line != "ok":
                yield f"the catalogue is damaged: {line}; {MEND}"
        if not has_sound_schema(catalog.connection):
            yield f"the catalogue is damaged: its tables are not as they were made; {MEND}"
        for name in islice(damaged_rows(catalog.connection), _NAMED):
            yield f"the catalogue is damaged: {name} is not as it was written; {MEND}"
        for row in catalog.connection.execute("PRAGMA foreign_key_check"):
            yield f"the catalogue has a row in {row[0]} that belongs to nothing; {MEND}"
    except sqlite3.DatabaseError as error:
        yield f"the catalogue is damaged: {error}; {MEND}"


def _count_without_vector(catalog: Catalog) -> int:
    query = "SELECT count(*) FROM images LEFT JOIN embeddings USING (image_id) WHERE vector IS NULL"
    return int(catalog.connection.execute(query).fetchone()[0])


def _vector_problems(store: GalleryStore) -> Iterator[str]:
    """Look for vectors that are damaged, or are no unit vectors."""
    if not store.catalog.image_count():
        return
    try:
        for ids, embeddings in store.catalog.iterate_embeddings(store.identity().dim):
            lengths = np.sqrt(np.einsum("ij,ij->i", embeddings, embeddings))
            for image_id in ids[~(np.abs(lengths - 1) <= LENGTH_TOLERANCE)]:
                yield (
                    f"the vector of image {image_id} is no unit vector;"
                    " run `imgsearch check --repair`"
                )
    except GalleryError as error:
        yield error.reason


def _compare_with_catalog(
    store: GalleryStore, images: int, sample: int, k: int, *, repaired: bool
) -> CheckReport:
    """Compare the index with the catalogue's vectors, and its answers with scikit-learn's."""
    dim = store.identity().dim
    index = load_index(store.catalog, dim)
    problems = [*differences(store.catalog, index, dim)]
    if problems or len(index) != images:
        return CheckReport(images, tuple(problems), repaired, 0, 0, 0.0)
    queries = _sample_embeddings(store, images, sample)
    k = min(k, images)
    found = index.search(queries, k)
    wanted = _exact_top_scores(store, queries, k)
    difference = max(
        float(np.abs(neighbours.scores - scores).max())
        for neighbours, scores in zip(found, wanted, strict=True)
    )
    problems.extend(_score_problems(difference))
    return CheckReport(images, tuple(problems), repaired, len(queries), k, difference)


def _score_problems(difference: float) -> Iterator[str]:
    if not difference <= SCORE_AGREEMENT:
        yield f"FAISS and scikit-learn differ by {difference:.1e}, over {SCORE_AGREEMENT:.0e}"


def _sample_embeddings(store: GalleryStore, images: int, sample: int) -> Embeddings:
    """Return the vectors of some images, drawn with a fixed seed, shape (m, dim)."""
    positions = np.random.default_rng(_SEED).choice(images, min(sample, images), replace=False)
    wanted, start, parts = np.sort(positions), 0, []
    for ids, embeddings in store.catalog.iterate_embeddings(store.identity().dim):
        here = wanted[(wanted >= start) & (wanted < start + len(ids))] - start
        parts.append(embeddings[here])
        start += len(ids)
    return np.concatenate(parts)


def _exact_top_scores(store: GalleryStore, queries: Embeddings, k: int) -> npt.NDArray[np.float32]:
    """Return scikit-learn's k best scores of each query, best first, shape (q, k)."""
    best = np.empty((len(queries), 0), dtype=np.float32)
    for _ids, embeddings in store.catalog.iterate_embeddings(store.identity().dim):
        scores = exact_scores(queries, embeddings).astype(np.float32)
        best = np.concatenate([best, scores], axis=1)
        best = -np.sort(-best, axis=1)[:, :k]
    return np.clip(best, -1, 1)
