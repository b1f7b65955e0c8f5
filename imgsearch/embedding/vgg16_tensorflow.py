"""The reference engine: Keras's own VGG16, in float32, a few pictures a second."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Final, Protocol, cast

import numpy as np
import numpy.typing as npt

from imgsearch.embedding.pooling import pooling_of
from imgsearch.embedding.vgg16 import (
    DIM,
    check_batch,
    unit_rows,
)
from imgsearch.embedding.weight_files import Convolution
from imgsearch.embedding.weights import Vgg16Weights
from imgsearch.errors import EngineError
from imgsearch.types import EmbedderIdentity, Embeddings, PixelBatch, Precision

_CONNECT_TIMEOUT_S: Final = 10.0


class _Network(Protocol):
    """The part of a Keras model that is used."""

    def predict(self, x: npt.NDArray[np.float32], *, verbose: int) -> npt.NDArray[np.float32]: ...


class TensorflowVgg16:
    """VGG16 by TensorFlow. Calls of `embed` from several threads take turns."""

    precision: Precision = "fp32"

    def __init__(
        self, identity: EmbedderIdentity, network: _Network, *, batch_size: int = 32
    ) -> None:
        self._identity = identity
        self._network = network
        self._pool = pooling_of(identity.pooling)
        self._turn = threading.Lock()
        self.batch_size = batch_size

    @classmethod
    def create(
        cls, identity: EmbedderIdentity, weights: Vgg16Weights, *, batch_size: int = 32
    ) -> TensorflowVgg16:
        """Build Keras's network around the weights.

        Args:
            identity: What the vectors are to mean.
            weights: The convolutions.
            batch_size: How many pictures are in memory as floats at a time.

        Raises:
            EngineError: If TensorFlow cannot be loaded.
        """
        side = identity.preprocessing.side
        network = _keras().applications.VGG16(
            weights=None,
            include_top=False,
            input_shape=(side, side, 3),
            pooling="avg" if identity.pooling == "avg" else None,
        )
        network.set_weights(list(weights.arrays().values()))
        return cls(identity, network, batch_size=batch_size)

    @property
    def identity(self) -> EmbedderIdentity:
        """What the vectors mean."""
        return self._identity

    def embed(self, batch: PixelBatch) -> Embeddings:
        """Embed prepared pictures, as `Embedder.embed` promises."""
        check_batch(batch, self._identity.preprocessing.side)
        embeddings = np.empty((len(batch), DIM), np.float32)
        with self._turn:
            for start in range(0, len(batch), self.batch_size):
                rows = slice(start, start + self.batch_size)
                embeddings[rows] = self._embed_some(batch[rows])
        return embeddings

    def _embed_some(self, batch: PixelBatch) -> Embeddings:
        prepare = _keras().applications.vgg16.preprocess_input
        features = self._network.predict(prepare(batch.astype(np.float32)), verbose=0)
        if features.ndim == 2:  # Keras has averaged already
            return unit_rows(features)
        return self._pool(features.transpose(0, 3, 1, 2))


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


def _keras() -> ModuleType:
    """Import Keras on TensorFlow, without the notes that TensorFlow writes about the processor."""
    if sys.modules.get("tensorflow") is None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        try:
            with _stderr_closed():
                import tensorflow  # noqa: F401, TID251
        except ImportError as error:
            raise EngineError(
                f"TensorFlow cannot be loaded: {error}; use --engine openvino"
            ) from error
    import keras  # noqa: TID251

    return cast(ModuleType, keras)


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
