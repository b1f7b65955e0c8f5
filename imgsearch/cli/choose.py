"""Which embedder a command is to use."""

from __future__ import annotations

from pathlib import Path

from imgsearch.cli.options import EngineName, PrecisionName, engine_of, precision_of
from imgsearch.cli.output import print_error
from imgsearch.embedding.base import Embedder, EmbedderMaker
from imgsearch.embedding.registry import create_embedder, identity_of
from imgsearch.errors import GalleryNotFoundError
from imgsearch.gallery.store import open_for_reading
from imgsearch.types import EmbedderIdentity

DEFAULT_PRESET = "default"


def embedder_maker(
    engine: EngineName, precision: PrecisionName, weights: Path | None
) -> EmbedderMaker:
    """Return a function that loads the embedder of an identity when one is needed."""

    def make(identity: EmbedderIdentity) -> Embedder:
        return create_embedder(
            identity,
            engine=engine_of(engine),
            precision=precision_of(precision),
            weights=weights,
            announce=print_error,
        )

    return make


def chosen_identity(preset: str | None, gallery: Path | None) -> EmbedderIdentity:
    """Return the identity of a preset; where none is named, the gallery's, else the default's."""
    if preset is None and gallery is not None:
        try:
            with open_for_reading(gallery) as store:
                return store.identity()
        except GalleryNotFoundError:
            return identity_of(DEFAULT_PRESET)  # it is only about to be made
    return identity_of(preset or DEFAULT_PRESET)
