"""An embedder's identity as JSON: what a gallery keeps of it."""

import json
from dataclasses import replace

import pytest

from imgsearch.types import EmbedderIdentity, Preprocessing

PLAIN = EmbedderIdentity("vgg16", "ab" * 32, Preprocessing(224, "faithful"), "rgem-2", 512)
FULL = replace(PLAIN, preprocessing=Preprocessing(224, "faithful", 256), details='{"scale": 255}')


KEPT = replace(PLAIN, preprocessing=Preprocessing(320, "faithful", keeps_aspect=True))


@pytest.mark.parametrize("identity", [PLAIN, FULL, KEPT], ids=["plain", "full", "kept"])
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
        ({"colour": "red"}, TypeError),
    ],
)
def test_an_identity_that_makes_no_sense_is_refused(change, error):
    with pytest.raises(error):
        EmbedderIdentity.from_json(PLAIN.to_json() | change)
