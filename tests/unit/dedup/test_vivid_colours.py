"""A picture made warmer or more vivid is a copy still, and one of other hues is not."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from imgsearch.dedup.portrait import Portrait, thumbnail_of
from imgsearch.dedup.verify import verify
from imgsearch.evaluation.edits import EDITS, make_copy

PHOTOS = Path(__file__).parents[3] / "data" / "photos"


def portrait(picture: Image.Image) -> Portrait:
    return Portrait(thumbnail_of(np.array(picture), picture.width, picture.height))


def photo(name: str) -> Image.Image:
    return Image.open(PHOTOS / name).convert("RGB")


def warmed(picture: Image.Image, vividness: float, warmth: float) -> Image.Image:
    vivid = np.asarray(ImageEnhance.Color(picture).enhance(vividness), np.float32)
    return Image.fromarray(np.clip(vivid * (1 + warmth, 1, 1 - warmth), 0, 255).astype(np.uint8))


def with_hues_turned(picture: Image.Image, degrees: int) -> Image.Image:
    hue, saturation, value = picture.convert("HSV").split()
    turned = hue.point([(level + degrees * 256 // 360) % 256 for level in range(256)])
    return Image.merge("HSV", (turned, saturation, value)).convert("RGB")


@pytest.mark.parametrize(
    ("name", "vividness", "warmth"),
    [
        ("fig.jpg", 1.8, 0.18),
        ("fig.jpg", 1.8, -0.18),
        ("balloon.jpg", 0.5, -0.18),
        ("dahlia.jpg", 1.8, 0.18),
        ("sunflower.jpg", 1.8, 0.18),
        ("goldfish.jpg", 1.8, 0.18),
    ],
)
def test_a_picture_made_more_vivid_and_warmer_is_a_copy(name, vividness, warmth):
    picture = photo(name)
    changed = warmed(picture, vividness, warmth)
    assert verify(portrait(picture), portrait(changed)).removable
    assert verify(portrait(changed), portrait(picture)).removable


@pytest.mark.parametrize(
    ("name", "seed"), [("fig.jpg", 3), ("goldfish.jpg", 8), ("balloon.jpg", 3)]
)
def test_a_small_captioned_picture_is_a_copy_though_vivid_colours_were_cut_off(name, seed):
    picture = photo(name)
    picture.thumbnail((300, 300))
    copy = make_copy(picture, EDITS["combination"], seed)
    changed = Image.open(io.BytesIO(copy.content))

    assert verify(portrait(picture), portrait(changed)).removable
    assert verify(portrait(changed), portrait(picture)).removable


def toned(picture: Image.Image) -> Image.Image:
    return ImageOps.colorize(ImageOps.grayscale(picture), "#201008", "#fff0d0")


def sepia(picture: Image.Image) -> Image.Image:
    weights = np.array([(0.393, 0.769, 0.189), (0.349, 0.686, 0.168), (0.272, 0.534, 0.131)])
    mixed = np.asarray(picture, np.float64) @ weights.T
    return Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("name", ["mountain-lake.jpg", "balloon.jpg", "blossom.jpg"])
@pytest.mark.parametrize("edit", [toned, sepia])
def test_a_picture_in_one_hue_is_a_copy(name, edit):
    picture, brown = portrait(photo(name)), portrait(edit(photo(name)))
    assert verify(picture, brown).removable
    assert verify(brown, picture).removable


@pytest.mark.parametrize("name", ["balloon.jpg", "pencils.jpg", "goldfish.jpg"])
@pytest.mark.parametrize("degrees", [90, 180, 240])
def test_a_thing_of_another_colour_is_no_copy(name, degrees):
    picture = photo(name)
    assert not verify(portrait(picture), portrait(with_hues_turned(picture, degrees))).removable


@pytest.mark.parametrize(
    ("name", "seed"),
    [("balloon.jpg", 1), ("cat.jpg", 1), ("goldfish.jpg", 2), ("nuthatch.jpg", 2), ("owl.jpg", 1)],
)
def test_what_a_photo_filter_made_of_a_picture_is_a_copy_in_spite_of_dark_corners(name, seed):
    picture = photo(name)
    content = make_copy(picture, EDITS["filter"], seed).content
    filtered = Image.open(io.BytesIO(content)).convert("RGB")
    assert verify(portrait(picture), portrait(filtered)).tier == "edited"
