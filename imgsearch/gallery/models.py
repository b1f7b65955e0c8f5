"""Several models in one gallery: the first one's vectors, and beside them a gallery for each other.

A gallery holds the vectors of one embedder. What another model makes of the same folders is a
gallery of its own, inside the first one's folder:

    photos/.imgsearch/                      of whatever was indexed first
    photos/.imgsearch/models/clip-b32/      of the model of that name

Both are whole galleries, each with its catalogue, index and lock; a name leads to one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imgsearch.embedding.model_card import is_name
from imgsearch.embedding.models import is_registered, named_file, registered_embedder, require_maker
from imgsearch.embedding.onnx_model import ModelFile
from imgsearch.embedding.registry import PRESETS, identity_of, preset_of
from imgsearch.embedding.vgg16 import MODEL
from imgsearch.errors import EmbedderError, GalleryNotFoundError, ModelFileError
from imgsearch.gallery.own_files import MODELS_FOLDER
from imgsearch.gallery.schema import CATALOG_NAME
from imgsearch.gallery.store import stored_identity
from imgsearch.types import EmbedderIdentity


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """A model that was asked for by name or by its file.

    Attributes:
        name: What the vectors in a gallery call it.
        file: Its file, None if it has none or it is not known where that is.
    """

    name: str
    file: ModelFile | None = None

    @property
    def path(self) -> Path | None:
        """Where its file is."""
        return None if self.file is None else self.file.path

    def identity(self, stored: EmbedderIdentity | None) -> EmbedderIdentity:
        """Return what its vectors mean.

        Args:
            stored: What the vectors mean that there are of it; None if there are none yet.

        Raises:
            EmbedderError: If nobody knows a model of this name.
            ModelFileError: If its file makes other vectors than those stored, or none at all.
        """
        if self.file is not None:
            if stored is None:
                return self.file.identity
            require_maker(self.file, stored)
        if stored is not None:
            return stored
        if self.name in PRESETS:
            return identity_of(self.name)
        if is_registered(self.name):
            return registered_embedder(self.name).identity
        raise _unknown(self.name)


def choose_model(name: str) -> ChosenModel:
    """Return the model that is meant by the path of its file or by a name.

    Raises:
        EmbedderError: If it is neither a path nor anything that could be a name.
        ModelFileError: If it is a path, and the file or its card cannot be used.
    """
    if name in PRESETS or is_registered(name):
        return ChosenModel(name)
    file = named_file(name)
    if file is None and is_name(name):
        return ChosenModel(name)
    if file is None:
        raise _unknown(name)
    own = file.card.name
    if own == MODEL or own in PRESETS or is_registered(own):
        raise ModelFileError(file.path, f"its card calls it {own!r}, which is another's name")
    return ChosenModel(own, file)


def name_of(identity: EmbedderIdentity) -> str:
    """Return what the vectors of an identity are called in a gallery."""
    return preset_of(identity) or identity.model


def gallery_of_name(folder: Path, name: str) -> Path:
    """Return where in a gallery one of `models_in` is."""
    return folder / MODELS_FOLDER / name


def gallery_of_model(folder: Path, name: str) -> Path:
    """Return where in a gallery the vectors of a model are, or are to be.

    Args:
        folder: The gallery's folder; it need not be there yet.
        name: The model's name.

    Raises:
        GalleryError: If the gallery is damaged.
    """
    stored = stored_identity(folder)
    if stored is None or name_of(stored) == name:
        return folder
    return gallery_of_name(folder, name)


def require_gallery_of_model(folder: Path, model: ChosenModel) -> Path:
    """Return where in a gallery the vectors of a model are.

    Raises:
        GalleryNotFoundError: If it has none.
        ModelFileError: If they were made with another file or card.
    """
    found = gallery_of_model(folder, model.name)
    stored = stored_identity(found)
    if stored is None:
        reason = f"it has no vectors of {model.name!r}; make them: imgsearch index --model ... ROOT"
        raise GalleryNotFoundError(folder, reason)
    model.identity(stored)
    return found


def models_in(folder: Path) -> list[str]:
    """Return the names of the models that have a gallery of their own in a gallery, sorted."""
    catalogs = (folder / MODELS_FOLDER).glob(f"*/{CATALOG_NAME}")
    return sorted(catalog.parent.name for catalog in catalogs)


def _unknown(name: str) -> EmbedderError:
    presets = ", ".join(PRESETS)
    return EmbedderError(
        f"there is no model {name!r}; name a file, --model PATH.onnx, or one of {presets}"
    )
