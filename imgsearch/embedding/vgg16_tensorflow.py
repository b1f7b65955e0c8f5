"""VGG16 by TensorFlow: Keras's own network in float32 as the reference, or bfloat16 constants."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Final, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from imgsearch.embedding import processor
from imgsearch.embedding.pooling import pooling_of
from imgsearch.embedding.rounds import EmbedderInRounds
from imgsearch.embedding.vgg16 import (
    BLOCK_ENDS,
    LAYERS,
    MEAN_RGB,
    unit_rows,
)
from imgsearch.embedding.weight_files import Convolution
from imgsearch.embedding.weights import Vgg16Weights
from imgsearch.errors import EngineError
from imgsearch.types import EmbedderIdentity, Embeddings, PixelBatch, Precision

_CONNECT_TIMEOUT_S: Final = 10.0


FeatureMap: TypeAlias = npt.NDArray[np.float32]
"""Shape (n, height, width, 512), or (n, 512) where the network has averaged already."""

Network: TypeAlias = Callable[[PixelBatch], FeatureMap]


class TensorflowVgg16(EmbedderInRounds):
    """VGG16 by TensorFlow, on the GPU where it sees one."""

    @classmethod
    def create(
        cls,
        identity: EmbedderIdentity,
        weights: Vgg16Weights,
        *,
        precision: Precision | None = "fp32",
        batch_size: int = 32,
    ) -> TensorflowVgg16:
        """Build the network around the weights.

        Args:
            identity: What the vectors are to mean.
            weights: The convolutions.
            precision: fp32 for Keras's own network; bf16 for a graph of the same layers with
                constants in bfloat16; None for bf16 where something multiplies it natively.
            batch_size: How many pictures are in memory as floats at a time.

        Raises:
            EngineError: If TensorFlow cannot be loaded, or the precision is int8.
        """
        chosen = choose_precision(precision)
        make = _keras_network if chosen == "fp32" else _bfloat_network
        network, pool = make(identity, weights), pooling_of(identity.pooling)

        def embed_round(batch: PixelBatch) -> Embeddings:
            features = network(batch)
            if features.ndim == 2:  # Keras has averaged already
                return unit_rows(features)
            return pool(features.transpose(0, 3, 1, 2))

        return cls(identity, chosen, embed_round, batch_size=batch_size)


def choose_precision(wanted: Precision | None) -> Precision:
    """Return the precision to compute in.

    Args:
        wanted: None for bf16 where the processor or a GPU multiplies it natively, else fp32.

    Raises:
        EngineError: If it is int8, which this engine has not.
    """
    if wanted == "int8":
        raise EngineError("the tensorflow engine computes in fp32 or bf16, not in int8")
    if wanted is not None:
        return wanted
    return "bf16" if processor.bfloat_instructions() or _gpus() else "fp32"


def _keras_network(identity: EmbedderIdentity, weights: Vgg16Weights) -> Network:
    """Keras's own VGG16 with Keras's own preprocessing: the reference."""
    keras = _keras()
    network = keras.applications.VGG16(
        weights=None,
        include_top=False,
        input_shape=(*_height_width(identity), 3),
        pooling="avg" if identity.pooling == "avg" else None,
    )
    network.set_weights(list(weights.arrays().values()))
    prepare = keras.applications.vgg16.preprocess_input

    def run(batch: PixelBatch) -> FeatureMap:
        return cast(FeatureMap, network.predict(prepare(batch.astype(np.float32)), verbose=0))

    return run


def _bfloat_network(identity: EmbedderIdentity, weights: Vgg16Weights) -> Network:
    """Build the same layers over bfloat16 constants; mixed precision would cast at every call."""
    tf = _tensorflow()
    shape = (None, *_height_width(identity), 3)
    layers = [
        (name, tf.constant(_for_rgb(name, kernel), tf.bfloat16), tf.constant(bias, tf.bfloat16))
        for name, kernel, bias in weights.layers
    ]

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.uint8)])  # type: ignore[untyped-decorator, unused-ignore]
    def run(pixels: Any) -> Any:  # noqa: ANN401 - TensorFlow is untyped
        node = tf.cast(tf.cast(pixels, tf.float32) - tf.constant(MEAN_RGB), tf.bfloat16)
        for name, kernel, bias in layers:
            node = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(node, kernel, 1, "SAME"), bias))
            if name in BLOCK_ENDS:
                node = tf.nn.max_pool2d(node, 2, 2, "VALID")
        return tf.cast(node, tf.float32)

    return lambda batch: cast(FeatureMap, run(tf.constant(batch)).numpy())


def _height_width(identity: EmbedderIdentity) -> tuple[int | None, int | None]:
    """Return the size of the network's input, None for what differs from batch to batch."""
    shape = identity.preprocessing
    return (None, None) if shape.keeps_aspect else (shape.side, shape.side)


def _for_rgb(name: str, kernel: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Let the first kernel take RGB; Keras turns RGB into BGR instead."""
    return kernel[:, :, ::-1] if name == LAYERS[0] else kernel


def download_weights() -> list[Convolution]:
    """Let Keras download its weights, with its own progress bar on stderr.

    Raises:
        EngineError: If TensorFlow cannot be loaded.
        OSError: If the download fails.
    """
    keras = _keras()
    try:
        with contextlib.redirect_stdout(sys.stderr), _connect_timeout():
            arrays = keras.applications.VGG16(include_top=False).get_weights()
    except Exception as error:  # a bare Exception is what Keras raises
        raise OSError(f"Keras could not download VGG16: {error}") from error
    return list(zip(arrays[::2], arrays[1::2], strict=True))


@contextlib.contextmanager
def _connect_timeout() -> Iterator[None]:
    """Make a network that swallows packets fail in seconds: Keras's own download has no limit."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_CONNECT_TIMEOUT_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _gpus() -> list[Any]:
    """Return the GPUs that TensorFlow sees; what runs on them is the same code."""
    return list(_tensorflow().config.list_physical_devices("GPU"))


def _keras() -> ModuleType:
    _tensorflow()
    import keras  # noqa: TID251

    return cast(ModuleType, keras)


def _tensorflow() -> ModuleType:
    """Import TensorFlow, without the notes that it writes about the processor."""
    if sys.modules.get("tensorflow") is None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with _stderr_closed():
            import tensorflow  # noqa: TID251
    except ImportError as error:
        raise EngineError(f"TensorFlow cannot be loaded: {error}; use --engine openvino") from error
    return cast(ModuleType, tensorflow)


@contextlib.contextmanager
def _stderr_closed() -> Iterator[None]:
    """Send file descriptor 2 nowhere: the libraries' loading notes obey no environment variable."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
