"""The seam between pixels and vectors: what every embedder promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from imgsearch.types import EmbedderIdentity, Embeddings, PixelBatch, Precision


class Embedder(Protocol):
    """Turns batches of prepared pictures into unit vectors.

    Implementations pass `tests/contracts/test_embedder_contract.py`: unit rows, order kept, a batch
    of n gives what n batches of one give, deterministic, an empty batch gives shape (0, dim).
    """

    @property
    def identity(self) -> EmbedderIdentity:
        """What the vectors mean: equal identities make comparable vectors."""
        ...

    @property
    def precision(self) -> Precision:
        """The arithmetic in use on this machine."""
        ...

    def embed(self, batch: PixelBatch) -> Embeddings:
        """Embed prepared pictures.

        Args:
            batch: RGB bytes, shape (n, height, width, 3) in a size of `identity.preprocessing`:
                its square, or one that keeps an aspect ratio; n may be 0.

        Returns:
            Unit rows in the order of the batch, shape (n, dim), float32.

        Raises:
            ValueError: If the batch has another shape or dtype.
        """
        ...


EmbedderMaker: TypeAlias = Callable[[EmbedderIdentity], Embedder]
"""Makes the embedder of an identity; called only when there is something to embed."""
