"""The copies among the sample photos, by the true vectors and the true pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.weights

COPIES = {
    "cat-reencoded.jpg": "cat.jpg",
    "city-at-night-captioned.jpg": "city-at-night.jpg",
    "coffee-mirrored.jpg": "coffee.jpg",
    "dog-turned.jpg": "dog.jpg",
    "mountain-lake-resized.jpg": "mountain-lake.jpg",
    "owl-grey.jpg": "owl.jpg",
    "red-rock (1).jpg": "red-rock.jpg",
    "sunflower-as-webp.webp": "sunflower.jpg",
    "temple-cropped.jpg": "temple.jpg",
}


def test_dupes_finds_each_copy_with_its_original_and_nothing_else(imgsearch, gallery):
    document = imgsearch("dupes", "--gallery", gallery, "--json").document

    found = [{Path(member["path"]).name for member in one["members"]} for one in document["groups"]]
    assert sorted(map(sorted, found)) == sorted(map(sorted, COPIES.items()))


def test_dupes_prints_only_the_paths_of_copies_when_asked(imgsearch, gallery, photos):
    answer = imgsearch("dupes", photos / "trip", "--gallery", gallery, "-0")

    assert answer.out == b""  # the copies of its photos lie in another folder


def test_a_missing_folder_is_one_line(fails, gallery):
    assert "there is no such folder" in fails("dupes", "absent", "--gallery", gallery)
