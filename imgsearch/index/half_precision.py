"""Half precision, in which vectors are stored: how far it rounds, and the way back to float32."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from imgsearch.types import Embeddings

Halves: TypeAlias = npt.NDArray[np.int16]
"""The bits of float16 numbers, shape (n, dim)."""

_MORE_FRACTION_BITS: Final = 23 - 10
_LOWER_EXPONENT: Final = np.float32(2.0 ** (127 - 15))
_SIGN_AND_NUMBER: Final = np.int32(-0x7000_2000)  # the bits of 0x8FFF_E000
_SMALLEST: Final = np.array([2.0**-24], np.float16)


def rounding_bound(dim: int) -> float:
    """Return how far half precision can move the inner product of two unit vectors.

    By 2^-11 of each product, and 2^-25 where a number is subnormal; the products of a row sum to
    at most 1, its absolute values to at most sqrt(dim). Summing in float32 adds dim * 2^-24.
    """
    return float(2**-11 + 2**-25 * dim**0.5 + dim * 2**-24)


def widened(halves: Halves, buffer: Embeddings) -> Embeddings:
    """Return finite float16 numbers as float32, several times as fast as a cast by NumPy.

    What is not finite, which no unit vector has, comes out as 65,536 or more, or minus that.

    Args:
        halves: Shape (n, dim).
        buffer: Shape (at least n, dim), float32, contiguous; it is overwritten, and what is
            returned is a part of it.
    """
    rows = buffer[: len(halves)]
    if _flushes_subnormals():
        np.copyto(rows, halves.view(np.float16))
        return rows
    bits = rows.view(np.int32)
    np.copyto(bits, halves)  # the sign fills the upper half
    np.left_shift(bits, _MORE_FRACTION_BITS, out=bits)
    np.bitwise_and(bits, _SIGN_AND_NUMBER, out=bits)
    return np.multiply(rows, _LOWER_EXPONENT, out=rows)


def _flushes_subnormals() -> bool:
    """Tell whether this thread takes subnormal numbers for 0, as some libraries make it do.

    The smallest numbers in half precision pass through those of single precision.
    """
    bits = _SMALLEST.view(np.int16).astype(np.int32) << _MORE_FRACTION_BITS
    return bool((bits.view(np.float32) * _LOWER_EXPONENT)[0] != _SMALLEST[0])
