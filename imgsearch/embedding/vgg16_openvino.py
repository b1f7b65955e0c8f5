"""The fast engine: VGG16 by OpenVINO on the processor, in float32 or bfloat16."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from imgsearch.embedding.cache import cache_folder
from imgsearch.embedding.graph_file import read_graph, write_graph
from imgsearch.embedding.pooling import pooling_of
from imgsearch.embedding.vgg16 import (
    BLOCKS,
    DIM,
    LAYERS,
    MEAN_RGB,
    WEIGHTS_DIGEST,
    check_batch,
)
from imgsearch.errors import EngineError
from imgsearch.types import EmbedderIdentity, Embeddings, PixelBatch, Precision

if TYPE_CHECKING:
    import openvino as ov  # noqa: TID251  # this is the module that wraps it

    from imgsearch.embedding.weights import Vgg16Weights  # loaded only without a cached graph

_GRAPH_REVISION: Final = 1  # raise it whenever `_build_features` changes
_BATCH_SIZE: Final = 8  # measured: one picture or 32 at a time, the speed is the same within 5 %
_BLOCK_ENDS: Final = frozenset(f"block{b}_conv{convs}" for b, (convs, _) in enumerate(BLOCKS, 1))
_logger = logging.getLogger(__name__)


class OpenvinoVgg16:
    """VGG16 by OpenVINO. Calls of `embed` from several threads take turns."""

    def __init__(self, identity: EmbedderIdentity, compiled: ov.CompiledModel) -> None:
        self._identity = identity
        arithmetic = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        self._precision: Precision = "bf16" if arithmetic == "bf16" else "fp32"
        self._request = compiled.create_infer_request()
        self._pool = pooling_of(identity.pooling)
        self._turn = threading.Lock()
        self.batch_size = _BATCH_SIZE

    @classmethod
    def create(
        cls,
        identity: EmbedderIdentity,
        weights: Callable[[], Vgg16Weights],
        *,
        precision: Precision | None = None,
    ) -> OpenvinoVgg16:
        """Compile the network for this processor.

        Args:
            identity: What the vectors are to mean.
            weights: Loads the convolutions; called only if the cache does not hold the graph.
            precision: The arithmetic; None takes bf16 where the processor has it, else fp32.

        Raises:
            EngineError: If OpenVINO cannot be loaded, or has no such precision.
        """
        chosen = choose_precision(precision)
        model = _features(weights)
        side = identity.preprocessing.side
        model.reshape([-1, side, side, 3])
        return cls(identity, _compile(model, chosen))

    @property
    def identity(self) -> EmbedderIdentity:
        """What the vectors mean."""
        return self._identity

    @property
    def precision(self) -> Precision:
        """The arithmetic in use: fp32 where bf16 was asked for and the processor has none."""
        return self._precision

    def embed(self, batch: PixelBatch) -> Embeddings:
        """Embed prepared pictures, as `Embedder.embed` promises."""
        check_batch(batch, self._identity.preprocessing.side)
        embeddings = np.empty((len(batch), DIM), np.float32)
        with self._turn:
            for start in range(0, len(batch), self.batch_size):
                rows = slice(start, start + self.batch_size)
                self._request.infer([np.ascontiguousarray(batch[rows])])
                embeddings[rows] = self._pool(self._request.get_output_tensor().data)
        return embeddings


def choose_precision(wanted: Precision | None) -> Precision:
    """Return the precision to compute in.

    Args:
        wanted: None for the fastest that loses nothing.

    Raises:
        EngineError: If this engine has no such precision.
    """
    if wanted == "int8":
        raise EngineError("precision int8 is not there yet; the openvino engine has fp32 and bf16")
    if wanted == "fp32":
        return "fp32"
    if has_bf16():
        return "bf16"
    if wanted == "bf16":
        _logger.info("this processor has no bfloat16 arithmetic: computing in fp32")
    return "fp32"


def has_bf16() -> bool:
    """Return whether the processor multiplies bfloat16 numbers natively."""
    return "BF16" in _openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def graph_file() -> Path:
    """Return the place of the cached network graph."""
    return cache_folder() / f"vgg16-{WEIGHTS_DIGEST[:8]}-r{_GRAPH_REVISION}.graph"


def _openvino() -> ModuleType:
    try:
        import openvino  # noqa: TID251
    except ImportError as error:
        raise EngineError(f"OpenVINO cannot be loaded: {error}; use --engine tensorflow") from error
    return cast(ModuleType, openvino)


def _features(weights: Callable[[], Vgg16Weights]) -> ov.Model:
    """Return the graph from pixels to the last feature map: the cached one, else a new one."""
    path = graph_file()
    try:
        topology, constants = read_graph(path)
        copied = _openvino().Tensor(constants)  # a shared one would not outlive the array: crashes
        return _openvino().Core().read_model(model=topology, weights=copied)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, RuntimeError) as error:
        _logger.warning("building the network again: %s", error)
    model = _build_features(weights())
    _keep(model, path)
    return model


def _keep(model: ov.Model, path: Path) -> None:
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _openvino().save_model(model, folder / "vgg16.xml", compress_to_fp16=False)
            write_graph(
                path, (folder / "vgg16.xml").read_bytes(), (folder / "vgg16.bin").read_bytes()
            )
    except (OSError, RuntimeError) as error:
        _logger.info("cannot cache %s: %s", path, error)


def _build_features(weights: Vgg16Weights) -> ov.Model:
    """Build the graph from uint8 pixels (n, height, width, 3) to features (n, 512, h/32, w/32)."""
    from openvino import opset13 as ops  # noqa: TID251

    pixels = ops.parameter([-1, -1, -1, 3], np.uint8, name="pixels")
    channels_first = ops.transpose(ops.convert(pixels, "f32"), np.array([0, 3, 1, 2]))
    node = ops.subtract(channels_first, np.array(MEAN_RGB, np.float32).reshape(1, 3, 1, 1))
    for name, kernel, bias in weights.layers:
        # Keras turns RGB into BGR first; turning the first kernel's inputs round is the same.
        kernel = kernel[:, :, ::-1] if name == LAYERS[0] else kernel
        kernel = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
        node = ops.convolution(node, ops.constant(kernel), [1, 1], [1, 1], [1, 1], [1, 1])
        node = ops.relu(ops.add(node, bias.reshape(1, -1, 1, 1)))
        if name in _BLOCK_ENDS:
            node = ops.max_pool(node, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0)
    return _openvino().Model([node], [pixels], "vgg16")


def _compile(model: ov.Model, precision: Precision) -> ov.CompiledModel:
    """Compile for one caller that uses every core: LATENCY is one stream over all of them."""
    hints = {
        "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[precision],
        "PERFORMANCE_HINT": "LATENCY",
    }
    return _openvino().Core().compile_model(model, "CPU", hints)
