"""Which gallery and which embedder a command is to use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from imgsearch.cli.options import EngineName, PrecisionName, engine_of, precision_of
from imgsearch.cli.output import print_error
from imgsearch.embedding.base import Embedder, EmbedderMaker
from imgsearch.embedding.registry import create_embedder, identity_of
from imgsearch.gallery.locate import find_gallery
from imgsearch.gallery.store import stored_identity
from imgsearch.types import EmbedderIdentity

if TYPE_CHECKING:  # loaded only where a model is asked for
    from imgsearch.gallery.models import ChosenModel

DEFAULT_PRESET = "default"


def embedder_maker(
    engine: EngineName,
    precision: PrecisionName,
    weights: Path | None,
    model: ChosenModel | None = None,
) -> EmbedderMaker:
    """Return a function that loads the embedder of an identity when one is needed."""

    def make(identity: EmbedderIdentity) -> Embedder:
        return create_embedder(
            identity,
            engine=engine_of(engine),
            precision=precision_of(precision),
            weights=weights,
            announce=print_error,
            model_file=None if model is None else model.path,
        )

    return make


def chosen_model(name: str | None, preset: str | None = None) -> ChosenModel | None:
    """Return the model that `--model` asks for, None if nothing does."""
    if name is None:
        return None
    if preset is not None:
        raise typer.BadParameter("choose one of --model and --preset")
    from imgsearch.gallery.models import choose_model

    return choose_model(name)


def gallery_to_read(gallery: Path | None, model: ChosenModel | None) -> Path:
    """Return the folder of the gallery to read: that of a model, if one is asked for."""
    folder = find_gallery(gallery)
    if model is None:
        return folder
    from imgsearch.gallery.models import require_gallery_of_model

    return require_gallery_of_model(folder, model)


def gallery_to_write(folder: Path, model: ChosenModel | None) -> Path:
    """Return the folder of the gallery to write, which need not be there yet."""
    if model is None:
        return folder
    from imgsearch.gallery.models import gallery_of_model

    return gallery_of_model(folder, model.name)


def chosen_identity(
    preset: str | None, gallery: Path | None, model: ChosenModel | None = None
) -> EmbedderIdentity:
    """Return the identity of a preset or model; where none is named, the gallery's own.

    Args:
        preset: A preset's name.
        gallery: The gallery's folder, there or not.
        model: A model that was asked for instead of a preset.
    """
    stored = None if gallery is None else stored_identity(gallery)
    if model is not None:
        return model.identity(stored)
    if preset is None and stored is not None:
        return stored
    return identity_of(preset or DEFAULT_PRESET)
