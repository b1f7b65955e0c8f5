"""How the output of somebody's network becomes unit vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from imgsearch.embedding.model_card import POOLED_TOKENS, Layout
from imgsearch.embedding.pooling import pooling_of
from imgsearch.embedding.vgg16 import unit_rows
from imgsearch.types import Embeddings

Output: TypeAlias = npt.NDArray[np.float32]
ToVectors: TypeAlias = Callable[[Output], Embeddings]

_MAP_RANK: Final = 4
_TOKEN_RANK: Final = 3


def dim_of(shape: Sequence[int], pooling: str, layout: Layout) -> int:
    """Return how many numbers a vector has that is made of an output.

    Args:
        shape: The output's shape, the number of pictures first; that one is not looked at.
        pooling: As a card says it.
        layout: Where the channels of a map are.

    Raises:
        ValueError: If that pooling makes no vector of such an output; says what would.
    """
    sizes = tuple(shape[1:])
    if pooling == "none":
        # A global pool may keep its two axes, of length 1.
        if sizes and all(size == 1 for size in sizes[1:]):
            return sizes[0]
        if sizes and all(size == 1 for size in sizes[:-1]):
            return sizes[-1]
        raise ValueError(f"its output {_named(sizes)} is no vector: {_advice(len(sizes) + 1)}")
    if len(shape) == _TOKEN_RANK and pooling in POOLED_TOKENS:
        return sizes[-1]
    if len(shape) == _MAP_RANK and pooling != "cls":
        return sizes[0] if layout == "NCHW" else sizes[-1]
    raise ValueError(f"pooling {pooling} makes nothing of its output {_named(sizes)}")


def to_vectors(pooling: str, layout: Layout, dim: int) -> ToVectors:
    """Return what makes unit rows (n, dim) of an output, after `dim_of` has approved of it."""

    def convert(output: Output) -> Embeddings:
        with np.errstate(all="ignore"):  # the caller looks for what is not finite
            vectors = _pooled(output.astype(np.float32), pooling, layout)
            return _directions(vectors.reshape(len(output), dim))

    return convert


def _pooled(output: Output, pooling: str, layout: Layout) -> Output:
    if pooling == "none":
        return output
    if pooling == "cls":
        return output[:, 0]
    if output.ndim == _TOKEN_RANK:
        return _mean(output, 1)
    maps = output if layout == "NCHW" else np.ascontiguousarray(output.transpose(0, 3, 1, 2))
    if pooling == "avg":
        return _mean(maps, (2, 3))
    return pooling_of(pooling)(np.maximum(maps, 0))  # a power of what is below 0 is no number


def _mean(output: Output, axes: int | tuple[int, ...]) -> Output:
    return np.asarray(output.mean(axis=axes), np.float32)


def _directions(vectors: Output) -> Embeddings:
    """Scale rows to length 1; a row of zeros, as of a black picture, becomes one of equal numbers.

    What is not finite stays so.
    """
    filled = np.where(vectors.any(axis=1, keepdims=True), vectors, np.float32(1))
    # By the largest number first: the square of a large one would not be finite.
    return unit_rows(filled / np.abs(filled).max(axis=1, keepdims=True))


def _named(sizes: Sequence[int]) -> str:
    return f"(n, {', '.join(map(str, sizes))})" if sizes else "(n)"


def _advice(rank: int) -> str:
    if rank == _MAP_RANK:
        return "choose a pooling of maps, avg or gem-3"
    if rank == _TOKEN_RANK:
        return "choose a pooling of tokens, cls or avg"
    return "choose another output"
