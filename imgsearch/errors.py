"""Every exception that imgsearch raises on purpose.

    ImgsearchError
    ├── ImageReadError                 one file could not become pixels
    │   ├── UnsupportedImageError      it is no picture, or of a kind that is not read
    │   └── ImageTooLargeError         it declares more pixels than the limit allows
    ├── QueryError                     pictures that are asked for together make no question
    ├── ImageFolderError               a folder to index is missing, no folder or unreadable
    │   └── CopiesFolderError          the same of a folder to look for copies in
    ├── ReviewPageError                a review page could not be written
    ├── KeepRulesError                 a rule of what to keep makes no sense, or its file does not
    ├── DecisionsError                 what a person decided of copies cannot be read or written
    ├── PlanError                      a plan cannot be read, written or carried out
    ├── RefusedError                   one entry of a plan is not carried out
    ├── JournalError                   the journal of a clean-up cannot be read or written
    ├── SheetError                     a contact sheet could not be written
    ├── ServerError                    the web page cannot be offered at an address
    ├── CalibrationError               what scores mean is not known, or cannot be found out
    ├── LabelsError                    a file of labels cannot be used
    ├── EmbedderError
    │   ├── WeightsNotFoundError       no source has the VGG16 weights
    │   ├── WeightsMismatchError       a source has other weights than those of VGG16
    │   ├── ModelFileError             a model file or its card cannot be used, or is not there
    │   └── EngineError                an engine or a precision is not to be had on this machine
    ├── IndexFileError                 a FAISS file cannot be what was written
    └── GalleryError
        ├── GalleryNotFoundError       there is no gallery in that folder
        ├── GalleryLockedError         another process is writing to it
        ├── GalleryVersionError        its format is newer than this release reads
        ├── GalleryCorruptError        what is on disk cannot be what was written
        ├── GalleryWriteError          the disk refused a write
        └── EmbedderMismatchError      its vectors were made by another embedder

A message says what went wrong, with which file, and what to do next, in one line. Mistakes of the
calling programmer stay `ValueError` and `TypeError`.
"""

from __future__ import annotations

from pathlib import Path


class ImgsearchError(Exception):
    """The root: catch this to catch everything that imgsearch reports.

    Subclasses take their facts as positional arguments and build the message from them, so that
    an error survives pickling between worker processes with its attributes.
    """


class ImageReadError(ImgsearchError):
    """A file could not be turned into pixels."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot read {self.path}: {self.reason}"


class UnsupportedImageError(ImageReadError):
    """The content is no picture, or of a kind that is not read."""


class ImageTooLargeError(ImageReadError):
    """The header declares more pixels than the limit; nothing was decoded."""

    def __init__(self, path: str, pixels: int, limit: int) -> None:
        reason = (
            f"it declares {pixels / 1e6:,.0f} megapixels, over the limit of {limit / 1e6:,.0f};"
            " raise it with --max-megapixels"
        )
        super().__init__(path, reason)
        self.args = (path, pixels, limit)
        self.pixels = pixels
        self.limit = limit


class QueryError(ImgsearchError):
    """Pictures that are asked for together make no question."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ImageFolderError(ImgsearchError):
    """A folder to index is missing, is no folder, or cannot be listed."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot index {self.path}: {self.reason}"


class CopiesFolderError(ImageFolderError):
    """A folder to look for copies in is missing, not indexed, or will not do beside another."""

    def __str__(self) -> str:
        return f"cannot look for copies in {self.path}: {self.reason}"


class ReviewPageError(ImgsearchError):
    """A review page could not be written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot write the review page {self.path}: {self.reason}"


class KeepRulesError(ImgsearchError):
    """A rule of what to keep makes no sense, or a file of such rules does not."""


class DecisionsError(ImgsearchError):
    """The file of what a person decided of copies is damaged, or the disk refused it."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"decisions {self.path}: {self.reason}"


class PlanError(ImgsearchError):
    """A plan of what to remove is no plan, cannot be written, or cannot be carried out."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"plan {self.path}: {self.reason}"


class RefusedError(ImgsearchError):
    """One entry of a plan is not carried out, so that nothing is lost; the others may be."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path} stays: {self.reason}"


class JournalError(ImgsearchError):
    """The journal of a clean-up is damaged, is not there, or the disk refused it."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"journal {self.path}: {self.reason}"


class SheetError(ImgsearchError):
    """A contact sheet could not be written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot write the contact sheet {self.path}: {self.reason}"


class ServerError(ImgsearchError):
    """The web page cannot be offered at an address."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(host, port, reason)
        self.host = host
        self.port = port
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot serve at {self.host}, port {self.port}: {self.reason}"


class CalibrationError(ImgsearchError):
    """What the scores of a gallery mean is not known, or cannot be found out."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"calibration {self.path}: {self.reason}"


class LabelsError(ImgsearchError):
    """A file of labels cannot be read, or says nothing that can be measured."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot use the labels {self.path}: {self.reason}"


class EmbedderError(ImgsearchError):
    """Pixels could not be turned into embeddings."""


class WeightsNotFoundError(EmbedderError):
    """No source has the VGG16 weights."""


class WeightsMismatchError(EmbedderError):
    """A source holds other arrays than VGG16's ImageNet convolutions."""

    def __init__(self, path: Path, found: str, wanted: str) -> None:
        super().__init__(path, found, wanted)
        self.path = path
        self.found = found
        self.wanted = wanted

    def __str__(self) -> str:
        return (
            f"{self.path} does not hold VGG16's ImageNet weights: their sha256 is {self.found},"
            f" wanted {self.wanted}; remove the file or name another with --weights"
        )


class EngineError(EmbedderError):
    """An engine or a precision is not to be had on this machine."""


class ModelFileError(EmbedderError):
    """A model file, or the card beside it, is missing or cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot use the model {self.path}: {self.reason}"


class IndexFileError(ImgsearchError):
    """A file of vectors is damaged, or no file that this package wrote."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot use the vector index {self.path}: {self.reason}"


class GalleryError(ImgsearchError):
    """Something is wrong with a gallery on disk."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"gallery {self.path}: {self.reason}"


class GalleryNotFoundError(GalleryError):
    """There is no gallery in that folder."""


class GalleryLockedError(GalleryError):
    """Another process is writing to the gallery."""


class GalleryVersionError(GalleryError):
    """The gallery's format is newer than this release reads."""


class GalleryCorruptError(GalleryError):
    """What is on disk cannot be what was written."""


class GalleryWriteError(GalleryError):
    """The disk refused a write: full, read-only or broken."""


class EmbedderMismatchError(GalleryError):
    """The gallery's vectors were made by another embedder than the one asked for."""
