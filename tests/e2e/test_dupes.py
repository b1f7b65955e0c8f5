"""The copies among the sample photos, by the true vectors and the true pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

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


@pytest.mark.parametrize("command", [("dupes",), ("dupes", "plan", "-o", "plan.json")])
def test_a_folder_of_which_nothing_is_indexed_is_one_line(fails, gallery, tmp_path, command):
    line = fails(*command, tmp_path, "--gallery", gallery)
    assert f"none of its pictures is indexed; run `imgsearch index {tmp_path}" in line


def test_a_missing_folder_is_one_line(fails, gallery):
    assert "there is no such folder" in fails("dupes", "absent", "--gallery", gallery)


def test_explain_says_what_two_pictures_are_and_draws_them(imgsearch, photos, tmp_path):
    pair = photos / "cat.jpg", photos / "copies" / "cat-reencoded.jpg"
    answer = imgsearch("dupes", "explain", *pair, "--png", tmp_path / "pair.png")

    assert answer.lines[0].startswith("copy\t")
    assert "pixels\t451x300\t451x300" in answer.lines
    with Image.open(tmp_path / "pair.png") as drawn:
        assert drawn.width > 2 * 480


def test_in_and_against_list_what_a_folder_has_not(imgsearch, gallery, photos):
    copies, trip = photos / "copies", photos / "trip"
    asked = ("dupes", "--in", trip, "--against", copies, "--gallery", gallery)
    names = [Path(line).name for line in imgsearch(*asked).lines]

    assert "red-rock.jpg" not in names  # the same bytes are among the copies
    assert "temple.jpg" in names  # of which there is only a part
    paths = imgsearch(*asked, "-0").out.decode().split("\0")
    assert [Path(path).name for path in paths if path] == names
    document = imgsearch(*asked, "--json").document
    assert [Path(one["path"]).name for one in document["new"]] == names
    assert "red-rock.jpg" in {Path(one["path"]).name for one in document["known"]}


def test_in_without_against_is_an_error_of_usage(imgsearch, gallery, photos):
    answer = imgsearch("dupes", "--in", photos, "--gallery", gallery)
    assert answer.code == 2
    assert "go together" in answer.err
