"""Calibrating a gallery: which pairs count, and what is kept of it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from imgsearch.embedding.vgg16 import unit_rows
from imgsearch.errors import CalibrationError
from imgsearch.gallery.calibration import (
    CALIBRATION_NAME,
    read_calibration,
    require_calibration,
    write_calibration,
)
from imgsearch.gallery.report import UpdateOptions
from imgsearch.gallery.store import open_for_reading
from imgsearch.gallery.update import update_gallery
from imgsearch.measuring import calibration
from imgsearch.measuring.calibration import CalibrationOptions
from imgsearch.types import EmbedderIdentity, Preprocessing

SIDE = 16
PICTURES = 24


class GreyEmbedder:
    """The picture itself, grey, without its mean: copies are near, whatever their colours."""

    identity = EmbedderIdentity("grey", "9" * 64, Preprocessing(SIDE, "faithful"), "none", SIDE**2)
    precision = "fp32"

    def embed(self, batch):
        rows = batch.mean(axis=3).reshape(len(batch), -1)
        rows = rows - rows.mean(axis=1, keepdims=True) + 1e-3
        return unit_rows(rows.astype(np.float32))


def make_embedder(_identity):
    return GreyEmbedder()


def noise(seed):
    """A picture of coarse squares that no other seed gives, with detail for the verification."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (8, 8, 3)).astype(np.uint8)
    fine = random.integers(0, 60, (96, 96, 1)).astype(np.uint8)
    large = np.asarray(Image.fromarray(coarse).resize((96, 96), Image.Resampling.NEAREST))
    return Image.fromarray((large * 0.75 + fine).astype(np.uint8))


def index(photos):
    update_gallery(
        photos / ".imgsearch",
        [photos],
        identity=GreyEmbedder.identity,
        make_embedder=make_embedder,
        options=UpdateOptions(jobs=2),
    )
    return photos / ".imgsearch"


@pytest.fixture(scope="module", autouse=True)
def few_copies():
    """Four edits of each picture, for speed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration, "_COPIES", 4 * (PICTURES + 1))
        yield


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibrated")
    for seed in range(PICTURES):
        noise(seed).save(folder / f"{seed:02}.png")
    noise(0).save(folder / "same-bytes.png")
    noise(1).save(folder / "same-picture.jpg", quality=80)
    return folder


@pytest.fixture(scope="module")
def gallery(photos):
    return index(photos)


def calibrated(gallery, **options):
    options = CalibrationOptions(**{"target": 0.95, "share": 1.0, **options})
    with open_for_reading(gallery) as store:
        return calibration.calibrate(store, make_embedder, options, lambda *_: None)


@pytest.fixture(scope="module")
def found(gallery):
    return calibrated(gallery)


def test_copies_score_higher_than_others_and_a_score_parts_them(found):
    assert found.score is not None
    assert 0.3 < found.score < 0.95
    assert found.recall > 0.5
    assert found.curve(found.score) >= 0.5 > found.curve(0.1)


def test_each_content_is_edited_once_and_every_edit_is_counted(found):
    # Two of the files have the same bytes.
    assert found.images == PICTURES + 2
    assert (found.sample, found.copies) == (PICTURES + 1, 4 * (PICTURES + 1))


def test_other_files_of_the_same_picture_are_no_mistakes(found):
    # By the same bytes: each copy of picture 0 with that of its files that it was not made of, 4.
    # By the pictures: the copies of 1 with its JPEG, and the JPEG's with 1, up to 8.
    assert 4 + 4 <= found.left_out <= 4 + 8


def test_the_same_seed_finds_the_same_again(gallery, found):
    assert calibrated(gallery) == found


def test_a_gallery_of_few_pictures_says_nothing(tmp_path):
    noise(1).save(tmp_path / "only.png")

    with pytest.raises(CalibrationError, match="20 have to be readable; index more"):
        calibrated(index(tmp_path))


def test_pictures_that_are_gone_are_passed_over(tmp_path):
    for seed in range(PICTURES):
        noise(seed).save(tmp_path / f"{seed:02}.png")
    gallery = index(tmp_path)
    (tmp_path / "00.png").unlink()
    (tmp_path / "01.png").write_bytes(b"no picture any more")

    assert calibrated(gallery).sample == PICTURES - 2


def test_what_was_found_is_read_back_the_same(gallery, found):
    write_calibration(gallery, found)

    with open_for_reading(gallery) as store:
        assert read_calibration(store) == found
        assert require_calibration(store).curve(0.5) == found.curve(0.5)


def test_a_gallery_that_was_never_calibrated_says_so(lab):
    lab.paint("a.png", "#f00")
    lab.update()

    with lab.reader() as store:
        assert read_calibration(store) is None
        with pytest.raises(CalibrationError, match="there is none yet; run `imgsearch calibrate`"):
            require_calibration(store)


def test_a_calibration_of_another_embedder_is_refused(gallery, found):
    write_calibration(gallery, replace(found, embedder=replace(found.embedder, model="other")))

    with (
        open_for_reading(gallery) as store,
        pytest.raises(CalibrationError, match="it is of another embedder"),
    ):
        read_calibration(store)


def changed(text):
    document = json.loads(text)
    document["score"] = 0.1
    return json.dumps(document)


@pytest.mark.parametrize(
    "damage",
    [changed, lambda text: text[:50], lambda _: "[]", lambda _: "{}", lambda _: "[" * 9000],
)
def test_a_damaged_calibration_is_refused(gallery, found, damage):
    write_calibration(gallery, found)
    path = gallery / CALIBRATION_NAME
    path.write_text(damage(path.read_text()))

    with open_for_reading(gallery) as store, pytest.raises(CalibrationError, match="damaged"):
        read_calibration(store)


def test_a_gallery_that_has_grown_by_half_is_another(found):
    few = replace(found, images=100)

    assert [few.is_stale(images) for images in (66, 67, 150, 151)] == [True, False, False, True]
