"""Find the photos that look like this one, on your own machine.

    with imgsearch.open_gallery("photos") as gallery:
        for hit in gallery.search("cat.jpg", k=5):
            print(hit.score, hit.path)

Names are loaded when they are first used: `import imgsearch` itself loads no library.
"""

from __future__ import annotations

TYPE_CHECKING = False  # the name is known to type checkers; typing itself takes a while to load
if TYPE_CHECKING:
    from typing import Any

    from imgsearch.api import Gallery, create_gallery, open_gallery
    from imgsearch.errors import (
        CalibrationError,
        CopiesFolderError,
        DecisionsError,
        EmbedderError,
        EmbedderMismatchError,
        EngineError,
        GalleryCorruptError,
        GalleryError,
        GalleryLockedError,
        GalleryNotFoundError,
        GalleryVersionError,
        GalleryWriteError,
        ImageFolderError,
        ImageReadError,
        ImageTooLargeError,
        ImgsearchError,
        IndexFileError,
        JournalError,
        KeepRulesError,
        LabelsError,
        ModelFileError,
        PlanError,
        QueryError,
        RefusedError,
        ReviewPageError,
        ServerError,
        SheetError,
        UnsupportedImageError,
        WeightsMismatchError,
        WeightsNotFoundError,
    )
    from imgsearch.gallery.filters import Filter
    from imgsearch.gallery.report import FailedFile, Progress, UpdateOptions, UpdateReport
    from imgsearch.images.crop import Crop
    from imgsearch.query import Hit
    from imgsearch.types import EmbedderIdentity, Preprocessing

__version__ = "0.1.0"

__all__ = [
    "CalibrationError",
    "CopiesFolderError",
    "Crop",
    "DecisionsError",
    "EmbedderError",
    "EmbedderIdentity",
    "EmbedderMismatchError",
    "EngineError",
    "FailedFile",
    "Filter",
    "Gallery",
    "GalleryCorruptError",
    "GalleryError",
    "GalleryLockedError",
    "GalleryNotFoundError",
    "GalleryVersionError",
    "GalleryWriteError",
    "Hit",
    "ImageFolderError",
    "ImageReadError",
    "ImageTooLargeError",
    "ImgsearchError",
    "IndexFileError",
    "JournalError",
    "KeepRulesError",
    "LabelsError",
    "ModelFileError",
    "PlanError",
    "Preprocessing",
    "Progress",
    "QueryError",
    "RefusedError",
    "ReviewPageError",
    "ServerError",
    "SheetError",
    "UnsupportedImageError",
    "UpdateOptions",
    "UpdateReport",
    "WeightsMismatchError",
    "WeightsNotFoundError",
    "create_gallery",
    "open_gallery",
]

_HOMES = {
    "Gallery": "api",
    "create_gallery": "api",
    "open_gallery": "api",
    "Crop": "images.crop",
    "FailedFile": "gallery.report",
    "Filter": "gallery.filters",
    "Progress": "gallery.report",
    "UpdateOptions": "gallery.report",
    "UpdateReport": "gallery.report",
    "Hit": "query",
    "EmbedderIdentity": "types",
    "Preprocessing": "types",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in __all__:
        raise AttributeError(f"module 'imgsearch' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"imgsearch.{_HOMES.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
