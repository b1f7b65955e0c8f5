"""Models of the user's own: found by name, path and digest, several in one gallery."""

from __future__ import annotations

import sys

import pytest
from networks import CARD, tiny_network, write_card, write_model
from PIL import Image

from imgsearch import create_gallery, open_gallery
from imgsearch.embedding import models
from imgsearch.embedding.registry import create_embedder, explain_auto, identity_of
from imgsearch.errors import (
    EmbedderError,
    EmbedderMismatchError,
    EngineError,
    GalleryNotFoundError,
    ModelFileError,
)
from imgsearch.gallery.models import choose_model, gallery_of_model, models_in

COLOURS = {"red.png": "#f00", "yellow.png": "#ff0", "blue.png": "#00f"}
PACKAGE = """
from imgsearch.types import EmbedderIdentity, Preprocessing
import numpy as np

class Brightness:
    identity = EmbedderIdentity("brightness", "b" * 64, Preprocessing(8, "faithful"), "none", 2)
    precision = "fp32"

    def embed(self, batch):
        light = batch.reshape(len(batch), -1).mean(axis=1) / 255
        return np.stack([light, np.sqrt(1 - light**2)], axis=1).astype(np.float32)

def broken():
    raise RuntimeError("no licence\\nfound")
"""
ENTRIES = """[imgsearch.embedders]
brightness = bright_package:Brightness
misnamed = bright_package:Brightness
broken = bright_package:broken
missing = bright_package:nothing
"""


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("IMGSEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("IMGSEARCH_MODELS", str(tmp_path / "kept"))


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (20, 20), colour).save(folder / name)
    return folder


@pytest.fixture
def model(tmp_path):
    return write_model(tmp_path, tiny_network())


@pytest.fixture
def other(tmp_path):
    """Half the size, and so another model."""
    return write_model(
        tmp_path, tiny_network(side=8), {**CARD, "name": "other", "size": 8}, name="other"
    )


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package that registers embedders."""
    site = tmp_path / "site"
    information = site / "bright_package-1.dist-info"
    information.mkdir(parents=True)
    (site / "bright_package.py").write_text(PACKAGE)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: bright-package\nVersion: 1")
    (information / "entry_points.txt").write_text(ENTRIES)
    monkeypatch.syspath_prepend(site)
    for cached in (models._entries, models.registered_embedder):
        cached.cache_clear()
    yield
    for cached in (models._entries, models.registered_embedder):
        cached.cache_clear()
    sys.modules.pop("bright_package", None)


def indexed(photos, model):
    with create_gallery(photos / ".imgsearch", model=model) as gallery:
        gallery.update(photos)
        return gallery.path


def move(model, folder):
    folder.mkdir()
    for part in (model.with_suffix(".toml"), model):
        moved = part.rename(folder / part.name)
    return moved


def found(gallery, photos, content=b"", **options):
    with open_gallery(gallery, **options) as opened:
        return [hit.path.name for hit in opened.search(content or photos / "red.png", 1)]


def unknown_picture(photos):
    """A red picture whose content is not indexed, so that it has to be embedded."""
    path = photos.parent / "another.png"
    Image.new("RGB", (24, 24), "#f00").save(path)
    return path.read_bytes()


def test_a_gallery_of_a_model_file_finds_it_again_by_itself(photos, model):
    gallery = indexed(photos, model)

    assert gallery == photos / ".imgsearch"
    assert found(gallery, photos, unknown_picture(photos)) == ["red.png"]


def test_the_second_model_gets_a_gallery_inside_the_first_ones(photos, model, other):
    first, second = indexed(photos, model), indexed(photos, other)

    assert second == first / "models" / "other"
    assert models_in(first) == ["other"]
    for chosen, size in ((model, 16), ("tiny", 16), (other, 8), ("other", 8)):
        with open_gallery(photos, model=chosen) as gallery:
            assert gallery.identity.preprocessing.side == size
            assert len(gallery) == len(COLOURS)
            assert gallery.search(unknown_picture(photos), 1)[0].path == photos / "red.png"


def test_without_a_name_the_first_model_answers(photos, model, other):
    indexed(photos, model)
    indexed(photos, other)

    with open_gallery(photos) as gallery:
        assert gallery.identity.model == "tiny"


def test_a_preset_is_a_second_model_too(tmp_path, photos, model):
    first = indexed(photos, model)

    create_gallery(first, model="tutorial")

    assert models_in(first) == ["tutorial"]
    with open_gallery(first, model="tutorial") as gallery:
        assert gallery.identity == identity_of("tutorial")


def test_a_preset_that_made_the_gallery_is_found_there(tmp_path):
    create_gallery(tmp_path / "gallery", preset="tutorial")

    assert gallery_of_model(tmp_path / "gallery", "tutorial") == tmp_path / "gallery"


def test_a_model_that_is_not_in_the_gallery_is_said_to_be_missing(photos, model, other):
    gallery = indexed(photos, model)

    with pytest.raises(GalleryNotFoundError, match="it has no vectors of 'other'; make them"):
        open_gallery(gallery, model=other)


@pytest.mark.parametrize("name", ["nobody", "", "..", "a b"])
def test_a_name_that_nobody_knows_is_refused(photos, name):
    with pytest.raises(EmbedderError, match=f"there is no model '{name}'; name a file"):
        create_gallery(photos / ".imgsearch", model=name)
    assert not (photos / ".imgsearch").exists()


def test_a_model_that_has_moved_is_named_once_and_then_found(photos, model, tmp_path):
    gallery = indexed(photos, model)
    moved = move(model, tmp_path / "new")

    with pytest.raises(ModelFileError, match=r"tiny\.onnx: there is no such file; name it with"):
        found(gallery, photos, unknown_picture(photos))

    assert found(gallery, photos, unknown_picture(photos), model=moved) == ["red.png"]
    assert found(gallery, photos, unknown_picture(photos)) == ["red.png"]


def test_a_model_that_has_moved_to_the_users_folder_is_found_there(photos, model, tmp_path):
    gallery = indexed(photos, model)
    move(model, tmp_path / "kept")

    assert found(gallery, photos, unknown_picture(photos)) == ["red.png"]
    assert choose_model("tiny").name == "tiny"


def test_a_gallery_from_another_machine_asks_for_its_model(photos, model, tmp_path, monkeypatch):
    gallery = indexed(photos, model)
    monkeypatch.setenv("IMGSEARCH_CACHE", str(tmp_path / "another cache"))

    with pytest.raises(EmbedderError, match=r"the model file of tiny .* was never used on this"):
        found(gallery, photos, unknown_picture(photos))


def test_a_picture_that_is_indexed_needs_no_model_file(photos, model):
    gallery = indexed(photos, model)
    model.unlink()

    assert found(gallery, photos) == ["red.png"]


def test_a_file_that_has_changed_is_not_taken_for_the_model(photos, model):
    gallery = indexed(photos, model)
    model.write_bytes(tiny_network(side=None).SerializeToString())

    with pytest.raises(ModelFileError, match="the file is something else than when the vectors"):
        found(gallery, photos, unknown_picture(photos))
    with pytest.raises(ModelFileError, match="the file is something else"):
        open_gallery(gallery, model=model)


def test_a_card_that_has_changed_makes_no_more_vectors_of_the_old_kind(photos, model):
    gallery = indexed(photos, model)
    write_card(model, {**CARD, "mean": [0, 0, 0]})

    with pytest.raises(ModelFileError, match="its card says something else"):
        create_gallery(gallery, model=model)


def test_a_preset_does_not_mix_with_a_model(photos, model):
    gallery = indexed(photos, model)

    with pytest.raises(EmbedderMismatchError, match="it was made with tiny"):
        create_gallery(gallery, preset="default")


@pytest.mark.parametrize("name", ["vgg16", "default"])
def test_a_card_may_not_take_the_name_of_what_is_ours(tmp_path, name):
    path = write_model(tmp_path, tiny_network(), {**CARD, "name": name})

    with pytest.raises(ModelFileError, match="which is another's name"):
        choose_model(str(path))


def test_tensorflow_runs_no_model_file(model):
    with pytest.raises(EngineError, match="leave --engine out"):
        create_embedder(choose_model(str(model)).identity(None), engine="tensorflow")


def test_a_model_file_is_computed_in_full_precision_unless_asked(model):
    assert explain_auto(choose_model(str(model)).identity(None)).startswith("fp32")


def test_a_package_registers_an_embedder_by_name(photos, package):
    gallery = indexed(photos, "brightness")

    with open_gallery(gallery) as opened:
        hits = opened.search(unknown_picture(photos), 3)
    # Red and blue are as bright as the question, yellow is twice as bright.
    assert hits[-1].path.name == "yellow.png"
    assert hits[0].score == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("broken", "'broken' of bright-package fails: no licence found"),
        ("missing", "'missing' of bright-package fails: .*nothing"),
        ("misnamed", "'misnamed' of bright-package calls its vectors 'brightness'"),
    ],
)
def test_an_embedder_that_fails_is_an_error_with_the_packages_name(photos, package, name, reason):
    with pytest.raises(EmbedderError, match=reason):
        create_gallery(photos / ".imgsearch", model=name)


def test_a_package_that_is_gone_is_asked_for(photos, package):
    with pytest.raises(EmbedderError, match="no package registers an embedder 'nobody'"):
        models.registered_embedder("nobody")
