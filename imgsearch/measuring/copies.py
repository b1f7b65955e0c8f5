"""Edited copies of a sample of a gallery's own pictures, made in memory and embedded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import numpy as np
from PIL import Image

from imgsearch.embedding.base import Embedder
from imgsearch.embedding.several import embed_each
from imgsearch.errors import ImageReadError
from imgsearch.evaluation.edits import FAMILY, Edit, make_copy
from imgsearch.gallery.records import StoredImage
from imgsearch.gallery.store import GalleryStore
from imgsearch.images.prepare import prepare
from imgsearch.images.resize import resize
from imgsearch.types import Embeddings, Ids, Pixels, Preprocessing

CountCallback: TypeAlias = Callable[[int, int], None]

SIDE: Final = 768
"""The longer side of the picture that is edited; larger ones are made smaller first."""

_AS_A_SQUARE: Final = Preprocessing(SIDE, "faithful")
_IDS_PER_LOOK: Final = 64


def edited_pictures(
    store: GalleryStore, ids: Ids, sample: int, edits: int, seed: int
) -> Iterator[tuple[StoredImage, list[bytes]]]:
    """Choose pictures of a gallery, each content once, and edit each in several ways.

    Files that cannot be read are passed over, and another is chosen.

    Args:
        store: The gallery, being read.
        ids: Of all its pictures.
        sample: How many pictures at most.
        edits: How many edits of each, of those in `FAMILY`.
        seed: Of the choice, and of the edits.
    """
    random = np.random.default_rng([seed, len(FAMILY)])
    seen: set[bytes] = set()
    for row in _shuffled_rows(store, random.permutation(ids)):
        if len(seen) == sample:
            return
        if not row.facts.content_hash or row.facts.content_hash in seen:
            continue
        try:
            picture = _read(store, row)
        except ImageReadError:
            continue
        seen.add(row.facts.content_hash)
        chosen = random.permutation(len(FAMILY))[:edits]
        own_seed = int.from_bytes(row.facts.content_hash[:4], "big") + seed
        yield row, [_content(picture, FAMILY[place], own_seed) for place in chosen]


def embed_copies(copies: list[bytes], embedder: Embedder) -> Embeddings:
    """Embed copies as a query would, shape (n, dim).

    Raises:
        ImageReadError: If one cannot be read; the encoders' fault then, and not the user's.
    """
    shape = embedder.identity.preprocessing
    prepared = [prepare(copy, shape, name="an edited copy").network_input for copy in copies]
    return embed_each(embedder, prepared)


def _shuffled_rows(store: GalleryStore, ids: Ids) -> Iterator[StoredImage]:
    for start in range(0, len(ids), _IDS_PER_LOOK):
        part = ids[start : start + _IDS_PER_LOOK].tolist()
        rows = store.catalog.images(part)
        yield from (rows[image_id] for image_id in part if image_id in rows)


def _read(store: GalleryStore, row: StoredImage) -> Image.Image:
    path = store.paths({row.image_id: row})[row.image_id]
    square = prepare(path, _AS_A_SQUARE, name=str(path))
    return Image.fromarray(_in_shape(square.pixels, square.width, square.height))


def _in_shape(square: Pixels, width: int, height: int) -> Pixels:
    """Stretch a square back to the shape of the picture, no side longer than `SIDE` or its own."""
    scale = min(1.0, SIDE / max(width, height))
    return resize(square, max(1, round(width * scale)), max(1, round(height * scale)))


def _content(picture: Image.Image, edit: Edit, seed: int) -> bytes:
    return make_copy(picture, edit, seed).content
