"""Presets by name, and the embedder for an identity; imports no engine until one is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from imgsearch.embedding.base import Embedder
from imgsearch.embedding.pooling import pooling_of
from imgsearch.embedding.vgg16 import DIM, MIN_SIDE, MODEL, WEIGHTS_DIGEST
from imgsearch.errors import EmbedderError, EngineError
from imgsearch.types import EmbedderIdentity, Precision, Preprocessing

if TYPE_CHECKING:
    from imgsearch.embedding.weights import Announce, Vgg16Weights

Engine: TypeAlias = Literal["auto", "openvino", "tensorflow"]
WantedPrecision: TypeAlias = Precision | Literal["auto"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a preset stands for.

    Attributes:
        preprocessing: How pictures become the network's input.
        pooling: How the last feature map becomes a vector, as in `EmbedderIdentity`.
        expands: Whether answers are ordered by `imgsearch.index.expansion` unless told otherwise;
            no part of the identity, as the vectors are the same.
    """

    preprocessing: Preprocessing
    pooling: str
    expands: bool = False


PRESETS: Final[Mapping[str, Recipe]] = MappingProxyType(
    {
        "tutorial": Recipe(Preprocessing(224, "keras"), "avg"),
        "default": Recipe(
            Preprocessing(224, "faithful", keeps_aspect=True, side_is_mean=True, sharpening=1.0),
            "avg+rgem-3",
        ),
        "quality": Recipe(
            Preprocessing(320, "faithful", keeps_aspect=True, sharpening=0.7),
            "avg+2*rgem-3",
            expands=True,
        ),
    }
)

_EARLIER_EXPANDING: Final = (
    Recipe(Preprocessing(320, "faithful", keeps_aspect=True), "rgem-3", expands=True),
)
"""What presets that expand were before; galleries made with them go on as they did."""


def identity_of(preset: str) -> EmbedderIdentity:
    """Return the identity that a preset's vectors have; loads nothing.

    Raises:
        EmbedderError: If there is no such preset.
    """
    if preset not in PRESETS:
        raise EmbedderError(f"unknown preset {preset!r}: choose one of {', '.join(PRESETS)}")
    return _identity(PRESETS[preset])


def _identity(recipe: Recipe) -> EmbedderIdentity:
    return EmbedderIdentity(MODEL, WEIGHTS_DIGEST, recipe.preprocessing, recipe.pooling, DIM)


def preset_of(identity: EmbedderIdentity) -> str | None:
    """Return the preset whose vectors have an identity, None if it is none of this release's."""
    return next((name for name in PRESETS if identity_of(name) == identity), None)


def expands(identity: EmbedderIdentity) -> bool:
    """Tell whether the preset of an identity, one of today or before, orders by expansion."""
    recipes = (*PRESETS.values(), *_EARLIER_EXPANDING)
    return any(recipe.expands and _identity(recipe) == identity for recipe in recipes)


def create_embedder(
    identity: EmbedderIdentity,
    *,
    engine: Engine = "auto",
    precision: WantedPrecision = "auto",
    weights: Path | None = None,
    announce: Announce | None = None,
    model_file: Path | None = None,
) -> Embedder:
    """Make the embedder whose vectors have an identity.

    Args:
        identity: A preset's, or one that was stored with a gallery.
        engine: `"auto"` takes OpenVINO.
        precision: `"auto"` takes the fastest arithmetic that this machine has and that loses
            nothing measurable; for Keras's rendering it takes fp32, because whoever asks for the
            tutorial's vectors asks for the tutorial's very numbers.
        weights: A weight file to use, and to check, instead of looking for one.
        announce: Told about slow or broken sources of the weights.
        model_file: The file of a model that is not ours, if it is known where it is.

    Raises:
        EmbedderError: If this release cannot make such vectors.
        EngineError: If the engine cannot be loaded, or has no such precision.
        WeightsMismatchError: If the weight file holds other weights.
        WeightsNotFoundError: If no source has the weights.
    """
    if identity.model != MODEL:
        return _create_other(identity, engine, precision, model_file)
    _check(identity)
    if precision == "auto" and identity.preprocessing.rendering == "keras":
        precision = "fp32"
    load = partial(_load, weights, announce)
    if engine in ("auto", "openvino"):
        return _create_openvino(identity, precision, load, eager=weights is not None)
    if engine == "tensorflow":
        return _create_tensorflow(identity, precision, load)
    raise EngineError(f"unknown engine {engine!r}: choose one of auto, openvino, tensorflow")


def explain_auto(identity: EmbedderIdentity) -> str:
    """Return the precision that `"auto"` takes for an identity on this machine, and why.

    Raises:
        EngineError: If OpenVINO cannot be loaded.
    """
    if identity.model != MODEL:
        return "fp32, as nobody has measured what another does to this model"
    if identity.preprocessing.rendering == "keras":
        return "fp32, as the tutorial computes"
    from imgsearch.embedding.vgg16_openvino import explain_precision

    return explain_precision()


def _check(identity: EmbedderIdentity) -> None:
    if (identity.model, identity.weights, identity.dim) != (MODEL, WEIGHTS_DIGEST, DIM):
        raise EmbedderError(
            f"this release cannot make vectors of {identity.model} with weights"
            f" {identity.weights[:8]} and {identity.dim} numbers; it makes those of {MODEL}"
            f" with weights {WEIGHTS_DIGEST[:8]} and {DIM}"
        )
    if identity.preprocessing.side < MIN_SIDE:
        raise EmbedderError(
            f"pictures of {identity.preprocessing.side} pixels are too small: {MODEL} needs"
            f" {MIN_SIDE}"
        )
    pooling_of(identity.pooling)


def _create_other(
    identity: EmbedderIdentity, engine: Engine, precision: WantedPrecision, file: Path | None
) -> Embedder:
    from imgsearch.embedding.models import create_model_embedder

    if engine == "tensorflow":
        raise EngineError(f"TensorFlow does not run {identity.model}; leave --engine out")
    wanted = None if precision == "auto" else precision
    return create_model_embedder(identity, file=file, precision=wanted)


def _load(explicit: Path | None, announce: Announce | None) -> Vgg16Weights:
    from imgsearch.embedding.weights import load_weights

    return load_weights(explicit, announce=announce)


def _create_openvino(
    identity: EmbedderIdentity,
    precision: WantedPrecision,
    load: Callable[[], Vgg16Weights],
    *,
    eager: bool,
) -> Embedder:
    from imgsearch.embedding.vgg16_openvino import OpenvinoVgg16

    if eager:  # a file that was named is checked, even if the cache makes it unnecessary
        named = load()
        load = lambda: named  # noqa: E731
    wanted = None if precision == "auto" else precision
    return OpenvinoVgg16.create(identity, load, precision=wanted)


def _create_tensorflow(
    identity: EmbedderIdentity, precision: WantedPrecision, load: Callable[[], Vgg16Weights]
) -> Embedder:
    from imgsearch.embedding.vgg16_tensorflow import TensorflowVgg16

    wanted = None if precision == "auto" else precision
    return TensorflowVgg16.create(identity, load(), precision=wanted)
