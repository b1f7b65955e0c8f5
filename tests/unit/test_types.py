"""An embedder's identity as JSON: what a gallery keeps of it."""

import json
from dataclasses import replace

import pytest

from imgsearch.types import EmbedderIdentity, Preprocessing

PLAIN = EmbedderIdentity("vgg16", "ab" * 32, Preprocessing(224, "faithful"), "rgem-2", 512)
FULL = replace(PLAIN, preprocessing=Preprocessing(224, "faithful", 256), details='{"scale": 255}')


KEPT = replace(PLAIN, preprocessing=Preprocessing(320, "faithful", keeps_aspect=True))

MEAN = replace(
    PLAIN,
    preprocessing=Preprocessing(
        224, "faithful", keeps_aspect=True, side_is_mean=True, sharpening=0.5
    ),
)


@pytest.mark.parametrize(
    "identity", [PLAIN, FULL, KEPT, MEAN], ids=["plain", "full", "kept", "mean"]
)
def test_an_identity_comes_back_from_json_as_it_was(identity):
    assert EmbedderIdentity.from_json(json.loads(json.dumps(identity.to_json()))) == identity


def test_what_no_earlier_release_knew_is_not_written_where_it_says_nothing():
    assert PLAIN.to_json() == {
        "model": "vgg16",
        "weights": "ab" * 32,
        "preprocessing": {"side": 224, "rendering": "faithful"},
        "pooling": "rgem-2",
        "dim": 512,
    }


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"details": 3}, TypeError),
        ({"dim": 0}, ValueError),
        ({"dim": True}, TypeError),
        ({"preprocessing": {"side": 224, "rendering": "faithful", "crop_from": 223}}, ValueError),
        ({"preprocessing": {"side": 224, "rendering": "faithful", "crop_from": 2.5}}, TypeError),
        ({"preprocessing": {"side": 9, "rendering": "faithful", "keeps_aspect": 1}}, TypeError),
        ({"preprocessing": {"side": 9, "rendering": "keras", "keeps_aspect": True}}, ValueError),
        ({"preprocessing": {"side": 9, "rendering": "faithful", "side_is_mean": True}}, ValueError),
        ({"preprocessing": {"side": 9, "rendering": "faithful", "sharpening": True}}, TypeError),
        ({"preprocessing": {"side": 9, "rendering": "faithful", "sharpening": -0.1}}, ValueError),
        ({"preprocessing": {"side": 9, "rendering": "keras", "sharpening": 0.5}}, ValueError),
        ({"colour": "red"}, TypeError),
    ],
)
def test_an_identity_that_makes_no_sense_is_refused(change, error):
    with pytest.raises(error):
        EmbedderIdentity.from_json(PLAIN.to_json() | change)


def test_words_say_how_a_picture_is_shown():
    assert PLAIN.preprocessing.in_words() == "faithful 224 px"
    assert KEPT.preprocessing.in_words() == "faithful 320 px, aspect kept"
    assert MEAN.preprocessing.in_words() == "faithful 224 px on average, aspect kept, sharpened"
