"""Two models in one gallery: whatever befalls the second one, the first one is as it was."""

from dataclasses import replace

import pytest
from conftest import COLOUR, ColourEmbedder
from figures import tried

from imgsearch.errors import GalleryCorruptError, GalleryNotFoundError
from imgsearch.faultpoints import watch
from imgsearch.gallery.check import check_gallery
from imgsearch.gallery.models import (
    ChosenModel,
    gallery_of_model,
    models_in,
    require_gallery_of_model,
)
from imgsearch.gallery.report import UpdateOptions
from imgsearch.gallery.schema import CATALOG_NAME
from imgsearch.gallery.update import update_gallery

OTHER = replace(COLOUR, model="other-colour", weights="d1" * 32)
CHOSEN = ChosenModel("other-colour")


class OtherEmbedder(ColourEmbedder):
    identity = OTHER


def update_other(lab):
    return update_gallery(
        gallery_of_model(lab.gallery, "other-colour"),
        [lab.root],
        identity=OTHER,
        make_embedder=lambda _identity: OtherEmbedder(),
        options=UpdateOptions(jobs=2, batch_size=2),
    )


@pytest.fixture
def two_models(three):
    update_other(three)
    return three


def raise_at(number):
    """Raise at the n-th point that is reached, whichever it is."""
    seen = []

    def watcher(point):
        seen.append(point)
        if len(seen) == number:
            raise KeyboardInterrupt

    return seen, watcher


def test_a_second_model_that_is_stopped_anywhere_leaves_the_first_and_is_completed(three):
    before = three.rows()
    number = 0
    while True:
        number += 1
        seen, watcher = raise_at(number)
        try:
            with watch(watcher):
                update_other(three)
        except KeyboardInterrupt:
            assert three.rows() == before
            assert models_in(three.gallery) in ([], ["other-colour"])
        if len(seen) < number:
            break  # it came through
        three.paint(f"{number}.png", (number, 99, 9))

    assert number > 30
    second = require_gallery_of_model(three.gallery, CHOSEN)
    assert second == three.gallery / "models" / "other-colour"
    assert len(three.rows(second)) == len(before) + number - 1
    assert check_gallery(second).healthy
    assert three.rows() == before  # and nothing of the new pictures
    tried("interruptions of a second model's index", number - 1)


def test_a_damaged_part_of_the_second_model_is_said_to_be_that_and_mended(two_models):
    second = two_models.gallery / "models" / "other-colour"
    (second / CATALOG_NAME).write_bytes(b"SQLite format 3\0" + b"\xff" * 16384)

    with pytest.raises(GalleryCorruptError, match=r"other-colour: catalog.sqlite .* --repair"):
        require_gallery_of_model(two_models.gallery, CHOSEN)
    assert two_models.hits(two_models.root / "a.png", k=1) == [("a.png", 1.0)]
    assert check_gallery(two_models.gallery).healthy


def test_a_damaged_first_model_hides_the_second_until_it_is_repaired(two_models):
    catalog = two_models.gallery / CATALOG_NAME
    content = bytearray(catalog.read_bytes())
    content[100:1000] = bytes(900)  # where SQLite says which tables there are
    catalog.write_bytes(content)

    with pytest.raises(GalleryCorruptError, match="--repair"):
        gallery_of_model(two_models.gallery, "other-colour")
    check_gallery(two_models.gallery, repair=True)

    found = require_gallery_of_model(two_models.gallery, CHOSEN)
    assert found == two_models.gallery / "models" / "other-colour"
    assert sorted(path.name for path in two_models.rows(found)) == ["a.png", "b.png", "c.png"]


def test_a_part_whose_catalogue_is_gone_has_no_vectors(two_models):
    (two_models.gallery / "models" / "other-colour" / CATALOG_NAME).unlink()

    assert models_in(two_models.gallery) == []
    with pytest.raises(GalleryNotFoundError, match="no vectors of 'other-colour'; make them"):
        require_gallery_of_model(two_models.gallery, CHOSEN)
    assert update_other(two_models).added == 3
