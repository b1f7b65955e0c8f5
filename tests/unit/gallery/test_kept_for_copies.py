"""What `index` keeps for the search for copies, so that it need not look at every picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import COLOUR

from imgsearch.dedup import album as album_module
from imgsearch.dedup.album import Album
from imgsearch.dedup.contents import read_contents
from imgsearch.dedup.first_look import first_look
from imgsearch.dedup.insides import INSIDE_KIND
from imgsearch.gallery.copy_cache import CopyCache
from imgsearch.gallery.store import open_for_reading
from imgsearch.gallery.update import update_gallery
from imgsearch.images.sketch import SKETCH_KIND
from imgsearch.images.thumbnail import THUMBNAIL_KIND
from imgsearch.types import Preprocessing

PHOTOS = Path(__file__).parents[3] / "data" / "photos"
KINDS = (THUMBNAIL_KIND, SKETCH_KIND, INSIDE_KIND)


class Blind:
    """An embedder to which all pictures are one, of a network's usual size."""

    identity = replace(COLOUR, preprocessing=Preprocessing(224, "faithful"))
    precision = "fp32"

    def embed(self, batch):
        return np.tile(np.float32([1, 0, 0]), (len(batch), 1))


@pytest.fixture
def folder(lab):
    for name in ("cat.jpg", "owl.jpg", "dog.jpg"):
        lab.write(name, (PHOTOS / name).read_bytes())
    lab.paint("narrow.png", "red", size=1)
    return lab


def index(lab, **how):
    return update_gallery(
        lab.gallery,
        [lab.root],
        identity=Blind.identity,
        make_embedder=lambda _identity: Blind(),
        **how,
    )


def kept(gallery):
    with CopyCache(gallery) as cache:
        return {kind: cache.get_all(kind) for kind in KINDS}


def sketch_all(gallery):
    with open_for_reading(gallery) as store, CopyCache(gallery) as cache:
        Album(read_contents(store), cache).sketch_all(lambda _done, _total: None)


def test_an_index_leaves_nothing_to_be_read_for_copies(folder, monkeypatch):
    index(folder, look=first_look)
    assert [len(values) for values in kept(folder.gallery).values()] == [4, 4, 4]

    monkeypatch.delattr(album_module, "first_look")  # nothing is looked at again
    sketch_all(folder.gallery)


def test_what_was_not_kept_is_found_out_later_and_is_the_same(folder):
    index(folder, look=first_look)
    at_once = kept(folder.gallery)
    with CopyCache(folder.gallery) as cache:
        cache.remove(SKETCH_KIND, list(at_once[SKETCH_KIND])[:2])
        cache.remove(INSIDE_KIND, list(at_once[INSIDE_KIND])[1:])

    sketch_all(folder.gallery)

    assert kept(folder.gallery) == at_once


def test_without_a_look_only_thumbnails_are_kept(folder):
    index(folder)
    assert [len(values) for values in kept(folder.gallery).values()] == [4, 0, 0]
