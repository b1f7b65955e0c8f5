"""The commands with a model of the user's own."""

from __future__ import annotations

import numpy as np
import pytest
from networks import CARD, CHANNELS, tiny_network, write_card, write_model
from PIL import Image


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, colour in (("red.png", "#f00"), ("blue.png", "#00f")):
        Image.new("RGB", (20, 20), colour).save(folder / name)
    return folder


@pytest.fixture
def model(tmp_path):
    return write_model(tmp_path, tiny_network())


@pytest.fixture
def own_cache(tmp_path):
    return {"IMGSEARCH_CACHE": str(tmp_path / "cache"), "IMGSEARCH_MODELS": str(tmp_path / "kept")}


def test_the_commands_work_with_a_model_file(imgsearch, photos, model, own_cache, tmp_path):
    gallery = photos / ".imgsearch"
    Image.new("RGB", (30, 30), "#00f").save(tmp_path / "asked.png")

    made = imgsearch("index", photos, "--model", model, "--json", **own_cache)
    assert made.code == 0, made.err
    asked = imgsearch("query", tmp_path / "asked.png", "-k", 1, "--gallery", gallery, **own_cache)
    compared = imgsearch(
        "compare", tmp_path / "asked.png", photos / "blue.png", "--model", model, **own_cache
    )
    exported = imgsearch(
        "export", tmp_path / "vectors.npz", "--gallery", gallery, "--model", "tiny"
    )
    checked = imgsearch("check", "--gallery", gallery, "--model", "tiny")
    told = imgsearch("info", "--gallery", gallery, "--json")

    assert made.document["added"] == 2
    assert asked.lines == [f"1.000\t{photos / 'blue.png'}"], asked.err
    assert compared.lines == ["1.0000"]
    assert (exported.code, checked.code) == (0, 0)
    assert np.load(tmp_path / "vectors.npz")["embeddings"].shape == (2, CHANNELS)
    assert told.document["embedder"]["model"] == "tiny"
    assert told.document["preset"] is None


def test_two_models_live_in_one_gallery(imgsearch, photos, model, own_cache, tmp_path):
    card = {**CARD, "name": "half", "size": 8}
    half = write_model(tmp_path, tiny_network(side=8), card, name="half")

    for each in (model, half):
        assert imgsearch("index", photos, "--model", each, **own_cache).code == 0
    told = imgsearch("info", "--gallery", photos / ".imgsearch", "--json")
    asked = imgsearch("query", photos / "red.png", "--model", "half", "-k1", cwd=photos)

    assert told.document["embedder"]["model"] == "tiny"
    assert told.document["models"] == ["half"]
    assert asked.lines == [f"1.000\t{photos / 'red.png'}"]


def test_a_bad_card_is_one_line(fails, photos, model, own_cache):
    write_card(model, {**CARD, "size": "big"})

    error = fails("index", photos, "--model", model, **own_cache)

    assert "tiny.toml: size is a whole number" in error
    assert not (photos / ".imgsearch").exists()


def test_a_network_that_does_not_fit_its_card_is_one_line(fails, photos, model, own_cache):
    write_card(model, {**CARD, "output": "nope"})

    assert "it has no output 'nope'" in fails("index", photos, "--model", model, **own_cache)


def test_a_preset_and_a_model_are_not_asked_for_together(imgsearch, photos, model):
    answer = imgsearch("index", photos, "--model", model, "--preset", "default")

    assert answer.code == 2
    assert "choose one of --model and --preset" in answer.err
