"""Pictures of several sizes, embedded together: those of one size in one batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from imgsearch.embedding.base import Embedder
from imgsearch.types import Embeddings, Pixels


def embed_each(embedder: Embedder, pictures: Sequence[Pixels]) -> Embeddings:
    """Embed prepared pictures, whatever sizes they have been given.

    Args:
        embedder: Its preprocessing has prepared them.
        pictures: Each of shape (height, width, 3), uint8; there may be none.

    Returns:
        Unit rows in the order of the pictures, shape (n, dim), float32.

    Raises:
        ValueError: If a picture is in no size of the embedder's preprocessing.
    """
    places: dict[tuple[int, ...], list[int]] = {}
    for place, picture in enumerate(pictures):
        places.setdefault(picture.shape, []).append(place)
    embeddings = np.empty((len(pictures), embedder.identity.dim), np.float32)
    for same in places.values():
        embeddings[same] = embedder.embed(np.stack([pictures[place] for place in same]))
    return embeddings
