"""Models that are not ours: files that the user brings, and embedders that packages register.

A package registers an embedder under the name that its vectors bear, as a function without
arguments that makes it:

    [project.entry-points."imgsearch.embedders"]
    my-model = "my_package:make_embedder"
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

import platformdirs

from imgsearch.embedding.base import Embedder
from imgsearch.embedding.cache import cache_folder, store
from imgsearch.embedding.onnx_model import ModelFile, OnnxEmbedder
from imgsearch.errors import EmbedderError, ModelFileError
from imgsearch.types import EmbedderIdentity, Precision

GROUP: Final = "imgsearch.embedders"
MODELS_VARIABLE: Final = "IMGSEARCH_MODELS"
_ENDING: Final = ".onnx"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_LONGEST_NOTE: Final = 4096  # bytes; no system takes a longer path


def model_folder() -> Path:
    """Return the user's folder of model files: `IMGSEARCH_MODELS`, else the platform's own."""
    chosen = os.environ.get(MODELS_VARIABLE)
    return Path(chosen) if chosen else platformdirs.user_data_path("imgsearch") / "models"


def named_file(name: str) -> ModelFile | None:
    """Return the model file that is meant by a path, or by its name in the user's folder.

    Args:
        name: A path that ends in `.onnx` or exists; else the name of a file in `model_folder`,
            without its ending.

    Returns:
        None if it is no path and there is no such file: it may be the name of something else.

    Raises:
        ModelFileError: If it is a path and there is no such file, or its card cannot be used.
    """
    path = Path(name)
    if path.suffix.lower() == _ENDING or path.is_file():
        return ModelFile.read(path)
    if path.name != name:
        raise ModelFileError(path, f"it is no file that ends in {_ENDING}")
    kept = model_folder() / f"{name}{_ENDING}"
    return ModelFile.read(kept) if kept.is_file() else None


def is_registered(name: str) -> bool:
    """Tell whether a package registers an embedder of this name; loads none."""
    return _entry_of(name) is not None


@cache
def registered_embedder(name: str) -> Embedder:
    """Make the embedder that a package registers; once in a process.

    Raises:
        EmbedderError: If there is none, or the package fails to make one.
    """
    entry = _entry_of(name)
    if entry is None:
        raise EmbedderError(f"no package registers an embedder {name!r}; install the one that does")
    package = entry.dist.name if entry.dist else entry.value
    try:
        make: Callable[[], Embedder] = entry.load()
        embedder = make()
        made = embedder.identity.model
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise EmbedderError(f"the embedder {name!r} of {package} fails: {reason}") from error
    if made != name:
        raise EmbedderError(f"the embedder {name!r} of {package} calls its vectors {made!r}")
    return embedder


def create_model_embedder(
    identity: EmbedderIdentity, *, file: Path | None = None, precision: Precision | None = None
) -> Embedder:
    """Make the embedder of an identity that is not ours.

    A file is looked for where it was last, and then by its name in the user's folder.

    Args:
        identity: As a model file or a registered embedder has it.
        file: The model file, if it is known where it is.
        precision: The arithmetic; of a registered embedder it is the package's affair.

    Raises:
        EmbedderError: If there is none, or it has another identity.
        ModelFileError: If a file cannot be used.
    """
    model = _file_of(identity, file)
    if model is None:
        embedder = registered_embedder(identity.model)
    else:
        embedder = OnnxEmbedder.create(model, precision=precision)
        remember(model)
    if embedder.identity != identity:
        raise EmbedderError(
            f"the vectors of {identity.model} were made by another release of it; index into"
            " another folder with --gallery DIR"
        )
    return embedder


def remember(model: ModelFile) -> None:
    """Note where a model file is, so that its digest finds it again on this machine."""
    store(_note(model.digest), lambda note: note.writelines([os.fsencode(model.path)]))


def _file_of(identity: EmbedderIdentity, file: Path | None) -> ModelFile | None:
    """Return the model file of an identity, None if it is to be had from a package.

    Raises:
        ModelFileError: If the file that was named makes other vectors.
        EmbedderError: If it was made of a file, and that is nowhere.
    """
    if file is not None:
        model = ModelFile.read(file)
        require_maker(model, identity)
        return model
    if is_registered(identity.model):
        return None
    trouble: ModelFileError | None = None
    for path in _places(identity):
        try:
            model = ModelFile.read(path)
            require_maker(model, identity)
        except ModelFileError as error:
            trouble = trouble or error
        else:
            return model
    raise trouble or EmbedderError(
        f"the model file of {identity.model} (sha256 {identity.weights[:8]}) was never used on"
        f" this machine, and is not in {model_folder()}; name it with --model PATH.onnx"
    )


def require_maker(model: ModelFile, identity: EmbedderIdentity) -> None:
    """Check that a model file makes vectors of an identity.

    Raises:
        ModelFileError: If it does not; says whether the file or its card is another.
    """
    if model.makes(identity):
        return
    other = "its card says" if model.digest == identity.weights else "the file is"
    raise ModelFileError(
        model.path,
        f"{other} something else than when the vectors of {identity.model} in the gallery were"
        " made; give its card another name to keep both",
    )


def _places(identity: EmbedderIdentity) -> Iterator[Path]:
    """Yield where the file of an identity may be: where it was last, and below its name."""
    remembered = _remembered(identity.weights)
    if remembered is not None:
        yield remembered
    kept = model_folder() / f"{identity.model}{_ENDING}"
    if kept.is_file():
        yield kept


def _remembered(digest: str) -> Path | None:
    """Return what the note of a digest says; one that is no path says nothing."""
    if not _DIGEST.fullmatch(digest):
        return None
    try:
        with _note(digest).open("rb") as note:
            name = note.read(_LONGEST_NOTE + 1)
    except OSError:
        return None
    if not name or len(name) > _LONGEST_NOTE or b"\0" in name:
        return None
    return Path(os.fsdecode(name))


def _note(digest: str) -> Path:
    return cache_folder() / "models" / digest


@cache
def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _entry_of(name: str) -> EntryPoint | None:
    return _entries().get(name)
