"""An embedder around any network: a few pictures at a time, one caller after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from imgsearch.embedding.vgg16 import check_batch
from imgsearch.types import EmbedderIdentity, Embeddings, PixelBatch, Precision


class EmbedderInRounds:
    """What the engines share. Threads that call `embed` take turns.

    Args:
        identity: What the vectors mean.
        precision: The arithmetic in use.
        embed_round: Makes unit rows of at most `batch_size` pictures, in their order.
        batch_size: How many pictures the network is given at a time.
    """

    def __init__(
        self,
        identity: EmbedderIdentity,
        precision: Precision,
        embed_round: Callable[[PixelBatch], Embeddings],
        *,
        batch_size: int,
    ) -> None:
        self._identity = identity
        self._precision = precision
        self._embed_round = embed_round
        self._turn = threading.Lock()
        self.batch_size = batch_size

    @property
    def identity(self) -> EmbedderIdentity:
        """What the vectors mean."""
        return self._identity

    @property
    def precision(self) -> Precision:
        """The arithmetic in use: fp32 where another was asked for that the processor has not."""
        return self._precision

    def embed(self, batch: PixelBatch) -> Embeddings:
        """Embed prepared pictures, as `Embedder.embed` promises."""
        check_batch(batch, self._identity.preprocessing)
        embeddings = np.empty((len(batch), self._identity.dim), np.float32)
        with self._turn:
            for start in range(0, len(batch), self.batch_size):
                rows = slice(start, start + self.batch_size)
                embeddings[rows] = self._embed_round(np.ascontiguousarray(batch[rows]))
        return embeddings
