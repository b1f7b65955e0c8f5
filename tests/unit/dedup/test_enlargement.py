"""A picture that is larger may only have been enlarged: then the smaller one has all its detail."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from imgsearch.dedup.enlargement import adds_little
from imgsearch.dedup.explain import explain

PHOTOS = Path(__file__).parents[3] / "data" / "photos"
FILTERS = [
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
]


@pytest.fixture(params=["cat.jpg", "coffee.jpg"])
def photo(request):
    return Image.open(PHOTOS / request.param).convert("RGB")


def times(factor: float) -> np.ndarray:
    return np.diag([factor, factor, 1.0])


def scaled(picture: Image.Image, factor: float, method=Image.Resampling.LANCZOS) -> Image.Image:
    return picture.resize((round(picture.width * factor), round(picture.height * factor)), method)


def saved(picture: Image.Image, path: Path, quality: int = 80) -> Path:
    picture.save(path, quality=quality)
    return path


def framed(picture: Image.Image) -> Image.Image:
    return ImageOps.expand(picture, picture.height // 10, "darkgreen")


@pytest.mark.parametrize("method", FILTERS)
@pytest.mark.parametrize("factor", [1.6, 2.0, 2.6, 3.5])
@pytest.mark.parametrize("quality", [60, 95])
def test_a_picture_that_was_enlarged_adds_little(photo, method, factor, quality, tmp_path):
    larger = saved(scaled(photo, factor, method), tmp_path / "larger.jpg", quality)
    assert adds_little(larger, times(factor), photo.size)


@pytest.mark.parametrize("factor", [2.0, 2.6])
def test_a_picture_with_detail_of_its_own_adds_to_a_smaller_one(photo, factor, tmp_path):
    larger = saved(photo, tmp_path / "larger.jpg")
    assert not adds_little(larger, times(factor), scaled(photo, 1 / factor).size)


def test_a_picture_in_which_nothing_is_to_be_seen_tells_nothing(tmp_path):
    larger = saved(Image.new("RGB", (400, 300), "white"), tmp_path / "blank.png")
    assert not adds_little(larger, times(2), (200, 150))


def test_a_picture_wider_than_opencv_warps_is_looked_at(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (80, 33_000), np.uint8)
    larger = saved(Image.fromarray(noise).convert("RGB"), tmp_path / "wide.png")
    assert not adds_little(larger, times(2), (16_500, 40))


def test_a_small_picture_is_plainer_than_itself_enlarged_in_a_frame(photo, tmp_path):
    plain = saved(photo, tmp_path / "plain.jpg")
    framed_large = saved(framed(scaled(photo, 2.5)), tmp_path / "screen.jpg")
    assert explain(plain, framed_large).verdict.plainer == "first"
    assert explain(framed_large, plain).verdict.plainer == "second"


def test_a_small_copy_is_not_plainer_than_the_large_picture_in_a_frame(photo, tmp_path):
    plain = saved(scaled(photo, 1 / 3), tmp_path / "plain.jpg")
    framed_large = saved(framed(photo), tmp_path / "screen.jpg")
    assert explain(plain, framed_large).verdict.removable
    assert explain(plain, framed_large).verdict.plainer == ""
