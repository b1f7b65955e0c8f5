"""`imgsearch calibrate`, and the probabilities that `query` prints after it."""

from __future__ import annotations

import numpy as np
import pytest
from networks import tiny_network, write_model
from PIL import Image

PICTURES = 20


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(PICTURES):
        squares = np.random.default_rng(seed).integers(0, 256, (6, 6, 3)).astype(np.uint8)
        large = Image.fromarray(squares).resize((72, 72), Image.Resampling.NEAREST)
        large.save(folder / f"{seed:02}.png")
    return folder


@pytest.fixture
def gallery(imgsearch, photos, tmp_path):
    model = write_model(tmp_path, tiny_network())
    answer = imgsearch(
        "index", photos, "--model", model, "--gallery", tmp_path / "gallery", "--json"
    )
    assert answer.code == 0, answer.err
    return tmp_path / "gallery"


def test_a_calibrated_gallery_answers_with_probabilities(imgsearch, photos, gallery):
    before = imgsearch("query", photos / "00.png", "--probability", "--gallery", gallery)
    made = imgsearch("calibrate", "--target", 0.6, "--gallery", gallery, "--json")
    plain = imgsearch("query", photos / "00.png", "-k", 3, "--probability", "--gallery", gallery)
    rich = imgsearch(
        *("query", photos / "00.png", "-k", 3, "--probability", "--gallery", gallery, "--json")
    )
    told = imgsearch("info", "--gallery", gallery, "--json")

    assert before.code == 1
    assert "there is none yet; run `imgsearch calibrate`" in before.err
    assert made.code == 0, made.err
    assert made.document["sample"] == PICTURES
    scores, probabilities, paths = zip(*(line.split("\t") for line in plain.lines), strict=True)
    assert (scores[0], paths[0]) == ("1.000", str(photos / "00.png"))
    hits = rich.document["queries"][0]["hits"]
    assert [f"{hit['probability']:.3f}" for hit in hits] == list(probabilities)
    assert 1 > hits[0]["probability"] >= hits[1]["probability"] >= hits[2]["probability"] >= 0
    assert told.document["calibration"]["score"] == made.document["score"]
    assert told.document["calibration"]["stale"] is False


def test_probabilities_are_of_single_pictures(imgsearch, photos):
    answer = imgsearch("query", photos / "00.png", "--not", photos / "01.png", "--probability")

    assert answer.code == 2
    assert "--probability is of single pictures" in answer.err
