"""A model's card: what it says, and the one line about what it says wrongly."""

from __future__ import annotations

import pytest
from networks import CARD, write_card

from imgsearch.embedding.model_card import read_card
from imgsearch.errors import ModelFileError
from imgsearch.types import Preprocessing


@pytest.fixture
def model(tmp_path):
    return tmp_path / "tiny.onnx"


def test_a_card_says_what_it_says(model):
    write_card(model, {**CARD, "crop_from": 20, "colour": "BGR", "pooling": "gem-3", "output": "x"})

    card = read_card(model)

    assert card.preprocessing == Preprocessing(16, "faithful", 20)
    assert (card.mean, card.std, card.scale) == ((0.5, 0.4, 0.3), (0.2, 0.25, 0.3), 255.0)
    assert (card.layout, card.colour, card.pooling, card.output) == ("NCHW", "BGR", "gem-3", "x")


@pytest.mark.parametrize("key", ["name", "size", "mean", "std"])
def test_a_key_that_is_missing_is_named(model, key):
    write_card(model, {name: value for name, value in CARD.items() if name != key})

    with pytest.raises(ModelFileError, match=f"tiny.toml: the key {key} is missing"):
        read_card(model)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"size": "16"}, "size is a whole number from 1 to 4096, not '16'"),
        ({"size": 0}, "size is a whole number"),
        ({"size": 16.0}, "size is a whole number"),
        ({"size": True}, "size is a whole number"),
        ({"crop_from": 15}, "crop_from is 15, but has to be at least the size"),
        ({"mean": 0.5}, "mean has three numbers"),
        ({"mean": [0.5, 0.5]}, "mean has three numbers"),
        ({"mean": [0.5, 0.5, "x"]}, "mean is a number, not 'x'"),
        ({"std": [1, 1, 0]}, "std is above 0"),
        ({"scale": -1}, "scale is above 0"),
        ({"scale": 10**400}, "scale lies between -1000000 and 1000000"),
        ({"layout": "HWC"}, "layout is NCHW or NHWC, not 'HWC'"),
        ({"colour": "rgb"}, "colour is RGB or BGR, not 'rgb'"),
        ({"pooling": "max"}, "pooling is none, avg, cls, gem-P or rgem-P"),
        ({"output": 3}, "output is a text, not 3"),
        ({"name": "../tiny"}, "name is made of letters"),
        ({"color": "RGB"}, "unknown key 'color'; known are name, size"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(model, change, reason):
    write_card(model, {**CARD, **change})

    with pytest.raises(ModelFileError) as caught:
        read_card(model)

    assert reason in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_numbers_that_are_none_are_refused(model):
    write_card(model, CARD)
    card = model.with_suffix(".toml")
    card.write_text(card.read_text().replace("0.4", "nan"))

    with pytest.raises(ModelFileError, match="mean lies between"):
        read_card(model)


def test_a_card_that_is_missing_is_asked_for(model):
    with pytest.raises(ModelFileError, match=r"no card tiny\.toml beside it; docs/models\.md"):
        read_card(model)


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe", b"a = [" + b"[" * 5000])
def test_what_is_no_toml_is_refused(model, content):
    model.with_suffix(".toml").write_bytes(content)

    with pytest.raises(ModelFileError, match="it is no TOML"):
        read_card(model)
