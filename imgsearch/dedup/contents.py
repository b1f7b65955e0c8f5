"""The contents of a gallery, each with the files that hold it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from imgsearch.dedup.records import Picture
from imgsearch.errors import CopiesFolderError
from imgsearch.gallery.roots import read_roots
from imgsearch.gallery.store import GalleryStore


@dataclass(frozen=True, slots=True)
class Content:
    """The same bytes, wherever they lie.

    Attributes:
        content_hash: sha256 of the bytes.
        pictures: The files that hold them, by path; at least one.
    """

    content_hash: bytes
    pictures: tuple[Picture, ...]

    @property
    def first(self) -> Picture:
        """The first of its files, which stands for all of them."""
        return self.pictures[0]


def read_contents(store: GalleryStore, folders: Sequence[Path] = ()) -> list[Content]:
    """Return the contents of a gallery, ordered by their first file's path.

    Args:
        store: The gallery, open for reading.
        folders: Only files in these, absolute and without links; all files if there are none.

    Raises:
        CopiesFolderError: If one of the folders has no picture in the gallery.
    """
    roots = read_roots(store.catalog)
    files: dict[bytes, list[Picture]] = defaultdict(list)
    for image in store.catalog.iterate_images():
        path = store.place(image, roots)
        # A repair leaves a row without a content until its file is read again.
        if image.facts.content_hash and _is_in(path, folders):
            files[image.facts.content_hash].append(
                Picture(image.image_id, path, image.stamp, image.facts)
            )
    contents = [
        Content(digest, tuple(sorted(pictures, key=lambda picture: picture.path)))
        for digest, pictures in files.items()
    ]
    for folder in folders:
        _require_pictures(contents, folder, store.folder)
    return sorted(contents, key=lambda content: content.first.path)


def _require_pictures(contents: Iterable[Content], folder: Path, gallery: Path) -> None:
    if not any(_is_in(picture.path, (folder,)) for each in contents for picture in each.pictures):
        raise CopiesFolderError(
            folder,
            "none of its pictures is indexed; run"
            f" `imgsearch index {quote(str(folder))} --gallery {quote(str(gallery))}`",
        )


def _is_in(path: Path, folders: Sequence[Path]) -> bool:
    return not folders or any(path.is_relative_to(folder) for folder in folders)
