from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from imgsearch.dedup.explain import explain
from imgsearch.errors import ImageReadError

PHOTOS = Path(__file__).parents[3] / "data" / "photos"


def test_the_same_bytes_need_no_evidence(tmp_path):
    copy = tmp_path / "copy.jpg"
    shutil.copy(PHOTOS / "cat.jpg", copy)
    found = explain(PHOTOS / "cat.jpg", copy)
    assert (found.verdict.tier, found.evidence) == ("identical", None)


def test_a_crop_shows_a_part_of_the_first_and_all_of_the_second(tmp_path):
    cat = Image.open(PHOTOS / "cat.jpg").convert("RGB")
    width, height = cat.size
    cat.crop((0, 0, width // 2, height)).save(tmp_path / "left.png")
    found = explain(PHOTOS / "cat.jpg", tmp_path / "left.png")
    assert found.verdict.tier == "edited"
    assert found.evidence.first_share == pytest.approx(0.5, abs=0.03)
    assert found.evidence.second_share == pytest.approx(1, abs=0.03)
    assert (found.first.facts.width, found.second.facts.width) == (width, width // 2)
    assert found.second.facts.format == "PNG"


def test_two_photos_are_different():
    assert explain(PHOTOS / "cat.jpg", PHOTOS / "dog.jpg").verdict.tier is None


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ImageReadError, match=r"absent\.jpg"):
        explain(PHOTOS / "cat.jpg", tmp_path / "absent.jpg")
