"""What VGG16 is: its layers, its digest, and the checks that its engines share."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from imgsearch.types import Embeddings, PixelBatch, Preprocessing

MODEL: Final = "vgg16"
WEIGHTS_DIGEST: Final = "d9a27cc1fc7f975ef8cff49180e794ccd7c4bc868ebb49740803b3bbaa8dbefd"
"""sha256 of the 13 kernels (HWIO) and biases, float32, layer by layer, kernel then bias."""

BLOCKS: Final = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
"""Convolutions and output channels of each block; a 2x2 maximum pool ends every block."""

DIM: Final = 512
MIN_SIDE: Final = 2 ** len(BLOCKS)
"""A smaller picture would be pooled away to nothing, in pixels."""

MEAN_RGB: Final = (123.68, 116.779, 103.939)
"""Mean of ImageNet's training pixels, which Keras subtracts (it does so in BGR order)."""

LAYERS: Final = tuple(
    f"block{block}_conv{conv}"
    for block, (convs, _) in enumerate(BLOCKS, start=1)
    for conv in range(1, convs + 1)
)

BLOCK_ENDS: Final = frozenset(f"block{b}_conv{convs}" for b, (convs, _) in enumerate(BLOCKS, 1))
"""The layers whose output is pooled."""


def kernel_shapes() -> list[tuple[int, int, int, int]]:
    """Return the shape of each kernel in layer order, as (height, width, inputs, outputs)."""
    widths = [channels for convs, channels in BLOCKS for _ in range(convs)]
    return [(3, 3, below, width) for below, width in zip([3, *widths], widths, strict=False)]


def check_batch(batch: PixelBatch, preprocessing: Preprocessing) -> None:
    """Refuse what is no batch of pictures that were prepared in this way.

    Raises:
        ValueError: Unless the batch has dtype uint8 and the shape (n, side, side, 3), or, where
            the aspect ratio is kept, (n, height, width, 3) with `side` as the longer or the mean.
    """
    if batch.dtype != np.uint8:
        raise ValueError(f"a batch is made of uint8 pixels, not {batch.dtype}")
    is_batch = batch.ndim == 4 and batch.shape[3] == 3
    if not is_batch or not _fits(batch.shape[1], batch.shape[2], preprocessing):
        side = preprocessing.side
        wanted = f"{side}, {side}"
        if preprocessing.keeps_aspect:
            which = "their mean" if preprocessing.side_is_mean else "the longer of them"
            wanted = f"height, width, {which} {side}"
        raise ValueError(f"a batch has the shape (n, {wanted}, 3), not {batch.shape}")


def _fits(height: int, width: int, preprocessing: Preprocessing) -> bool:
    """Tell whether a picture of this size is one that was prepared in this way."""
    side = preprocessing.side
    if not preprocessing.keeps_aspect:
        return height == width == side
    is_side = (
        height + width == 2 * side if preprocessing.side_is_mean else max(height, width) == side
    )
    return is_side and min(height, width) >= MIN_SIDE


def unit_rows(vectors: npt.NDArray[np.float32]) -> Embeddings:
    """Scale each row to Euclidean length 1.

    Args:
        vectors: Shape (n, dim), float32; a row of zeros stays as it is.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny))
