from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgsearch.dedup.local_features import LocalFeatures, extract
from imgsearch.dedup.portrait import Portrait, Thumbnail, thumbnail_of
from imgsearch.dedup.verify import verify

PHOTOS = Path(__file__).parents[3] / "data" / "photos"


def portrait(picture: Image.Image) -> Portrait:
    pixels = np.array(picture.convert("RGB"))
    return Portrait(thumbnail_of(pixels, picture.width, picture.height))


@pytest.fixture(scope="module")
def cat():
    return Image.open(PHOTOS / "cat.jpg").convert("RGB")


@pytest.fixture(scope="module")
def dog():
    return Image.open(PHOTOS / "dog.jpg").convert("RGB")


@pytest.mark.parametrize("turn", list(Image.Transpose))
def test_a_turned_or_mirrored_picture_is_a_copy(cat, turn):
    assert verify(portrait(cat), portrait(cat.transpose(turn))).tier == "copy"


def test_a_cropped_and_mirrored_picture_is_edited(cat):
    width, height = cat.size
    part = cat.crop((width // 5, height // 6, width, height)).transpose(Image.Transpose(0))
    assert verify(portrait(cat), portrait(part)).tier == "edited"


def test_two_photos_are_different_pictures(cat, dog):
    assert verify(portrait(cat), portrait(dog)).tier is None


def test_neighbouring_views_that_overlap_a_little_are_no_copies(cat):
    width, height = cat.size
    left = cat.crop((0, 0, width * 6 // 10, height))
    right = cat.crop((width * 4 // 10, 0, width, height))  # a third of each is in both
    assert verify(portrait(left), portrait(right)).tier == "similar"


@pytest.mark.parametrize("size", [(1, 1), (1, 1000), (1000, 1), (2, 3), (40, 40)])
def test_a_blank_picture_is_no_copy_of_another(size):
    one, other = (portrait(Image.new("RGB", size, colour)) for colour in ("white", "#fefefe"))
    assert not verify(one, other).removable


def test_features_survive_being_kept(cat):
    features = extract(portrait(cat).thumbnail.pixels)
    kept = LocalFeatures.from_bytes(features.to_bytes())
    assert (kept.places == features.places).all()
    assert (kept.descriptors == features.descriptors).all()


def test_features_of_a_mirrored_picture_need_no_second_look(cat):
    pixels = portrait(cat).thumbnail.pixels
    derived = extract(pixels).mirrored(pixels.shape[1])
    found = extract(np.ascontiguousarray(pixels[:, ::-1]))
    alike = derived.unit_rows() @ found.unit_rows().T
    assert np.median(alike.max(axis=1)) > 0.99


def test_bytes_that_are_no_features_are_refused():
    with pytest.raises(ValueError, match="141 bytes are no local features"):
        LocalFeatures.from_bytes(bytes(141))


def test_a_thumbnail_survives_being_kept(cat):
    thumbnail = portrait(cat).thumbnail
    kept = Thumbnail.from_jpeg(thumbnail.to_jpeg(), *cat.size)
    assert np.abs(kept.pixels.astype(int) - thumbnail.pixels).mean() < 5
