"""The names of a gallery's own files, which are none of the pictures beside them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from imgsearch.gallery.schema import CATALOG_NAME

MODELS_FOLDER: Final = "models"
"""The folder in a gallery's with a gallery for each further model."""

_NAMES: Final = (
    r"catalog\.sqlite(-\w+)?|catalog\.sqlite\.damaged-\d+(-wal)?|index-\d+\.faiss|manifest\.json"
    r"|writer\.(lock|json)|copies\.sqlite(-journal)?|calibration\.json|decisions\.json|keep\.toml"
    r"|cleanup-\d+\.(journal|undone)"
)


def own_files(gallery: Path, root: Path) -> re.Pattern[str] | None:
    """Return what matches the paths below a root that are a gallery's own files.

    Those of the galleries of further models are among them. Anything else may be the user's, be
    it in a folder `models`.

    Args:
        gallery: The gallery's folder, without symbolic links.
        root: The root, likewise.

    Returns:
        None if the gallery does not lie in the root.
    """
    first = gallery.parent.parent
    if gallery.parent.name == MODELS_FOLDER and (first / CATALOG_NAME).is_file():
        gallery = first
    if not gallery.is_relative_to(root):
        return None
    inside = gallery.relative_to(root)
    start = "" if inside == Path() else f"{inside.as_posix()}/"
    return re.compile(f"{re.escape(start)}({MODELS_FOLDER}/[^/]+/)?({_NAMES})")
