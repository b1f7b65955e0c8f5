"""The check of the index: is its file the published one, and are its vectors the catalogue's?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imgsearch.errors import IndexFileError
from imgsearch.gallery.catalog import Catalog
from imgsearch.gallery.index_file import is_ours
from imgsearch.gallery.manifest import MANIFEST_NAME, Manifest, file_digest, read_manifest

if TYPE_CHECKING:
    from imgsearch.index.faiss_index import FaissIndex

_MEND = "run `imgsearch check --repair`"
_BEHIND = "; answers are right, and the next `imgsearch index` writes it"
_ATTEMPTS = 5
_NAMED = 5


@dataclass(frozen=True, slots=True)
class FileFindings:
    """What there is to say of an index file.

    Attributes:
        problems: What is wrong with it, a sentence each.
        notes: What is merely unfinished: an update is running, or was stopped.
    """

    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.problems or self.notes)


def inspect_file(catalog: Catalog) -> FileFindings:
    """Compare the index file with its manifest, and that with the catalogue.

    A writer may publish another file meanwhile; then that one is looked at.

    Args:
        catalog: The catalogue, in a transaction if others may write to it.
    """
    manifest = read_manifest(catalog.folder)
    for _ in range(_ATTEMPTS):
        findings = _inspect(catalog, manifest)
        seen, manifest = manifest, read_manifest(catalog.folder)
        if not findings.problems or manifest == seen:
            break
    return findings


def differences(catalog: Catalog, index: FaissIndex, dim: int) -> Iterator[str]:
    """Compare every vector of an index with the catalogue's, rounded; yield what differs."""
    held = index.ids()
    stored_ids, differing = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for ids, embeddings in catalog.iterate_embeddings(dim):
        stored_ids.append(ids)
        both = np.isin(ids, held)
        differing.append(ids[both][~index.holds(ids[both], embeddings[both])])
    stored = np.concatenate(stored_ids)
    for image_id in np.concatenate(differing)[:_NAMED]:
        yield f"the index has another vector for image {image_id} than the catalogue; {_MEND}"
    for image_id in np.setdiff1d(stored, held)[:_NAMED]:
        yield f"the index lacks image {image_id}; {_MEND}"
    for image_id in np.setdiff1d(held, stored)[:_NAMED]:
        yield f"the index has an image {image_id}, which the catalogue lacks; {_MEND}"


def _inspect(catalog: Catalog, manifest: Manifest | None) -> FileFindings:
    if manifest is None:
        if not catalog.image_count():
            return FileFindings()
        if (catalog.folder / MANIFEST_NAME).exists():
            return FileFindings((f"{MANIFEST_NAME} is damaged; {_MEND}",))
        return FileFindings(notes=(f"{MANIFEST_NAME} is not there{_BEHIND}",))
    if not is_ours(catalog, manifest):
        return FileFindings(notes=(f"the index file is not this catalogue's{_BEHIND}",))
    path = catalog.folder / manifest.index_file
    try:
        if file_digest(path) != manifest.sha256:
            what = "the index file is damaged: its sha256 is not the manifest's"
            return FileFindings((f"{what}; {_MEND}",))
    except FileNotFoundError:
        return FileFindings(notes=(f"the index file is missing{_BEHIND}",))
    except OSError as error:
        what = f"the index file cannot be read ({error.strerror or error})"
        return FileFindings((f"{what}; delete {path.name} and {_MEND}",))
    if manifest.generation != catalog.generation():
        return FileFindings(notes=(f"the index file is older than the catalogue{_BEHIND}",))
    return _read_through(catalog, path, manifest)


def _read_through(catalog: Catalog, path: Path, manifest: Manifest) -> FileFindings:
    """Look whether FAISS takes a file whose digest is right."""
    from imgsearch.index.faiss_index import read_index  # FAISS costs 0.1 s to load

    try:
        count = len(read_index(path, catalog.embeddings))
    except IndexFileError as error:
        return FileFindings((f"{error}; {_MEND}",))
    except FileNotFoundError:
        return FileFindings(notes=(f"the index file is missing{_BEHIND}",))
    if count != manifest.images:
        what = f"the index file holds {count} vectors, {MANIFEST_NAME} says {manifest.images}"
        return FileFindings((f"{what}; {_MEND}",))
    return FileFindings()
