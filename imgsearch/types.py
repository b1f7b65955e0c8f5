"""The value types and array aliases that the layers share."""

from __future__ import annotations

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
            `keeps_aspect`, the longer of them.
        rendering: `"keras"` does what Keras's `load_img` does: no EXIF turn, no colour
            management, alpha dropped, nearest-neighbour resize of the fully decoded picture.
            `"faithful"` shows the picture as a viewer would (EXIF orientation, ICC profile to
            sRGB, transparency onto white) and resizes it with an antialiasing filter.
        crop_from: None resizes the whole picture to the square. A number of pixels, at least
            `side`, keeps the aspect ratio: the shorter side is resized to it, and the middle is
            cut out.
        keeps_aspect: Whether the whole picture keeps its aspect ratio, to the nearest of a few
            sizes; see `imgsearch.images.shapes`.
    """

    side: int
    rendering: Literal["keras", "faithful"]
    crop_from: int | None = None
    keeps_aspect: bool = False

    def in_words(self) -> str:
        """Say in a few words how a picture is shown to the network."""
        return f"{self.rendering} {self.side} px{', aspect kept' if self.keeps_aspect else ''}"


@dataclass(frozen=True, slots=True)
class EmbedderIdentity:
    """Everything that decides what an embedding means; vectors of two identities never mix.

    Precision is left out on purpose: the engines agree closely enough to share a gallery.

    Attributes:
        model: The network's name, e.g. `"vgg16"`.
        weights: sha256 of its weights, in hexadecimal.
        preprocessing: How pictures become its input.
        pooling: How the last feature map becomes a vector: `"avg"`, `"gem-P"` or `"rgem-P"`;
            see `imgsearch.embedding.pooling`.
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
        if self.preprocessing.crop_from is None:
            del document["preprocessing"]["crop_from"]
        if not self.preprocessing.keeps_aspect:
            del document["preprocessing"]["keeps_aspect"]
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
        if not isinstance(shape.keeps_aspect, bool):
            raise TypeError(f"{shape.keeps_aspect!r} is neither true nor false")
        if shape.keeps_aspect and (shape.rendering != "faithful" or shape.crop_from is not None):
            raise ValueError("only the whole picture, shown faithfully, keeps its aspect ratio")
        least = [(self.dim, 1), (shape.side, 1)]
        if shape.crop_from is not None:
            least.append((shape.crop_from, shape.side))
        for number, smallest in least:
            if type(number) is not int:
                raise TypeError(f"{number!r} is no whole number")
            if number < smallest:
                raise ValueError(f"{number} is below {smallest}")
