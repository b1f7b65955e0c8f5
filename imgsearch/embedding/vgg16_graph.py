"""VGG16's convolutions as an OpenVINO graph, in floating point or in eight-bit integers.

The integer graph follows the usual scheme for convolutions (Jacob et al., "Quantization and
training of neural networks for efficient integer-arithmetic-only inference", 2018): one scale for
each output channel's weights, symmetric; one for each layer's activations. The weights' scales come
from the weights; the activations' ranges were measured once on photos and are kept in
`int8_ranges.json`, which `scripts/calibrate_int8.py` makes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from imgsearch.embedding.openvino_library import load_openvino
from imgsearch.embedding.vgg16 import BLOCK_ENDS, LAYERS, MEAN_RGB
from imgsearch.embedding.weights import Vgg16Weights

if TYPE_CHECKING:
    import openvino as ov  # noqa: TID251 - the graph of the engine that wraps it

Ranges = Mapping[str, float]
"""For each convolution but the first, the largest input that is told apart from larger ones."""

_RANGES_FILE: Final = "int8_ranges.json"
_LARGEST_PIXEL: Final = 255 - min(MEAN_RGB)
_LARGEST_WEIGHT: Final = 127  # of a signed byte, used symmetrically
_LEVELS: Final = 256


def read_ranges() -> Ranges:
    """Return the activation ranges that came with the package, by layer name."""
    text = files("imgsearch.embedding").joinpath(_RANGES_FILE).read_text(encoding="utf-8")
    document: dict[str, float] = json.loads(text)
    return document


def build_features(
    weights: Vgg16Weights, ranges: Ranges | None = None, *, taps: bool = False
) -> ov.Model:
    """Build the graph from uint8 pixels (n, height, width, 3) to features (n, 512, h/32, w/32).

    Args:
        weights: The convolutions.
        ranges: Activation ranges by layer, for a graph in integers; None for floating point.
        taps: Whether each convolution's input becomes an output too, after the features.
    """
    library = load_openvino()
    ops = library.opset13

    pixels = ops.parameter([-1, -1, -1, 3], np.uint8, name="pixels")
    channels_first = ops.transpose(ops.convert(pixels, "f32"), np.array([0, 3, 1, 2]))
    means = np.array(MEAN_RGB, np.float32).reshape(1, 3, 1, 1)
    node = ops.subtract(channels_first, means).output(0)
    inputs = []
    for name, kernel, bias in weights.layers:
        inputs.append(node)
        arranged = _arrange(kernel, reverse_inputs=name == LAYERS[0])
        if ranges is None:
            operand = ops.constant(arranged)
        else:
            largest = ranges.get(name, _LARGEST_PIXEL)
            node = _quantise(node, largest, signed=name not in ranges)
            operand = _quantised_weights(arranged)
        node = ops.convolution(node, operand, [1, 1], [1, 1], [1, 1], [1, 1])
        node = ops.relu(ops.add(node, bias.reshape(1, -1, 1, 1))).output(0)
        if name in BLOCK_ENDS:
            node = ops.max_pool(node, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0)
    return library.Model([node, *inputs] if taps else [node], [pixels], "vgg16")


def _arrange(kernel: npt.NDArray[np.float32], *, reverse_inputs: bool) -> npt.NDArray[np.float32]:
    """Turn (height, width, inputs, outputs) into (outputs, inputs, height, width).

    Keras turns RGB into BGR first; turning the first kernel's inputs round is the same.
    """
    kernel = kernel[:, :, ::-1] if reverse_inputs else kernel
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))


def _quantise(node: Any, largest: float, *, signed: bool) -> Any:  # noqa: ANN401 - OpenVINO nodes
    """Round activations to 256 levels between 0, or the negated range, and the largest."""
    ops = load_openvino().opset13
    lowest = -largest * _LEVELS / (_LEVELS - 2) if signed else 0.0  # -128 and 127 steps
    low, high = np.float32(lowest), np.float32(largest)
    return ops.fake_quantize(node, low, high, low, high, _LEVELS)


def _quantised_weights(kernel: npt.NDArray[np.float32]) -> Any:  # noqa: ANN401 - OpenVINO nodes
    """Return signed bytes times one scale for each output channel."""
    ops = load_openvino().opset13
    scales = np.abs(kernel).max(axis=(1, 2, 3), keepdims=True) / np.float32(_LARGEST_WEIGHT)
    rounded = np.rint(kernel / scales).astype(np.int8)
    return ops.multiply(ops.convert(ops.constant(rounded), "f32"), scales.astype(np.float32))
