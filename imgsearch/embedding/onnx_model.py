"""A model file that the user brings: an ONNX network and its card, run by OpenVINO."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np

from imgsearch.embedding.model_card import ModelCard, read_card
from imgsearch.embedding.model_output import to_vectors
from imgsearch.embedding.onnx_graph import CompiledNetwork, compile_network, measure_dim
from imgsearch.embedding.rounds import EmbedderInRounds
from imgsearch.errors import EngineError, ModelFileError
from imgsearch.types import EmbedderIdentity, Embeddings, PixelBatch, Precision

_BATCH_SIZE: Final = 8
_GREY: Final = 128


@dataclass(frozen=True)
class ModelFile:
    """A model file and what its card says; the network is read only when it is asked about.

    Attributes:
        path: The file.
        card: What it is to be shown.
    """

    path: Path
    card: ModelCard

    @classmethod
    def read(cls, path: Path) -> ModelFile:
        """Read the card of a model file; the file itself has to be there.

        Raises:
            ModelFileError: If the file is not there, or its card says nothing that can be used.
        """
        if not path.is_file():
            raise ModelFileError(path, "there is no such file; name it with --model PATH.onnx")
        return cls(path.absolute(), read_card(path))  # of a link, the card lies beside the link

    def read_content(self) -> bytes:
        """Read the file, and note its digest or hold it against what was noted before.

        Raises:
            ModelFileError: If it cannot be read, or has changed since.
        """
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise ModelFileError(self.path, f"it cannot be read ({error.strerror})") from error
        digest = hashlib.sha256(content).hexdigest()
        if self.__dict__.setdefault("digest", digest) != digest:  # where cached_property keeps it
            raise ModelFileError(self.path, "it has changed meanwhile; start again")
        return content

    @cached_property
    def digest(self) -> str:
        """sha256 of the file, in hexadecimal."""
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelFileError(self.path, f"it cannot be read ({error.strerror})") from error

    @cached_property
    def identity(self) -> EmbedderIdentity:
        """What its vectors mean; reads the network to learn how long they are.

        Raises:
            ModelFileError: If it is no network that the card fits.
        """
        return self.with_dim(measure_dim(self.read_content(), self.card, self.path))

    def makes(self, identity: EmbedderIdentity) -> bool:
        """Tell whether an identity is this model's, without reading the network."""
        return identity == self.with_dim(identity.dim)

    def with_dim(self, dim: int) -> EmbedderIdentity:
        """Return what its vectors mean, given how long they are."""
        card = self.card
        return EmbedderIdentity(
            card.name, self.digest, card.preprocessing, card.pooling, dim, card.details()
        )


class OnnxEmbedder(EmbedderInRounds):
    """A model file by OpenVINO on the processor."""

    @classmethod
    def create(cls, model: ModelFile, *, precision: Precision | None = None) -> OnnxEmbedder:
        """Compile the network for this processor, and try it on a grey picture.

        Args:
            model: The file and its card.
            precision: The arithmetic; None is fp32, because nobody has measured what another
                does to this network.

        Raises:
            EngineError: If OpenVINO cannot be loaded, or int8 is asked for.
            ModelFileError: If it is no network that the card fits, or it gives no numbers.
        """
        if precision == "int8":
            raise EngineError(
                "a model file is not made int8; choose --precision fp32 or bf16, or bring a file"
                " that is int8 already"
            )
        network = compile_network(model.read_content(), model.card, model.path, precision or "fp32")
        convert = to_vectors(model.card.pooling, model.card.output_layout, network.dim)

        def embed_round(batch: PixelBatch) -> Embeddings:
            vectors = convert(network.infer(batch))
            _require_numbers(vectors, model, network)
            return vectors

        side = model.card.preprocessing.side
        embed_round(np.full((1, side, side, 3), _GREY, np.uint8))
        size = 1 if network.one_at_a_time else _BATCH_SIZE
        return cls(model.with_dim(network.dim), network.precision, embed_round, batch_size=size)


def _require_numbers(vectors: Embeddings, model: ModelFile, network: CompiledNetwork) -> None:
    if np.isfinite(vectors).all():
        return
    advice = "try --precision fp32" if network.precision != "fp32" else "is its card right?"
    raise ModelFileError(model.path, f"its output is not finite for some picture; {advice}")
