"""The Python interface: open, update, search, compare, close, and again."""

import sqlite3
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from imgsearch import Crop, Filter, api
from imgsearch.errors import (
    EmbedderMismatchError,
    GalleryCorruptError,
    GalleryNotFoundError,
    ImageFolderError,
)


@pytest.fixture
def opened(lab, monkeypatch):
    """The laboratory's embedder behind the public functions, under every preset's name."""
    asked = []

    def create(identity, *, engine, precision, model_file):
        asked.append((engine, precision))
        return lab.make_embedder(identity)

    monkeypatch.setattr(api, "create_embedder", create)
    monkeypatch.setattr(
        api,
        "identity_of",
        lambda preset: (
            lab.embedder.identity
            if preset == "default"
            else replace(lab.embedder.identity, pooling=preset)
        ),
    )
    lab.asked = asked
    return lab


def test_a_gallery_is_made_filled_and_searched(opened):
    red = opened.paint("a.png", "#f00")
    opened.paint("b.png", "#ff0")
    with api.create_gallery(opened.gallery, engine="openvino", precision="fp32") as gallery:
        assert (len(gallery), gallery.roots) == (0, [])
        assert gallery.update(opened.root).added == 2

        hits = gallery.search(red)

        assert [(hit.path.name, round(hit.score, 3)) for hit in hits] == [
            ("a.png", 1.0),
            ("b.png", 0.707),
        ]
        assert (len(gallery), gallery.roots) == (2, [opened.root])
        assert (gallery.path, gallery.identity) == (opened.gallery, opened.embedder.identity)
        assert gallery.compare(red, red.read_bytes()) == 1.0
    assert opened.asked == [("openvino", "fp32")]  # one network for all of it


def test_texts_paths_and_bytes_are_all_pictures(opened):
    red = opened.paint("a.png", "#f00")
    opened.update()
    with api.open_gallery(str(opened.root)) as gallery:
        answers = [gallery.search(source, 1) for source in (str(red), red, red.read_bytes())]

    assert [[hit.image_id for hit in hits] for hits in answers] == [[1], [1], [1]]


@pytest.mark.parametrize("place", ["gallery", "root"])
def test_a_gallery_is_opened_by_its_folder_or_by_the_folder_that_it_is_in(opened, place):
    opened.paint("a.png", "#f00")
    opened.update()

    with api.open_gallery(getattr(opened, place)) as gallery:
        assert (gallery.path, len(gallery)) == (opened.gallery, 1)


def test_an_update_without_roots_takes_those_that_are_known(opened, tmp_path):
    opened.paint("a.png", "#f00")
    opened.paint("b.png", "#0f0", root=tmp_path / "other")
    opened.update(opened.root, tmp_path / "other")
    opened.paint("c.png", "#00f")
    opened.paint("d.png", "#0ff", root=tmp_path / "other")

    with api.open_gallery(opened.root) as gallery:
        assert len(gallery) == 2
        assert gallery.update().added == 2
        assert len(gallery) == 4  # the open reader sees it


def test_an_open_gallery_sees_what_another_writer_adds(opened):
    red = opened.paint("a.png", "#f00")
    opened.update()
    with api.open_gallery(opened.root) as gallery:
        assert len(gallery.search(red)) == 1
        opened.paint("b.png", "#0f0")
        opened.update()

        assert len(gallery.search(red)) == 2


def test_a_closed_gallery_opens_again_when_it_is_used(opened):
    opened.paint("a.png", "#f00")
    opened.update()
    gallery = api.open_gallery(opened.root)
    assert len(gallery) == 1
    gallery.close()
    gallery.close()

    assert len(gallery) == 1
    gallery.close()


def test_making_a_gallery_that_is_there_opens_it(opened):
    opened.paint("a.png", "#f00")
    opened.update()

    with api.create_gallery(opened.gallery) as gallery:
        assert len(gallery) == 1
    with pytest.raises(EmbedderMismatchError, match="leave --preset out"):
        api.create_gallery(opened.gallery, preset="other")


def test_options_of_a_search_are_passed_on(opened):
    red = opened.paint("a.png", "#f00")
    opened.paint("b.png", "#ff0")
    opened.update()
    with api.open_gallery(opened.root) as gallery:
        assert [hit.image_id for hit in gallery.search(red, exclude_self=True)] == [2]
        assert [hit.image_id for hit in gallery.search(red, min_score=0.9)] == [1]
        with pytest.raises(ValueError, match="k must be"):
            gallery.search(red, 0)


def test_no_gallery_and_no_root_are_named(opened, tmp_path):
    with pytest.raises(GalleryNotFoundError):
        api.open_gallery(tmp_path / "missing")
    with (
        api.create_gallery(opened.gallery) as gallery,
        pytest.raises(ImageFolderError, match="no such folder"),
    ):
        gallery.update(tmp_path / "missing")


@pytest.mark.parametrize(
    ("table", "use"),
    [
        ("images", len),
        ("roots", lambda gallery: gallery.roots),
        ("meta", lambda gallery: gallery.search(b"x")),
        ("roots", lambda gallery: gallery.update()),
    ],
)
def test_damage_that_comes_while_it_is_open_is_an_error_of_the_gallery(opened, table, use):
    opened.paint("a.png", "#f00")
    opened.update()
    with api.open_gallery(opened.root) as gallery:
        assert len(gallery) == 1
        connection = sqlite3.connect(opened.gallery / "catalog.sqlite")
        connection.execute(f"DROP TABLE {table}")
        connection.close()

        with pytest.raises(GalleryCorruptError):
            use(gallery)


def test_a_gallery_is_asked_as_closely_as_by_the_command(opened):
    names = ("a.png", "b.png", "c.png", "sub/d.png")
    red, yellow, green, _ = (
        opened.paint(name, colour)
        for name, colour in zip(names, ("#f00", "#ff0", "#0f0", "#f00"), strict=True)
    )
    opened.write("same.png", yellow.read_bytes())
    opened.update()

    def found(*args, **options):
        with api.open_gallery(opened.gallery) as gallery:
            return [
                (hit.path.name, round(hit.score, 3)) for hit in gallery.search(*args, **options)
            ]

    assert found([red, green.read_bytes()], 1) == [("b.png", 1.0)]  # between the two
    # (1, 1) / sqrt 2 less (1, 0) / 2 is nearest to green.
    assert found(yellow, 1, unlike=[red]) == [("c.png", 0.96)]
    assert found(red, only=Filter(folders=(opened.root / "sub",))) == [("d.png", 1.0)]
    left = Crop(0, 0, 0.5, 1)
    half = np.array([[(255, 0, 0), (0, 255, 0)]], np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    Image.fromarray(half).save(opened.root.parent / "half.png")
    assert found(opened.root.parent / "half.png", 2, crop=left)[0] == ("a.png", 1.0)
    with api.open_gallery(opened.gallery) as gallery:
        first, *_ = gallery.search(yellow, group=True)
        assert [copy.path.name for copy in first.copies] == ["same.png"]
        with pytest.raises(ValueError, match="no picture"):
            gallery.search([])
