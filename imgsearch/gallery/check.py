"""The check: is a gallery sound, and does its index answer as scikit-learn would?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from imgsearch.errors import GalleryError, IndexFileError
from imgsearch.gallery.catalog import Catalog
from imgsearch.gallery.index_file import build_index, is_current, publish_index
from imgsearch.gallery.manifest import file_digest, read_manifest
from imgsearch.gallery.repair import set_damaged_aside
from imgsearch.gallery.store import GalleryStore, open_for_reading, open_for_writing
from imgsearch.index.base import Neighbours
from imgsearch.index.exact import exact_scores
from imgsearch.types import Embeddings

SCORE_AGREEMENT = 1e-5
"""How far a FAISS score may be from scikit-learn's."""

_UNIT_TOLERANCE = 1e-3
_SEED = 20


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
    """

    images: int
    problems: tuple[str, ...]
    repaired: bool
    sampled: int
    k: int
    max_score_difference: float

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def check_gallery(
    folder: Path, *, sample: int = 100, k: int = 10, repair: bool = False
) -> CheckReport:
    """Check catalogue, vectors and index file, and compare a sample of answers with the oracle.

    Args:
        folder: The gallery's folder.
        sample: How many indexed pictures to use as queries.
        k: How many neighbours of each to compare.
        repair: First set damaged vectors aside, for the next update to embed those pictures
            again, and build the index file anew, where it is not what the catalogue says.

    Raises:
        GalleryError: If there is no gallery, or it cannot be repaired.
    """
    repaired = repair and _repair(folder)
    with open_for_reading(folder) as store, store.catalog.transaction("DEFERRED"):
        problems = [*_catalog_problems(store.catalog)]
        if not problems:
            problems = [*_vector_problems(store), *_index_file_problems(store.catalog)]
        images = store.catalog.image_count()
        if problems or not images:
            return CheckReport(images, tuple(problems), repaired, 0, 0, 0.0)
        return _compare_with_oracle(store, images, sample, k, repaired=repaired)


def _repair(folder: Path) -> bool:
    """Set damaged vectors aside and build the index anew, if need be; return whether it was."""
    with open_for_reading(folder):
        pass  # a missing gallery is an error, not something to make
    with open_for_writing(folder) as store:
        catalog = store.catalog
        if catalog.identity() is None:
            return False
        dim = store.identity().dim
        if not set_damaged_aside(catalog, dim) and not any(_index_file_problems(catalog)):
            return False
        publish_index(catalog, build_index(catalog, dim))
    return True


def _catalog_problems(catalog: Catalog) -> Iterator[str]:
    try:
        for (line,) in catalog.connection.execute("PRAGMA quick_check(5)"):
            if line != "ok":
                yield f"the catalogue is damaged: {line}"
        for row in catalog.connection.execute("PRAGMA foreign_key_check"):
            yield f"the catalogue has a row in {row[0]} that belongs to nothing"
        missing = _count_without_vector(catalog)
    except sqlite3.DatabaseError as error:
        yield f"the catalogue is damaged: {error}"
        return
    if missing:
        yield f"{missing} images have no vector; run `imgsearch index` on their folders"


def _count_without_vector(catalog: Catalog) -> int:
    query = "SELECT count(*) FROM images LEFT JOIN embeddings USING (image_id) WHERE vector IS NULL"
    return int(catalog.connection.execute(query).fetchone()[0])


def _vector_problems(store: GalleryStore) -> Iterator[str]:
    """Look for vectors that are damaged, or are no unit vectors."""
    if not store.catalog.image_count():
        return
    try:
        for ids, embeddings in store.catalog.iterate_embeddings(store.identity().dim):
            lengths = np.linalg.norm(embeddings, axis=1)
            for image_id in ids[~(np.abs(lengths - 1) <= _UNIT_TOLERANCE)]:
                yield f"the vector of image {image_id} is no unit vector"
    except GalleryError as error:
        yield error.reason


def _index_file_problems(catalog: Catalog) -> Iterator[str]:
    """Look for an index file that is not what the manifest and the catalogue say."""
    mend = "run `imgsearch check --repair`"
    manifest = read_manifest(catalog.folder)
    if manifest is None:
        yield f"the manifest is missing or damaged; {mend}"
    elif not is_current(catalog):
        yield f"the index file is missing or older than the catalogue; {mend}"
    elif file_digest(catalog.folder / manifest.index_file) != manifest.sha256:
        yield f"the index file is damaged: its sha256 is not the manifest's; {mend}"


def _compare_with_oracle(
    store: GalleryStore, images: int, sample: int, k: int, *, repaired: bool
) -> CheckReport:
    """Ask the index file, and scikit-learn over the catalogue's vectors, the same questions."""
    from imgsearch.index.faiss_index import read_index  # FAISS costs 0.1 s to load

    manifest = read_manifest(store.folder)
    assert manifest is not None  # just checked
    queries = _sample_embeddings(store, images, sample)
    k = min(k, images)
    try:
        found = read_index(store.folder / manifest.index_file).search(queries, k)
    except IndexFileError as error:
        return CheckReport(images, (str(error),), repaired, 0, 0, 0.0)
    wanted = _exact_top_scores(store, queries, k)
    difference = max(
        float(np.abs(neighbours.scores - scores).max())
        for neighbours, scores in zip(found, wanted, strict=True)
    )
    problems = [*_score_problems(difference), *_id_problems(store, queries, found)]
    return CheckReport(images, tuple(problems), repaired, len(queries), k, difference)


def _score_problems(difference: float) -> Iterator[str]:
    if not difference <= SCORE_AGREEMENT:
        yield f"FAISS and scikit-learn differ by {difference:.1e}, over {SCORE_AGREEMENT:.0e}"


def _id_problems(
    store: GalleryStore, queries: Embeddings, found: list[Neighbours]
) -> Iterator[str]:
    """Look for an id whose stored vector does not have the score that the index gave it."""
    dim = store.identity().dim
    for query, neighbours in zip(queries, found, strict=True):
        for image_id, score in zip(neighbours.ids, neighbours.scores, strict=True):
            stored = store.catalog.embedding(int(image_id), dim)
            true_score = float(np.clip(stored @ query, -1, 1))
            if abs(true_score - float(score)) > SCORE_AGREEMENT:
                yield f"the index has another vector for image {image_id} than the catalogue"


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
