"""The value types and array aliases that the layers share."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Pixels: TypeAlias = npt.NDArray[np.uint8]
"""One picture: shape (height, width, 3), RGB, C-contiguous."""

PixelBatch: TypeAlias = npt.NDArray[np.uint8]
"""Pictures of one size, ready for a network: shape (n, height, width, 3), RGB, C-contiguous."""

Embeddings: TypeAlias = npt.NDArray[np.float32]
"""Embeddings: shape (n, dim), float32, C-contiguous, each row of Euclidean length 1."""

Ids: TypeAlias = npt.NDArray[np.int64]
"""Image ids: shape (n,), int64."""

Scores: TypeAlias = npt.NDArray[np.float32]
"""Cosine similarities: shape (n,), float32, in [-1, 1], higher is more alike."""

Precision: TypeAlias = Literal["fp32", "bf16", "int8"]
"""The arithmetic that an engine computes in."""

DEFAULT_MAX_PIXELS = 300_000_000
"""A picture that declares more pixels than this is refused before it is decoded."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a picture file becomes the network's input; a part of the embedder's identity.

    Attributes:
        side: Width and height of the input, in pixels; the aspect ratio is not kept. With
            `keeps_aspect`, the longer of them, or with `side_is_mean` their mean.
        rendering: `"keras"` does what Keras's `load_img` does: no EXIF turn, no colour
            management, alpha dropped, nearest-neighbour resize of the fully decoded picture.
            `"faithful"` shows the picture as a viewer would (EXIF orientation, ICC profile to
            sRGB, transparency onto white) and resizes it with an antialiasing filter.
        crop_from: None resizes the whole picture to the square. A number of pixels, at least
            `side`, keeps the aspect ratio: the shorter side is resized to it, and the middle is
            cut out.
        keeps_aspect: Whether the whole picture keeps its aspect ratio, to the nearest of a few
            sizes; see `imgsearch.images.shapes`.
        side_is_mean: Whether width and height of a picture that keeps its aspect ratio add up to
            twice `side`, so that no picture has more pixels than a square would.
        sharpening: How much of what a slight blur takes away the picture is given again, at least
            0; see `imgsearch.images.resize.sharpened`.
    """

    side: int
    rendering: Literal["keras", "faithful"]
    crop_from: int | None = None
    keeps_aspect: bool = False
    side_is_mean: bool = False
    sharpening: float = 0.0

    def in_words(self) -> str:
        """Say in a few words how a picture is shown to the network."""
        words = [f"{self.rendering} {self.side} px{' on average' if self.side_is_mean else ''}"]
        if self.keeps_aspect:
            words.append("aspect kept")
        if self.sharpening:
            words.append("sharpened")
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class EmbedderIdentity:
    """Everything that decides what an embedding means; vectors of two identities never mix.

    Precision is left out on purpose: the engines agree closely enough to share a gallery.

    Attributes:
        model: The network's name, e.g. `"vgg16"`.
        weights: sha256 of its weights, in hexadecimal.
        preprocessing: How pictures become its input.
        pooling: How the last feature map becomes a vector: `"avg"`, `"gem-P"` or `"rgem-P"`, or
            several of them with `+` between, as in `"avg+2*rgem-3"`; see
            `imgsearch.embedding.pooling`.
        dim: Length of an embedding.
        details: Whatever else decides: for a model file, how its input is made of pixels and
            which output is taken; see `imgsearch.embedding.model_card`.
    """

    model: str
    weights: str
    preprocessing: Preprocessing
    pooling: str
    dim: int
    details: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready copy that `from_json` turns back into an equal identity.

        What is as it is for every gallery of an earlier release is left out.
        """
        document = asdict(self)
        if not self.details:
            del document["details"]
        preprocessing = document["preprocessing"]
        if self.preprocessing.crop_from is None:
            del preprocessing["crop_from"]
        for name in ("keeps_aspect", "side_is_mean", "sharpening"):
            if not preprocessing[name]:
                del preprocessing[name]
        return document

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> EmbedderIdentity:
        """Rebuild an identity from `to_json`'s answer.

        Raises:
            KeyError: If a field is missing.
            TypeError: If a field is unknown, or of another type.
            ValueError: If a number is too small.
        """
        fields = dict(document)
        identity = cls(preprocessing=Preprocessing(**fields.pop("preprocessing")), **fields)
        identity._check()
        return identity

    def _check(self) -> None:
        shape = self.preprocessing
        for text in (self.model, self.weights, self.pooling, self.details, shape.rendering):
            if not isinstance(text, str):
                raise TypeError(f"{text!r} is no text")
        for choice in (shape.keeps_aspect, shape.side_is_mean):
            if not isinstance(choice, bool):
                raise TypeError(f"{choice!r} is neither true nor false")
        if shape.keeps_aspect and (shape.rendering != "faithful" or shape.crop_from is not None):
            raise ValueError("only the whole picture, shown faithfully, keeps its aspect ratio")
        if shape.side_is_mean and not shape.keeps_aspect:
            raise ValueError("sides have a mean only where the aspect ratio is kept")
        _check_sharpening(shape)
        least = [(self.dim, 1), (shape.side, 1)]
        if shape.crop_from is not None:
            least.append((shape.crop_from, shape.side))
        for number, smallest in least:
            if type(number) is not int:
                raise TypeError(f"{number!r} is no whole number")
            if number < smallest:
                raise ValueError(f"{number} is below {smallest}")


def _check_sharpening(shape: Preprocessing) -> None:
    if type(shape.sharpening) not in (int, float):
        raise TypeError(f"{shape.sharpening!r} is no number")
    if not 0 <= shape.sharpening < math.inf:
        raise ValueError(f"{shape.sharpening} is no amount of sharpening")
    if shape.sharpening and shape.rendering != "faithful":
        raise ValueError("only what is shown faithfully is sharpened")
