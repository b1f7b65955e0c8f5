"""The batch: what was read becomes embeddings and then rows, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from imgsearch.embedding.base import Embedder, EmbedderMaker
from imgsearch.embedding.several import embed_each
from imgsearch.errors import GalleryCorruptError
from imgsearch.faultpoints import reached
from imgsearch.gallery.catalog import Catalog
from imgsearch.gallery.copy_cache import CopyCache
from imgsearch.gallery.pipeline import FileLoader, KnownContent, LoadedImage
from imgsearch.gallery.records import ImageFacts, IndexedFile, Reject
from imgsearch.gallery.roots import read_roots
from imgsearch.gallery.scan import Scan
from imgsearch.images.prepare import PreparedImage
from imgsearch.types import EmbedderIdentity, Preprocessing

_OUTCOMES_PER_COMMIT = 512
"""When to commit where nothing has to be embedded: moves, copies, failures."""

_Content = tuple[ImageFacts, npt.NDArray[np.float32]]


@dataclass(slots=True)
class Counts:
    """What became of the files that were read."""

    added: int = 0
    updated: int = 0
    moved: int = 0
    unchanged: int = 0
    read: int = 0


class BatchWriter:
    """Gathers what the pipeline yields, and writes it to the catalogue batch by batch."""

    def __init__(
        self,
        catalog: Catalog,
        scan: Scan,
        known: KnownContent,
        identity: EmbedderIdentity,
        make_embedder: EmbedderMaker,
        *,
        copy_cache: CopyCache,
    ) -> None:
        self.counts = Counts()
        self.known = known
        self.roots: dict[int, Path] = read_roots(catalog)
        self.preprocessing: Preprocessing = identity.preprocessing
        self._catalog = catalog
        self._scan = scan
        self._identity = identity
        self._make_embedder = partial(make_embedder, identity)
        self._copy_cache = copy_cache
        self._embedder: Embedder | None = None
        self._pending: list[LoadedImage | Reject] = []
        self._waiting: list[LoadedImage | Reject] = []
        self._to_embed = 0
        self._generation: int | None = None

    def take(self, outcome: LoadedImage | Reject) -> None:
        """Add a file to the batch."""
        self._pending.append(outcome)
        self.counts.read += 1
        self._to_embed += isinstance(outcome, LoadedImage) and outcome.prepared is not None

    def is_full(self, batch_size: int) -> bool:
        """Tell whether it is time to commit."""
        return self._to_embed >= batch_size or len(self._pending) >= _OUTCOMES_PER_COMMIT

    def commit(self, loader: FileLoader) -> None:
        """Embed and store the batch at once, or not at all.

        A file whose content comes with another one, which is still being read, waits for that.

        Args:
            loader: Reads those files again whose content was thought to be known, and is not:
                the file that had it failed after all.
        """
        self._pending, self._waiting = self._waiting + self._pending, []
        while self._pending:
            batch, self._pending, self._to_embed = self._pending, [], 0
            recalled, embedded = self._recall(batch), self._embed(batch)
            contents = recalled | embedded
            reached("batch.embedded")
            with self._catalog.transaction():
                self._generation = None
                unknown = [item for item in batch if not self._store(item, contents)]
                for facts, _ in embedded.values():
                    self._catalog.note_exif(facts)
            reached("batch.committed")
            self._copy_cache.put_kinds(_kept(batch))
            for digest in embedded:
                self.known.release(digest)
            for item in unknown:
                if isinstance(item, LoadedImage) and self.known.is_under_way(item.content_hash):
                    self._waiting.append(item)
                else:
                    self._pending.append(loader.load_anyway(item.stamp))

    def _embed(self, batch: list[LoadedImage | Reject]) -> dict[bytes, _Content]:
        """Embed the prepared pictures of a batch; answer facts and vector by content."""
        loaded = [item for item in batch if isinstance(item, LoadedImage)]
        prepared = {item.content_hash: item.prepared for item in loaded if item.prepared}
        if not prepared:
            return {}
        if self._embedder is None:
            self._embedder = self._make_embedder()
        pixels = [picture.network_input for picture in prepared.values()]
        embeddings = embed_each(self._embedder, pixels)
        return {
            digest: (_facts(digest, picture), embedding)
            for (digest, picture), embedding in zip(prepared.items(), embeddings, strict=True)
        }

    def _recall(self, batch: list[LoadedImage | Reject]) -> dict[bytes, _Content]:
        """Fetch the stored contents that a batch needs before its rows change: files may swap."""
        known = (
            item.content_hash
            for item in batch
            if isinstance(item, LoadedImage) and item.prepared is None
        )
        stored = {digest: self._stored_content(digest) for digest in dict.fromkeys(known)}
        return {digest: content for digest, content in stored.items() if content is not None}

    def _store(self, item: LoadedImage | Reject, contents: dict[bytes, _Content]) -> bool:
        """Write the row of a file; return False if its content is not known after all."""
        if isinstance(item, Reject):
            self._catalog.put_reject(item)
            return True
        if self._found_again(item):
            return True
        content = contents.get(item.content_hash) or self._stored_content(item.content_hash)
        if content is None:
            return False
        is_new = self._catalog.put_image(IndexedFile(item.stamp, *content), self._next())
        self.counts.added += is_new
        self.counts.updated += not is_new
        reached("batch.row_stored")
        return True

    def _found_again(self, item: LoadedImage) -> bool:
        """Keep the row of a picture that was only touched, moved or renamed."""
        stored = self._catalog.find_image(item.stamp.root_id, item.stamp.path)
        if stored is not None:
            if stored.facts.content_hash != item.content_hash:
                return False
            self._catalog.restamp_image(stored.image_id, item.stamp)
            self.counts.unchanged += 1
            return True
        image_id = self._scan.claim_gone(item.content_hash)
        if image_id is None:
            return False
        self._catalog.restamp_image(image_id, item.stamp)
        self.counts.moved += 1
        return True

    def _stored_content(self, content_hash: bytes) -> _Content | None:
        stored = self._catalog.find_content(content_hash)
        if stored is None:
            return None
        try:
            return stored.facts, self._catalog.embedding(stored.image_id, self._identity.dim)
        except GalleryCorruptError:
            return None  # as good as unknown: it is embedded again

    def _next(self) -> int:
        """Return the generation of this transaction; it begins with the first changed vector."""
        if self._generation is None:
            self._generation = self._catalog.next_generation()
            # Not sooner: an embedder that cannot be made must not bind the gallery to itself.
            self._catalog.set_identity(self._identity)
            if self._embedder is not None:
                self._catalog.add_precision(self._embedder.precision)
        return self._generation


def _kept(batch: list[LoadedImage | Reject]) -> dict[str, dict[bytes, bytes]]:
    """Return what is kept of the pictures of a batch for the search for copies, kind by kind."""
    kinds: defaultdict[str, dict[bytes, bytes]] = defaultdict(dict)
    for item in batch:
        if isinstance(item, LoadedImage):
            for kind, value in item.kept.items():
                kinds[kind][item.content_hash] = value
    return kinds


def _facts(digest: bytes, picture: PreparedImage) -> ImageFacts:
    return ImageFacts(
        digest,
        picture.width,
        picture.height,
        picture.format,
        picture.taken,
        picture.camera,
        picture.exif_tags,
    )
