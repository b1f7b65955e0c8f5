"""What is left after a crash: does the gallery open, is it sound, and is every answer true?"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from crashes.photos import Photos, Vector, digest_of
from imgsearch.errors import GalleryNotFoundError
from imgsearch.gallery.check import check_gallery
from imgsearch.gallery.store import GalleryStore, open_for_reading
from imgsearch.query import QueryImage, QueryOptions, search_gallery

_EPS = 1e-4


class LossError(Exception):
    """Something was lost, or an answer was wrong: what this is all about."""


def inspect(gallery: Path, photos: Photos, dice: random.Random, *, may_be_unmade: bool) -> None:
    """Look at a gallery whose writer died.

    Args:
        gallery: Its folder.
        photos: The truth.
        dice: Chooses what to search for.
        may_be_unmade: Whether the writer may have died before there was a gallery.

    Raises:
        LossError: If it does not open, is not sound, or gives a wrong answer.
    """
    try:
        report = check_gallery(gallery, sample=3, k=3)
    except GalleryNotFoundError as error:
        if may_be_unmade:
            return
        raise LossError(f"the gallery is gone: {error}") from error
    if report.problems:
        raise LossError(f"check: {report.problems}")
    with open_for_reading(gallery) as store:
        rows_are_true(store, photos)
        if report.images:
            answers_are_true(store, photos, dice)


def rows_are_true(store: GalleryStore, photos: Photos) -> None:
    """Compare every stored vector with the colour of the picture that its row names."""
    images = list(store.catalog.iterate_images())
    paths = store.paths({image.image_id: image for image in images})
    for image in images:
        path, digest = paths[image.image_id], image.facts.content_hash
        vector = store.catalog.embedding(image.image_id, 3)
        if not np.allclose(vector, photos.vector_of[digest], atol=_EPS):
            raise LossError(f"{path} has the vector of another picture")
        if path not in photos.changed and (not path.exists() or digest_of(path) != digest):
            raise LossError(f"{path} has a row of another content")


def answers_are_true(store: GalleryStore, photos: Photos, dice: random.Random) -> None:
    """Search for some pictures, and compare each hit's score with the colour of its file."""
    truth, _ = photos.truth()
    for path in dice.sample(sorted(truth), min(2, len(truth))):
        hits = search_gallery(store, [QueryImage(path, str(path))], QueryOptions(k=4), _no_network)
        for hit in hits[0]:
            scores = [np.dot(truth[path], vector) for vector in vectors_of(hit.path, photos)]
            if not np.isclose(scores, hit.score, atol=_EPS).any():
                raise LossError(f"{hit.path} is no answer of score {hit.score} to {path}")


def vectors_of(path: Path, photos: Photos) -> list[Vector]:
    """Return the vectors that a path may have: its file's or, not yet seen to have changed, old."""
    if path not in photos.changed:
        return [photos.vector_of[digest_of(path)]]
    return [photos.vector_of[each] for each in photos.past[path] if each in photos.vector_of]


def rows_of(gallery: Path) -> dict[Path, Vector]:
    """Return what a gallery holds."""
    with open_for_reading(gallery) as store:
        images = {image.image_id: image for image in store.catalog.iterate_images()}
        return {
            path: tuple(store.catalog.embedding(image_id, 3).tolist())
            for image_id, path in store.paths(images).items()
        }


def require_same(found: dict[Path, Vector], truth: dict[Path, Vector], broken: set[Path]) -> None:
    """Require the rows of a fresh gallery; a file broken later may keep the row that it had.

    Raises:
        LossError: If they are others.
    """
    kept = {path: vector for path, vector in found.items() if path not in broken}
    for path in kept.keys() ^ truth.keys():
        raise LossError(f"{path} is {'missing' if path in truth else 'too much'}")
    for path, vector in kept.items():
        if not np.allclose(vector, truth[path], atol=_EPS):
            raise LossError(f"{path} ended with the vector of another picture")


def _no_network(_identity: object) -> object:
    from crashes.photos import ColourEmbedder

    return ColourEmbedder()
